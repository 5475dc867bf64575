"""A split by square blocks of one side: every block trains, validates or tests as a whole.

The scene is cut by a grid of blocks, and each labelled pixel belongs to the block that it lies in. Classes
choose in turn, those in the fewest blocks first, as in the iterative stratification of Sechidis, Tsoumakas
and Vlahavas (2011): blocks at random until a class has its quota to train on, then to validate on; the rest
of its blocks is tested. Two fields in blocks of 4 x 4 pixels, for patches of 3 (T: train, V: validation,
E: test, -: left out, since a patch there has a training pixel, .: unlabelled):

>>> targets = np.repeat([0, 1], 12)[None].repeat(16, axis=0)
>>> targets[:, 11:13] = -1
>>> pixels = PixelList.of(targets >= 0)
>>> split = square_block_split(
...     pixels, targets[targets >= 0], BlockGrid("4px", 4, 4), train_fraction=0.2, val_fraction=0.2,
...     min_per_class=0, patch_size=3, seed=1,
... )
>>> for row in pixels.draw(np.array(list("-TVE"))[split.subsets], fill="."):
...     print("".join(row))
EEEEEEEEEEE..VV-TTTT-EEE
EEEEEEEEEEE..VV-TTTT-EEE
EEEEEEEEEEE..VV-TTTT-EEE
EEEEEEE----..---TTTT-EEE
EEEEVVV-TTT..TTT-----EEE
EEEEVVV-TTT..TTT-EEEEEEE
EEEEVVV-TTT..TTT-EEEEEEE
EEEEVVV-TTT..TTT-EEEEEEE
EEEEVVV-TTT..----EEEEEEE
EEEEVVV-TTT..VVVEEEEEEEE
EEEEVVV-TTT..VVVEEEEEEEE
EEEEVVV-TTT..VVVEEEEEEEE
EEEEEEE-TTT..VVVEEEEEEEE
EEEEEEE-TTT..VVVEEEEEEEE
EEEEEEE-TTT..VVVEEEEEEEE
EEEEEEE-TTT..VVVEEEEEEEE

m labelled pixels   b blocks   k classes
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Int, UInt8

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.block_grid import BlockGrid
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION
from terramamba.data.splits.quotas import ClassQuota, class_names, class_quotas
from terramamba.data.splits.split import Split
from terramamba.data.splits.subset_draws import best_draw, draw_notes, require_held_out, smaller, what_sees

LEAST_BLOCKS = 3
"""One block each to train, to validate and to test on."""

SPARE = 0.25
"""A block may exceed what is missing of a class's quota by this fraction of it."""

ENOUGH = 0.9
"""A class with this fraction of its quota gets no further block for it."""


def square_block_split(
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    blocks: BlockGrid,
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    reach: int = 0,
    seed: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Deal whole ``blocks`` to training, validation and test; no held-out patch contains a training pixel.

    ``targets`` holds 0..K-1 for each labelled pixel; class c is called ``names[c]``. The numbers of pixels
    of each class are those of ``random_split``, as nearly as whole blocks allow. Held-out pixels within
    ``patch_size // 2 + reach`` pixels of a training pixel are left out; of several draws the first is taken
    that leaves every class pixels in all subsets, else the one that leaves most.

    Raises:
        InputError: fractions that leave nothing to test, a class with fewer than 3 pixels or in fewer than 3
            blocks, a class that gets no block to train on, or nothing left to validate or to test on.
    """
    quotas = class_quotas(targets, train_fraction, val_fraction, min_per_class, patch_size, "block", names)
    called = class_names(targets, names)
    _, block = np.unique(blocks.block_of(pixels), return_inverse=True)
    counts = np.zeros((int(block.max()) + 1, int(targets.max()) + 1), np.int64)
    np.add.at(counts, (block, targets), 1)
    _require_blocks(counts, quotas, called, blocks)
    rng = np.random.default_rng(seed)
    subsets = best_draw(lambda: _deal(counts, quotas, rng)[block], pixels, targets, patch_size // 2 + reach)
    untrained = [
        name for c, name in enumerate(called) if c in quotas and not (subsets[targets == c] == TRAIN).any()
    ]
    if untrained:
        raise InputError(
            f"--block-size {blocks.size}: no block is left to train on {', '.join(map(repr, untrained))}; "
            "give smaller blocks, or label more ground"
        )
    require_held_out(
        subsets,
        f"--block-size {blocks.size}",
        f"the training blocks with {what_sees(patch_size, reach)}; give other blocks, label more ground, or "
        f"use a smaller {smaller(reach)}",
    )
    notes = draw_notes(targets, subsets, called, patch_size // 2 + reach, "training block")
    return Split("block", seed, patch_size, pixels, subsets, tuple(notes), blocks.size, quotas, reach)


def _require_blocks(
    counts: Int[np.ndarray, "b k"], quotas: Mapping[int, ClassQuota], names: Sequence[str], blocks: BlockGrid
) -> None:
    for c in quotas:
        held = np.count_nonzero(counts[:, c])
        if held < LEAST_BLOCKS:
            raise InputError(
                f"--block-size {blocks.size}: class {names[c]!r} lies in {count(int(held), 'block')}, a "
                f"split by blocks needs at least {LEAST_BLOCKS} (to train, validate and test); give smaller "
                "blocks, label more of it or leave the class out (--ignore-classes)"
            )


def _deal(
    counts: Int[np.ndarray, "b k"], quotas: Mapping[int, ClassQuota], rng: np.random.Generator
) -> UInt8[np.ndarray, " b"]:
    """Deal every block to a subset; ``counts`` are the pixels of each class in it."""
    dealt = np.full(len(counts), LEFT_OUT, np.uint8)
    for c in sorted(quotas, key=lambda c: (np.count_nonzero(counts[:, c]), counts[:, c].sum())):
        own = counts[:, c]
        free = rng.permutation(np.flatnonzero((own > 0) & (dealt == LEFT_OUT)))
        for subset, quota in ((TRAIN, quotas[c].train), (VALIDATION, quotas[c].val)):
            has = int(own[dealt == subset].sum())
            later = TEST - subset - sum(int((own[dealt == s] > 0).any()) for s in range(subset + 1, TEST + 1))
            while len(free) and has < ENOUGH * quota and (has == 0 or len(free) > later):
                fitting = np.flatnonzero(own[free] <= (1 + SPARE) * (quota - has))
                if not len(fitting) and has:
                    break
                chosen = fitting[0] if len(fitting) else int(own[free].argmin())
                dealt[free[chosen]] = subset
                has += int(own[free[chosen]])
                free = np.delete(free, chosen)
        dealt[free] = TEST
    return dealt
