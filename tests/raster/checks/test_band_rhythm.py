"""The rhythm of bands tells a wrong interleave, and stripes of a detector are not taken for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from terramamba.raster.checks.band_rhythm import order_of, rhythms_of
from terramamba.raster.checks.file_layout import Interleave, Layout, better_layout

ORDERS: dict[Interleave, tuple[int, int, int]] = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}


def stored(values: np.ndarray, path: Path, interleave: Interleave) -> Layout:
    values.transpose(ORDERS[interleave]).tofile(path)
    bands, lines, samples = values.shape
    return Layout(str(path), values.dtype, 0, (bands, lines, samples), interleave)


def striped(seed: int, bands: int, every: int, stripe: float) -> np.ndarray:
    """Bands of the same shapes, with columns that are lighter by a part of the spread."""
    random = np.random.default_rng(seed)
    ground = gaussian_filter(random.normal(0, 1, (128, 128)), 1.5)
    ground = ground / ground.std() + stripe * (np.arange(128) % every == 0)
    levels = random.uniform(0.6, 1, bands)[:, None, None]
    values = 1000 + 300 * levels * ground + random.normal(0, 15, (bands, 128, 128))
    return np.asarray(values, np.float32)


@pytest.mark.parametrize("interleave", list(ORDERS))
@pytest.mark.parametrize(("bands", "every"), [(2, 2), (4, 2), (4, 4), (8, 4)])
def test_striped_columns_leave_the_header_as_it_is(
    tmp_path: Path, seed: int, interleave: Interleave, bands: int, every: int
) -> None:
    for stripe in (0.1, 0.5):
        values = striped(seed, bands, every, stripe)
        assert better_layout(stored(values, tmp_path / "a.img", interleave)) is None
    noisy = values + np.random.default_rng(seed).normal(0, 900, values.shape).astype(np.float32)
    assert better_layout(stored(noisy, tmp_path / "a.img", interleave)) is None


@pytest.mark.parametrize(("interleave", "written"), [("bil", "bip"), ("bip", "bsq")])
def test_a_wrong_interleave_of_few_bands_is_told(
    tmp_path: Path, seed: int, interleave: Interleave, written: Interleave
) -> None:
    values = striped(seed, 3, 1, 0) + np.array([90, 0, -60], np.float32)[:, None, None]
    right = stored(values, tmp_path / "a.img", interleave)
    assert order_of(rhythms_of(right.numbers, right.sizes)) == interleave
    assert better_layout(right) is None
    assert better_layout(replace(right, interleave=written)) == f"interleave = {interleave}"
