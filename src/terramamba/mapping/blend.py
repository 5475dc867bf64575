"""Overlapping tiles into one seamless image, a row of tiles at a time.

What is blended are probabilities, not logits: each tile has one bounded vote, so a tile that is wildly sure
at its own edge, where it sees half of a building, cannot outvote a neighbour that sees all of it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from terramamba.raster.windows import Window, cosine_weights


@dataclass(frozen=True, eq=False)
class MappedWindow:
    """The result in ``window``: probabilities, which pixels are usable, which have no finite numbers."""

    window: Window
    probability: Float32[np.ndarray, "h w"]
    usable: Bool[np.ndarray, "h w"]
    not_finite: Bool[np.ndarray, "h w"]


def blend(tiles: Iterable[MappedWindow], height: int, width: int, overlap: int) -> Iterator[MappedWindow]:
    """Turn overlapping ``tiles`` into full rows of an image of ``height`` x ``width`` pixels.

    The tiles share one size and come in row-major order, as ``raster.windows.tiles`` lists them. Rows are
    handed out, from the top, as soon as no later tile touches them: only as many rows as a tile has are ever
    held.
    """
    held: _HeldRows | None = None
    for tile in tiles:
        if held is None:
            held = _HeldRows(tile.window.height, width, overlap, tile.window.width)
        if tile.window.row > held.top:
            yield held.release(tile.window.row - held.top)
        held.add(tile)
    if held is not None:
        yield held.release(height - held.top)


class _HeldRows:
    """Rows from ``top`` on that some tiles have been added to, and more tiles may be."""

    def __init__(self, rows: int, width: int, overlap: int, tile_width: int) -> None:
        self.top = 0
        self._tile_weights = cosine_weights(rows, tile_width, overlap)
        self._sum = np.zeros((rows, width), np.float32)
        self._alone = np.zeros((rows, width), np.float32)
        self._weights = np.zeros((rows, width), np.float32)
        self._usable = np.zeros((rows, width), bool)
        self._not_finite = np.zeros((rows, width), bool)

    def add(self, tile: MappedWindow) -> None:
        cols = slice(tile.window.col, tile.window.right)
        first = self._weights[:, cols] == 0
        self._alone[:, cols] = np.where(first, tile.probability, np.nan)
        self._sum[:, cols] += self._tile_weights * tile.probability
        self._weights[:, cols] += self._tile_weights
        self._usable[:, cols] = tile.usable & (first | self._usable[:, cols])
        self._not_finite[:, cols] |= tile.not_finite

    def release(self, rows: int) -> MappedWindow:
        """Return the uppermost ``rows``; those below them move up."""
        # Where one tile has a vote, its probability stays as it is: weighed and divided again it could end
        # on the other side of a threshold.
        alone, blended = self._alone[:rows], self._sum[:rows] / self._weights[:rows]
        released = MappedWindow(
            Window(self.top, 0, rows, self._sum.shape[1]),
            np.where(np.isnan(alone), blended, alone),
            self._usable[:rows].copy(),
            self._not_finite[:rows].copy(),
        )
        for held in (self._sum, self._alone, self._weights, self._usable, self._not_finite):
            held[:-rows] = held[rows:]
            held[-rows:] = 0
        self.top += rows
        return released
