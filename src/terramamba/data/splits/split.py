"""Which labelled pixels train, which choose the epoch and which are tested on: a value saved with the run.

m labelled pixels   h, w rows and columns of a strip of the scene
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int, UInt8

from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import (
    SUBSET_NAMES,
    TEST,
    TRAIN,
    VALIDATION,
    Leakage,
    leakage,
)
from terramamba.data.splits.quotas import ClassQuota, check_patch_size, class_names, class_quotas
from terramamba.data.splits.spatial_blocks import component_subsets
from terramamba.data.splits.subset_draws import buffer_note, require_held_out, smaller, what_sees
from terramamba.raster.windows import Window, strips

WHY_OWN = ": all are for training or validation too, and a score that was chosen on its own test says nothing"

PIXELS_AT_ONCE = 4_000_000
"""Pixels of a map of subsets that are written, read or summed up together."""


@dataclass(frozen=True, eq=False)
class Split:
    """The subset of each labelled pixel: TRAIN, VALIDATION, TEST, or LEFT_OUT (kept out on purpose).

    ``patch_size`` is in pixels. ``notes`` are sentences for people about what could not be split as asked.
    ``block_size`` is the side of the square blocks that were dealt, such as "500m"; None: there were none.
    ``reach`` is that of smoothing, by which the buffer is wider, in pixels.
    ``quotas`` say how many pixels of each target were asked for; empty where they were not counted so.
    ``id`` is the same for two splits exactly when their subsets, patch size and block size are.
    """

    kind: Literal["random", "block", "polygon", "given"]
    seed: int
    patch_size: int
    pixels: PixelList
    subsets: UInt8[np.ndarray, " m"]
    notes: tuple[str, ...] = ()
    block_size: str | None = None
    quotas: Mapping[int, ClassQuota] = field(default_factory=dict)
    reach: int = 0

    @cached_property
    def leakage(self) -> Leakage:
        """Measure what the test pixels' patches see of the training pixels."""
        return leakage(self.pixels, self.subsets, self.patch_size, self.reach)

    @cached_property
    def id(self) -> str:
        """Name the split by twelve hexadecimal digits."""
        blocks = "" if self.block_size is None else f" {self.block_size}"
        blocks += f" r{self.reach}" if self.reach else ""
        digest = hashlib.sha256(f"{self.patch_size} {self.pixels.shape}{blocks}".encode())
        for _, image in self.subset_maps():
            digest.update(image.tobytes())
        return digest.hexdigest()[:12]

    def subset_maps(self) -> Iterator[tuple[Window, UInt8[np.ndarray, "h w"]]]:
        """Draw the map of subsets, 0 where nothing is labelled, strip by strip from the top."""
        height, width = self.pixels.shape
        for window in strips(height, width, max(1, PIXELS_AT_ONCE // width)):
            image = np.zeros(window.shape, np.uint8)
            here = self.pixels.within(window)
            image[self.pixels.inside(window, here)] = self.subsets[here]
            yield window, image

    def counts(self, targets: Int[np.ndarray, " m"]) -> dict[str, list[int]]:
        """Count pixels of each target, 0..K-1, in ``train``, ``validation``, ``test`` and ``left_out``."""
        classes = int(targets.max()) + 1
        return {
            name: np.bincount(targets[self.subsets == subset], minlength=classes).tolist()
            for subset, name in SUBSET_NAMES.items()
        }


def random_split(
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    seed: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Draw pixels of each class at random, wherever they lie: the papers' protocol, which leaks.

    ``targets`` holds 0..K-1 for each labelled pixel; class c is called ``names[c]``. Of each class
    ``train_fraction`` trains (at least ``min_per_class`` pixels, but for the sake of that never more than
    half of the class), ``val_fraction`` validates (at least one pixel) and the rest is tested (at least one
    pixel). A fraction of 1 or more is a number of pixels per class, of which a class gives half at most.

    Raises:
        InputError: fractions that leave nothing to test, or a class with fewer than 3 pixels.
    """
    quotas = class_quotas(targets, train_fraction, val_fraction, min_per_class, patch_size, "random", names)
    rng = np.random.default_rng(seed)
    subsets = np.zeros(targets.shape, np.uint8)
    for c, quota in quotas.items():
        drawn = rng.permutation(np.flatnonzero(targets == c))
        subsets[drawn[: quota.train]] = TRAIN
        subsets[drawn[quota.train : quota.train + quota.val]] = VALIDATION
        subsets[drawn[quota.train + quota.val :]] = TEST
    return Split("random", seed, patch_size, pixels, subsets, quotas=quotas)


def block_split(
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    reach: int = 0,
    seed: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Draw spatial blocks of each class, whole components where they fit; no held-out patch is trained on.

    The numbers of pixels are those of ``random_split``, as nearly as blocks allow: pixels within
    ``patch_size // 2 + reach`` of a training pixel are left out of validation and test, and a small class
    trains on fewer pixels so that some remain to test. Smoothing that reaches ``reach`` pixels widens the
    buffer alone: blocks are as many as without it. The rules: ``terramamba.data.splits.spatial_blocks``.

    Three fields and patches of 3 pixels (T: train, V: validation, E: test, -: left out, since a patch there
    has a training pixel, .: unlabelled):

    >>> targets = np.repeat([0, 1], 12)[None].repeat(16, axis=0)
    >>> targets[:, 11:13] = targets[6:8, :12] = -1
    >>> pixels = PixelList.of(targets >= 0)
    >>> split = block_split(
    ...     pixels, targets[targets >= 0], train_fraction=0.15, val_fraction=0.15, min_per_class=0,
    ...     patch_size=3, seed=0,
    ... )
    >>> for row in pixels.draw(np.array(list("-TVE"))[split.subsets], fill="."):
    ...     print("".join(row))
    EEEEEEEEEEE..---VVVVVEEE
    EEEEEEEEEEE..TT--VVVEEEE
    EEEEEEEEEEE..TTT--VEEEEE
    EEEEEEEVVVV..TTTT-VEEEEE
    EEEEEEEVVVV..TTT--EEEEEE
    EEEEEEEVVVV..-T--E---EEE
    .............---E--T--EE
    .............VVE--TTT--E
    EE-TTTTT-VV..VEE-TTTTT-E
    EE-TTTTT-VV..EEE--TTT--E
    EE--TT---VV..EEEE--T--EE
    -------EEEV..EEEEE---EEE
    TT-EEEEEEEV..EEEEEEEEEEE
    TT--EEEEEEV..EEEEVVVEEEE
    TTT--EEEEEV..EEEVVVVVEEE
    TTTT-EEEEEV..EEEVVVVVEEE

    Raises:
        InputError: fractions that leave nothing to test, a class with fewer than 3 pixels, or no class that
            can be both trained and tested on.
    """
    quotas = class_quotas(targets, train_fraction, val_fraction, min_per_class, patch_size, "block", names)
    rng = np.random.default_rng(seed)
    subsets, notes = component_subsets(
        pixels, targets, quotas, class_names(targets, names), patch_size, reach, rng
    )
    require_held_out(
        subsets,
        "block split",
        f"the training pixels with {what_sees(patch_size, reach)}; label more ground, or use a smaller "
        f"{smaller(reach)} or --split random",
    )
    notes += buffer_note(subsets, patch_size // 2 + reach, "training pixel")
    return Split("block", seed, patch_size, pixels, subsets, tuple(notes), quotas=quotas, reach=reach)


def given_split(
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    train: Bool[np.ndarray, " m"],
    val: Bool[np.ndarray, " m"],
    test: Bool[np.ndarray, " m"],
    *,
    patch_size: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Take the subsets as somebody drew them; no buffer is cut, ``leakage`` tells how far they are apart.

    ``train``, ``val`` and ``test`` mark the pixels of each. A pixel in two of them stays in the one that
    learns from it most, training before validation before test, so that nothing is tested that was trained
    on; a note counts them.

    Raises:
        InputError: a subset without labelled pixels.
    """
    check_patch_size(patch_size)
    masks = {TRAIN: train, VALIDATION: val, TEST: test}
    subsets = np.zeros(targets.shape, np.uint8)
    for subset in (TEST, VALIDATION, TRAIN):
        subsets[masks[subset]] = subset
    notes = []
    for subset, mask in masks.items():
        name = SUBSET_NAMES[subset]
        taken = np.count_nonzero(mask & (subsets != subset))
        if taken:
            notes.append(f"{taken} {name} pixels are in an earlier subset too and count only there")
        if not (subsets == subset).any():
            raise InputError(
                f"given split: no {name} pixel{' of its own' if taken else ''}"
                f"{WHY_OWN if taken and subset == TEST else ''}; give each subset labelled pixels that are "
                "in no other"
            )
    for c, name in enumerate(class_names(targets, names)):
        absent = [SUBSET_NAMES[subset] for subset in masks if not (subsets[targets == c] == subset).any()]
        if absent and len(absent) < len(masks):
            notes.append(f"class {name!r} has no {' or '.join(absent)} pixel")
    return Split("given", 0, patch_size, pixels, subsets, tuple(notes))
