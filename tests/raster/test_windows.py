"""Windows, halos, tiles and weights: numbers only."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from terramamba.raster.windows import Window, cosine_weights, evenly_spaced, sample_windows, strips, tiles

# Run-time type checks make single examples slow at times, which is no fault.
relaxed = settings(deadline=None, max_examples=60)
lengths = st.integers(1, 40)
windows = st.builds(
    Window, st.integers(-20, 40), st.integers(-20, 40), st.integers(0, 30), st.integers(0, 30)
)


def pixels_of(window: Window) -> set[tuple[int, int]]:
    return {(r, c) for r in range(window.row, window.bottom) for c in range(window.col, window.right)}


@relaxed
@given(windows, windows)
def test_intersection_is_that_of_the_pixels(a: Window, b: Window) -> None:
    assert pixels_of(a.intersect(b)) == pixels_of(a) & pixels_of(b)
    assert a.contains(b) == (pixels_of(b) <= pixels_of(a))


@relaxed
@given(lengths, lengths, st.integers(0, 12), st.data())
def test_a_halo_is_read_and_padded(height: int, width: int, halo: int, data: st.DataObject) -> None:
    row, col = data.draw(st.integers(0, height - 1)), data.draw(st.integers(0, width - 1))
    window = Window(row, col, data.draw(st.integers(1, height - row)), data.draw(st.integers(1, width - col)))
    image = np.arange(height * width).reshape(height, width)
    wanted = window.expand(halo)
    readable = wanted.clip(height, width)
    top, bottom, left, right = wanted.margins(readable)
    assert min(top, bottom, left, right) >= 0
    padded = np.pad(image[readable.slices], ((top, bottom), (left, right)), constant_values=-1)
    assert padded.shape == wanted.shape
    assert np.array_equal(padded[window.relative_to(wanted).slices], image[window.slices])
    everywhere = np.pad(image, halo, constant_values=-1)
    assert np.array_equal(padded, everywhere[Window(row, col, *wanted.shape).slices])


def test_windows_say_what_they_are() -> None:
    window = Window(2, 3, 4, 5)
    assert (window.bottom, window.right, window.shape, window.pixels) == (6, 8, (4, 5), 20)
    assert window.slices == (slice(2, 6), slice(3, 8))
    assert Window.whole(7, 9) == Window(0, 0, 7, 9)
    assert Window(50, 0, 3, 3).clip(10, 10).pixels == 0


def test_slices_before_the_array_are_refused() -> None:
    with pytest.raises(ValueError, match="clip it first"):
        _ = Window(-1, 0, 3, 3).slices


def test_negative_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be -1 x 2"):
        Window(0, 0, -1, 2)


@relaxed
@given(lengths, lengths, st.integers(1, 15))
def test_strips_cover_once(height: int, width: int, rows: int) -> None:
    counts = np.zeros((height, width), int)
    for window in strips(height, width, rows):
        counts[window.slices] += 1
        assert window.height <= rows
    assert np.all(counts == 1)


@relaxed
@given(lengths, lengths, st.integers(1, 16), st.data())
def test_tiles_cover_with_overlap(height: int, width: int, size: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, size - 1))
    found = tiles(height, width, size, overlap)
    counts = np.zeros((height, width), int)
    for window in found:
        assert Window.whole(height, width).contains(window)
        assert window.shape == (min(size, height), min(size, width))
        counts[window.slices] += 1
    assert counts.min() >= 1
    assert found == sorted(set(found))
    cols = sorted({w.col for w in found})
    assert all(size - (b - a) >= overlap for a, b in itertools.pairwise(cols))


def test_tiles_are_as_few_as_possible() -> None:
    assert [w.col for w in tiles(4, 20, 8, 2)] == [0, 6, 12]
    assert [w.col for w in tiles(4, 21, 8, 2)] == [0, 6, 12, 13]
    assert tiles(0, 5, 8, 2) == []


@pytest.mark.parametrize("overlap", [8, 9, -1])
def test_overlap_must_be_less_than_the_tile(overlap: int) -> None:
    with pytest.raises(ValueError, match="does not fit a tile of 8 pixels"):
        tiles(20, 20, 8, overlap)


def test_strips_need_rows() -> None:
    with pytest.raises(ValueError, match="0 rows"):
        strips(5, 5, 0)


@relaxed
@given(lengths, lengths, st.integers(0, 50))
def test_weights_are_positive_and_symmetric(height: int, width: int, overlap: int) -> None:
    weights = cosine_weights(height, width, overlap)
    assert weights.dtype == np.float32
    assert weights.min() > 0
    assert weights.max() <= 1
    assert np.allclose(weights, weights[::-1, ::-1], rtol=1e-5)


@relaxed
@given(st.integers(1, 12), st.integers(2, 4))
def test_weights_of_neighbours_sum_to_one(overlap: int, factor: int) -> None:
    size = overlap * factor
    step = size - overlap
    total = np.zeros(3 * step + overlap)
    for i in range(3):
        # The middle row of a tall tile, where only the columns' weights fall.
        total[i * step : i * step + size] += cosine_weights(3 * overlap, size, overlap)[3 * overlap // 2]
    assert np.allclose(total[overlap:-overlap], 1, rtol=1e-5)


@relaxed
@given(st.integers(-5, 5), st.integers(1, 60), st.data())
def test_spread_is_even(start: int, length: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, length))
    found = evenly_spaced(start, length, count)
    assert found.min() >= start
    assert found.max() < start + length
    assert np.all(np.diff(found) >= 1)
    assert np.array_equal(evenly_spaced(start, length, length), start + np.arange(length))


@relaxed
@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 300_000))
def test_a_sample_is_bounded_and_all_over_the_image(height: int, width: int, pixels: int) -> None:
    found = sample_windows(height, width, pixels)
    image = Window.whole(height, width)
    assert all(window.pixels and image.contains(window) for window in found)
    assert not any(a.intersect(b).pixels for a, b in itertools.combinations(found[:40], 2))
    if height * width <= pixels:
        assert found == [image]
        return
    assert sum(window.pixels for window in found) <= max(pixels, len(found))
    assert len(found) <= 256
    for window in found:
        assert window.row // 256 == (window.bottom - 1) // 256
        assert window.col // 256 == (window.right - 1) // 256
    for length, starts in ((height, {w.row for w in found}), (width, {w.col for w in found})):
        gaps = np.diff([0, *sorted(starts), length])
        assert gaps.max() <= max(length / 16, 512) + 256
