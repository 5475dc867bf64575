"""Some pixels of a large grid: labelled ones, those of a split, those whose spectra are kept.

Memory grows with the pixels that are listed and not with the grid, so that two tiles far apart, or a few
lines of a long scene, cost what they hold.

m pixels   h, w rows and columns of the grid
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int, Int64, Shaped

from terramamba.raster.windows import Window

NEAR = 32
"""Rows or columns without a pixel that are read along with those around them, rather than split there."""


@dataclass(frozen=True, eq=False)
class PixelList:
    """Pixels of a grid of ``shape`` (rows, columns), row by row from the top, each once.

    ``keys`` are ascending; that of a pixel is its row times the columns of the grid plus its column.
    """

    shape: tuple[int, int]
    keys: Int64[np.ndarray, " m"]

    @classmethod
    def of(cls, marked: Bool[np.ndarray, "h w"]) -> "PixelList":
        """List the pixels that are ``marked``."""
        height, width = marked.shape
        return cls((height, width), np.flatnonzero(marked).astype(np.int64))

    @classmethod
    def at(cls, coordinates: Int[np.ndarray, "n 2"], shape: tuple[int, int]) -> "PixelList":
        """List the pixels at these rows and columns, in any order, some perhaps more than once."""
        return cls(shape, np.unique(coordinates[:, 0].astype(np.int64) * shape[1] + coordinates[:, 1]))

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def rows(self) -> Int64[np.ndarray, " m"]:
        """Return the row of each pixel."""
        return self.keys // self.shape[1]

    @property
    def cols(self) -> Int64[np.ndarray, " m"]:
        """Return the column of each pixel."""
        return self.keys % self.shape[1]

    @property
    def coordinates(self) -> Int64[np.ndarray, "m 2"]:
        """Return row and column of each pixel."""
        return np.stack([self.rows, self.cols], axis=1)

    def only(self, chosen: Bool[np.ndarray, " m"]) -> "PixelList":
        """Keep the pixels that are ``chosen``."""
        return PixelList(self.shape, self.keys[chosen])

    def within(self, window: Window) -> Int64[np.ndarray, " n"]:
        """Find the pixels that lie in ``window``, by their index in the list."""
        width = self.shape[1]
        first, last = np.searchsorted(self.keys, (window.row * width, window.bottom * width))
        cols = self.keys[first:last] % width
        return first + np.flatnonzero((cols >= window.col) & (cols < window.right))

    def inside(
        self, window: Window, index: Int64[np.ndarray, " n"]
    ) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """Return rows and columns in ``window`` of the pixels with this ``index`` in the list."""
        rows, cols = np.divmod(self.keys[index], self.shape[1])
        return rows - window.row, cols - window.col

    def find(self, keys: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """Find the index in this list of the pixels with ``keys``, -1 for one that is not in it."""
        if not len(self.keys):
            return np.full(len(keys), -1)
        index = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[index] == keys, index, -1)

    def draw(self, values: Shaped[np.ndarray, " m"], fill: object = 0) -> Shaped[np.ndarray, "h w"]:
        """Draw an image of the whole grid with the ``values`` of the pixels, ``fill`` elsewhere."""
        image = np.full(self.shape, fill, values.dtype)
        image.ravel()[self.keys] = values
        return image

    def squeezed(self, reach: int) -> "PixelList":
        """List the same pixels, in the same order, on a grid without the empty ground between them.

        Of more than ``reach`` rows or columns without a pixel, so many stay. So pixels at most ``reach`` rows
        and columns apart keep their distance, all others are farther apart than that, and whatever looks no
        farther finds the same on an image of this grid, which is as small as can be.
        """
        rows, height = _squeeze(self.rows, reach)
        cols, width = _squeeze(self.cols, reach)
        return PixelList((height, width), rows * width + cols)

    def windows(self, rows: int, cols: int) -> Iterator[tuple[Window, Int64[np.ndarray, " n"]]]:
        """Cut windows of at most ``rows`` x ``cols`` pixels that hold all of the list.

        Yields each with the index of its pixels; each pixel is in one of them. Pixels far apart, by rows or
        by columns, have windows of their own.
        """
        coordinates = self.coordinates
        for index in _clusters(coordinates, np.arange(len(self)), (rows, cols)):
            (top, left), (bottom, right) = (
                edge(coordinates[index], axis=0).tolist() for edge in (np.min, np.max)
            )
            yield Window(top, left, bottom - top + 1, right - left + 1), index


def _squeeze(lines: Int64[np.ndarray, " m"], reach: int) -> tuple[Int64[np.ndarray, " m"], int]:
    """Number rows (or columns) anew, and count them."""
    if not len(lines):
        return lines, 0
    used, index = np.unique(lines, return_inverse=True)
    moved = np.cumsum(np.minimum(np.diff(used, prepend=used[0]), reach + 1))
    return moved[index], int(moved[-1]) + 1


def _clusters(
    coordinates: Int64[np.ndarray, "m 2"], index: Int64[np.ndarray, " n"], most: tuple[int, int]
) -> Iterator[Int64[np.ndarray, " k"]]:
    """Split ``index`` of the pixels where rows or columns are empty, until no group can be split."""
    if not len(index):
        return
    for band in _runs(coordinates[index, 0], most[0]):
        for group in _runs(coordinates[index[band], 1], most[1]):
            if len(group) == len(index):
                yield index
            else:
                yield from _clusters(coordinates, np.sort(index[band][group]), most)


def _runs(lines: Int64[np.ndarray, " n"], most: int) -> list[Int64[np.ndarray, " k"]]:
    """Split rows (or columns) where more than ``NEAR`` are empty, and into at most ``most`` of them."""
    order = np.argsort(lines, kind="stable")
    ascending = lines[order]
    begins = np.concatenate([[True], np.diff(ascending) > NEAR + 1])
    first = ascending[np.maximum.accumulate(np.where(begins, np.arange(len(lines)), 0))]
    part = (ascending - first) // most
    cuts = np.flatnonzero(begins[1:] | (np.diff(part) != 0)) + 1
    return np.split(order, cuts)
