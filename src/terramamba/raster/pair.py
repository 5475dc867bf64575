"""Two scenes as a pair: do their pixels lie on the same places, and do they hold the same kind of values?"""

import os
from dataclasses import dataclass

import numpy as np
from affine import Affine
from rasterio import warp
from rasterio._err import CPLE_BaseError

from terramamba.errors import InputError
from terramamba.raster.describe import Statistics, count, crs_name, look, percent, pixel_size, value_range
from terramamba.raster.mosaic import PIXEL_TOLERANCE, WAVELENGTH_TOLERANCE_NM
from terramamba.raster.scene import Grid, Scene, compose, open_scene, same_crs

RANGE_RATIO = 3.0
"""Two dates whose value ranges differ by more than this factor are probably in different units."""


@dataclass(frozen=True)
class PairReport:
    """What was found: ``problems`` prevent the use as a pair, ``notes`` are worth knowing."""

    before: Scene
    after: Scene
    problems: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """Whether the two make a pair."""
        return not self.problems

    @property
    def verdict(self) -> str:
        """The result in words, one finding a line."""
        if self.problems:
            heading = f"not a pair: {count(len(self.problems), 'problem')}"
        else:
            size = f"{self.before.height} x {self.before.width} pixels"
            heading = f"a pair of {size}, {count(self.before.bands, 'band')}"
        return "\n".join(
            [heading, *(f"problem: {p}" for p in self.problems), *(f"note: {n}" for n in self.notes)]
        )


def check_pair(before: Scene | str | os.PathLike[str], after: Scene | str | os.PathLike[str]) -> PairReport:
    """Compare two scenes: size, bands, coordinates and place, then types, value ranges and missing data.

    Reads thinned-out previews only. Raises ``InputError`` where a file cannot be opened or read.
    """
    first = before if isinstance(before, Scene) else open_scene(before)
    second = after if isinstance(after, Scene) else open_scene(after)
    problems, notes = _compare(first, second)
    return PairReport(first, second, tuple(problems), (*notes, *_compare_values(first, second)))


def require_pair(
    before: Scene | str | os.PathLike[str], after: Scene | str | os.PathLike[str]
) -> tuple[Scene, Scene]:
    """The two scenes, opened; raises ``InputError`` with the first problem where they do not make a pair.

    Looks at no pixels, so it is quick for a folder of pairs.
    """
    first = before if isinstance(before, Scene) else open_scene(before)
    second = after if isinstance(after, Scene) else open_scene(after)
    problems, _ = _compare(first, second)
    if problems:
        raise InputError(problems[0])
    return first, second


def _compare(first: Scene, second: Scene) -> tuple[list[str], list[str]]:
    problems, notes = [], []
    pair = f"{first.path} and {second.path}"
    located = first.transform is not None and second.transform is not None
    if located and not _overlap(first, second):
        return [f"{pair} show different places and do not overlap; give two images of one place"], []
    command = f"rio warp {second.path} aligned.tif --like {first.path}"
    remedy = f"bring the second onto the first's grid ({command})"
    if first.grid.window != second.grid.window:
        sizes = f"{first.height} x {first.width} and {second.height} x {second.width} pixels"
        cure = remedy if located else "crop both to the same area"
        problems.append(f"{pair} differ in size: {sizes}; {cure}")
    if first.bands != second.bands:
        bands = f"{first.bands} and {second.bands}"
        problems.append(f"{pair} differ in their number of bands: {bands}; choose the same bands of both")
    if first.crs is not None and second.crs is not None and not same_crs(first.crs, second.crs):
        systems = f"{crs_name(first.crs)} and {crs_name(second.crs)}"
        problems.append(f"{pair} differ in their coordinate reference system: {systems}; {remedy}")
    elif located:
        difference = _displacement(first, second)
        if difference:
            problems.append(f"{pair} differ in place: {difference}; {remedy}")
    if not located:
        notes.append(_unlocated(first, second))
    elif (first.crs is None) != (second.crs is None):
        notes.append("only one of the two names its coordinate reference system; taken to be the same")
    if first.dtype != second.dtype:
        notes.append(
            f"types of values differ: {first.dtype} and {second.dtype}; check that the units are the same"
        )
    if first.wavelengths and second.wavelengths and first.bands == second.bands:
        apart = max(abs(a - b) for a, b in zip(first.wavelengths, second.wavelengths, strict=True))
        if apart > WAVELENGTH_TOLERANCE_NM:
            notes.append(f"wavelengths differ by up to {apart:.4g} nm")
    if first.path == second.path:
        notes.append("both are the same file")
    return problems, notes


def _compare_values(first: Scene, second: Scene) -> list[str]:
    notes = []
    a, b = look(first), look(second)
    ranges = f"{value_range(a)} and {value_range(b)}"
    if _unlike(a, b):
        notes.append(
            f"value ranges differ: {ranges}; both dates are scaled by one rule, so units must be the same"
        )
    else:
        notes.append(f"value ranges: {ranges}")
    if a.all_missing or b.all_missing:
        notes.append(f"pixels without data: {percent(a.all_missing)} and {percent(b.all_missing)}")
    return notes


def _unlike(a: Statistics, b: Statistics) -> bool:
    if a.minimum is None or a.maximum is None or b.minimum is None or b.maximum is None:
        return False
    small, large = sorted((max(abs(a.minimum), abs(a.maximum)), max(abs(b.minimum), abs(b.maximum))))
    return large > RANGE_RATIO * small


def _unlocated(first: Scene, second: Scene) -> str:
    if first.transform is None and second.transform is None:
        return "neither has georeferencing; pixels are taken to lie on the same places"
    known = first if first.transform is not None else second
    return f"only {known.path} has georeferencing; pixels are taken to lie on the same places"


def _overlap(first: Scene, second: Scene) -> bool:
    bounds = [np.array(scene.grid.corners) for scene in (first, second)]
    if first.crs is not None and second.crs is not None and not same_crs(first.crs, second.crs):
        try:
            x, y = warp.transform(second.crs, first.crs, *bounds[1].T)
        except CPLE_BaseError:
            # A corner that the first's projection cannot show proves nothing about the rest.
            return True
        bounds[1] = np.column_stack([x, y])
    low = np.maximum(*(b.min(axis=0) for b in bounds))
    high = np.minimum(*(b.max(axis=0) for b in bounds))
    return bool(np.all(low < high)) or not np.isfinite(bounds[1]).all()


def _displacement(first: Scene, second: Scene) -> str:
    """How far the pixel grids are apart in pixels of the first, in words; empty where they are not."""
    assert first.transform is not None
    assert second.transform is not None
    relative = compose(~first.transform, second.transform)
    seen, own = (Grid(second.height, second.width, None, t).corners for t in (relative, Affine.identity()))
    moved = np.array(seen) - np.array(own)
    if np.abs(moved).max() <= PIXEL_TOLERANCE:
        return ""
    if np.abs(moved - moved[0]).max() > PIXEL_TOLERANCE:
        sizes = [pixel_size(s.transform, s.crs) for s in (first, second) if s.transform is not None]
        return "turned pixel grids" if sizes[0] == sizes[1] else f"pixels of {sizes[0]} and {sizes[1]}"
    right, down = moved[0]
    rows = f"{abs(down):.4g} rows {'below' if down > 0 else 'above'}"
    columns = f"{abs(right):.4g} columns {'right' if right > 0 else 'left'} of"
    return f"the second begins {rows} and {columns} the first"
