"""An order of bands other than the training's, told by quantiles."""

import numpy as np
import pytest

from terramamba.raster.checks.band_order import named_order, order_like
from terramamba.raster.checks.spectrum_order import spectrum_order


def quantiles(medians: list[float]) -> np.ndarray:
    middle = np.array(medians, float)
    return np.array([middle - 50, middle, middle + 50])


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (2, 1, 0, 3), (2, 3, 0, 1)])
def test_exchanged_bands_are_found(order: tuple[int, ...]) -> None:
    trained = quantiles([300, 500, 800, 2500])
    assert order_like(trained, quantiles([300, 500, 800, 2500])[:, list(order)]) == order


def test_bands_of_a_spectrometer_in_reverse_are_found() -> None:
    trained = quantiles(np.linspace(200, 3000, 60).tolist())
    assert order_like(trained, trained[:, ::-1]) == tuple(reversed(range(60)))


def spectra(seed: int, bands: int, kinds: int) -> list[np.ndarray]:
    """Median spectra of scenes of one sensor: smooth, of other ground each, beneath one sky."""
    rng = np.random.default_rng(seed)
    sky = rng.uniform(0.6, 1, bands)
    grounds = (
        np.interp(np.arange(bands), np.linspace(0, bands, 6), rng.uniform(500, 5000, 6)) for _ in range(kinds)
    )
    return [ground * sky * rng.normal(1, 0.01, bands) for ground in grounds]


@pytest.mark.parametrize("bands", [60, 224])
def test_spectra_of_other_ground_tell_the_order_of_their_bands(seed: int, bands: int) -> None:
    trained, here = spectra(seed, bands, 2)
    as_it_is = list(range(bands))
    turned = [*as_it_is[bands // 3 :], *as_it_is[: bands // 3]]
    for stored, shown in (
        (as_it_is[::-1], f"{bands} to 1"),
        (turned, f"{bands - bands // 3 + 1}-{bands}, 1-{bands - bands // 3}"),
    ):
        found = spectrum_order(trained, here[stored])
        assert found is not None
        assert [stored[band] for band in found] == as_it_is
        assert named_order(found) == shown
        assert order_like(quantiles(trained.tolist()), quantiles(here[stored].tolist())) == found
    assert spectrum_order(trained, here) is None


def test_bands_without_a_shape_in_common_tell_nothing() -> None:
    rng = np.random.default_rng(0)
    for bands in (10, 60):
        assert spectrum_order(rng.normal(size=bands), rng.normal(size=bands)) is None
    assert spectrum_order(np.ones(60), np.arange(60.0)) is None


@pytest.mark.parametrize("here", [[310, 520, 390, 2300], [900, 1100, 1000, 3100], [300, 300, 300, 300]])
def test_another_season_is_no_other_order(here: list[float]) -> None:
    assert order_like(quantiles([300, 500, 400, 2500]), quantiles(here)) is None


def test_bands_without_spread_tell_nothing() -> None:
    flat = np.ones((3, 4))
    assert order_like(flat, flat) is None
