"""Pixels and windows that people name: by row and column from 0, or by coordinates."""

from collections.abc import Sequence
from math import floor, isfinite

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, apply
from terramamba.raster.windows import Window

Pixel = tuple[int, int]
"""Row and column, from 0."""


def numbers(flag: str, text: str, names: str) -> list[tuple[float, ...]]:
    """Read groups of numbers as in "10,20 30,40"; ``names`` are those of a group, such as "ROW,COL".

    Raises:
        InputError: what is no group of so many numbers.
    """
    groups = []
    for word in text.replace(";", " ").split():
        try:
            group = tuple(float(number) for number in word.split(","))
        except ValueError:
            group = ()
        if len(group) != len(names.split(",")) or not all(map(isfinite, group)):
            raise InputError(f"{flag} {text}: '{word}' is not {names}; several are parted by spaces")
        groups.append(group)
    if not groups:
        raise InputError(f"{flag}: names nothing; give {names}")
    return groups


def named_pixels(path: str, grid: Grid, pixel: str | None, at: str | None) -> list[Pixel]:
    """Return the pixels that ``pixel`` ("ROW,COL ...") and ``at`` ("X,Y ...", grid's CRS) name, each once.

    Raises:
        InputError: a pixel outside the grid, or coordinates where the grid has none.
    """
    found: list[Pixel] = []
    for row, col in [] if pixel is None else numbers("--pixel", pixel, "ROW,COL"):
        if row != int(row) or col != int(col):
            raise InputError(f"--pixel {row:g},{col:g}: rows and columns are whole numbers from 0")
        found.append(_inside(path, grid, int(row), int(col), f"--pixel {row:g},{col:g}"))
    for x, y in [] if at is None else numbers("--at", at, "X,Y"):
        if grid.transform is None:
            raise InputError(f"--at {x:g},{y:g}: {path} has no georeference; give --pixel ROW,COL")
        col, row = apply(~grid.transform, x, y)
        found.append(_inside(path, grid, floor(row), floor(col), f"--at {x:.12g},{y:.12g}"))
    return list(dict.fromkeys(found))


def named_window(path: str, grid: Grid, text: str) -> Window:
    """Return the window "ROW,COL,HEIGHT,WIDTH"; raises ``InputError`` where it is not inside the grid."""
    groups = numbers("--window", text, "ROW,COL,HEIGHT,WIDTH")
    whole = tuple(int(number) for number in groups[0])
    if len(groups) > 1 or whole != groups[0] or min(whole[2:]) < 1:
        raise InputError(f"--window {text}: one window of whole numbers, at least 1 high and wide, is needed")
    window = Window(*whole)
    if not grid.window.contains(window):
        raise InputError(f"--window {text}: not inside {path} of {grid.height} x {grid.width} pixels")
    return window


def window_around(grid: Grid, pixel: Pixel, size: int) -> Window:
    """Return ``size`` x ``size`` pixels around ``pixel``, shifted to lie inside the grid, or all of it."""
    height, width = min(size, grid.height), min(size, grid.width)
    row = min(max(pixel[0] - height // 2, 0), grid.height - height)
    col = min(max(pixel[1] - width // 2, 0), grid.width - width)
    return Window(row, col, height, width)


def _inside(path: str, grid: Grid, row: int, col: int, said: str) -> Pixel:
    if not grid.window.contains(Window(row, col, 1, 1)):
        raise InputError(
            f"{said}: is row {row}, column {col}, outside {path} of {grid.height} x {grid.width} pixels"
        )
    return row, col


def as_pixels(pixels: Sequence[Pixel]) -> list[list[int]]:
    """Return pixels in words of JSON."""
    return [[int(row), int(col)] for row, col in pixels]
