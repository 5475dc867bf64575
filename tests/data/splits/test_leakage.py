"""Leakage figures against counting pixel by pixel."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from drawn import parted
from terramamba.data.splits.leakage import TEST, TRAIN, Leakage, leakage, within

ROLES = hnp.arrays(
    np.uint8, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.integers(0, 3)
)


def counted(roles: np.ndarray, reach: int) -> float:
    train = np.argwhere(roles == TRAIN)
    test = np.argwhere(roles == TEST)
    near = [len(train) and (np.abs(train - pixel).max(axis=1) <= reach).any() for pixel in test]
    return float(np.mean(near)) if near else 0.0


@settings(deadline=None, max_examples=50)
@given(ROLES, st.sampled_from([1, 3, 5, 7]))
def test_both_figures_equal_a_count_over_all_pairs_of_pixels(roles: np.ndarray, patch_size: int) -> None:
    found = leakage(*parted(roles), patch_size)
    assert found.shared == pytest.approx(counted(roles, patch_size // 2))
    assert found.overlap == pytest.approx(counted(roles, patch_size - 1))


@settings(deadline=None, max_examples=30)
@given(ROLES, st.integers(0, 4))
def test_within_is_a_square_around_each_pixel(roles: np.ndarray, distance: int) -> None:
    marked = roles == TRAIN
    expected = np.zeros_like(marked)
    for row, col in np.argwhere(marked):
        expected[max(0, row - distance) : row + distance + 1, max(0, col - distance) : col + distance + 1] = (
            True
        )
    np.testing.assert_array_equal(within(marked, distance), expected)


def test_a_patch_at_the_border_does_not_see_the_other_side() -> None:
    roles = np.zeros((3, 9), np.uint8)
    roles[1, 0], roles[1, 8] = TRAIN, TEST
    assert leakage(*parted(roles), 9).shared == 0.0
    assert leakage(*parted(roles), 9).overlap == 1.0


def test_words_warn_above_one_per_cent_only() -> None:
    assert "graded on what it has seen" in Leakage(0.98, 1.0).in_words()
    assert "98 %" in Leakage(0.98, 1.0).in_words()
    assert "graded" not in Leakage(0.0, 0.2).in_words()
