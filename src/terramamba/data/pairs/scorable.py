"""Which pairs have a pixel that can be scored: a reference, and data at both dates."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import CHANGED, IGNORE, UNCHANGED
from terramamba.data.pairs.mask_facts import band_of
from terramamba.raster.readers.gdal_source import is_data
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips

PIXELS_PER_READ = 2**18
"""Few, since the first ones that are read have nearly always a pixel that counts."""


def require_scorable(pairs: Sequence[PairFiles], subset: str, *, all_of_them: bool = True) -> list[str]:
    """Note labelled ``pairs`` of a ``subset`` none of whose pixels can be scored; read up to the first one.

    Unless ``all_of_them`` are looked at, one that can be scored is enough.

    Raises:
        InputError: that holds for every pair, or a file is damaged.
    """
    empty: list[PairFiles] = []
    for pair in pairs:
        if not is_scorable(pair):
            empty.append(pair)
        elif not all_of_them:
            return []
    if not empty:
        return []
    if len(empty) == len(pairs):
        raise InputError(
            f"{empty[0].before}: no pixel of the {count(len(pairs), f'{subset} pair')} can be used: wherever "
            "a mask has a reference, a date has no data or is masked; give pairs, masks or labels that leave "
            "some"
        )
    return [
        f"{len(empty)} of {count(len(pairs), f'{subset} pair')} hold no pixel with a reference and data at "
        f"both dates, and are left out of scores and intervals; the first: {empty[0].before}"
    ]


def is_scorable(pair: PairFiles) -> bool:
    """Tell whether any pixel of a pair, whose label is settled, has a reference and data at both dates."""
    if pair.label is None or pair.coding is None:
        return False
    if pair.unchanged is None and not pair.is_drawn:
        meanings = map(pair.coding.meaning, first_values(pair))
        if any(meaning in (CHANGED, UNCHANGED) for meaning in meanings):
            return True
    label, unchanged = pair.reference()
    for window in _strips(pair):
        if _with_data(pair.open(), window, read_mask(label, pair.coding, window, unchanged) != IGNORE).any():
            return True
    return False


def first_values(pair: PairFiles, dates: Sequence[Scene] | None = None) -> frozenset[int]:
    """Find the values in the first rows of a label, not drawn, that have data at both dates and may count.

    What they mean need not be settled: this can be asked whenever the ``dates`` of the pair are open.
    """

    def found() -> frozenset[int]:
        label, _ = replace(pair, coding=None).reference()
        window = next(iter(_strips(pair)))
        values, there = band_of(label, window)
        counts = there & is_data(values, label.nodata)
        return frozenset(np.unique(values[_with_data(dates or pair.open(), window, counts)]).tolist())

    return pair.facts.once(("first values", *pair.reading, pair.label, pair.window), found)


def _strips(pair: PairFiles) -> Iterator[Window]:
    area = pair.window or pair.grid.window
    for strip in strips(area.height, area.width, max(1, PIXELS_PER_READ // area.width)):
        yield Window(area.row + strip.row, area.col + strip.col, *strip.shape)


def _with_data(
    dates: Sequence[Scene], window: Window, counts: Bool[np.ndarray, "h w"]
) -> Bool[np.ndarray, "h w"]:
    """Those of the pixels that count where both dates have data."""
    for date in dates:
        if counts.any():
            values, valid = date.read(window)
            counts = counts & (valid & (values == values)).all(axis=0)
    return counts
