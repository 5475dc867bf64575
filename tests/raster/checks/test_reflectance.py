"""Values are surface reflectance in one of three units, or refused with what they are."""

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.raster.checks.reflectance import reflectance_scale, refuse_radiance

WAVELENGTHS = np.arange(400.0, 2451.0, 10)


def ground(pixels: int = 500) -> np.ndarray:
    """Reflectance of soils and some water (c, n)."""
    random = np.random.default_rng(0)
    soils = (0.1 + WAVELENGTHS[:, None] / 10_000) * random.uniform(0.6, 1.5, pixels)
    soils[:, ::10] = 0.01
    return soils + random.normal(0, 0.003, soils.shape)


def scale_of(values: np.ndarray, declared: float | None = None, given: float | None = None) -> float:
    return reflectance_scale("a.tif", values, np.ones(values.shape, bool), declared, given)


@pytest.mark.parametrize("stored", [1.0, 100.0, 10_000.0])
def test_the_unit_is_found_from_the_values(stored):
    assert scale_of(ground() * stored) == stored


def test_who_is_asked_knows_better_and_the_file_comes_next():
    assert scale_of(ground() * 255, given=255.0) == 255
    assert scale_of(ground() * 2000, declared=1 / 2000) == pytest.approx(2000)
    assert scale_of(ground() * 10_000, declared=1.0) == 10_000


@pytest.mark.parametrize("stored", [65_535.0, 500.0, 1e-3])
def test_other_units_are_asked_for(stored):
    with pytest.raises(InputError, match=r"no reflectance as it is stored .*; give .*reflectance.scale"):
        scale_of(ground() * stored)


def test_whole_numbers_of_a_picture_are_not_taken_for_per_cent_unasked():
    values = (ground() * 255).round()
    with pytest.raises(InputError, match=r"give .*reflectance.scale"):
        reflectance_scale("a.tif", values, values >= 0, None, None, whole_numbers=True)
    values = (ground() * 10_000).round()
    assert reflectance_scale("a.tif", values, values >= 0, None, None, whole_numbers=True) == 10_000
    per_cent = (ground() * 100).round()
    assert reflectance_scale("a.tif", per_cent, per_cent >= 0, None, 100.0, whole_numbers=True) == 100


def test_whether_radiance_could_be_told_is_said():
    values = ground()
    assert refuse_radiance("a.tif", values, WAVELENGTHS)
    few = [int(np.argmin(abs(WAVELENGTHS - centre))) for centre in (480, 560, 660, 830, 1650, 2210)]
    assert not refuse_radiance("a.tif", values[few], WAVELENGTHS[few])


def test_a_wrong_answer_is_refused_too():
    with pytest.raises(InputError, match="bright values are"):
        scale_of(ground() * 10_000, given=1.0)


def test_a_scale_that_was_applied_already_is_not_applied_again():
    with pytest.raises(InputError, match=r"declares that 10000 is a reflectance .* divided already; give"):
        scale_of(ground(), declared=1e-4)
    assert scale_of(ground() * 40, declared=1e-4) == 10_000  # deep water


def test_components_are_refused():
    values = np.random.default_rng(0).normal(0, 0.3, (20, 500))
    with pytest.raises(InputError, match="% of the values are negative, so it is no reflectance"):
        scale_of(values)


def test_missing_values_say_nothing():
    values = ground()
    values[:, :50] = -9999
    assert reflectance_scale("a.tif", values, values > -9999, None, None) == 1


def test_reflectance_passes_and_radiance_does_not():
    values = ground()
    refuse_radiance("a.tif", values, WAVELENGTHS)
    for centre in (940, 1135):
        taken = 1 - 0.5 * np.exp(-(((WAVELENGTHS - centre) / 30) ** 2))
        with pytest.raises(InputError, match=r"of the light is missing at .* nm, where water vapour"):
            refuse_radiance("a.tif", values * taken[:, None], WAVELENGTHS)


def test_bands_that_cannot_tell_are_let_pass():
    few = WAVELENGTHS < 900
    refuse_radiance("a.tif", ground()[few], WAVELENGTHS[few])
