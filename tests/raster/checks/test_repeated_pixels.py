"""How often the pixels of an image are repeated is told from any row on, and of nothing that is not."""

import numpy as np
import pytest

from terramamba.raster.checks.fill_values import Part
from terramamba.raster.checks.repeated_pixels import times_repeated


def part(values: np.ndarray) -> Part:
    return values, np.ones(values.shape, bool)


@pytest.mark.parametrize("times", [2, 3, 7])
@pytest.mark.parametrize("cut", [0, 1])
def test_pixels_are_repeated_from_any_row_on(times: int, cut: int, seed: int) -> None:
    coarse = np.random.default_rng(seed).integers(0, 255, (3, 16, 16), np.uint8)
    fine = coarse.repeat(times, 1).repeat(times, 2)[:, cut:, cut:]
    assert times_repeated([part(fine)]) == times
    assert times_repeated([part(coarse.repeat(times, 1))]) == 1  # rows alone are
    assert times_repeated([part(coarse)]) == 1


def test_a_flat_image_repeats_nothing() -> None:
    assert times_repeated([part(np.zeros((1, 64, 64), np.uint8))]) == 1
