"""An order of bands other than the training's, told by quantiles."""

import numpy as np
import pytest

from terramamba.raster.checks.band_order import order_like


def quantiles(medians: list[float]) -> np.ndarray:
    middle = np.array(medians, float)
    return np.array([middle - 50, middle, middle + 50])


@pytest.mark.parametrize("order", [(3, 2, 1, 0), (2, 1, 0, 3)])
def test_exchanged_bands_are_found(order: tuple[int, ...]) -> None:
    trained = quantiles([300, 500, 800, 2500])
    assert order_like(trained, quantiles([300, 500, 800, 2500])[:, list(order)]) == order


def test_bands_of_a_spectrometer_in_reverse_are_found() -> None:
    trained = quantiles(np.linspace(200, 3000, 60).tolist())
    assert order_like(trained, trained[:, ::-1]) == tuple(reversed(range(60)))


@pytest.mark.parametrize("here", [[310, 520, 390, 2300], [900, 1100, 1000, 3100], [300, 300, 300, 300]])
def test_another_season_is_no_other_order(here: list[float]) -> None:
    assert order_like(quantiles([300, 500, 400, 2500]), quantiles(here)) is None


def test_bands_without_spread_tell_nothing() -> None:
    flat = np.ones((3, 4))
    assert order_like(flat, flat) is None
