"""Which labelled pixels train, which choose the epoch and which are tested on: a value saved with the run."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Int, UInt8

from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.run_files import SPLIT, SPLIT_ARRAY, SPLIT_IMAGE
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, Leakage, leakage
from terramamba.data.splits.spatial_blocks import Share, block_roles
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

__all__ = [
    "LEFT_OUT",
    "TEST",
    "TRAIN",
    "VALIDATION",
    "Leakage",
    "Split",
    "block_split",
    "check_fractions",
    "check_patch_size",
    "given_split",
    "leakage",
    "load_split",
    "random_split",
    "save_split",
]

LEAST_PER_CLASS = 3
"""One pixel each to train, to validate and to test."""

WHY_OWN = ": all are for training or validation too, and a score that was chosen on its own test says nothing"

PARTS = {TRAIN: "train", VALIDATION: "validation", TEST: "test", LEFT_OUT: "left_out"}


@dataclass(frozen=True, eq=False)
class Split:
    """The role of every pixel: TRAIN, VALIDATION, TEST, or LEFT_OUT (unlabelled, or kept out on purpose).

    ``notes`` are sentences for people about what could not be parted as asked. ``id`` is the same for two
    splits exactly when their roles and patch size are.
    """

    kind: Literal["random", "block", "polygon", "given"]
    seed: int
    patch_size: int
    roles: UInt8[np.ndarray, "h w"]
    notes: tuple[str, ...] = ()

    @cached_property
    def leakage(self) -> Leakage:
        """What the test pixels' patches see of the training pixels."""
        return leakage(self.roles, self.patch_size)

    @cached_property
    def id(self) -> str:
        """Twelve hexadecimal digits."""
        head = f"{self.patch_size} {self.roles.shape}".encode()
        return hashlib.sha256(head + self.roles.tobytes()).hexdigest()[:12]

    def counts(self, classes: Int[np.ndarray, "h w"]) -> dict[str, list[int]]:
        """Pixels of classes 1..K in ``train``, ``validation``, ``test`` and ``left_out``."""
        most = int(classes.max())
        return {
            name: np.bincount(classes[(self.roles == role) & (classes > 0)], minlength=most + 1)[1:].tolist()
            for role, name in PARTS.items()
        }


def random_split(
    classes: Int[np.ndarray, "h w"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    seed: int,
    names: Sequence[str] | None = None,
) -> Split:
    """Pixels of each class at random, wherever they lie: the papers' protocol, which leaks.

    ``classes`` holds 0 (unlabelled) or 1..K. Of each class ``train_fraction`` trains (at least
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
        pixels = rng.permutation(np.flatnonzero(classes == c))
        roles.flat[pixels[: share.train]] = TRAIN
        roles.flat[pixels[share.train : share.train + share.val]] = VALIDATION
        roles.flat[pixels[share.train + share.val :]] = TEST
    return Split("random", seed, patch_size, roles)


def block_split(
    classes: Int[np.ndarray, "h w"],
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
    roles, notes = block_roles(classes, shares, _names(classes, names), patch_size, rng)
    for part in (VALIDATION, TEST):
        if not (roles == part).any():
            raise InputError(
                f"block split: no {PARTS[part]} pixel is left beside the training pixels with patches of "
                f"{patch_size}; label more ground, or use a smaller --patch-size or --split random"
            )
    dropped = np.count_nonzero((classes > 0) & (roles == LEFT_OUT))
    if dropped:
        notes.append(
            f"{dropped} of {np.count_nonzero(classes)} labelled pixels are in no part: they lie within "
            f"{patch_size // 2} pixels of a training pixel"
        )
    return Split("block", seed, patch_size, roles, tuple(notes))


def given_split(
    classes: Int[np.ndarray, "h w"],
    train: Bool[np.ndarray, "h w"],
    val: Bool[np.ndarray, "h w"],
    test: Bool[np.ndarray, "h w"],
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
    masks = {part: mask & (classes > 0) for part, mask in ((TRAIN, train), (VALIDATION, val), (TEST, test))}
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
    return Split("given", 0, patch_size, roles, tuple(notes))


def save_split(split: Split, folder: Path, grid: Grid, classes: Int[np.ndarray, "h w"]) -> None:
    """Write ``split.tif`` (``split.npy`` where the scene is not georeferenced) and ``split.json``."""
    if grid.transform is not None:
        colours = {TRAIN: (213, 94, 0), VALIDATION: (240, 228, 66), TEST: (0, 114, 178)}
        write_geotiff(
            folder / SPLIT_IMAGE,
            split.roles[None],
            grid,
            nodata=float(LEFT_OUT),
            colours=colours,
            class_names=PARTS,
            overwrite=True,
        )
    else:
        np.save(folder / SPLIT_ARRAY, split.roles)
    record = {
        "kind": split.kind,
        "seed": split.seed,
        "patch_size": split.patch_size,
        "id": split.id,
        "roles": {name: role for role, name in PARTS.items()},
        "counts": split.counts(classes),
        "leakage": split.leakage,
        "notes": split.notes,
    }
    write_json(folder / SPLIT, record)


def load_split(folder: Path) -> Split:
    """The split that ``save_split`` wrote.

    Raises:
        InputError: a file is missing, or the two do not belong together.
    """
    record = _read_record(folder / SPLIT)
    image, array = folder / SPLIT_IMAGE, folder / SPLIT_ARRAY
    if image.exists():
        roles = open_scene(image).read()[0][0]
    elif array.exists():
        roles = np.load(array, allow_pickle=False)
    else:
        raise InputError(
            f"{folder}: {SPLIT} without {SPLIT_IMAGE} or {SPLIT_ARRAY}; restore it or train again"
        )
    split = Split(record["kind"], record["seed"], record["patch_size"], roles, tuple(record["notes"]))
    if split.id != record["id"]:
        raise InputError(f"{folder}: {SPLIT} is of another split (id {record['id']}); train again")
    return split


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return {name: record[name] for name in ("kind", "seed", "patch_size", "notes", "id")}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: cannot be read as a split ({error}); train again") from error


def _names(classes: Int[np.ndarray, "h w"], names: Sequence[str] | None) -> list[str]:
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
    classes: Int[np.ndarray, "h w"],
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
    totals = np.bincount(classes.ravel())
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
