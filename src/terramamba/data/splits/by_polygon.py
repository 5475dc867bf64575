"""A split by whole shapes: every polygon that somebody drew trains, validates or tests as one.

m labelled pixels   n shapes of one class
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Int, UInt8

from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import TEST, TRAIN, VALIDATION
from terramamba.data.splits.quotas import check_fractions, check_patch_size
from terramamba.data.splits.split import Split
from terramamba.data.splits.subset_draws import best_draw, draw_notes, require_held_out, smaller, what_sees

LEAST_PER_CLASS = 3
"""One shape each to train, to validate and to test."""


def polygon_split(
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    features: Int[np.ndarray, " m"],
    *,
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    patch_size: int,
    reach: int = 0,
    seed: int,
    names: Sequence[str],
) -> Split:
    """Draw whole shapes of each class; no shape is in two subsets, and no held-out patch is trained on.

    ``targets`` holds 0..K-1 for each labelled pixel, called ``names``; ``features`` the number of the shape
    that labels it. Of the shapes of a class ``train_fraction`` train: more, but at most half of them, where
    they have fewer than ``min_per_class`` pixels in all. ``val_fraction`` validate and the rest is tested, at
    least one shape each. A fraction of 2 or more is a number of shapes per class. Held-out pixels within
    ``patch_size // 2 + reach`` pixels of a training pixel are left out, as the block split does; of several
    draws the first is taken that leaves every class pixels in all subsets, else the one that leaves most.

    Raises:
        InputError: fractions that leave nothing to test, a class with fewer than 3 shapes, or shapes so close
            together that nothing is left to validate or to test on.
    """
    check_patch_size(patch_size)
    check_fractions(train_fraction, val_fraction, "polygons")
    of_class = _shapes_of_classes(targets, features, names)
    rng = np.random.default_rng(seed)

    def draw() -> UInt8[np.ndarray, " m"]:
        subsets = np.zeros(targets.shape, np.uint8)
        for c, (shapes, sizes) in of_class.items():
            drawn = _draw(sizes, train_fraction, val_fraction, min_per_class, rng)
            own = targets == c
            subsets[own] = drawn[np.searchsorted(shapes, features[own])]
        return subsets

    subsets = best_draw(draw, pixels, targets, patch_size // 2 + reach)
    require_held_out(
        subsets,
        "polygon split",
        f"the training polygons with {what_sees(patch_size, reach)}; draw polygons farther apart, or use a "
        f"smaller {smaller(reach)}",
    )
    notes = draw_notes(targets, subsets, names, patch_size // 2 + reach, "training polygon")
    return Split("polygon", seed, patch_size, pixels, subsets, tuple(notes), reach=reach)


def _shapes_of_classes(
    targets: Int[np.ndarray, " m"], features: Int[np.ndarray, " m"], names: Sequence[str]
) -> dict[int, tuple[Int[np.ndarray, " n"], Int[np.ndarray, " n"]]]:
    """Number the shapes of every class that is there, and count the pixels of each."""
    of_class = {}
    for c, name in enumerate(names):
        shapes, sizes = np.unique(features[targets == c], return_counts=True)
        count = len(shapes)
        if 0 < count < LEAST_PER_CLASS:
            raise InputError(
                f"class {name!r} has {count} polygon{'s' if count > 1 else ''} on the scene, a polygon split "
                f"needs at least {LEAST_PER_CLASS} (to train, validate and test); draw more of it, or use "
                "--split block"
            )
        if count:
            of_class[c] = shapes, sizes
    return of_class


def _draw(
    sizes: Int[np.ndarray, " n"],
    train_fraction: float,
    val_fraction: float,
    min_per_class: int,
    rng: np.random.Generator,
) -> UInt8[np.ndarray, " n"]:
    """Draw the subset of each shape of a class; ``sizes`` are their pixels."""
    count = len(sizes)
    order = rng.permutation(count)
    reached = np.cumsum(sizes[order])
    for_minimum = 1 + int(np.searchsorted(reached, min(min_per_class, int(sizes.sum()) // 2)))
    train = min(max(_number(train_fraction, count), min(for_minimum, count // 2)), count - 2)
    val = min(_number(val_fraction, count), count - train - 1)
    subsets = np.full(count, TEST, np.uint8)
    subsets[order[:train]], subsets[order[train : train + val]] = TRAIN, VALIDATION
    return subsets


def _number(fraction: float, count: int) -> int:
    return max(1, round(fraction * count) if fraction < 1 else int(fraction))
