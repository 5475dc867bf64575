"""Lists of pixels against arrays of marked pixels."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terramamba.data.pixel_list import NEAR, PixelList
from terramamba.data.splits.leakage import near, within
from terramamba.raster.windows import Window


def spread_out(seed: int, height: int = 150, width: int = 210) -> np.ndarray:
    """A few clusters of pixels with much empty ground between them."""
    rng = np.random.default_rng(seed)
    marked = np.zeros((height, width), bool)
    for _ in range(rng.integers(1, 6)):
        row, col = rng.integers(0, height - 9), rng.integers(0, width - 9)
        marked[row : row + 9, col : col + 9] |= rng.random((9, 9)) < 0.4
    marked[rng.integers(height), rng.integers(width)] = True
    return marked


def test_a_list_is_its_pixels_row_by_row(seed: int) -> None:
    marked = spread_out(seed)
    pixels = PixelList.of(marked)
    np.testing.assert_array_equal(pixels.coordinates, np.argwhere(marked))
    np.testing.assert_array_equal(pixels.draw(np.ones(len(pixels), bool)), marked)
    shuffled = np.random.default_rng(seed).permutation(np.concatenate([pixels.coordinates] * 2))
    np.testing.assert_array_equal(PixelList.at(shuffled, marked.shape).keys, pixels.keys)
    window = Window(20, 31, 90, 77)
    inside = pixels.within(window)
    rows, cols = pixels.inside(window, inside)
    found = np.zeros(window.shape, bool)
    found[rows, cols] = True
    np.testing.assert_array_equal(found, marked[window.slices])
    half = np.arange(len(pixels)) % 2 == 0
    places = pixels.only(half).find(pixels.keys)
    np.testing.assert_array_equal(places >= 0, half)
    np.testing.assert_array_equal(pixels.keys[half][places[half]], pixels.keys[half])


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(0, 7))
def test_without_the_empty_ground_the_same_pixels_are_near(seed: int, distance: int) -> None:
    marked = spread_out(seed)
    chosen = marked & (np.random.default_rng(seed).random(marked.shape) < 0.3)
    pixels = PixelList.of(marked)
    np.testing.assert_array_equal(near(pixels, chosen[marked], distance), within(chosen, distance)[marked])


def test_tiles_far_apart_are_squeezed_together() -> None:
    corners = np.array([[0, 0], [5, 3], [30_000, 29_998], [30_002, 30_001]])
    squeezed = PixelList.at(corners, (30_003, 30_002)).squeezed(3)
    assert squeezed.coordinates.tolist() == [[0, 0], [4, 3], [8, 7], [10, 10]]
    assert squeezed.shape == (11, 11)


@pytest.mark.parametrize(("rows", "cols"), [(7, 11), (1, 1), (1000, 1000)])
def test_windows_hold_each_pixel_once_and_leave_empty_ground_out(seed: int, rows: int, cols: int) -> None:
    pixels = PixelList.of(spread_out(seed))
    held = []
    for window, places in pixels.windows(rows, cols):
        assert window.height <= rows
        assert window.width <= cols
        inside = pixels.inside(window, places)
        for index, size in zip(inside, window.shape, strict=True):
            assert (index.min(), index.max()) == (0, size - 1)
            assert np.diff(np.unique(index)).max(initial=0) <= NEAR + 1
        held.append(places)
    np.testing.assert_array_equal(np.sort(np.concatenate(held)), np.arange(len(pixels)))


def test_a_list_without_pixels() -> None:
    none = PixelList.of(np.zeros((4, 5), bool))
    assert not list(none.windows(2, 2))
    assert none.find(np.array([3])).tolist() == [-1]
    assert len(none.squeezed(1)) == 0
