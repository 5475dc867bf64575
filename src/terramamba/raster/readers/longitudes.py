"""Grids whose longitudes run from 0 to 360, as climate data have them, brought to -180 to 180."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from jaxtyping import Bool, Float64, Shaped

from terramamba.raster.geogrid import Grid
from terramamba.raster.scene import Source
from terramamba.raster.windows import Window, evenly_spaced

CIRCLE = 360.0
ROUNDING = 1e-3
"""Share of a pixel by which the edges of a grid may miss 180 and 360 degrees for each of its columns."""


@dataclass(frozen=True)
class Westward:
    """A grid with longitudes up to 180, the stored column that comes first then, and what was done."""

    grid: Grid
    seam: int = 0
    notes: tuple[str, ...] = ()


def west_of_180(grid: Grid) -> Westward:
    """Bring a geographic grid that reaches beyond 180 degrees east to longitudes of -180 to 180.

    A grid of the whole circle is cut there: at the first column whose centre lies on 180 or beyond. One that
    reaches over 180 degrees otherwise stays as it is, which the note says.
    """
    crs, transform = grid.crs, grid.transform
    if crs is None or not crs.is_geographic or transform is None or transform.b or transform.d:
        return Westward(grid)
    step, west = transform.a, transform.c
    east, near = west + step * grid.width, ROUNDING * abs(step)
    if step <= 0 or east <= 180 + near:
        return Westward(grid)
    said = f"longitudes {west:.6g} to {east:.6g}"
    if west >= 180 - near:
        moved = f"{said} read as {west - CIRCLE:.6g} to {east - CIRCLE:.6g}"
        return Westward(_moved(grid, west - CIRCLE), notes=(moved,))
    seam = math.ceil((180 - west) / step - 0.5 - ROUNDING * grid.width)
    if abs(east - west - CIRCLE) <= near * grid.width and 0 < seam < grid.width:
        begin = west + seam * step - CIRCLE
        cut = f"{said} read as {begin:.6g} to {begin + CIRCLE:.6g}, cut there"
        return Westward(_moved(grid, begin), seam, (cut,))
    over = (
        f"{said} reach over the date line: what other files have there below 0 will not meet it; "
        "cut the file at 180 degrees to use both sides"
    )
    return Westward(grid, notes=(over,))


def carried_on(longitudes: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """Let longitudes run on from the west where they jump by a circle, beside 0 or 180 degrees.

    >>> carried_on(np.array([358.0, 359.0, 0.0, 1.0])).tolist()
    [358.0, 359.0, 360.0, 361.0]
    """
    turn = -1 if np.median(np.diff(longitudes)) < 0 else 1
    return np.asarray(np.unwrap(longitudes[::turn], period=CIRCLE)[::turn])


def _moved(grid: Grid, west: float) -> Grid:
    assert grid.transform is not None
    a, b, _, d, e, f = tuple(grid.transform)[:6]
    return replace(grid, transform=Affine(a, b, west, d, e, f))


@dataclass(frozen=True)
class RolledSource:
    """Pixels of ``source``, ``width`` columns wide, from its column ``seam`` on and round to it again."""

    source: Source
    seam: int
    width: int

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        before = self.width - self.seam
        cols = evenly_spaced(window.col, window.width, shape[1])
        cut = int(np.searchsorted(cols, before))
        edge = min(max(before, window.col), window.right)
        parts = (
            (Window(window.row, window.col + self.seam, window.height, edge - window.col), cut),
            (Window(window.row, edge - before, window.height, window.right - edge), shape[1] - cut),
        )
        read = [self.source.read(part, bands, (shape[0], count)) for part, count in parts if count]
        if len(read) == 1:
            return read[0]
        return np.concatenate([v for v, _ in read], axis=2), np.concatenate([m for _, m in read], axis=2)
