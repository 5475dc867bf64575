"""How many pixels of each class train, validate and test: what every split that draws is asked for.

m labelled pixels
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from terramamba.core.errors import InputError

LEAST_PER_CLASS = 3
"""One pixel each to train, to validate and to test."""


@dataclass(frozen=True)
class ClassQuota:
    """Pixels of one class to train and to validate on.

    ``raised``: the minimum per class asks for more training pixels than the fraction does.
    """

    train: int
    val: int
    raised: bool


def raised_classes(quotas: Mapping[int, ClassQuota]) -> tuple[int, ...]:
    """List the targets of which the minimum per class asks more to train than the fraction does."""
    return tuple(c for c, quota in quotas.items() if quota.raised)


def class_names(targets: Int[np.ndarray, " m"], names: Sequence[str] | None) -> list[str]:
    """Return ``names``, or "class 1", "class 2", ... where there are none, by target."""
    return list(names) if names is not None else [f"class {c + 1}" for c in range(int(targets.max()) + 1)]


def check_fractions(train_fraction: float, val_fraction: float, of: str) -> None:
    """Raise ``InputError`` where the two are no fractions or numbers per class, or leave nothing to test."""
    amounts = {"--train-fraction": train_fraction, "--val-fraction": val_fraction}
    for flag, amount in amounts.items():
        if amount <= 0 or amount == 1 or (amount > 1 and amount != int(amount)):
            raise InputError(
                f"{flag} {amount:g}: must be a fraction between 0 and 1, or a whole number of {of} per class"
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


def class_quotas(
    targets: Int[np.ndarray, " m"],
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    kind: str,
    names: Sequence[str] | None,
) -> dict[int, ClassQuota]:
    """Say how many pixels of each class train and validate, by target; at least one each, and one to test.

    ``targets`` holds 0..K-1; ``kind`` names the split in messages.

    Raises:
        InputError: fractions that leave nothing to test, or a class with fewer than 3 pixels.
    """
    check_patch_size(patch_size)
    check_fractions(train_fraction, val_fraction, "pixels")
    totals = np.bincount(targets)
    quotas = {}
    for c, name in enumerate(class_names(targets, names)):
        total = int(totals[c])
        if 0 < total < LEAST_PER_CLASS:
            raise InputError(
                f"class {name!r} has {total} labelled pixel{'s' if total > 1 else ''}, a {kind} split needs "
                f"at least {LEAST_PER_CLASS} (to train, validate and test); label more of it or leave "
                "the class out (--ignore-classes)"
            )
        if total:
            by_fraction = _amount(train_fraction, total)
            train = min(max(by_fraction, min(min_per_class, total // 2), 1), total - 2)
            val = min(max(_amount(val_fraction, total), 1), total - train - 1)
            quotas[c] = ClassQuota(train, val, raised=train > by_fraction)
    return quotas


def _amount(amount: float, total: int) -> int:
    return round(amount * total) if amount < 1 else min(int(amount), total // 2)
