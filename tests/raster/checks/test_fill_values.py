"""Which values probably stand for no data, and which are data."""

import numpy as np
import pytest

from terramamba.raster.checks.fill_values import probable_fill
from terramamba.raster.checks.wrapped_values import probably_wrapped


def scene(dtype: str, bands: int, seed: int, high: float = 3000) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(high / 10, high, (bands, 40, 50))
    return values.astype(dtype)


def found(values: np.ndarray, valid: np.ndarray | None = None) -> dict[float, float]:
    known = np.ones(values.shape, bool) if valid is None else valid
    return {fill.value: round(fill.share, 4) for fill in probable_fill([(values, known)])}


@pytest.mark.parametrize(
    ("dtype", "bands", "value", "high"),
    [
        ("uint16", 4, 65535, 3000),
        ("int16", 20, -9999, 3000),
        ("int16", 20, -1234, 3000),
        ("float32", 6, 0.0, 0.6),
        ("float32", 6, 1e30, 0.6),
        ("float32", 2, -3.4028235e38, 0.6),
        ("float64", 3, -99.0, 0.6),
        ("float32", 1, -9999.0, 0.6),
        ("uint8", 3, 0, 250),
        ("uint8", 12, 255, 250),
    ],
)
def test_fill_is_found(dtype: str, bands: int, value: float, high: float, seed: int) -> None:
    values = scene(dtype, bands, seed, high)
    assert found(values) == {}
    values[:, :, :10] = value
    assert found(values) == {float(np.dtype(dtype).type(value)): 0.2}
    assert found(values, values != value) == {}


def test_bands_that_were_stretched_are_cut_off_and_not_filled(seed: int) -> None:
    random = np.random.default_rng(seed)
    light = random.normal(0, 1, (40, 50)) + 0.2 * random.normal(0, 1, (6, 40, 50))
    low, high = np.percentile(light, (2, 98), axis=(1, 2), keepdims=True)
    values = ((light - low) / (high - low) * 255).clip(0, 255).astype(np.uint8)
    assert (values == 0).all(axis=0).mean() > 0.01  # dark in one band is dark in the others
    assert found(values) == {}
    values[:, :, :10] = 0
    assert set(found(values)) == {0.0}


@pytest.mark.parametrize("dtype", ["int16", "float32"])
def test_the_only_number_below_0_is_fill_and_noise_about_0_is_not(dtype: str, seed: int) -> None:
    values = scene(dtype, 6, seed)
    values[:, :, :10] = -1
    assert found(values) == {-1.0: 0.2}
    values = values - values[:, :, 10:].min() - 5
    values[:, :, :10] = -6
    assert found(values) == {}


@pytest.mark.parametrize(("dtype", "value"), [("int16", -9999), ("int16", -32768), ("float32", -999.0)])
def test_fill_of_a_single_band_is_found(dtype: str, value: float, seed: int) -> None:
    values = scene(dtype, 6, seed)
    values[2, :, :10] = value
    (fill,) = probable_fill([(values, np.ones(values.shape, bool))])
    assert fill.in_words().startswith(f"20 % of the pixels hold {value:g} in 1 of 6 bands, which is not")
    assert found(values, values != value) == {}
    # values that reach as far are measured
    values[2] = np.linspace(value / 2, value, 2000).reshape(40, 50).astype(dtype)
    values[2, :1] = value
    assert found(values) == {}


def test_a_band_of_flags_hides_no_fill(seed: int) -> None:
    values = scene("int16", 20, seed)
    values[:, :5] = -9999
    values[7] = np.random.default_rng(seed).integers(0, 4, (40, 50))
    assert found(values) == {-9999.0: 0.125}


def test_what_no_measurement_has_is_said_at_any_share(seed: int) -> None:
    values = scene("float32", 5, seed, 0.6)
    values[:, 3, 4] = 1e30
    assert found(values) == {float(np.float32(1e30)): 0.0005}


def test_bright_and_dark_pixels_of_photographs_are_data(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = scene("uint8", 3, seed, 250)
    values[:, rng.random((40, 50)) < 0.1] = 0
    values[:, 10:30, 10:30] = 255
    assert found(values) == {}


def test_classes_and_saturated_bands_are_data(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert found(rng.integers(0, 12, (1, 40, 50)).astype(np.int16)) == {}
    values = scene("uint16", 4, seed)
    values[2, :, :20] = 65535  # one band alone
    assert found(values) == {}
    clipped = (scene("uint16", 4, seed) * 3).clip(0, 8000)
    clipped[:, :5] = 8000
    assert found(clipped) == {}


def test_nan_is_no_value(seed: int) -> None:
    values = scene("float32", 4, seed)
    values[:, :10] = np.nan
    assert found(values) == {}


def test_half_precision_holds_no_usual_fill_and_no_warning_comes_of_it(
    recwarn: pytest.WarningsRecorder,
) -> None:
    values = scene("float16", 5, 0, 0.6)
    assert found(values) == {}
    values[:, :, :10] = -999
    assert found(values) == {-999.0: 0.2}
    assert probably_wrapped([(values, np.ones(values.shape, bool))]) is None
    assert not recwarn.list
