"""From the files of a job to samples: bands found and left out, roles, scaling, what is refused."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from affine import Affine
from rasterio.crs import CRS
from scipy.io import savemat

from drawn import class_map, subset_map
from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import read_scaled
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import Split
from terramamba.landcover.samples import Samples, affordable, prepare_samples, read_spectra
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.usable_bands import usable
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

NODATA = -9999.0
GRID = Grid(24, 20, CRS.from_epsg(32632), Affine(10, 0, 500_000, 0, -10, 5_800_000))


@pytest.fixture
def files(tmp_path: Path, seed: int) -> tuple[Path, Path]:
    """Two classes of squares in a scene of 6 bands, of which band 3 has no data and band 5 is constant."""
    rng = np.random.default_rng(seed)
    labels = np.kron((np.indices((6, 5)).sum(axis=0) % 2 + 1), np.ones((4, 4), int)).astype(np.uint8)
    values = rng.normal(labels * 10, 1, (6, *labels.shape)).astype(np.float32)
    values[2], values[4] = NODATA, 7.0
    write_geotiff(tmp_path / "scene.tif", values, GRID, nodata=NODATA)
    write_geotiff(tmp_path / "labels.tif", labels[None], GRID, nodata=0)
    return tmp_path / "scene.tif", tmp_path / "labels.tif"


def settings(files: tuple[Path, Path], **changed: object) -> ClassifySettings:
    base = ClassifySettings(scene=str(files[0]), labels=str(files[1]), out="unused", split="random")
    return replace(base, **changed)


def cube(samples: Samples) -> np.ndarray:
    """The whole scene, scaled."""
    return read_scaled(samples.scene, samples.scaling, samples.scene.grid.window)[0]


def rewrite(path: Path, change: object) -> None:
    values, _ = open_scene(path).read()
    values = values.copy()
    change(values)
    write_geotiff(path, values, GRID, nodata=NODATA, overwrite=True)


def test_empty_and_constant_bands_are_found_and_left_out(files):
    samples = prepare_samples(settings(files), 3)
    assert samples.scaling.bands == (0, 1, 3, 5)
    assert samples.notes == (
        "1 of 6 bands left out (no data): 3",
        "1 of 6 bands left out (constant): 5",
    )
    assert samples.spectra(TRAIN).shape[1] == 4


def test_scaling_is_fitted_on_training_pixels_alone(files):
    samples = prepare_samples(settings(files), 3)
    raw, _ = open_scene(files[0]).read(bands=samples.scaling.bands)
    training = raw[:, subset_map(samples.split) == TRAIN].astype(np.float64)
    np.testing.assert_allclose(samples.scaling.offset, training.min(axis=1))
    np.testing.assert_allclose(samples.scaling.factor, 1 / np.ptp(training, axis=1))
    np.testing.assert_allclose(samples.spectra(TRAIN).min(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(samples.spectra(TRAIN).max(axis=0), 1, atol=1e-6)
    everything = prepare_samples(settings(files, fit_on="scene"), 3)
    np.testing.assert_allclose(cube(everything).reshape(4, -1).min(axis=1), 0, atol=1e-6)


def test_pixels_targets_and_spectra_belong_together(files):
    samples = prepare_samples(settings(files), 3)
    for role in (TRAIN, VALIDATION, TEST):
        pixels, targets = samples.pixels(role), samples.targets(role)
        assert (class_map(samples.labels)[tuple(pixels.T)] - 1 == targets).all()
        np.testing.assert_array_equal(cube(samples)[:, *pixels.T].T, samples.spectra(role))


def test_a_pixel_without_data_leaves_its_part_with_a_note(files):
    before = prepare_samples(settings(files), 3)
    row, col = before.pixels(TEST)[0]
    rewrite(files[0], lambda values: values[0].__setitem__((row, col), NODATA))
    after = prepare_samples(settings(files), 3)
    assert subset_map(after.split)[row, col] == 0
    assert after.notes[-1] == "1 of 480 labelled pixels lack data in a used band and are left out"
    beside = after.pixels(TRAIN)[np.abs(after.pixels(TRAIN) - (row, col)).max(axis=1) == 1]
    for near in beside:  # a hole in their patches
        hole = tuple(np.array([row, col]) - near + 1)
        patch = after.store.cut(near[None])[0]
        np.testing.assert_allclose(patch[:, *hole], after.scaling.fill, rtol=1e-6)


@pytest.mark.parametrize("hole", [np.nan, np.inf, -np.inf])
def test_nan_is_no_data_whichever_seed(files: tuple[Path, Path], hole: float) -> None:
    def spoil(values: np.ndarray) -> None:
        values[1] = np.where(np.indices(values[1].shape)[0] < 16, hole, values[1])
        values[3, 5, 7] = hole

    rewrite(files[0], spoil)
    known = np.ones((24, 20), bool)
    known[5, 7] = False
    for seed in range(4):
        samples = prepare_samples(settings(files, seed=seed), 3)
        assert samples.scaling.bands == (0, 3, 5)
        assert samples.notes == (
            "2 of 6 bands left out (no data): 2-3",
            "1 of 6 bands left out (constant): 5",
            "1 of 480 labelled pixels lack data in a used band (1 of them NaN or infinite) and are left out",
        )
        np.testing.assert_array_equal(subset_map(samples.split) > 0, known)
        assert samples.lost == 1


def test_nan_in_an_array_file_is_no_data(files: tuple[Path, Path], tmp_path: Path) -> None:
    values, _ = open_scene(files[0]).read(bands=[0, 1, 3, 5])
    values[2, 0] = np.nan
    np.save(tmp_path / "scene.npy", np.moveaxis(values, 0, 2))
    samples = prepare_samples(settings((tmp_path / "scene.npy", files[1])), 3)
    assert samples.lost == 20
    assert not subset_map(samples.split)[0].any()


def test_a_class_that_has_no_data_is_refused(files: tuple[Path, Path]) -> None:
    labels = np.ones((24, 20), np.uint8)
    labels[4] = 2
    write_geotiff(files[1], labels[None], GRID, nodata=0, overwrite=True)
    rewrite(files[0], lambda values: values[0].__setitem__(4, np.nan))
    with pytest.raises(InputError, match="no labelled pixel of 'class 2' has data in all 4 used bands"):
        prepare_samples(settings(files), 3)


def test_a_header_s_bad_bands_are_left_out(files):
    scene = replace(open_scene(files[0]), bad_bands=(True, *[False] * 5))
    found = usable(scene, prepare_samples(settings(files), 3).labels)
    assert found.bands == (1, 3, 5)
    assert found.notes[0] == "1 of 6 bands left out (bad by its header): 1"


def test_a_scene_without_any_usable_band_is_refused(files):
    rewrite(files[0], lambda values: values.__setitem__(slice(None), NODATA))
    with pytest.raises(InputError, match=r"scene\.tif: no band has usable data"):
        prepare_samples(settings(files), 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"labels": None}, "no labels given; name a label file with --labels"),
        ({"test_labels": "t.tif"}, "--test-labels: used only with --split given"),
        ({"split": "given", "train_labels": "a.tif"}, "also name --test-labels; without --val-labels, val"),
    ],
)
def test_label_flags_that_do_not_fit_the_split_are_refused(files, changed, message):
    with pytest.raises(InputError, match=message):
        prepare_samples(settings(files, **changed), 3)


def test_how_a_scene_is_read_does_not_show(files, monkeypatch):
    where = PixelList.of(np.random.default_rng(1).random((24, 20)) < 0.3)
    whole = read_spectra(open_scene(files[0]), where, (0, 3))
    expected = {fit_on: prepare_samples(settings(files, fit_on=fit_on), 3) for fit_on in ("train", "scene")}
    monkeypatch.setattr("terramamba.data.patch_store.VALUES_PER_READ", 5 * 20 * 6)
    monkeypatch.setattr("terramamba.landcover.samples.VALUES_PER_READ", 5 * 20 * 6)
    np.testing.assert_array_equal(read_spectra(open_scene(files[0]), where, (0, 3)), whole)
    for fit_on, samples in expected.items():
        again = prepare_samples(settings(files, fit_on=fit_on), 3)
        assert again.scaling == samples.scaling
        assert torch.equal(again.store.values, samples.store.values)


def test_masked_pixels_leave_labels_scaling_and_cube(
    files: tuple[Path, Path], tmp_path: Path, seed: int
) -> None:
    """What is masked may hold anything; it is no sample, does not count in the scaling, and is filled."""
    rng = np.random.default_rng(seed)
    labels = open_scene(files[1]).read()[0][0]
    clouds = rng.random(labels.shape) < 0.6  # more than half, which once cost every band
    write_geotiff(tmp_path / "clouds.tif", clouds[None].astype(np.uint8), GRID)
    masked = {"mask": [str(tmp_path / "clouds.tif")], "min_per_class": 5}
    for fit_on in ("train", "scene"):
        before = prepare_samples(settings(files, fit_on=fit_on, **masked), 3)

        def spoil(values: np.ndarray) -> None:
            values[:, clouds] = rng.normal(1e6, 1e6, (6, int(clouds.sum())))

        rewrite(files[0], spoil)
        samples = prepare_samples(settings(files, fit_on=fit_on, **masked), 3)
        assert samples.scaling == before.scaling
        assert samples.split.id == before.split.id
        torch.testing.assert_close(samples.store.values, before.store.values, rtol=0, atol=0)
        assert not subset_map(samples.split)[clouds].any()
        assert not class_map(samples.labels)[clouds].any()
        assert (samples.split.subsets > 0).sum() == (~clouds & (labels > 0)).sum()
        fill = np.array(samples.scaling.fill, np.float32)
        hidden = clouds.ravel()[samples.store.kept.keys]
        assert (samples.store.values[:-1].numpy()[hidden] == fill).all()
        note = (
            f"{(clouds & (labels > 0)).sum()} of {(labels > 0).sum()} labelled pixels are masked and left out"
        )
        assert note in samples.notes
    write_geotiff(tmp_path / "clouds.tif", (labels == 2)[None].astype(np.uint8), GRID, overwrite=True)
    with pytest.raises(InputError, match="its masks leave no labelled pixel of 'class 2'; label more"):
        prepare_samples(settings(files, **masked), 3)


def test_given_parts_without_masked_pixels(files: tuple[Path, Path], tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels = open_scene(files[1]).read()[0][0]
    part = np.indices(labels.shape)[0] // 8
    given = {}
    for i, name in enumerate(("train", "val", "test")):
        write_geotiff(tmp_path / f"{name}.tif", np.where(part == i, labels, 0)[None], GRID, nodata=0)
        given[f"{name}_labels"] = str(tmp_path / f"{name}.tif")
    clouds = rng.random(labels.shape) < 0.3
    write_geotiff(tmp_path / "clouds.tif", clouds[None].astype(np.uint8), GRID)
    samples = prepare_samples(
        settings(files, split="given", labels=None, mask=[str(tmp_path / "clouds.tif")], **given), 3
    )
    expected = np.where(clouds, 0, np.array([TRAIN, VALIDATION, TEST])[part])
    np.testing.assert_array_equal(subset_map(samples.split), expected)


def as_arrays(files: tuple[Path, Path], path: Path) -> Path:
    """The scene, training and test labels in one .mat file, as SpectralFormer's data come."""
    values, labels = open_scene(files[0]).read()[0], open_scene(files[1]).read()[0][0]
    values[2] = 0
    training = np.arange(20) < 10
    savemat(
        path,
        {
            "input": values.transpose(1, 2, 0),
            "TR": np.where(training, labels, 0),
            "TE": np.where(training, 0, labels),
        },
    )
    return path


def test_given_parts_in_one_file_leave_validation_to_be_drawn_from_training(files, tmp_path):
    path = as_arrays(files, tmp_path / "all.mat")
    given = {"scene": f"{path}:input", "labels": None, "split": "given", "val_fraction": 0.25}
    parts = {"train_labels": f"{path}:TR", "test_labels": f"{path}:TE"}
    samples = prepare_samples(settings(files, **given, **parts), 3)
    assert len(samples.pixels(TEST)) == 240
    assert (len(samples.pixels(TRAIN)), len(samples.pixels(VALIDATION))) == (180, 60)
    assert samples.pixels(VALIDATION)[:, 1].max() < 10
    assert "60 of the given training pixels, drawn at random, are validation" in samples.split.notes
    assert samples.notes[0] == "input 24 x 20 x 6, by the size of the labels read as rows, columns, bands"


def test_a_scene_is_not_its_own_labels(files, tmp_path):
    path = as_arrays(files, tmp_path / "all.mat")
    with pytest.raises(
        InputError, match=r"all\.mat: TR is the scene itself, so it cannot be its labels; name"
    ):
        prepare_samples(settings(files, scene=f"{path}:TR", labels=f"{path}:TR"), 3)
    with pytest.raises(InputError, match=r"labels\.tif: is the scene itself; name the labels of"):
        prepare_samples(settings((files[1], files[1])), 3)


def test_a_label_map_alone_is_no_scene(files, tmp_path):
    np.save(tmp_path / "gt.npy", open_scene(files[1]).read()[0][0])
    with pytest.raises(InputError, match=r"gt\.npy: no 3-D array, only array 24 x 20; give the file"):
        prepare_samples(settings((tmp_path / "gt.npy", files[1])), 3)


def test_patches_are_as_large_as_the_labels_afford(seed):
    pixels = PixelList.of(np.ones((4, 5), bool))
    tried = []

    def split_for(side, reach):
        assert reach == 0  # what smoothing reaches is not the patches' to pay
        tried.append(side)
        if side == 7:
            raise InputError("nothing is left to test on")
        subsets = np.full(20, TEST, np.uint8)
        subsets[: {5: 3, 3: 2}[side]] = LEFT_OUT
        return Split("block", 0, side, pixels, subsets)

    assert affordable(split_for, 7) == 3
    assert tried == [7, 5]
    assert affordable(split_for, 3) == 3
    few = Split("block", 0, 5, pixels, np.full(20, TEST, np.uint8))
    assert affordable(lambda side, reach: few, 5) == 5
