"""How large the changed areas of a raster are, before they are traced: counted strip by strip.

Areas are pixels that touch at an edge or a corner. Memory grows with the number of areas alone.

h, w rows and columns of a strip   n areas   m areas of strips
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import rasterio
from jaxtyping import Bool, Float64, Int, Int64
from rasterio.windows import Window as RasterioWindow
from scipy.ndimage import label
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.windows import Window, strips

TOUCHING = np.ones((3, 3), int)
"""Neighbours of a pixel in ``scipy.ndimage``: at edges and corners."""

PIXELS_PER_STRIP = 4_000_000


@dataclass(frozen=True, eq=False)
class Components:
    """The areas of one value in a raster; ``of_strips`` is the area of each piece that lies in one strip."""

    area: Float64[np.ndarray, " n"]
    """Square metres, or pixels."""
    edges: Int64[np.ndarray, " n"]
    """Pixels without a left neighbour in the area: about a quarter of the corners of its outline."""
    bottom: Int64[np.ndarray, " n"]
    """Last row."""
    of_strips: Int64[np.ndarray, " m"]

    def __len__(self) -> int:
        return len(self.area)

    def batches(self, least: float, most_edges: int) -> list[Int64[np.ndarray, " k"]]:
        """Deal the areas of at least ``least`` into runs of about ``most_edges``, by falling size.

        Areas of one size are dealt from the top of the raster down.
        """
        kept = np.flatnonzero(self.area >= least)
        order = kept[np.lexsort((self.bottom[kept], -self.area[kept]))]
        run = np.cumsum(self.edges[order]) // most_edges
        return np.split(order, np.flatnonzero(np.diff(run)) + 1) if len(order) else []


def count_components(file: rasterio.DatasetReader, value: int, measure: PixelArea | None) -> Components:
    """Find the areas of ``value`` in the first band of ``file``; ``measure`` says how large pixels are."""
    counted: list[tuple[np.ndarray, ...]] = []
    first, second = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    above: Int64[np.ndarray, " w"] | None = None
    for window, numbers, count, begin in _labelled(file, value):
        inside = numbers > 0
        owners = numbers[inside]
        sizes = None if measure is None else measure.square_metres(window)[inside]
        left = inside.copy()
        left[:, 1:] &= ~inside[:, :-1]
        bottom = np.zeros(count + 1, np.int64)
        rows = np.nonzero(inside)[0]
        bottom[owners] = rows + window.row  # the last of several is kept, and rows come from the top
        counted.append(
            (
                np.bincount(owners, sizes, minlength=count + 1)[1:].astype(np.float64),
                np.bincount(numbers[left], minlength=count + 1)[1:],
                bottom[1:],
            )
        )
        if above is not None:
            one, other = _pairs(above, np.where(inside[0], numbers[0].astype(np.int64) + begin, 0))
            first.append(one)
            second.append(other)
        above = np.where(inside[-1], numbers[-1].astype(np.int64) + begin, 0)
    area, edges, bottom = (np.concatenate([np.zeros(0), *part]) for part in zip(*counted, strict=True))
    one, other = np.concatenate(first) - 1, np.concatenate(second) - 1
    links = coo_array((np.ones(len(one), np.int8), (one, other)), shape=(len(area), len(area)))
    total, joined = connected_components(links, directed=False) if len(area) else (0, np.zeros(0))
    of_strips = np.asarray(joined, np.int64)
    last = np.zeros(total, np.int64)
    np.maximum.at(last, of_strips, bottom.astype(np.int64))
    return Components(
        area=np.bincount(of_strips, area, minlength=total).astype(np.float64),
        edges=np.bincount(of_strips, edges, minlength=total).astype(np.int64),
        bottom=last,
        of_strips=of_strips,
    )


def chosen_pixels(
    file: rasterio.DatasetReader, value: int, found: Components, chosen: Int[np.ndarray, " k"]
) -> Iterator[tuple[Window, Bool[np.ndarray, "h w"]]]:
    """Yield strips of ``file`` with the pixels of the areas with the numbers ``chosen``."""
    wanted = np.zeros(len(found), bool)
    wanted[chosen] = True
    piece_wanted = np.concatenate([[False], wanted[found.of_strips]])
    for window, numbers, _, begin in _labelled(file, value):
        yield window, piece_wanted[np.where(numbers > 0, numbers.astype(np.int64) + begin, 0)]


def _labelled(
    file: rasterio.DatasetReader, value: int
) -> Iterator[tuple[Window, Int[np.ndarray, "h w"], int, int]]:
    """Strips of the raster, the areas in each numbered from 1, how many, and how many there were before."""
    begin = 0
    for window in strips(file.height, file.width, max(1, PIXELS_PER_STRIP // file.width)):
        where = RasterioWindow(window.col, window.row, window.width, window.height)
        numbers, count = label(file.read(1, window=where) == value, TOUCHING)
        yield window, numbers, count, begin
        begin += count


def _pairs(
    above: Int64[np.ndarray, " w"], below: Int64[np.ndarray, " w"]
) -> tuple[Int64[np.ndarray, " p"], Int64[np.ndarray, " p"]]:
    """Numbers of pieces that touch across two rows, 0 being none."""
    beside = [(above, below), (above[1:], below[:-1]), (above[:-1], below[1:])]
    touching = [np.stack([one, other])[:, (one > 0) & (other > 0)] for one, other in beside]
    one, other = np.unique(np.concatenate(touching, axis=1), axis=1)
    return one, other
