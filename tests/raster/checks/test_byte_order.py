"""Values whose bytes are in the wrong order are told from noise, few values and what is merely rough."""

from pathlib import Path

import numpy as np
import pytest

from terramamba.raster.checks.byte_order import probably_swapped
from terramamba.raster.checks.describe import describe
from terramamba.raster.checks.pair import check_pair
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics


def smooth(seed: int, bands: int = 3) -> np.ndarray:
    """Fields of 8 x 8 pixels whose reflectance x 10,000 has some noise."""
    rng = np.random.default_rng(seed)
    fields = rng.uniform(200, 6000, (bands, 6, 6)).repeat(8, 1).repeat(8, 2)
    return fields + rng.normal(0, 60, fields.shape)


def found(values: np.ndarray) -> bool:
    return probably_swapped([(values, np.ones(values.shape, bool))])


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "uint32", "float32", "float64"])
def test_bytes_in_the_wrong_order_are_told_in_every_type(dtype: str, seed: int) -> None:
    right = smooth(seed).astype(dtype)
    assert not found(right)
    assert found(right.byteswap())


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).integers(-3000, 3000, (3, 48, 48)).astype(np.int16),
        (smooth(1) / 30).astype(np.uint8),
        (smooth(1) / 30).astype(np.uint8) * np.uint16(256),  # 8 bits in the upper byte
        (smooth(1) / 30).astype(np.uint8) * np.uint16(257),
        np.zeros((2, 48, 48), np.float32),
        np.random.default_rng(0).normal(0, 1e-6, (2, 48, 48)).astype(np.float32),
        np.full((2, 48, 48), 1e30, np.float32),
    ],
)
def test_noise_bytes_and_fill_are_not_taken_for_it(values: np.ndarray) -> None:
    assert not found(values)


def test_a_header_with_the_wrong_byte_order_is_named_by_check_and_before_training(tmp_path: Path) -> None:
    header = "ENVI\nsamples = 48\nlines = 48\nbands = 3\ndata type = 2\ninterleave = bsq\nbyte order = {}\n"
    for order in (0, 1):
        smooth(0).astype("<i2").tofile(tmp_path / f"{order}.img")
        (tmp_path / f"{order}.hdr").write_text(header.format(order))
    right, wrong = (open_scene(tmp_path / f"{order}.img") for order in (0, 1))
    said = describe(wrong)["byte order"]
    assert "the wrong byte order; correct it (byte order = 0 or 1" in said
    assert sample_statistics(wrong).doubts == (said,)
    assert "byte order" not in describe(right)
    assert [one.text for one in check_pair(right, wrong).findings if one.kind == "byte order"] == [
        f"{wrong.path}: {said}"
    ]
