"""The network that is independent of a sensor's bands: what is resampled, what is covered, and what stays."""

import numpy as np
import pytest
import torch

from terramamba.core.errors import InputError
from terramamba.models import create_model
from terramamba.models.spectral_mlp import GRID_NM, SpectralMLP, resampling_onto_grid

GRID = np.array(GRID_NM)


def model(**options) -> SpectralMLP:
    made = create_model("spectral_mlp", in_channels=len(GRID), num_classes=3, hidden=16, **options)
    assert isinstance(made, SpectralMLP)
    return made.eval()


def ramp(wavelengths: np.ndarray) -> np.ndarray:
    return 0.1 + wavelengths / 10_000


@pytest.mark.parametrize("step", [3.0, 7.5, 10.0, 29.0])
def test_a_straight_spectrum_is_the_same_on_the_grid_whatever_the_bands(step):
    wavelengths = np.arange(395.0, 2470.0, step)
    weights, covered = resampling_onto_grid(wavelengths)
    assert covered.all()
    np.testing.assert_allclose(ramp(wavelengths) @ weights, ramp(GRID), rtol=1e-5)


def test_the_order_of_bands_does_not_matter():
    wavelengths = np.arange(395.0, 2470.0, 8)
    order = np.random.default_rng(0).permutation(len(wavelengths))
    shuffled, _ = resampling_onto_grid(wavelengths[order])
    np.testing.assert_array_equal(shuffled, resampling_onto_grid(wavelengths)[0][order])


def test_cells_in_gaps_and_beyond_the_ends_are_not_covered():
    wavelengths = np.array([480.0, 490, 500, 652, 660, 852])
    weights, covered = resampling_onto_grid(wavelengths)
    assert GRID[covered].tolist() == [480, 490, 500, 650, 660, 850]
    assert not weights[:, ~covered].any()


def test_one_band_is_enough_to_be_resampled():
    weights, covered = resampling_onto_grid(np.array([551.0]))
    assert GRID[covered].tolist() == [550]
    assert weights.sum() == 1


def test_what_was_learnt_is_the_same_for_another_sensor(seed):
    own = model()
    fine = np.arange(400.0, 2451.0, 5)
    other = own.at_wavelengths(fine.tolist())
    spectra = torch.rand(4, 1) + torch.from_numpy(ramp(GRID)).float() * torch.rand(4, 1)
    of_other = torch.from_numpy(np.stack([np.interp(fine, GRID, row) for row in spectra.numpy()])).float()
    inside = ~((fine > 1350) & (fine < 1460) | (fine > 1790) & (fine < 1960))
    assert inside.sum() < len(fine)
    torch.testing.assert_close(
        other(of_other[:, :, None, None]), own(spectra[:, :, None, None]), rtol=1e-4, atol=1e-4
    )
    assert {key: value.shape for key, value in other.state_dict().items()} == {
        key: value.shape for key, value in own.state_dict().items()
    }


def test_light_changes_the_brightness_alone(seed):
    own, cells, covered = model(), torch.rand(5, len(GRID)) + 0.1, torch.ones(5, len(GRID))
    dim, bright = own.features(0.5 * cells, covered), own.features(cells, covered)
    changed = (dim != bright).any(dim=0)
    torch.testing.assert_close(dim[:, : 2 * len(GRID)], bright[:, : 2 * len(GRID)], rtol=1e-4, atol=1e-5)
    assert changed[3 * len(GRID)]


def test_what_is_not_covered_does_not_count(seed):
    own, covered = model(), (torch.rand(6, len(GRID)) < 0.5).float()
    cells = torch.rand(6, len(GRID))
    spoilt = torch.where(covered > 0, cells, torch.full_like(cells, 7.0))
    torch.testing.assert_close(own.classify(spoilt, covered), own.classify(cells, covered))


def test_the_surroundings_of_a_pixel_do_not_count(seed):
    own, x = model(), torch.rand(2, len(GRID), 3, 3)
    around = torch.rand_like(x)
    around[:, :, 1, 1] = x[:, :, 1, 1]
    torch.testing.assert_close(own(around), own(x))


def test_models_without_wavelengths_serve_no_other_sensor():
    own = create_model("spectral_mlp", in_channels=20, num_classes=3)
    with pytest.raises(InputError, match="its weights are for 20 bands without wavelengths"):
        own.at_wavelengths([500.0, 600.0])
    with pytest.raises(InputError, match="svm: its weights are for the bands that it was trained on"):
        create_model("svm", in_channels=20, num_classes=3).at_wavelengths([500.0])


def test_as_many_wavelengths_as_bands_are_needed():
    with pytest.raises(InputError, match="2 wavelengths; give one for each of the 3 bands"):
        create_model("spectral_mlp", in_channels=3, num_classes=2, wavelengths=[500.0, 600.0])
