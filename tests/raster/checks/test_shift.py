"""Shifts that are known: found to a tenth of a pixel, or said to be unknown."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from terramamba.raster.checks.shift import Shift, estimate_shift, pooled_shift, window_shift
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

FINE = 4
"""Textures are made so many times finer than the images, so that a shift of 1/4 pixel is exact."""


def texture(rng: np.random.Generator, side: int) -> np.ndarray:
    """A fine random surface with structures of several sizes, none finer than a pixel of the images."""
    fine = (side * FINE,) * 2
    rough = sum(ndimage.gaussian_filter(rng.normal(size=fine), FINE * size) * size for size in (0.8, 2, 6))
    return np.asarray(rough / rough.std())


def views(surface: np.ndarray, side: int, shift: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Two images of 2 bands; the second shows everything so many rows further down, columns further right."""
    edge = (surface.shape[0] - side * FINE) // 2
    places = [(edge, edge), tuple(edge - round(FINE * part) for part in shift)]
    one, two = (surface[row:, col:][: side * FINE : FINE, : side * FINE : FINE] for row, col in places)
    return np.stack([one, -0.5 * one + 3]) * 100, np.stack([two, -0.5 * two + 3]) * 100


def everywhere(image: np.ndarray) -> np.ndarray:
    return np.ones(image.shape[1:], bool)


def apart(found: tuple[float, float] | None, shift: tuple[float, float]) -> float:
    assert found is not None
    return max(abs(found[0] - shift[0]), abs(found[1] - shift[1]))


def draw(rng: np.random.Generator, most: int) -> tuple[float, float]:
    down, right = rng.integers(-most * FINE, most * FINE + 1, 2) / FINE
    return float(down), float(right)


@pytest.mark.parametrize("most", [1, 20])
def test_shifts_of_a_texture(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    shift = draw(rng, most)
    first, second = views(texture(rng, 176), 128, shift)
    assert apart(window_shift(first, second, everywhere(first), everywhere(second)), shift) <= 0.1


def test_small_windows_tell_together_what_none_tells_alone_and_strangers_never(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shift, small = (1.5, -2.0), []
    for _ in range(24):
        images = views(texture(rng, 60), 40, shift)
        first, second = (image + rng.normal(0, 170, image.shape) for image in images)
        small.append((first, second, everywhere(first), everywhere(second)))
    assert sum(window_shift(*window) is None for window in small) > 12
    assert apart(pooled_shift(small), shift) <= 0.4
    strangers = [(one[0], other[1], *one[2:]) for one, other in pairwise(small)]
    assert pooled_shift(strangers) is None


def test_noise_light_change_and_missing_pixels_do_not_pull(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shift = draw(rng, 3)
    clean = views(texture(rng, 208), 192, shift)
    first, second = clean[0].copy(), clean[1] * rng.uniform(0.3, 3) + rng.uniform(-200, 200)
    spread = second.std(axis=(1, 2), keepdims=True)
    second += rng.normal(0, 0.2, second.shape) * spread
    row, col = rng.integers(0, 192 - 64, 2)
    second[:, row : row + 64, col : col + 64] = 9 * spread * rng.normal(size=(2, 64, 64))
    known = everywhere(first), everywhere(second)
    # The same corner of both images, without any shift, and one edge of the second alone.
    known[0][120:, 130:], known[1][120:, 130:], known[1][:, :20] = False, False, False
    first[:, ~known[0]], second[:, ~known[1]] = -1e6, 1e6
    assert apart(window_shift(first, second, *known), shift) <= 0.15
    assert apart(window_shift(second, first, *known[::-1]), (-shift[0], -shift[1])) <= 0.15


def test_unrelated_images_have_no_shift(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (views(texture(rng, 128), 128, (0, 0))[0] for _ in range(2))
    known = everywhere(first)
    assert window_shift(first, second, known, known) is None
    assert window_shift(first, np.full_like(second, 7), known, known) is None
    # Both lack data at the same places, which is nothing in common.
    known[40:90, 30:70] = False
    first[:, ~known], second[:, ~known] = 0, 0
    assert window_shift(first, second, known, known) is None


@dataclass(frozen=True, eq=False)
class ArraySource:
    values: np.ndarray
    valid: np.ndarray

    def read(self, window: Window, bands: list[int], shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        assert window.pixels <= 256 * 256, "reads are limited, however large the scene"
        rows, cols = window.slices
        return self.values[list(bands), rows, cols], self.valid[list(bands), rows, cols]


def scene(values: np.ndarray, valid: np.ndarray | None = None) -> Scene:
    valid = np.ones(values.shape, bool) if valid is None else valid
    grid = Grid(*values.shape[1:])
    return Scene("made up", "array", len(values), str(values.dtype), grid, ArraySource(values, valid))


def test_scenes_are_compared_at_several_places(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shift = draw(rng, 3)
    first, second = views(texture(rng, 408), 400, shift)
    second[:, :256, :256] = rng.normal(0, 300, (2, 256, 256))
    found = estimate_shift(scene(first), scene(second))
    assert found.known
    assert (found.windows, found.agreeing) == (4, 3)
    assert apart((found.down, found.right), shift) <= 0.1
    assert found.deviation <= 0.1
    assert found.pixels == pytest.approx(np.hypot(found.down, found.right))


def test_too_little_to_compare(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(1, 20, 300))
    assert estimate_shift(scene(values), scene(values)) == Shift(0.0, 0.0, 0.0, 0, 0)
    values = rng.normal(size=(1, 64, 64))
    few = np.zeros(values.shape, bool)
    few[:, :15] = True
    assert estimate_shift(scene(values, few), scene(values)).windows == 0
    assert estimate_shift(scene(values), scene(values)).known
    unlike = estimate_shift(scene(values), scene(rng.normal(size=values.shape)))
    assert (unlike.known, unlike.windows) == (False, 1)


def test_real_images_cut_apart(seed: int, real_data: Callable[[str], Path]) -> None:
    """A real image of half a metre, seen twice with pixels four times as large, a known way apart."""
    rng = np.random.default_rng(seed)
    (path,) = real_data("change/levir_cd/full1024/A").iterdir()
    fine = open_scene(path).read()[0].astype(np.float64)
    places = rng.integers(0, 16, (2, 2))
    first, second = (
        fine[:, row : row + 960, col : col + 960].reshape(3, 240, 4, 240, 4).mean(axis=(2, 4))
        for row, col in places
    )
    shift = (places[0] - places[1]) / 4
    second = 255 * (second / 255) ** rng.uniform(0.5, 2) + rng.normal(0, 3, second.shape)
    found = window_shift(first, second, everywhere(first), everywhere(second))
    assert apart(found, (float(shift[0]), float(shift[1]))) <= 0.1


def test_real_pairs(real_data: Callable[[str], Path]) -> None:
    taizhou = real_data("change/landsat_taizhou")
    found = estimate_shift(open_scene(taizhou / "2000TM"), open_scene(taizhou / "2003TM"))
    assert (found.windows, found.agreeing) == (4, 4)
    assert found.pixels < 0.3
    assert found.deviation < 0.1
    images = sorted(real_data("change/clcd/val/A").iterdir())[:8]
    for before, other in pairwise(images):
        after = other.parents[1] / "B" / other.name
        assert not estimate_shift(open_scene(before), open_scene(after)).known
