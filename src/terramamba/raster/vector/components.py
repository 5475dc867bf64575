"""How large the areas of a raster are, before they are traced: counted strip by strip.

Memory grows with the number of areas alone.

h, w rows and columns of a strip   n areas   m areas of strips
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

import numpy as np
import rasterio
from jaxtyping import Float64, Int, Int64

from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.vector.pieces import (
    NO_PIECE,
    PiecesOfStrip,
    joined_across,
    pieces_of_strips,
    united,
)
from terramamba.raster.windows import Window


@dataclass(frozen=True, eq=False)
class Components:
    """The areas in a raster; ``of_strips`` is the area of each piece that lies in one strip."""

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


def count_components(
    file: rasterio.DatasetReader, codes: Collection[int], measure: PixelArea | None, *, corners: bool
) -> Components:
    """Find the areas of the values ``codes`` in the first band of ``file``.

    ``measure`` says how large pixels are, ``corners`` whether those that touch at a corner are one area.
    """
    counted: list[tuple[np.ndarray, ...]] = []
    joined = [np.zeros((2, 0), np.int64)]
    above: PiecesOfStrip | None = None
    for strip in pieces_of_strips(file, codes, corners=corners):
        inside = strip.numbers != NO_PIECE
        owners = strip.numbers[inside] - strip.begin
        sizes = None if measure is None else measure.square_metres(strip.window)[inside]
        left = inside.copy()
        left[:, 1:] &= strip.numbers[:, 1:] != strip.numbers[:, :-1]
        bottom = np.zeros(strip.count, np.int64)
        rows = np.nonzero(inside)[0]
        bottom[owners] = rows + strip.window.row  # the last of several is kept, and rows come from the top
        counted.append(
            (
                np.bincount(owners, sizes, minlength=strip.count).astype(np.float64),
                np.bincount(strip.numbers[left] - strip.begin, minlength=strip.count),
                bottom,
            )
        )
        if above is not None:
            joined.append(joined_across(above, strip, corners=corners))
        above = strip
    area, edges, bottom = (np.concatenate(part) for part in zip(*counted, strict=True))
    total, of_strips = united(len(area), np.concatenate(joined, axis=1))
    last = np.zeros(total, np.int64)
    np.maximum.at(last, of_strips, bottom)
    return Components(
        area=np.bincount(of_strips, area, minlength=total).astype(np.float64),
        edges=np.bincount(of_strips, edges, minlength=total).astype(np.int64),
        bottom=last,
        of_strips=of_strips,
    )


def chosen_pixels(
    file: rasterio.DatasetReader,
    codes: Collection[int],
    found: Components,
    chosen: Int[np.ndarray, " k"],
    *,
    corners: bool,
) -> Iterator[tuple[Window, Int64[np.ndarray, "h w"]]]:
    """Yield strips of ``file``: in the areas with the numbers ``chosen`` one more than the value, else 0."""
    wanted = np.zeros(len(found), bool)
    wanted[chosen] = True
    piece_wanted = np.append(wanted[found.of_strips], False)  # of no piece, which is -1, the last
    for strip in pieces_of_strips(file, codes, corners=corners):
        yield strip.window, np.where(piece_wanted[strip.numbers], strip.values.astype(np.int64) + 1, 0)
