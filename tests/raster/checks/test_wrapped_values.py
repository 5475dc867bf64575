"""Numbers below 0 that were stored without their sign are told from fill, saturation and bright pixels."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from terramamba.raster.checks.fill_values import probable_fill
from terramamba.raster.checks.pair import check_pair
from terramamba.raster.checks.wrapped_values import Wrapped, probably_wrapped
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics


def found(values: np.ndarray, valid: np.ndarray | None = None) -> Wrapped | None:
    known = np.ones(values.shape, bool) if valid is None else valid
    return probably_wrapped([(values, known)])


def dark_scene(seed: int, share: float = 0.02) -> np.ndarray:
    """Reflectance x 10,000 with noise below 0 over water, as int16."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(20, 6000, (5, 60, 60))
    values[:, rng.random((60, 60)) < share] = 0
    values[1:4] = np.where(values[1:4] == 0, rng.uniform(-90, -1, (3, 60, 60)).round(), values[1:4])
    return values.astype(np.int16)


@pytest.mark.parametrize("dtype", ["uint16", "int32", "float32", "float64"])
def test_lost_signs_are_told_whatever_type_holds_them_later(dtype: str, seed: int) -> None:
    signed = dark_scene(seed)
    assert found(signed) is None
    lost = found(signed.view(np.uint16).astype(dtype))
    assert lost is not None
    least, most = int(signed.min()), int(signed[signed < 0].max())
    assert (lost.low, lost.high, lost.bands, lost.bits) == (65536 + least, 65536 + most, (3, 5), 16)
    assert f"probably {least} to {most}, stored in a type without sign" in lost.in_words()


def test_one_number_is_enough_and_32_bits_are_known(seed: int) -> None:
    values = dark_scene(seed, 0).astype(np.int32)
    values[2, :2] = -12
    assert found(values) is None
    lost = found(values.view(np.uint32))
    assert lost is not None
    words = lost.in_words()
    assert words.startswith("3.333 % of the pixels hold 4,294,967,284 in 1 of 5 bands, far above")
    assert "probably -12, stored in a type without sign" in words
    assert "int32" in words


def test_marked_pixels_do_not_count(seed: int) -> None:
    stored = dark_scene(seed).view(np.uint16)
    assert found(stored, stored < 2**15) is None


@pytest.mark.parametrize(
    ("bright", "why"),
    [
        ([65535], "saturated, or no data"),
        ([65534, 65535], "the two usual codes of no data"),
        ([50000], "a value of its own, as of no data"),
        (np.linspace(6000, 65000, 90), "bright pixels of all degrees"),
        (np.linspace(30000, 65000, 90), "bright pixels, with no gap as long as half the type"),
    ],
)
def test_what_is_no_lost_sign(bright: list[float], why: str, seed: int) -> None:
    values = np.abs(dark_scene(seed, 0)).astype(np.uint16)
    values[1:4, 0] = np.resize(np.asarray(bright, np.uint16), 60)
    assert found(values) is None, why


def test_images_of_8_bits_and_masks_are_left_alone(seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 60, (3, 40, 40)).astype(np.uint8)
    values[:, 0] = 250
    assert found(values) is None
    assert found(np.full((1, 8, 8), 65535, np.uint16)) is None
    assert found(np.zeros((2, 8, 8), bool)) is None


def test_a_scene_and_a_pair_say_it_once(geotiff: Callable[..., Path], tmp_path: Path, seed: int) -> None:
    """The same values are not taken for fill, too."""
    signed = dark_scene(seed, 0)
    signed[:, 0] = -12
    stored = signed.view(np.uint16)
    assert [fill.value for fill in probable_fill([(stored, np.ones(stored.shape, bool))])] == [65524.0]
    plain = geotiff(tmp_path / "plain.tif", np.abs(signed).view(np.uint16))
    lost = geotiff(tmp_path / "lost.tif", stored)
    statistics = sample_statistics(open_scene(lost))
    assert statistics.fill == ()
    assert ["without sign" in said for said in statistics.doubts] == [True]
    report = check_pair(plain, lost)
    assert [finding.kind for finding in report.findings].count("lost signs") == 1
    assert sum("without sign" in note for note in report.notes) == 1
