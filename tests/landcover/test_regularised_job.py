"""Training that chooses how strongly probabilities are smoothed, and what is scored and mapped with that."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch

from terramamba.api import evaluate_classifier, map_classes, train_classifier
from terramamba.core.errors import InputError
from terramamba.data.scaling import read_scaled
from terramamba.data.splits.leakage import TEST, TRAIN, VALIDATION, near
from terramamba.data.splits.split_files import load_split
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.smoothing_strength import STRENGTHS
from terramamba.mapping.regularise import smoothed
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run, load_run
from terramamba.runs.record import read_settings

RADIUS = 2


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classifier of single spectra, whose errors are speckle, on a scene of fields."""
    home = tmp_path_factory.mktemp("cover")
    made = make_scene(home, 3, height=56, width=56, bands=6)
    train_classifier(
        ClassifySettings(
            scene=str(made.scene),
            labels=str(made.labels),
            out=str(home / "run"),
            model="random_forest",
            patch_size=3,
            regularise=RADIUS,
            device="cpu",
        ),
        progress=False,
    )
    return load_run(home / "run")


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def test_validation_chooses_the_strength_and_the_record_says_so(run: Run) -> None:
    own = run.card.judged.regularise
    assert own is not None
    assert own.radius == RADIUS
    assert list(own.validation) == [f"{strength:g}" for strength in STRENGTHS]
    metrics = json.loads((run.folder / "metrics.json").read_text())
    best = max(own.validation.values())
    assert metrics["validation"]["oa"] == pytest.approx(best)
    assert metrics["regularise"]["bandwidth"] == own.bandwidth
    assert metrics["protocol"].endswith("-p3-r2")
    assert run.card.data.protocol == metrics["protocol"]


def test_no_test_pixel_is_within_patch_and_smoothing_of_a_training_pixel(run: Run) -> None:
    split = load_split(run.folder)
    assert (split.patch_size, split.reach) == (3, RADIUS)
    held_out = (split.subsets == TEST) | (split.subsets == VALIDATION)
    assert not (near(split.pixels, split.subsets == TRAIN, 1 + RADIUS) & held_out).any()
    assert split.leakage.shared == 0
    assert replace(split, reach=0).id != split.id
    wider = near(split.pixels, split.subsets == TRAIN, 2 + RADIUS) & (split.subsets == TEST)
    assert split.leakage.overlap == pytest.approx(np.mean(wider[split.subsets == TEST]))


def test_maps_and_scores_are_of_the_smoothed_probabilities(run: Run, tmp_path: Path) -> None:
    samples = prepare_samples(read_settings(run.folder, ClassifySettings), 3)
    cube, usable, _ = read_scaled(samples.scene, run.scaling, samples.scene.grid.window)
    with torch.no_grad():
        logits = run.model(torch.from_numpy(cube[:, usable].T.copy())[:, :, None, None])
    likely = torch.zeros(logits.shape[1], *usable.shape)
    likely[:, torch.from_numpy(usable)] = torch.softmax(logits, dim=1).T
    window = Window(0, 0, *usable.shape)
    own = run.card.judged.regularise
    assert own is not None
    assert own.bandwidth is not None
    smooth = smoothed(
        likely, torch.from_numpy(cube), torch.from_numpy(usable), window, RADIUS, [own.bandwidth]
    )[0].numpy()
    codes = np.array(run.classes.codes)
    expected = np.where(usable, codes[smooth.argmax(axis=0)], 0)
    scene = samples.scene.path
    files = {"probabilities": tmp_path / "p.tif", "certainty": tmp_path / "sure.tif"}
    summary = map_classes(run, scene, tmp_path / "map.tif", device="cpu", **files)
    found = read(tmp_path / "map.tif")[0]
    clear = np.diff(np.sort(smooth, axis=0)[-2:], axis=0)[0] > 1e-5
    np.testing.assert_array_equal(found[clear], expected[clear])
    assert summary.shown().facts["regularised"].startswith("2 pixels far, bandwidth ")
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.tags()["REGULARISE"] == summary.regularised
    stored = read(tmp_path / "p.tif")[:, usable]
    assert np.abs(stored / 254 - likely.numpy()[:, usable]).max() < 0.01, "stored probabilities are raw"
    assert own.calibration is not None
    scaled = smooth[:, usable].astype(float) ** (1 / own.calibration.temperature)
    sure = (scaled / scaled.sum(axis=0)).max(axis=0)
    assert np.abs(read(tmp_path / "sure.tif")[0][usable] / 254 - sure).max() < 0.01

    for name, options in {"rows": {"strip_rows": 5}, "off": {"regularise": "off"}}.items():
        map_classes(run, scene, tmp_path / f"{name}.tif", device="cpu", **options)
    np.testing.assert_array_equal(read(tmp_path / "rows.tif")[0][clear], found[clear])
    plain = np.where(usable, codes[likely.numpy().argmax(axis=0)], 0)
    np.testing.assert_array_equal(read(tmp_path / "off.tif")[0], plain)
    assert (plain != found).any()

    rows, cols = samples.pixels(TEST).T
    truth = codes[samples.targets(TEST)]
    for asked, land in (("auto", found), ("off", plain)):
        scored = evaluate_classifier(run, regularise=asked, device="cpu", progress=False)
        assert scored.raw["test"]["oa"] == pytest.approx(np.mean(land[rows, cols] == truth))
    metrics = json.loads((run.folder / "metrics.json").read_text())
    assert metrics["test"]["oa"] == pytest.approx(np.mean(found[rows, cols] == truth))
    assert metrics["regularise"]["test_without"] == pytest.approx(np.mean(plain[rows, cols] == truth))


def test_what_cannot_be_smoothed_so_is_refused(run: Run, tmp_path: Path) -> None:
    scene = read_settings(run.folder, ClassifySettings).scene
    assert scene is not None
    before = replace(run, card=replace(run.card, judged=replace(run.card.judged, regularise=None)))
    for call, words in (
        (lambda: map_classes(before, scene, tmp_path / "map.tif", regularise=3), "has chosen none"),
        (lambda: map_classes(run, scene, tmp_path / "map.tif", regularise=0), "a number of pixels from 1"),
        (
            lambda: map_classes(run, scene, tmp_path / "map.tif", regularise=3, reject=0.1),
            "leave one",
        ),
        (lambda: evaluate_classifier(run, regularise=3), "keep a distance for smoothing of 2 pixels"),
    ):
        with pytest.raises(InputError, match=words):
            call()
    assert not list(tmp_path.iterdir())
    map_classes(before, scene, tmp_path / "map.tif", device="cpu")
    map_classes(run, scene, tmp_path / "off.tif", regularise="off", device="cpu")
    np.testing.assert_array_equal(read(tmp_path / "map.tif"), read(tmp_path / "off.tif"))
