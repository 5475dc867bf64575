"""How many pixels of the labels of a subset mean what."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import CHANGED, UNCHANGED, Coding
from terramamba.data.pairs.mask_facts import VALUES_PER_READ
from terramamba.raster.windows import Window, strips


@dataclass(frozen=True)
class LabelPixels:
    """Pixels of labels by what they mean; of pairs that are windows, those in the windows."""

    unchanged: int
    changed: int
    ignored: int


def label_pixels(files: Iterable[PairFiles]) -> LabelPixels:
    """Count the pixels of the labels of ``files``: whole ones from what is known of them, others by reading.

    Those that a label does not reach, or that lie outside the area looked at, have no reference.

    Raises:
        InputError: a label cannot be read.
    """
    unchanged = changed = every = 0
    for pair in files:
        if pair.label is None or pair.coding is None:
            continue
        whole = pair.window is None and pair.unchanged is None
        found = _of_whole(pair, pair.coding) if whole else _as_read(pair, pair.coding)
        unchanged, changed, every = (sum(one) for one in zip((unchanged, changed, every), found, strict=True))
    return LabelPixels(unchanged, changed, every - unchanged - changed)


def _of_whole(pair: PairFiles, coding: Coding) -> tuple[int, int, int]:
    """Unchanged, changed and all pixels of a pair whose label is counted as a whole."""
    facts = pair.label_facts()
    unchanged = changed = 0
    for counts in (facts.counts, facts.transparent if coding.opaque else {}):
        for value, pixels in counts.items():
            meaning = coding.meaning(value)
            unchanged += pixels * (meaning == UNCHANGED)
            changed += pixels * (meaning == CHANGED)
    return unchanged, changed, pair.grid.window.pixels


def _as_read(pair: PairFiles, coding: Coding) -> tuple[int, int, int]:
    """Unchanged, changed and all pixels in the window of a pair, by its label and its unchanged mask."""
    label, certain = pair.reference()
    area, counts = pair.window or pair.grid.window, np.zeros(256, np.int64)
    for strip in strips(area.height, area.width, max(1, VALUES_PER_READ // (area.width * label.bands))):
        inside = Window(area.row + strip.row, area.col + strip.col, *strip.shape)
        mask = read_mask(label, coding, inside, certain)
        counts += np.bincount(mask.ravel(), minlength=256)
    return int(counts[0]), int(counts[1]), area.pixels
