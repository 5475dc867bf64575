"""The subsets of a split, and how much of the training pixels a test pixel's patch sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from terramamba.core.typed import Fraction
from terramamba.data.pixel_list import PixelList

LEFT_OUT, TRAIN, VALIDATION, TEST = 0, 1, 2, 3
"""Subset of a pixel, as maps of a split have it; 0: unlabelled, or left out on purpose."""

SUBSET_NAMES = {TRAIN: "train", VALIDATION: "validation", TEST: "test", LEFT_OUT: "left_out"}
"""As files of a run and messages have them."""

WARNED_ABOVE = 0.01
"""Fraction of test pixels with a training pixel in their patch that is said plainly."""


@dataclass(frozen=True)
class Leakage:
    """What a network that sees patches can know of the test pixels from training.

    ``shared``: fraction of the test pixels with a training pixel inside their own patch. ``overlap``: of
    those whose patch has at least one pixel in common with the patch of a training pixel. Both are 0 to 1.
    """

    shared: Fraction
    overlap: Fraction

    def in_words(self) -> str:
        """Say it in one sentence for reports, plainly when ``shared`` is above 1 %."""
        if self.shared > WARNED_ABOVE:
            return (
                f"{100 * self.shared:.0f} % of the test pixels have a training pixel inside their own patch: "
                "the model is graded on what it has seen, and its scores on new ground will be lower."
            )
        return (
            f"{100 * self.shared:.1f} % of the test pixels have a training pixel inside their own patch; "
            f"the patches of {100 * self.overlap:.1f} % overlap one of a training pixel."
        )


def within(pixels: Bool[np.ndarray, "h w"], distance: int) -> Bool[np.ndarray, "h w"]:
    """Mark where at least one of ``pixels`` is at most ``distance`` rows and at most as many columns away."""
    from scipy.ndimage import maximum_filter

    return maximum_filter(pixels, size=2 * distance + 1, mode="constant", cval=False)


def near(pixels: PixelList, marked: Bool[np.ndarray, " m"], distance: int) -> Bool[np.ndarray, " m"]:
    """Mark the ``pixels`` that are at most ``distance`` rows and as many columns from a ``marked`` one."""
    ground = pixels.squeezed(distance)
    return within(ground.draw(marked), distance).ravel()[ground.keys]


def leakage(pixels: PixelList, subsets: UInt8[np.ndarray, " m"], patch_size: int, reach: int = 0) -> Leakage:
    """Measure how far test pixels are seen in training, by patches of ``patch_size`` (odd) pixels a side.

    ``subsets`` is the subset of each of ``pixels``. Smoothing that reaches ``reach`` pixels makes what a test
    pixel's class is found from larger by that on every side.

    A pixel lies inside a patch when it is at most ``patch_size // 2`` rows and columns from its middle; two
    patches overlap when their middles are at most ``patch_size - 1`` rows and columns apart. What stands
    beyond a scene's edge in a patch mirrors pixels of the same patch, so edges add nothing. Without test
    pixels both fractions are 0.
    """
    test = subsets == TEST
    total = np.count_nonzero(test)
    if total == 0:
        return Leakage(0.0, 0.0)
    shared, overlap = (
        np.count_nonzero(test & near(pixels, subsets == TRAIN, distance)) / total
        for distance in (patch_size // 2 + reach, patch_size - 1 + reach)
    )
    return Leakage(shared, overlap)
