"""Do values jump where two tiles of a mosaic meet? What one scene was cut into goes on across every seam.

Neighbours on both sides of a seam, or the same pixels of tiles that overlap, differ as neighbours do: by
nothing at the median. Where a tile has other units or another processing they differ by that, in all bands.
c band   n places along a seam
"""

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from jaxtyping import Float64

from terramamba.raster.scene import Source
from terramamba.raster.views.nodata import BEYOND_DATA
from terramamba.raster.windows import Window

MOST_PLACES, SIDE, LEAST_PLACES = 512, 24, 50
"""Pixels that are looked at, together in the middle of a seam so that few blocks are read; the side of a
square in the middle of what two tiles both show (longer where that is narrow); so many must have data."""
PARTS = (0.5, 0.25, 0.75)
"""Where the middle has no data the quarters are looked at."""
STEP, OF_SPREAD, OF_VALUE = 2.0, 0.2, 0.2
"""A jump is so many median deviations from it in every band, this part of the middle half of the values at
least, and in half of the bands this part of the values. Of 3,328 lines in real images, read whole, none is
one."""

Tile = tuple[str, Source, Window]
Sides = tuple[Float64[np.ndarray, "c n"], Float64[np.ndarray, "c n"]]


def jumps_at_seams(tiles: Sequence[Tile], bands: Sequence[int]) -> str | None:
    """Say between which of ``tiles`` the values of all ``bands`` jump; None: between none, or one band alone.

    Raises ``InputError`` where a tile is damaged.
    """
    if len(bands) < 2:
        return None
    found = []
    for first, second in combinations(tiles, 2):
        sides = _sides(first, second, bands)
        if sides is not None and _jump(*sides):
            found.append((first[0], second[0], sides))
    if not found:
        return None
    one, other, (a, b) = found[0]
    more = f" (so do {len(found)} pairs of tiles)" if len(found) > 1 else ""
    here, there = (f"{float(np.median(side[0])):,.4g}" for side in (a, b))
    return (
        f"{one} and {other}: values jump where these tiles meet, in all bands, as from {here} to {there} in"
        f" band {bands[0] + 1}{more}: probably other units, or an offset of processing such as Sentinel-2's"
        " 1,000; give tiles of one kind"
    )


def _sides(first: Tile, second: Tile, bands: Sequence[int]) -> Sides | None:
    """The pixels of two tiles beside their seam, or that both have; None where they do not meet."""
    own, other = first[2], second[2]
    shared = own.intersect(other)
    places = (shared, shared) if shared.pixels else _along(own, other)
    if places is None:
        places = _along(other, own)
        if places is None:
            return None
        places = places[::-1]
    for parts in dict.fromkeys(tuple(_part(place, at) for place in places) for at in PARTS):
        read = [
            tile[1].read(part.relative_to(tile[2]), tuple(bands), part.shape)
            for tile, part in zip((first, second), parts, strict=True)
        ]
        known = np.logical_and.reduce(
            [(valid & (np.abs(values) < BEYOND_DATA)).all(axis=0) for values, valid in read]
        )
        if np.count_nonzero(known) >= LEAST_PLACES:
            a, b = (values[:, known].astype(np.float64) for values, _ in read)
            return a, b
    return None


def _part(place: Window, at: float) -> Window:
    """Pixels together that lie ``at`` so much of the way from the first to the last of ``place``."""
    height = min(place.height, max(SIDE, MOST_PLACES // place.width))
    width = min(place.width, max(SIDE, MOST_PLACES // height))
    row, col = (int((whole - part) * at) for whole, part in ((place.height, height), (place.width, width)))
    return Window(place.row + row, place.col + col, height, width)


def _along(first: Window, second: Window) -> tuple[Window, Window] | None:
    """The last column or row of ``first`` and the first of ``second``, which begins where that ends."""
    top, bottom = max(first.row, second.row), min(first.bottom, second.bottom)
    left, right = max(first.col, second.col), min(first.right, second.right)
    if first.right == second.col and bottom > top:
        return Window(top, first.right - 1, bottom - top, 1), Window(top, second.col, bottom - top, 1)
    if first.bottom == second.row and right > left:
        return Window(first.bottom - 1, left, 1, right - left), Window(second.row, left, 1, right - left)
    return None


def _jump(a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]) -> bool:
    steps = np.median(b - a, axis=1)
    deviations = np.median(np.abs(b - a - steps[:, None]), axis=1)
    spreads = np.subtract(*np.percentile(a, [75, 25], axis=1))
    values = np.abs(np.median(np.minimum(np.abs(a), np.abs(b)), axis=1))
    size = np.abs(steps)
    certain = (size > 0) & (size >= STEP * deviations) & (size >= OF_SPREAD * spreads)
    return bool(certain.all()) and 2 * int(np.count_nonzero(size >= OF_VALUE * values)) >= len(size)
