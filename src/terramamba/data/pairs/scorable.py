"""Which pairs have a pixel that can be scored: a reference, and data at both dates."""

from collections.abc import Sequence

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_values import IGNORE
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
    label, unchanged = pair.reference()
    dates = pair.open()
    area = pair.window or label.grid.window
    for strip in strips(area.height, area.width, max(1, PIXELS_PER_READ // area.width)):
        window = Window(area.row + strip.row, area.col + strip.col, *strip.shape)
        usable = read_mask(label, pair.coding, window, unchanged) != IGNORE
        for date in dates:
            if usable.any():
                values, valid = date.read(window)
                usable &= (valid & (values == values)).all(axis=0)
        if usable.any():
            return True
    return False
