"""What splits by polygons and by square blocks share: the buffer, the best of several draws, and its notes.

m labelled pixels
"""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Int, UInt8

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import LEFT_OUT, SUBSET_NAMES, TEST, TRAIN, VALIDATION, near

DRAWS = 30
"""Draws at most, where the buffer leaves a class nothing to learn from, to validate or to test on."""


def best_draw(
    draw: Callable[[], UInt8[np.ndarray, " m"]],
    pixels: PixelList,
    targets: Int[np.ndarray, " m"],
    buffer: int,
) -> UInt8[np.ndarray, " m"]:
    """Draw until every class has pixels in all subsets, 30 times at most; else return what misses least.

    ``draw`` gives the subset of each pixel. Of each draw, held-out pixels within ``buffer`` pixels
    of a training pixel are left out, so that no held-out patch contains a training pixel.
    """
    best, fewest = None, 0
    classes = np.unique(targets)
    for _ in range(DRAWS):
        subsets = draw()
        subsets[near(pixels, subsets == TRAIN, buffer) & (subsets != TRAIN)] = LEFT_OUT
        missing = sum(len(missing_subsets(subsets[targets == c])) for c in classes)
        if best is None or missing < fewest:
            best, fewest = subsets, missing
        if missing == 0:
            break
    assert best is not None
    return best


def what_sees(patch_size: int, reach: int) -> str:
    """Say how far a pixel's class looks around it, as remedies name it."""
    return f"patches of {patch_size}" + (f" and smoothing over {reach} pixels" if reach else "")


def smaller(reach: int) -> str:
    """Name the flags whose smaller values need less of a buffer."""
    return "--patch-size" + (" or --regularise" if reach else "")


def missing_subsets(subsets: UInt8[np.ndarray, " m"]) -> list[str]:
    """Name the subsets that hold none of these pixels."""
    return [SUBSET_NAMES[subset] for subset in (TRAIN, VALIDATION, TEST) if not (subsets == subset).any()]


def require_held_out(subsets: UInt8[np.ndarray, " m"], where: str, remedy: str) -> None:
    """Raise ``InputError`` where nothing is left to validate or to test on, with ``remedy``."""
    for subset in (VALIDATION, TEST):
        if not (subsets == subset).any():
            raise InputError(f"{where}: no {SUBSET_NAMES[subset]} pixel is left beside {remedy}")


def draw_notes(
    targets: Int[np.ndarray, " m"],
    subsets: UInt8[np.ndarray, " m"],
    names: Sequence[str],
    buffer: int,
    trained_on: str,
) -> list[str]:
    """Note the classes that lack a subset and the pixels that the buffer took.

    ``trained_on`` says what trains, in the singular, such as "training polygon".
    """
    notes = []
    for c, name in enumerate(names):
        own = subsets[targets == c]
        if len(own) and (missing := missing_subsets(own)):
            notes.append(f"class {name!r} has no {' or '.join(missing)} pixel: {trained_on}s are too near")
    return notes + buffer_note(subsets, buffer, trained_on)


def buffer_note(subsets: UInt8[np.ndarray, " m"], buffer: int, trained_on: str) -> list[str]:
    """Note how many pixels the buffer took, where it took any."""
    left_out = np.count_nonzero(subsets == LEFT_OUT)
    if not left_out:
        return []
    return [
        f"{left_out:,} of {len(subsets):,} labelled pixels are in no subset: they lie within "
        f"{count(buffer, 'pixel')} of a {trained_on}"
    ]
