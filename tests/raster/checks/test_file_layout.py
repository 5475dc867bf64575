"""Headers that describe another layout than their file has are told from right ones of any image."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from terramamba.data.synthetic.scene import draw_scene
from terramamba.raster.checks.describe import describe
from terramamba.raster.checks.file_layout import Interleave, Layout, better_layout
from terramamba.raster.checks.pair import check_pair
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics

ORDERS: dict[Interleave, tuple[int, int, int]] = {"bsq": (0, 1, 2), "bil": (1, 0, 2), "bip": (1, 2, 0)}


@pytest.fixture(scope="module")
def scene(seed_of: Callable[[str], int]) -> np.ndarray:
    """A made-up scene of 24 bands, 71 lines and 97 samples."""
    drawn = draw_scene(np.random.default_rng(seed_of("layout")), 71, 97, 24, dead_band=5, nodata=0)
    return np.asarray(drawn.reflectance)


def layout_of(values: np.ndarray, path: Path, interleave: Interleave) -> Layout:
    """Write a cube (bands, lines, samples) and return how it lies."""
    values.transpose(ORDERS[interleave]).tofile(path)
    bands, lines, samples = values.shape
    return Layout(str(path), values.dtype, 0, (bands, lines, samples), interleave)


@pytest.mark.parametrize("stored", ["bsq", "bil", "bip"])
def test_every_other_interleave_is_found(scene: np.ndarray, tmp_path: Path, stored: Interleave) -> None:
    right = layout_of(scene, tmp_path / "scene.img", stored)
    assert better_layout(right) is None
    for other in ORDERS:
        if other != stored:
            wrong = Layout(right.path, right.dtype, 0, right.sizes, other)
            assert better_layout(wrong) == f"interleave = {stored}"


@pytest.mark.parametrize("stored", ["bsq", "bil", "bip"])
@pytest.mark.parametrize(("first", "second"), [(2, 1), (2, 0), (1, 0)])
def test_numbers_that_are_exchanged_are_found(
    scene: np.ndarray, tmp_path: Path, stored: Interleave, first: int, second: int
) -> None:
    right = layout_of(scene, tmp_path / "scene.img", stored)
    sizes = list(right.sizes)
    sizes[first], sizes[second] = sizes[second], sizes[first]
    said = better_layout(Layout(right.path, right.dtype, 0, (sizes[0], sizes[1], sizes[2]), stored))
    assert said is not None
    assert f"samples = {right.sizes[2]}" in said or "lines = 71" in said or "interleave" in said


def noise(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 1, shape)


SPECTRUM = (2000 + 800 * np.sin(np.linspace(0, 9, 60)))[:, None, None]


@pytest.mark.parametrize(
    "values",
    [
        noise(60, 50, 70),
        np.ones((20, 50, 60)),
        SPECTRUM * (1 + 0.2 * noise(1, 60, 120)) + 5 * noise(60, 60, 120),  # pixels unlike, spectra alike
        SPECTRUM * (1 + 0.2 * noise(1, 60, 60)),
        SPECTRUM + 100 * noise(1, 1, 120) + noise(60, 60, 120),  # striped along the flight
        SPECTRUM + 100 * noise(60, 60, 1) + noise(60, 60, 120),  # and across it
        np.linspace(0, 1, 64)[:, None] * np.ones((4, 64, 80)),
        noise(3, 64, 64) > 0,  # a map of classes that nobody can tell
        noise(1, 64, 64),
        noise(30, 6, 600),
    ],
)
def test_noise_stripes_and_constants_leave_the_header_as_it_is(values: np.ndarray, tmp_path: Path) -> None:
    interleave = list(ORDERS)[values.size % 3]
    assert better_layout(layout_of(values.astype(np.float32), tmp_path / "a.img", interleave)) is None


@pytest.mark.parametrize("bands", [3, 5, 8])
def test_neighbours_that_would_be_bands_of_another_reading_prove_nothing(
    tmp_path: Path, seed: int, bands: int
) -> None:
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[:60, :60]
    layers = random.uniform(500, 4000, (bands, 7))  # of things that have nothing in common
    values = layers[:, rows // 20 + 3 * (cols // 30)] + random.normal(0, 120, (bands, 60, 60))
    grey = np.repeat(random.gamma(2, 40, (1, 60, 61)), 3, axis=0)
    for right, stored in ((values, "bil"), (values, "bip"), (grey, "bip"), (grey, "bil")):
        layout = layout_of(right.astype(np.uint16), tmp_path / "a.img", stored)
        assert better_layout(layout) is None


def photograph(seed: int) -> np.ndarray:
    """Three bands of the same shapes, hardly unlike in colour."""
    random = np.random.default_rng(seed)
    light = gaussian_filter(random.normal(0, 1, (150, 131)), 1.2)
    rgb = 120 + 150 * light + random.normal(0, 4, (3, 150, 131)) + np.array([12, 0, -9])[:, None, None]
    return rgb.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("stored", "written"), [("bil", "bip"), ("bip", "bsq")])
def test_of_few_bands_the_rhythm_tells_the_interleave(
    tmp_path: Path, seed: int, stored: Interleave, written: Interleave
) -> None:
    values = photograph(seed)
    right = layout_of(values, tmp_path / "a.img", stored)
    assert better_layout(right) is None
    assert better_layout(replace(right, interleave=written)) == f"interleave = {stored}"
    assert better_layout(layout_of(values, tmp_path / "b.img", "bsq")) is None


def test_a_wrong_header_is_named_by_check_and_before_training(scene: np.ndarray, tmp_path: Path) -> None:
    header = "ENVI\nsamples = 97\nlines = 71\nbands = 24\ndata type = 12\ninterleave = {}\nbyte order = 0\n"
    for written in ("bil", "bsq"):
        scene.transpose(ORDERS["bil"]).tofile(tmp_path / f"{written}.img")
        (tmp_path / f"{written}.hdr").write_text(header.format(written))
    right, wrong = (open_scene(tmp_path / f"{written}.img") for written in ("bil", "bsq"))
    said = describe(wrong)["layout"]
    assert "far more alike with interleave = bil in the header of bsq.img" in said
    assert said in sample_statistics(wrong).doubts
    assert "layout" not in describe(right)
    findings = [one for one in check_pair(right, wrong).findings if one.kind == "layout"]
    assert [one.text for one in findings] == [f"{wrong.path}: {said}"]
