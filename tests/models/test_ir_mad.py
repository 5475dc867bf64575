"""IR-MAD beside a reference written with scipy's eigenproblem, and what it must not be moved by."""

import numpy as np
import pytest
import torch
from scipy.linalg import eigh
from scipy.stats import chi2 as chi_squared

from terramamba.core.errors import InputError
from terramamba.models.baselines.ir_mad import reweighted_chi2
from terramamba.models.registry import create_model


def pair(bands=4, side=24, seed=0):
    """Two dates of one place under other light, and which pixels changed."""
    random = np.random.default_rng(seed)
    mixing = random.normal(size=(bands, bands))
    ground = np.tensordot(mixing, random.normal(size=(bands, side, side)), 1)
    after = 0.6 * ground + random.normal(size=ground.shape) * 0.1 + 3
    changed = np.zeros((side, side), bool)
    changed[4:10, 5:12] = True
    after[:, changed] = random.normal(size=(bands, changed.sum())) * 2 + 6
    return np.stack([ground, after]), changed


def reference(x, y, iterations):
    """MAD variates by the generalised eigenproblem of the canonical correlations."""
    weight, c = np.ones(x.shape[1]), len(x)
    for _ in range(iterations):
        p = weight / weight.sum()
        a, b = x - (x * p).sum(1, keepdims=True), y - (y * p).sum(1, keepdims=True)
        xx, xy, yy = (a * p) @ a.T, (a * p) @ b.T, (b * p) @ b.T
        squared, left = eigh(xy @ np.linalg.solve(yy, xy.T), xx)
        rho = np.sqrt(squared)
        right = np.linalg.solve(yy, xy.T @ left) / rho
        mad = left.T @ a - right.T @ b
        chi2 = (mad**2 / (2 * (1 - rho))[:, None]).sum(0)
        weight = chi_squared.sf(chi2, c)
    return chi2


@pytest.mark.parametrize("iterations", [1, 2, 3])
def test_chi_squared_is_that_of_the_eigenproblem(iterations):
    dates, _ = pair()
    x, y = (date.reshape(len(date), -1) for date in dates)
    found = reweighted_chi2(torch.tensor(x), torch.tensor(y), iterations).numpy()
    np.testing.assert_allclose(found, reference(x, y, iterations), rtol=1e-3)


def test_it_finds_what_changed_whatever_gains_offsets_and_mixtures_of_bands_the_dates_have():
    dates, changed = pair(side=40)
    found = create_model("ir_mad", in_channels=4)(torch.tensor(dates).float()[None])[0, 0] > 0
    assert (found.numpy() == changed).mean() > 0.98
    mixed = dates.copy()
    mixed[1] = np.tensordot(np.random.default_rng(1).normal(size=(4, 4)), dates[1], 1) - 5
    again = create_model("ir_mad", in_channels=4)(torch.tensor(mixed).float()[None])[0, 0] > 0
    assert (again == found).float().mean() > 0.99


def test_pixels_without_data_change_nothing_about_the_others():
    dates, changed = pair(side=40)
    valid = np.ones((40, 40), bool)
    valid[30:] = False
    holed = np.where(valid, dates, 1e3)
    model = create_model("ir_mad", in_channels=4)
    alone = model(torch.tensor(dates[:, :, :30]).float()[None])
    found = model(torch.tensor(holed).float()[None], torch.tensor(valid)[None])
    torch.testing.assert_close(found[:, :, :30], alone)
    assert changed[:30].any()


@pytest.mark.parametrize("bands", [1, 3])
def test_dates_that_are_the_same_or_constant_are_unchanged(bands):
    model = create_model("ir_mad", in_channels=bands)
    one = torch.randn(1, 1, bands, 12, 9, generator=torch.Generator().manual_seed(0))
    for same in (
        one.expand(1, 2, bands, 12, 9),
        torch.zeros(2, 2, bands, 12, 9),
        torch.zeros(0, 2, bands, 4, 4),
    ):
        found = model(same)
        assert found.shape == (len(same), 1, *same.shape[3:])
        assert (found <= 0).all()


def test_more_bands_than_pixels_are_unchanged_and_odd_options_refused():
    assert (create_model("ir_mad", in_channels=9)(torch.randn(1, 2, 9, 3, 4)) == -1).all()
    with pytest.raises(InputError, match="iterations=0; give 1"):
        create_model("ir_mad", in_channels=3, iterations=0)
