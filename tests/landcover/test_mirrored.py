"""Labels that fit their scene only when they are mirrored are said to; others never are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rasterio.crs import CRS

from terramamba.api import evaluate_classifier, train_classifier
from terramamba.data.labels.labels import read_labels
from terramamba.landcover.mirrored import better_mirrored
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

BANDS = 10


def scene_and_codes(path: Path, width: int = 60) -> tuple[Scene, np.ndarray]:
    """Fields of 4 covers that differ in all bands, some with the same spectrum, and some labelled pixels."""
    rng = np.random.default_rng(3)
    covers = np.kron(rng.integers(0, 4, (10, width // 6)), np.ones((6, 6), int))
    spectra = rng.normal(0, 1, (4, BANDS))
    values = np.moveaxis(spectra[covers] + rng.normal(0, 0.4, (60, width, BANDS)), 2, 0)
    values[:, :5] = np.nan
    write_geotiff(path, values.astype(np.float32), Grid(60, width, CRS.from_epsg(32633), None))
    return open_scene(path), np.where(rng.random((60, width)) < 0.2, covers + 1, 0).astype(np.uint8)


WAYS = {
    "upside down": np.flipud,
    "mirrored from left to right": np.fliplr,
    "turned by half a circle": lambda codes: codes[::-1, ::-1],
    "with rows and columns exchanged": np.transpose,
}


@pytest.mark.parametrize("way", WAYS)
def test_labels_that_fit_only_when_turned_are_said_to(tmp_path: Path, way: str) -> None:
    scene, codes = scene_and_codes(tmp_path / "scene.tif")
    np.save(tmp_path / "turned.npy", WAYS[way](codes))
    np.save(tmp_path / "right.npy", codes)
    bands = range(BANDS)
    said = better_mirrored(scene, read_labels(str(tmp_path / "turned.npy"), scene), bands)
    assert said is not None
    assert f"far better {way} than as they lie" in said
    assert better_mirrored(scene, read_labels(str(tmp_path / "right.npy"), scene), bands) is None


def test_labels_that_fit_nowhere_or_are_few_need_no_word(tmp_path: Path) -> None:
    scene, codes = scene_and_codes(tmp_path / "scene.tif", width=48)
    chance = np.random.default_rng(3)
    few = np.where(chance.random(codes.shape) < 0.1, codes, 0)
    for name, values in (("noise", chance.permuted(codes)), ("few", few[::-1])):
        np.save(tmp_path / f"{name}.npy", values)
        labels = read_labels(str(tmp_path / f"{name}.npy"), scene)
        assert better_mirrored(scene, labels, range(BANDS)) is None


def test_training_is_warned_of_them_and_scores_say_so(tmp_path: Path) -> None:
    scene, codes = scene_and_codes(tmp_path / "scene.tif")
    np.save(tmp_path / "turned.npy", codes[::-1])
    np.save(tmp_path / "right.npy", codes)
    settings = ClassifySettings(
        scene=scene.path,
        labels=str(tmp_path / "turned.npy"),
        split="random",
        model="svm",
        out=str(tmp_path / "run"),
        patch_size=1,
    )
    assert any("far better upside down" in said for said in prepare_samples(settings, 1).warnings)
    train_classifier(replace(settings, labels=str(tmp_path / "right.npy")))
    for name, said in (("turned", True), ("right", False)):
        scores = evaluate_classifier(tmp_path / "run", scene=scene.path, labels=str(tmp_path / f"{name}.npy"))
        assert any("far better upside down" in note for note in scores.notes) == said
