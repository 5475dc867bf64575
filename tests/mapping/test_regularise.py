"""Smoothing within things of one kind: against sums over pixels in float64, and alike in all windows."""

import numpy as np
import pytest
import torch

from terramamba.mapping.regularise import neighbour_distances, smoothed, smoothed_logits
from terramamba.raster.windows import Window

K, C, HEIGHT, WIDTH = 3, 20, 11, 9


@pytest.fixture
def scene(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probabilities, spectra, and which pixels have data."""
    rng = np.random.default_rng(seed)
    probability = rng.dirichlet([0.5] * K, (HEIGHT, WIDTH)).transpose(2, 0, 1).astype(np.float32)
    spectra = rng.random((C, HEIGHT, WIDTH), dtype=np.float32)
    usable = rng.random((HEIGHT, WIDTH)) > 0.2
    probability[:, ~usable] = np.nan
    return probability, spectra, usable


def by_pixels(scene: tuple[np.ndarray, ...], radius: int, bandwidth: float) -> np.ndarray:
    """One pixel after another: all pixels of the scene at once, and those too far away left out."""
    probability, spectra, usable = scene
    rows, cols = np.nonzero(usable)
    values = spectra[:, rows, cols].T.astype(np.float64)
    likely = probability[:, rows, cols].T.astype(np.float64)
    found = np.zeros(probability.shape)
    for row, col, value in zip(rows, cols, values, strict=True):
        near = np.maximum(abs(rows - row), abs(cols - col)) <= radius
        unlike = np.linalg.norm(values[near] - value, axis=1) ** 2 / C
        weights = np.exp(-0.5 * unlike / bandwidth**2)
        found[:, row, col] = np.average(likely[near], axis=0, weights=weights)
    return found


def run(scene: tuple[np.ndarray, ...], window: Window, radius: int, *bandwidths: float) -> np.ndarray:
    """Smooth one window of the scene, read with its margin."""
    outer = window.expand(radius).clip(HEIGHT, WIDTH)
    probability, spectra, usable = (torch.from_numpy(one[..., *outer.slices].copy()) for one in scene)
    return smoothed(probability, spectra, usable, window.relative_to(outer), radius, bandwidths).numpy()


@pytest.mark.parametrize("radius", [0, 1, 3, 12])
def test_it_is_the_weighted_mean_of_the_neighbourhood(scene, radius: int) -> None:
    found = run(scene, Window(0, 0, HEIGHT, WIDTH), radius, 0.1, 0.4, 5.0)
    for one, bandwidth in zip(found, (0.1, 0.4, 5.0), strict=True):
        np.testing.assert_allclose(one, by_pixels(scene, radius, bandwidth), rtol=2e-5, atol=1e-7)


def test_windows_do_not_matter(scene) -> None:
    whole = run(scene, Window(0, 0, HEIGHT, WIDTH), 2, 0.3)[0]
    for window in (Window(0, 0, 3, 4), Window(4, 3, 2, 6), Window(9, 8, 2, 1), Window(5, 0, 1, WIDTH)):
        np.testing.assert_array_equal(run(scene, window, 2, 0.3)[0], whole[:, *window.slices])


def test_probabilities_stay_probabilities_and_edges_stay() -> None:
    spectra = np.zeros((C, HEIGHT, WIDTH), np.float32)
    spectra[:, :, 4:] = 1
    probability = np.zeros((2, HEIGHT, WIDTH), np.float32)
    probability[0, :, :4] = probability[1, :, 4:] = 1
    probability[:, 5, 2] = (0, 1)
    usable = np.ones((HEIGHT, WIDTH), bool)
    found = run((probability, spectra, usable), Window(0, 0, HEIGHT, WIDTH), 2, 0.1)[0]
    np.testing.assert_allclose(found.sum(axis=0), 1, rtol=1e-6)
    assert (found.argmax(axis=0) == (np.arange(WIDTH) >= 4)).all()
    np.testing.assert_allclose(found[1, :, 4:], 1)


def test_logits_of_smoothed_probabilities_give_them_back() -> None:
    probability = torch.tensor([[0.2, 0.8, 0.0]])
    torch.testing.assert_close(torch.softmax(smoothed_logits(probability), 1), probability)


def test_neighbours_that_are_both_there_are_compared() -> None:
    spectra = torch.tensor([[[0.0, 3.0, 3.0, 9.0]], [[0.0, 4.0, 4.0, 9.0]]])
    usable = torch.tensor([[True, True, True, False]])
    torch.testing.assert_close(neighbour_distances(spectra, usable), torch.tensor([12.5**0.5, 0.0]))
