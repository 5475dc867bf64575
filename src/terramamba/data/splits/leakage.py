"""The roles of pixels in a split, and how much of the training pixels a test pixel's patch sees."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8

from terramamba.core.typed import Fraction
from terramamba.data.pixel_list import PixelList

LEFT_OUT, TRAIN, VALIDATION, TEST = 0, 1, 2, 3
"""Roles of pixels in a split; 0: unlabelled, or left out on purpose."""

WORTH_A_WARNING = 0.01


@dataclass(frozen=True)
class Leakage:
    """What a network that sees patches can know of the test pixels from training.

    ``shared``: share of test pixels with a training pixel inside their own patch. ``overlap``: share of test
    pixels whose patch has at least one pixel in common with the patch of a training pixel. Both are 0 to 1.
    """

    shared: Fraction
    overlap: Fraction

    def in_words(self) -> str:
        """One sentence for reports; it says plainly when ``shared`` is above 1 %."""
        if self.shared > WORTH_A_WARNING:
            return (
                f"{self.shared:.0%} of the test pixels have a training pixel inside their own patch: the "
                "model is graded on what it has seen, and its scores on new ground will be lower."
            )
        return (
            f"{self.shared:.1%} of the test pixels have a training pixel inside their own patch; "
            f"the patches of {self.overlap:.1%} overlap one of a training pixel."
        )


def within(pixels: Bool[np.ndarray, "h w"], distance: int) -> Bool[np.ndarray, "h w"]:
    """Where at least one of ``pixels`` is at most ``distance`` rows and at most as many columns away."""
    from scipy.ndimage import maximum_filter

    return maximum_filter(pixels, size=2 * distance + 1, mode="constant", cval=False)


def near(pixels: PixelList, marked: Bool[np.ndarray, " m"], distance: int) -> Bool[np.ndarray, " m"]:
    """Which of ``pixels`` are at most ``distance`` rows and as many columns from a ``marked`` one."""
    ground = pixels.squeezed(distance)
    return within(ground.draw(marked), distance).ravel()[ground.keys]


def leakage(pixels: PixelList, roles: UInt8[np.ndarray, " m"], patch_size: int) -> Leakage:
    """How far ``roles`` lets test pixels be seen in training, for patches of ``patch_size`` (odd) pixels.

    A pixel lies inside a patch when it is at most ``patch_size // 2`` rows and columns from its middle; two
    patches overlap when their middles are at most ``patch_size - 1`` rows and columns apart. What stands
    beyond a scene's edge in a patch mirrors pixels of the same patch, so edges add nothing. Without test
    pixels both shares are 0.
    """
    test = roles == TEST
    total = np.count_nonzero(test)
    if total == 0:
        return Leakage(0.0, 0.0)
    shared, overlap = (
        np.count_nonzero(test & near(pixels, roles == TRAIN, distance)) / total
        for distance in (patch_size // 2, patch_size - 1)
    )
    return Leakage(shared, overlap)
