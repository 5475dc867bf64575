"""What is asked of the pixels of every pair, asked while its files are open.

What labels mean, which pairs are copies and which overlap is found over all pairs, one question after the
other, and thousands of files cannot stay open in between. So all of it is asked of each pair when it is met
first, of pixels that are read once, and the answers, which are small, wait in its ``FileFacts``. What cannot
be answered yet is asked again in its turn, and says then what is wrong.

c band   h, w rows and columns of a window
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.data.pairs.copies import coarse_picture
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.overlaps import squares_in
from terramamba.data.pairs.scorable import first_values
from terramamba.data.pairs.statistics import values_of
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

MOST_VALUES = 2**22
"""Values of both dates that are held while they are looked at."""


def look_at(pair: PairFiles, training: int) -> None:
    """Read what will be asked of the pixels of ``pair``, if it can be read; ``training`` pairs train."""
    with suppress(InputError):
        if pair.window is not None and not pair.grid.window.contains(pair.window):
            return  # said in its turn
        dates = _held(pair)
        coarse_picture(pair, dates)
        squares_in(pair, dates)
        if pair.split == "train" and pair.wanted is not None and dates is not None:
            values_of(pair, pair.wanted.used, training, dates)
        if pair.label is not None and not pair.is_drawn:
            pair.label_facts()
            if pair.split != "train":  # one training pair that can be scored is enough
                first_values(pair, dates)


def _held(pair: PairFiles) -> tuple[Scene, ...] | None:
    """The dates of a pair in memory; None where they are large, or windows of larger ones."""
    dates = pair.open()
    if pair.window is not None or sum(date.grid.window.pixels * date.bands for date in dates) > MOST_VALUES:
        return None
    return tuple(replace(date, source=_Held(*date.read())) for date in dates)


@dataclass(frozen=True, eq=False)
class _Held:
    """Pixels that were read, and which of them are data."""

    values: Shaped[np.ndarray, "c h w"]
    valid: Bool[np.ndarray, "c h w"]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does, but never thinned out."""
        rows, cols = window.slices
        chosen = slice(None) if tuple(bands) == tuple(range(len(self.values))) else list(bands)
        return self.values[chosen, rows, cols], self.valid[chosen, rows, cols]
