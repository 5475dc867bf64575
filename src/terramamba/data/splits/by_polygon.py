"""A split by whole shapes: every polygon that somebody drew trains, validates or tests as one."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, near
from terramamba.data.splits.split import PARTS, Split, check_fractions, check_patch_size

LEAST_PER_CLASS = 3
"""One shape each to train, to validate and to test."""

DRAWS = 30
"""Draws at most, where the margin leaves a class nothing to validate or to test on."""


def polygon_split(
    pixels: PixelList,
    classes: Int[np.ndarray, " m"],
    features: Int[np.ndarray, " m"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    seed: int,
    names: Sequence[str],
) -> Split:
    """Whole shapes of each class at random; no shape is in two parts, and no held-out patch is trained on.

    ``classes`` holds 1..K, called ``names``, for each labelled pixel; ``features`` the number of the shape
    that labels it. Of the shapes of a class ``train_fraction`` train: more, but at most half of them, where
    they have fewer than ``min_per_class`` pixels in all. ``val_fraction`` validate and the rest is tested, at
    least one shape each. A fraction of 2 or more is a number of shapes per class. Pixels of the held-out
    parts within ``patch_size // 2`` of a training pixel are left out, as the block split does; of several
    draws the first is taken that leaves every class pixels in all parts, else the one that leaves most.

    Raises:
        InputError: fractions that leave nothing to test, a class with fewer than 3 shapes, or shapes so close
            together that nothing is left to validate or to test on.
    """
    check_patch_size(patch_size)
    check_fractions(train_fraction, val_fraction, "polygons")
    of_class = _shapes_of_classes(classes, features, names)
    rng = np.random.default_rng(seed)
    best, fewest = None, 0
    for _ in range(DRAWS):
        roles = np.zeros(classes.shape, np.uint8)
        for c, (shapes, sizes) in of_class.items():
            part = _draw(sizes, train_fraction, val_fraction, min_per_class, rng)
            here = classes == c
            roles[here] = part[np.searchsorted(shapes, features[here])]
        roles[near(pixels, roles == TRAIN, patch_size // 2) & (roles != TRAIN)] = LEFT_OUT
        missing = sum(len(_gone(roles[classes == c])) for c in of_class)
        if best is None or missing < fewest:
            best, fewest = roles, missing
        if missing == 0:
            break
    assert best is not None
    return _explained(pixels, classes, best, patch_size, seed, names)


def _shapes_of_classes(
    classes: Int[np.ndarray, " m"], features: Int[np.ndarray, " m"], names: Sequence[str]
) -> dict[int, tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]]:
    """Numbers and pixels of the shapes of every class that is there."""
    found = {}
    for c, name in enumerate(names, start=1):
        shapes, sizes = np.unique(features[classes == c], return_counts=True)
        count = len(shapes)
        if 0 < count < LEAST_PER_CLASS:
            raise InputError(
                f"class {name!r} has {count} polygon{'s' if count > 1 else ''} on the scene, a polygon split "
                f"needs at least {LEAST_PER_CLASS} (to train, validate and test); draw more of it, or use "
                "--split block"
            )
        if count:
            found[c] = shapes, sizes
    return found


def _draw(
    sizes: Int[np.ndarray, " n"],
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, " n"]:
    """A part for each shape of a class."""
    count = len(sizes)
    order = rng.permutation(count)
    reached = np.cumsum(sizes[order])
    for_minimum = 1 + int(np.searchsorted(reached, min(min_per_class, int(sizes.sum()) // 2)))
    train = min(max(_number(train_fraction, count), min(for_minimum, count // 2)), count - 2)
    val = min(_number(val_fraction, count), count - train - 1)
    part = np.full(count, TEST, np.uint8)
    part[order[:train]], part[order[train : train + val]] = TRAIN, VALIDATION
    return part


def _number(fraction: float, count: int) -> int:
    return max(1, round(fraction * count) if fraction < 1 else int(fraction))


def _gone(roles: UInt8[np.ndarray, " m"]) -> list[str]:
    """The held-out parts that have none of a class's pixels."""
    return [PARTS[part] for part in (VALIDATION, TEST) if not (roles == part).any()]


def _explained(
    pixels: PixelList,
    classes: Int[np.ndarray, " m"],
    roles: UInt8[np.ndarray, " m"],
    patch_size: int,
    seed: int,
    names: Sequence[str],
) -> Split:
    """The split with notes on what the margin took."""
    for part in (VALIDATION, TEST):
        if not (roles == part).any():
            raise InputError(
                f"polygon split: no {PARTS[part]} pixel is left beside the training polygons with patches of "
                f"{patch_size}; draw polygons farther apart, or use a smaller --patch-size"
            )
    notes = []
    for c, name in enumerate(names, start=1):
        here = roles[classes == c]
        if len(here) and _gone(here):
            gone = " or ".join(_gone(here))
            notes.append(f"class {name!r} has no {gone} pixel: training polygons are too near")
    left_out = np.count_nonzero(roles == LEFT_OUT)
    if left_out:
        notes.append(
            f"{left_out} of {len(classes)} labelled pixels are in no part: they "
            f"lie within {patch_size // 2} pixels of a training polygon"
        )
    return Split("polygon", seed, patch_size, pixels, roles, tuple(notes))
