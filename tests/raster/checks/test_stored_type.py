"""Values that are read as another type than they were written in are told from rough, fill and noise."""

from pathlib import Path

import numpy as np
import pytest

from terramamba.raster.checks.fill_values import probable_fill
from terramamba.raster.checks.stored_type import probably_other_type
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics


def found(values: np.ndarray) -> str | None:
    parts = [(values, np.ones(values.shape, bool))]
    return probably_other_type(parts, probable_fill(parts))


def smooth(seed: int, low: float, high: float) -> np.ndarray:
    """Fields of 8 x 8 pixels with some noise, in three bands."""
    rng = np.random.default_rng(seed)
    fields = rng.uniform(low, high, (3, 6, 6)).repeat(8, 1).repeat(8, 2)
    return fields + rng.normal(0, (high - low) / 200, fields.shape)


@pytest.mark.parametrize(("unsigned", "signed"), [("u2", "i2"), ("u4", "i4")])
def test_large_numbers_that_became_negative_are_told(seed: int, unsigned: str, signed: str) -> None:
    largest = np.iinfo(unsigned).max
    values = smooth(seed, 0.3 * largest, 0.75 * largest).astype(unsigned)
    assert "without a sign" in str(found(values.view(signed)))
    assert found(values) is None


@pytest.mark.parametrize("stored", ["uint16", "int16"])
def test_whole_numbers_that_are_read_as_floating_point_are_told(seed: int, stored: str) -> None:
    values = smooth(seed, 200, 6000).astype(stored)
    assert "sizes that no measurement has" in str(found(values.view(np.float32)))
    assert found(values.astype(np.float32)) is None


MARKED = smooth(3, 25_000, 32_000).astype(np.int16)
MARKED[:, ::9, ::7] = -30_000
FILLED = smooth(1, 200, 6000).astype(np.int16)
FILLED[:, ::3] = -32768


@pytest.mark.parametrize(
    "values",
    [
        FILLED,
        MARKED,
        np.where(FILLED < 0, -9999, FILLED * 5).astype(np.int16),
        smooth(2, -30_000, 30_000).astype(np.int16),  # jumps at the borders of fields either way
        np.random.default_rng(0).integers(-32768, 32767, (3, 48, 48)).astype(np.int16),
        np.random.default_rng(0).normal(0, 1, (3, 48, 48)).astype(np.float32),
        np.random.default_rng(0).normal(8e15, 1e15, (3, 48, 48)).astype(np.float32),  # molecules over a cm2
        np.random.default_rng(0).normal(1e-6, 1e-7, (3, 48, 48)).astype(np.float32),  # backscatter
        np.zeros((2, 48, 48), np.float32),
        np.full((2, 48, 48), 1e30, np.float64) * (np.arange(48) < 20),
        np.full((2, 48, 48), np.nan, np.float32),
    ],
)
def test_measurements_fill_and_noise_are_not_taken_for_it(values: np.ndarray) -> None:
    assert found(values) is None


@pytest.mark.parametrize("value", [-3.4028235e38, 1e30, 1e-30])
def test_fill_in_most_pixels_is_called_fill_and_no_wrong_type(
    tmp_path: Path, seed: int, value: float
) -> None:
    values = smooth(seed, 0.1, 0.6).astype(np.float32)
    values[:, 16:] = value
    np.save(tmp_path / "cube.npy", values)
    (said,) = sample_statistics(open_scene(tmp_path / "cube.npy", axes="bands,rows,cols")).doubts
    assert said.startswith(f"66.67 % of the pixels hold {value:.8g} in all bands")
    assert f"--nodata {value:.8g} leaves" in said


def test_fill_is_named_beside_a_wrong_type(tmp_path: Path, seed: int) -> None:
    values = smooth(seed, 200, 6000).astype(np.int16)
    values[:, :16] = 0
    np.save(tmp_path / "cube.npy", values.view(np.float32))
    said = sample_statistics(open_scene(tmp_path / "cube.npy", axes="bands,rows,cols")).doubts
    assert ["sizes that no measurement has" in said[0], "--nodata 0 " in said[1]] == [True, True]
