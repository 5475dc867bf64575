"""Connected pixels of one value in a raster of any size: pieces of its strips, numbered from the top.

h, w rows and columns of a strip   k pieces of a strip   p pairs of pieces
"""

import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from jaxtyping import Bool, Int64, Integer
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterioWindow
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from terramamba.raster.windows import Window, strips

NO_PIECE = -1
PIXELS_PER_STRIP = 4_000_000


@dataclass(frozen=True, eq=False)
class PiecesOfStrip:
    """The pieces in one strip: numbers ``begin`` to ``begin + count - 1`` of all pieces of the raster."""

    window: Window
    values: Integer[np.ndarray, "h w"]
    numbers: Int64[np.ndarray, "h w"]
    """Of the piece of each pixel; ``NO_PIECE`` where the value is not looked for."""
    begin: int
    count: int


@contextmanager
def reading(path: Path) -> Iterator[rasterio.DatasetReader]:
    """Open a raster that we wrote; that it may have no place on the Earth is no news."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as file:
            yield file


def pieces_of_strips(
    file: rasterio.DatasetReader, codes: Collection[int], *, corners: bool
) -> Iterator[PiecesOfStrip]:
    """Read the first band of ``file`` strip by strip, and number the pieces of the values ``codes``.

    Pixels of one value that touch at an edge, and with ``corners`` at a corner too, are one piece. Strips
    follow from the size of the raster alone, so that reading it again numbers the pieces alike.
    """
    begin = 0
    for window in strips(file.height, file.width, max(1, PIXELS_PER_STRIP // file.width)):
        where = RasterioWindow(window.col, window.row, window.width, window.height)
        values = file.read(1, window=where)
        numbers, count = _numbered(values, np.isin(values, list(codes)), corners=corners)
        numbers[numbers != NO_PIECE] += begin
        yield PiecesOfStrip(window, values, numbers, begin, count)
        begin += count


def joined_across(above: PiecesOfStrip, below: PiecesOfStrip, *, corners: bool) -> Int64[np.ndarray, "2 p"]:
    """Return the pairs of pieces of one value that touch where ``below`` follows ``above``."""
    numbers = np.concatenate([above.numbers[-1:], below.numbers[:1]])
    values = np.concatenate([above.values[-1:], below.values[:1]])
    sides = zip(_beside_below(numbers, corners=corners), _beside_below(values, corners=corners), strict=True)
    pairs = [
        np.stack([one, other])[:, (upper == lower) & (one != NO_PIECE) & (other != NO_PIECE)]
        for (one, other), (upper, lower) in sides
    ]
    return distinct(np.concatenate(pairs, axis=1))


def distinct(pairs: Int64[np.ndarray, "2 p"]) -> Int64[np.ndarray, "2 q"]:
    """Return each pair once, in order."""
    base = int(pairs.max(initial=0)) + 1
    return np.stack(np.divmod(np.unique(pairs[0] * base + pairs[1]), base))


def united(count: int, pairs: Int64[np.ndarray, "2 p"]) -> tuple[int, Int64[np.ndarray, " k"]]:
    """Return how many groups ``pairs`` make of ``count`` things, and the group of each."""
    if not count:
        return 0, np.zeros(0, np.int64)
    links = coo_array((np.ones(pairs.shape[1], np.int8), (pairs[0], pairs[1])), shape=(count, count))
    groups, of_each = connected_components(links, directed=False)
    return int(groups), of_each.astype(np.int64)


def _numbered(
    values: Integer[np.ndarray, "h w"], wanted: Bool[np.ndarray, "h w"], *, corners: bool
) -> tuple[Int64[np.ndarray, "h w"], int]:
    """Number the pieces from 0: runs of equal pixels in a row are joined with those of the row above."""
    begins = np.ones(values.shape, bool)
    begins[:, 1:] = values[:, 1:] != values[:, :-1]
    runs = begins.cumsum(dtype=np.int64).reshape(values.shape) - 1
    joined = [np.zeros((2, 0), np.int64)]
    sides = zip(
        _beside_below(runs, corners=corners),
        _beside_below(values, corners=corners),
        _beside_below(wanted, corners=corners),
        strict=True,
    )
    for (upper, lower), (above, below), (marked, _) in sides:
        alike = (above == below) & marked
        pairs = np.stack([upper[alike], lower[alike]])
        new = np.ones(pairs.shape[1], bool)
        new[1:] = (pairs[:, 1:] != pairs[:, :-1]).any(axis=0)
        joined.append(pairs[:, new])
    groups, of_run = united(int(runs[-1, -1]) + 1, np.concatenate(joined, axis=1))
    there = np.zeros(groups, bool)
    there[of_run[runs[wanted]]] = True
    renumbered = np.where(there, np.cumsum(there) - 1, NO_PIECE)
    numbers = renumbered[of_run[runs]]
    numbers[~wanted] = NO_PIECE
    return numbers, int(np.count_nonzero(there))


def _beside_below(array: np.ndarray, *, corners: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Each pixel but those of the last row, flat, beside what lies below it, at its edge or its corners."""
    above, below = array[:-1], array[1:]
    pairs = [(above, below)]
    if corners:
        pairs += [(above[:, 1:], below[:, :-1]), (above[:, :-1], below[:, 1:])]
    return [(one.ravel(), other.ravel()) for one, other in pairs]
