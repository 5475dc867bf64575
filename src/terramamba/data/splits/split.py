"""Which labelled pixels train, which choose the epoch and which are tested on: a value saved with the run."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from jaxtyping import Bool, Int, UInt8

from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, Leakage, leakage
from terramamba.data.splits.spatial_blocks import Share, block_roles
from terramamba.raster.windows import Window, strips

LEAST_PER_CLASS = 3
"""One pixel each to train, to validate and to test."""

WHY_OWN = ": all are for training or validation too, and a score that was chosen on its own test says nothing"

PIXELS_AT_ONCE = 4_000_000
"""Pixels of a map of roles that are written, read or summed up together."""

PARTS = {TRAIN: "train", VALIDATION: "validation", TEST: "test", LEFT_OUT: "left_out"}


@dataclass(frozen=True, eq=False)
class Split:
    """The role of every labelled pixel: TRAIN, VALIDATION, TEST, or LEFT_OUT (kept out on purpose).

    ``notes`` are sentences for people about what could not be parted as asked. ``id`` is the same for two
    splits exactly when their roles and patch size are.
    """

    kind: Literal["random", "block", "polygon", "given"]
    seed: int
    patch_size: int
    pixels: PixelList
    roles: UInt8[np.ndarray, " m"]
    notes: tuple[str, ...] = ()

    @cached_property
    def leakage(self) -> Leakage:
        """What the test pixels' patches see of the training pixels."""
        return leakage(self.pixels, self.roles, self.patch_size)

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits."""
        digest = hashlib.sha256(f"{self.patch_size} {self.pixels.shape}".encode())
        for _, image in self.role_maps():
            digest.update(image.tobytes())
        return digest.hexdigest()[:12]

    def role_maps(self) -> Iterator[tuple[Window, UInt8[np.ndarray, "h w"]]]:
        """The map of roles, 0 where nothing is labelled, strip by strip from the top."""
        height, width = self.pixels.shape
        for window in strips(height, width, max(1, PIXELS_AT_ONCE // width)):
            image = np.zeros(window.shape, np.uint8)
            here = self.pixels.within(window)
            image[self.pixels.inside(window, here)] = self.roles[here]
            yield window, image

    def counts(self, classes: Int[np.ndarray, " m"]) -> dict[str, list[int]]:
        """Pixels of classes 1..K in ``train``, ``validation``, ``test`` and ``left_out``."""
        most = int(classes.max())
        return {
            name: np.bincount(classes[self.roles == role], minlength=most + 1)[1:].tolist()
            for role, name in PARTS.items()
        }


def random_split(
    pixels: PixelList,
    classes: Int[np.ndarray, " m"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    seed: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Pixels of each class at random, wherever they lie: the papers' protocol, which leaks.

    ``classes`` holds 1..K for each labelled pixel. Of each class ``train_fraction`` trains (at least
    ``min_per_class`` pixels, but for the sake of that never more than half of the class), ``val_fraction``
    validates (at least one pixel) and the rest is tested (at least one pixel). A fraction of 1 or more is a
    number of pixels per class, of which a class gives half at most.

    Raises:
        InputError: fractions that leave nothing to test, or a class with fewer than 3 pixels.
    """
    shares = _shares(classes, train_fraction, val_fraction, min_per_class, patch_size, "random", names)
    rng = np.random.default_rng(seed)
    roles = np.zeros(classes.shape, np.uint8)
    for c, share in shares.items():
        drawn = rng.permutation(np.flatnonzero(classes == c))
        roles[drawn[: share.train]] = TRAIN
        roles[drawn[share.train : share.train + share.val]] = VALIDATION
        roles[drawn[share.train + share.val :]] = TEST
    return Split("random", seed, patch_size, pixels, roles)


def block_split(
    pixels: PixelList,
    classes: Int[np.ndarray, " m"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    seed: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Contiguous blocks and whole components of each class, so that no held-out patch has a training pixel.

    The numbers of pixels are those of ``random_split``, as nearly as blocks allow: pixels within
    ``patch_size // 2`` of a training pixel are left out of validation and test, and a small class trains on
    fewer pixels so that some remain to test. See ``terramamba.data.splits.spatial_blocks`` for the rules.

    Raises:
        InputError: fractions that leave nothing to test, a class with fewer than 3 pixels, or no class that
            can be both trained and tested on.
    """
    shares = _shares(classes, train_fraction, val_fraction, min_per_class, patch_size, "block", names)
    rng = np.random.default_rng(seed)
    roles, notes = block_roles(pixels, classes, shares, _names(classes, names), patch_size, rng)
    for part in (VALIDATION, TEST):
        if not (roles == part).any():
            raise InputError(
                f"block split: no {PARTS[part]} pixel is left beside the training pixels with patches of "
                f"{patch_size}; label more ground, or use a smaller --patch-size or --split random"
            )
    dropped = np.count_nonzero(roles == LEFT_OUT)
    if dropped:
        notes.append(
            f"{dropped} of {len(classes)} labelled pixels are in no part: they lie within "
            f"{patch_size // 2} pixels of a training pixel"
        )
    return Split("block", seed, patch_size, pixels, roles, tuple(notes))


def given_split(
    pixels: PixelList,
    classes: Int[np.ndarray, " m"],
    train: Bool[np.ndarray, " m"],
    val: Bool[np.ndarray, " m"],
    test: Bool[np.ndarray, " m"],
    *,
    patch_size: int,
    names: Sequence[str] | None = None,
) -> Split:
    """The parts as somebody drew them; no buffer is cut, ``leakage`` tells how far they are apart.

    A pixel in two parts stays in the one that learns from it most: training before validation before test,
    so that nothing is tested that was trained on; a note counts them.

    Raises:
        InputError: a part without labelled pixels.
    """
    check_patch_size(patch_size)
    masks = {TRAIN: train, VALIDATION: val, TEST: test}
    roles = np.zeros(classes.shape, np.uint8)
    for part in (TEST, VALIDATION, TRAIN):
        roles[masks[part]] = part
    notes = []
    for part, mask in masks.items():
        taken = np.count_nonzero(mask & (roles != part))
        if taken:
            notes.append(f"{taken} {PARTS[part]} pixels are in an earlier part too and count only there")
        if not (roles == part).any():
            raise InputError(
                f"given split: no {PARTS[part]} pixel{' of its own' if taken else ''}"
                f"{WHY_OWN if taken and part == TEST else ''}; give each part labelled pixels that are in no"
                " other"
            )
    for c, name in enumerate(_names(classes, names), start=1):
        absent = [PARTS[part] for part in masks if not (roles[classes == c] == part).any()]
        if absent and len(absent) < len(masks):
            notes.append(f"class {name!r} has no {' or '.join(absent)} pixel")
    return Split("given", 0, patch_size, pixels, roles, tuple(notes))


def _names(classes: Int[np.ndarray, " m"], names: Sequence[str] | None) -> list[str]:
    return list(names) if names is not None else [f"class {c}" for c in range(1, int(classes.max()) + 1)]


def check_fractions(train_fraction: float, val_fraction: float, of: str) -> None:
    """Raise ``InputError`` where the two are no shares or numbers per class leaving some ``of`` to test."""
    amounts = {"--train-fraction": train_fraction, "--val-fraction": val_fraction}
    for flag, amount in amounts.items():
        if amount <= 0 or amount == 1 or (amount > 1 and amount != int(amount)):
            raise InputError(
                f"{flag} {amount:g}: must be a share between 0 and 1, or a whole number of {of} per class"
            )
    if max(amounts.values()) < 1 <= train_fraction + val_fraction:
        raise InputError(
            f"--train-fraction {train_fraction:g} and --val-fraction {val_fraction:g} leave nothing to test; "
            "their sum must be below 1"
        )


def check_patch_size(patch_size: int) -> None:
    """Raise ``InputError`` where a patch of this side has no middle pixel."""
    if patch_size < 1 or patch_size % 2 == 0:
        raise InputError(f"--patch-size {patch_size}: must be an odd number of pixels, such as 7")


def _shares(
    classes: Int[np.ndarray, " m"],
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    kind: str,
    names: Sequence[str] | None,
) -> dict[int, Share]:
    """The pixels of each class that train and validate; the least that a split needs is held."""
    check_patch_size(patch_size)
    check_fractions(train_fraction, val_fraction, "pixels")
    totals = np.bincount(classes)
    shares = {}
    for c, name in enumerate(_names(classes, names), start=1):
        total = int(totals[c])
        if 0 < total < LEAST_PER_CLASS:
            raise InputError(
                f"class {name!r} has {total} labelled pixel{'s' if total > 1 else ''}, a {kind} split needs "
                f"at least {LEAST_PER_CLASS} (to train, validate and test); label more of it or leave the "
                "class out"
            )
        if total:
            asked = _amount(train_fraction, total)
            train = min(max(asked, min(min_per_class, total // 2), 1), total - 2)
            val = min(max(_amount(val_fraction, total), 1), total - train - 1)
            shares[c] = Share(train, val, raised=train > asked)
    return shares


def _amount(amount: float, total: int) -> int:
    return round(amount * total) if amount < 1 else min(int(amount), total // 2)
