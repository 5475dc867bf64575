"""Which pairs train, validate and test, where the files do not say it; and fewer, to learn from little."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from terramamba.change.settings import Dividing
from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.pairs.image_pair import WHOLE, PairFiles
from terramamba.data.splits.block_size import BlockSize
from terramamba.raster.pixel_area import pixel_sides
from terramamba.raster.windows import Window

BLOCKS_ACROSS, LEAST_BLOCK = 6, 64
"""Blocks along the shorter side of an image where no size is given, and their least side in pixels."""
SUBSETS = ("train", "val", "test")
SAYS = {
    "image": "subsets are drawn by image (--split image): images that lie side by side share what they show"
    " at their edges, so that scores may be a little too high",
    "block": "subsets are blocks of the same images (--split block): scores say how well the rest of these"
    " images is mapped, not other places or dates",
}


def divided(
    pairs: Mapping[str, Sequence[PairFiles]], how: Dividing, data: str, seed: int
) -> tuple[dict[str, list[PairFiles]], list[str]]:
    """Return pairs by subset, and notes on what scores of them can claim.

    Args:
        pairs: As their files have them, by subset.
        how: Whether that stays, or they are drawn by image or by block; and how many train.
        data: What the pairs come from, for messages.
        seed: Of what is drawn.

    Raises:
        InputError: too few images or blocks for three subsets, or files that name none where they are to.
    """
    found, notes = {name: list(files) for name, files in pairs.items()}, []
    if how.split == "given":
        if set(found) == {WHOLE}:
            raise InputError(
                f"{data}: does not say which pairs train and which validate; name folders or a column split,"
                " or have them drawn with --split image, or with --split block from parts of large images"
            )
    else:
        everything = [pair for files in pairs.values() for pair in files]
        groups = _by_image(everything) if how.split == "image" else _blocks(everything, how.block_size)
        found = _drawn(groups, how, data, seed)
        notes = [SAYS[how.split]]
    if found.get("train"):
        found["train"] = _fewer(found["train"], how, seed)
    return found, notes


def _by_image(pairs: Sequence[PairFiles]) -> list[list[PairFiles]]:
    """Pairs in groups that share no image file: windows of an image, and dates that follow one another."""
    groups: dict[str, list[PairFiles]] = {}
    for pair in pairs:
        met = [groups.get(path, []) for path in (pair.before, pair.after)]
        one = met[0] if met[0] is met[1] else [*met[0], *met[1]]
        one.append(pair)
        for member in one:
            groups[member.before] = groups[member.after] = one
    return list({id(one): one for one in groups.values()}.values())


def _blocks(pairs: Sequence[PairFiles], block_size: str | None) -> list[list[PairFiles]]:
    """Square windows of all pairs, one a group."""
    cut = []
    for pair in pairs:
        area = pair.window or pair.grid.window
        side = _side(pair, area, block_size)
        for row in range(0, area.height, side):
            for col in range(0, area.width, side):
                window = Window(
                    area.row + row,
                    area.col + col,
                    min(side, area.height - row),
                    min(side, area.width - col),
                )
                name = f"{pair.name}[{window.row}:{window.bottom},{window.col}:{window.right}]"
                cut.append([replace(pair, window=window, name=name)])
    return cut


def _side(pair: PairFiles, area: Window, block_size: str | None) -> int:
    """Side of the blocks of a pair, in pixels."""
    size = None if block_size is None else BlockSize.parse(block_size)
    if size is None:
        return max(LEAST_BLOCK, math.ceil(min(area.height, area.width) / BLOCKS_ACROSS))
    if size.unit == "px":
        return max(1, round(size.length))
    sides = pixel_sides(pair.grid)
    if sides is None:
        raise InputError(
            f"--block-size {block_size}: {pair.before} does not say how large its pixels are; give pixels, as"
            " in 64px"
        )
    return max(1, round(size.length / math.sqrt(sides[0] * sides[1])))


def _drawn(
    groups: Sequence[Sequence[PairFiles]], how: Dividing, data: str, seed: int
) -> dict[str, list[PairFiles]]:
    """Groups dealt to the subsets with the seed; each subset keeps the order of the files."""
    what = "image" if how.split == "image" else "block"
    counts = {
        "val": max(1, round(how.val_share * len(groups))),
        "test": max(1, round(how.test_share * len(groups))) if how.test_share else 0,
    }
    counts["train"] = len(groups) - sum(counts.values())
    if counts["train"] < 1:
        windows = [pair.window for group in groups for pair in group if pair.window is not None]
        half = max(1, max((min(window.shape) for window in windows), default=1) // 2)
        remedy = (
            "use --split block"
            if how.split == "image"
            else f"give smaller blocks with --block-size, as in {half}px"
        )
        few = f"{count(len(groups), what)} {'is' if len(groups) == 1 else 'are'} too few"
        raise InputError(f"{data}: {few} for train, val and test; {remedy}")
    order = np.random.default_rng(seed).permutation(len(groups))
    ends = np.cumsum([counts[subset] for subset in SUBSETS])
    dealt = dict(zip(SUBSETS, np.split(order, ends[:-1]), strict=True))
    return {
        subset: [replace(pair, split=subset) for group in sorted(own.tolist()) for pair in groups[group]]
        for subset, own in dealt.items()
        if len(own)
    }


def _fewer(pairs: list[PairFiles], how: Dividing, seed: int) -> list[PairFiles]:
    """Some of the training pairs, drawn with the seed: of two numbers the larger has all of the smaller."""
    number = max(1, round(how.labelled_fraction * len(pairs)))
    if how.max_pairs is not None:
        number = min(number, how.max_pairs)
    kept = np.random.default_rng(seed).permutation(len(pairs))[:number]
    return [pairs[index] for index in sorted(kept.tolist())]
