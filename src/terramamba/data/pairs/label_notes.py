"""What is said of labels: where they lie, which pixels have no reference, and which may mean the reverse."""

import re
from collections.abc import Mapping, Sequence

from terramamba.core.words import count, percent
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_pixels import LabelPixels
from terramamba.data.pairs.mask_facts import MaskFacts
from terramamba.raster.views.on_grid import NearestSource
from terramamba.raster.views.warped import grid_in_words

MOSTLY = 0.75
"""A subset with a larger share of changed pixels is odd beside one with a larger share of unchanged ones."""


def reversed_in_words(totals: Mapping[str, LabelPixels]) -> list[str]:
    """Say which subset is changed for the most part where the others are hardly: it may be the reverse.

    Where most pixels of all subsets are changed, all may be.
    """
    shares = {subset: of.changed / (of.changed + of.unchanged) for subset, of in totals.items() if of.changed}
    mostly = [subset for subset, share in shares.items() if share > MOSTLY]
    hardly = [subset for subset, share in shares.items() if share < 1 - MOSTLY]
    changed = sum(of.changed for of in totals.values())
    every = sum(of.changed + of.unchanged + of.ignored for of in totals.values())
    if len(shares) == len(totals) and not hardly and changed > MOSTLY * every:
        return [
            f"{percent(changed / every)} of the pixels of all masks are changed: where these show change dark"
            " on bright, they are the other way round; look at one, and say which value means changed with"
            " --changed-values"
        ]
    if not mostly or not hardly:
        return []
    odd = mostly if len(mostly) <= len(hardly) else hardly
    most, least = percent(shares[mostly[0]]), percent(shares[hardly[0]])
    return [
        f"{most} of the {mostly[0]} masks are changed and {least} of the {hardly[0]} masks: those of "
        f"{' and '.join(odd)} are probably the other way round; look at both, and turn one of them round, or "
        "state the values in the rows of a table"
    ]


def on_other_grids(pairs: Sequence[PairFiles]) -> list[str]:
    """Say which labels were brought onto the pixels of their images."""
    moved = [pair for pair in pairs if isinstance(pair.reference()[0].source, NearestSource)]
    if not moved:
        return []
    own = moved[0].facts.scene(str(moved[0].label))
    return [
        f"{count(len(moved), 'label')} of {len(pairs)} on another grid than the images, laid on theirs by "
        f"georeference and nearest neighbour, without reference where a label does not reach; the first: "
        f"{own.path}, {grid_in_words(own.grid)}"
    ]


def on_drawn(pairs: Sequence[PairFiles]) -> list[str]:
    """Say what was assumed of polygons, and done to them; the first file stands for others of the same."""
    alike: dict[str, dict[str, str]] = {}
    for pair in pairs:
        if pair.is_drawn:
            for note in pair.reference()[0].notes:
                path, _, said = note.partition(": ")
                alike.setdefault(re.sub(r"\d+", "", said), {}).setdefault(path, note)
    return [
        next(iter(notes.values()))
        + (f"; likewise {count(len(notes) - 1, 'other')}" if len(notes) > 1 else "")
        for notes in alike.values()
    ]


def nan_in_words(masks: Sequence[MaskFacts]) -> list[str]:
    """Say how many pixels are NaN."""
    holding = [mask for mask in masks if mask.nan]
    if not holding:
        return []
    return [
        f"{sum(mask.nan for mask in holding):,} pixels of {count(len(holding), 'mask')} are NaN, without "
        f"reference; the first: {holding[0].path}"
    ]


def several_in_words(masks: Sequence[MaskFacts]) -> list[str]:
    """Say of how many files that hold several images the first is read."""
    holding = [mask for mask in masks if mask.several is not None]
    if not holding:
        return []
    return [
        f"{count(len(holding), 'mask')} of several images; the first: {holding[0].path} {holding[0].several}"
    ]


def hidden_in_words(masks: Sequence[MaskFacts]) -> list[str]:
    """Say how many pixels transparency or a mask inside the file takes out of the reference."""
    if not masks:
        return []
    pixels = sum(sum(mask.transparent.values()) for mask in masks)
    return [
        f"{pixels:,} pixels of {count(len(masks), 'mask')} are transparent, or masked inside their file, and "
        f"have no reference; the first: {masks[0].path}"
    ]
