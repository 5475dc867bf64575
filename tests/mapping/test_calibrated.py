"""Maps at a run's temperature: the probabilities are those of scaled logits, and only where asked for."""

import json
from dataclasses import replace
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import rasterio
import torch

from terramamba.api import map_change, map_classes, train_change_detector, train_classifier
from terramamba.change.scored_pairs import ScoredPairs
from terramamba.change.settings import ChangeSettings
from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.scaling import read_scaled
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.runs.folder import Run, load_run
from terramamba.runs.record import read_settings
from terramamba.scores.calibration import calibrated_threshold


@pytest.fixture(scope="module")
def cover(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path]:
    """A classifier of single pixels, so that its logits can be had in one line."""
    home = tmp_path_factory.mktemp("cover")
    made = make_scene(home, 3, height=48, width=48, bands=10)
    settings = ClassifySettings(
        scene=str(made.scene),
        labels=str(made.labels),
        out=str(home / "run"),
        model="svm",
        split="random",
        patch_size=3,
        device="cpu",
    )
    train_classifier(settings)
    return load_run(home / "run"), made.scene


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Path, Path]:
    home = tmp_path_factory.mktemp("change")
    made = make_pairs(home, 3, train=2, val=2, test=2, size=32, scene=(48, 48))
    train_change_detector(
        ChangeSettings(data=str(made.root), out=str(home / "run"), model="cva", device="cpu")
    )
    return load_run(home / "run"), made.before, made.after


def values(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def tag(path: Path, name: str) -> str:
    with rasterio.open(path) as file:
        return file.tags()[name]


def test_class_probabilities_are_those_of_scaled_logits_and_classes_stay(cover, tmp_path: Path) -> None:
    run, scene = cover
    assert run.temperature not in (None, 1.0)
    samples = prepare_samples(read_settings(run.folder, ClassifySettings), 3)
    cube, usable, _ = read_scaled(samples.scene, run.scaling, samples.scene.grid.window)
    spectra = torch.from_numpy(cube[:, usable].T.copy())[:, :, None, None]
    with torch.no_grad():
        logits = run.model(spectra).double()
    for calibrated, temperature in ((False, 1.0), (True, run.temperature)):
        out, likely = tmp_path / f"{calibrated}.tif", tmp_path / f"{calibrated}_p.tif"
        summary = map_classes(run, scene, out, probabilities=likely, calibrated=calibrated, device="cpu")
        assert summary.temperature == (temperature if calibrated else None)
        wanted = 254 * torch.softmax(logits / temperature, dim=1).T.numpy()
        assert np.abs(values(likely)[:, usable] - wanted).max() <= 0.51
        assert tag(out, "TEMPERATURE") == tag(likely, "TEMPERATURE") == f"{temperature:g}"
    assert np.array_equal(values(tmp_path / "True.tif"), values(tmp_path / "False.tif"))
    assert not np.array_equal(values(tmp_path / "True_p.tif"), values(tmp_path / "False_p.tif"))


def test_change_probabilities_are_those_of_scaled_logits_and_marks_stay(change, tmp_path: Path) -> None:
    run, before, after = change
    pair = PairFiles(str(before), str(after), None, None, None, "pair", "all")
    with torch.no_grad():
        sample = ScoredPairs([pair], run.scaling)[0]
        logits = run.model(sample["image"][None], sample["valid"][None])[0, 0].double()
    temperature = run.temperature
    for calibrated, divisor in ((False, 1.0), (True, temperature)):
        out, likely = tmp_path / f"{calibrated}.tif", tmp_path / f"{calibrated}_p.tif"
        summary = map_change(run, before, after, out, probabilities=likely, calibrated=calibrated)
        stored = values(likely)[0]
        known = stored != 255
        assert known.any()
        wanted = 254 * torch.sigmoid(logits / divisor).numpy()
        assert np.abs(stored[known] - wanted[known]).max() <= 0.51
        assert tag(likely, "TEMPERATURE") == f"{divisor:g}"
        cut = calibrated_threshold(run.threshold, divisor)
        assert summary.threshold == pytest.approx(cut)
    assert np.array_equal(values(tmp_path / "True.tif"), values(tmp_path / "False.tif"))
    given = map_change(run, before, after, tmp_path / "g.tif", threshold=0.7, calibrated=True)
    assert given.threshold == 0.7
    marked = torch.sigmoid(logits / temperature).numpy() >= 0.7
    assert np.array_equal(values(tmp_path / "g.tif")[0][known] == 1, marked[known])


def test_a_run_without_a_temperature_is_refused(cover, change, tmp_path: Path) -> None:
    for (run, *scenes), mapping in ((cover, map_classes), (change, map_change)):
        old = replace(run, card=replace(run.card, judged=replace(run.card.judged, calibration=None)))
        folder = tmp_path / mapping.__name__
        folder.mkdir()
        with pytest.raises(InputError, match="--calibrated needs a temperature"):
            mapping(old, *scenes, folder / "map.tif", calibrated=True)
        assert not list(folder.iterdir())
        assert mapping(old, *scenes, folder / "map.tif").temperature is None


def test_parts_of_a_map_at_another_temperature_are_not_gone_on_with(cover, tmp_path: Path) -> None:
    run, scene = cover
    map_classes(run, scene, tmp_path / "map.tif", strip_rows=8, shard="1/2")
    with pytest.raises(InputError, match="parts of a run with no --calibrated, not --calibrated"):
        map_classes(run, scene, tmp_path / "map.tif", strip_rows=8, shard="2/2", calibrated=True)


def test_a_card_says_where_the_temperature_is_from(cover, tmp_path: Path) -> None:
    run, _ = cover
    copytree(run.folder, tmp_path / "run")
    card = json.loads((tmp_path / "run" / "model.json").read_text())
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert card["calibration"] == metrics["calibration"]
    assert card["calibration"]["fitted_on"] == "validation"
    assert card["calibration"]["samples"] == sum(metrics["counts"]["validation"])


def test_the_certainty_of_classes_is_calibrated_and_the_least_sure_are_none_of_these(
    cover, tmp_path: Path
) -> None:
    run, scene = cover
    files = {"calibrated": True, "probabilities": tmp_path / "p.tif", "device": "cpu"}
    map_classes(run, scene, tmp_path / "all.tif", **files)
    out, sure = tmp_path / "map.tif", tmp_path / "sure.tif"
    options = {"certainty": sure, "areas": tmp_path / "a.csv", "polygons": tmp_path / "c.gpkg"}
    summary = map_classes(run, scene, out, reject=0.2, device="cpu", **options)
    certain = values(sure)[0]
    np.testing.assert_array_equal(certain == 255, values(tmp_path / "p.tif")[0] == 255)
    np.testing.assert_array_equal(certain, values(tmp_path / "p.tif").max(axis=0))
    least = run.card.judged.certainty.least(0.2)
    named, found = values(tmp_path / "all.tif")[0], values(out)[0]
    assert set(np.unique(found)) == {*np.unique(named), 255}
    np.testing.assert_array_equal(found[found != 255], named[found != 255])
    assert (certain[found == 255] <= np.ceil(254 * least)).all()
    assert (certain[(found != 255) & (found != 0)] >= np.floor(254 * least)).all()
    last = summary.classes[-1]
    assert (last.name, last.pixels) == ("none of these", np.count_nonzero(found == 255))
    assert last.pixels > 0
    assert "none of these" in (tmp_path / "a.csv").read_text("utf-8")
    assert "which 20.00 % of the validation samples did not reach" in summary.shown().facts["none of these"]
    assert tag(out, "REJECTED") == "255 none of these"
    assert sure in summary.files


def test_what_is_called_changed_is_as_sure_as_change_is_likely(change, tmp_path: Path) -> None:
    run, before, after = change
    likely = tmp_path / "p.tif"
    map_change(run, before, after, tmp_path / "all.tif", calibrated=True, probabilities=likely, device="cpu")
    plain = {}
    for calibrated in (False, True):
        out, sure = tmp_path / f"{calibrated}.tif", tmp_path / f"{calibrated}_sure.tif"
        options = {"certainty": sure, "calibrated": calibrated, "device": "cpu"}
        summary = map_change(run, before, after, out, reject=0.3, **options)
        plain[calibrated] = values(out)[0]
        called, stored, certain = (values(path)[0] for path in (tmp_path / "all.tif", likely, sure))
        expected = np.where(called == 1, stored, 254 - stored.astype(int))
        there = stored != 255
        assert np.abs(certain[there] - expected[there]).max() <= 1
        least = 254 * run.card.judged.certainty.least(0.3)
        unsure = plain[calibrated] == 2
        assert unsure.any()
        assert (certain[unsure] <= np.ceil(least)).all()
        assert (certain[there & ~unsure] >= np.floor(least)).all()
        assert summary.classes[-1].pixels == np.count_nonzero(unsure)
        assert "not sure" in summary.shown().facts
    assert np.mean(plain[False] != plain[True]) < 0.01


def test_runs_that_do_not_know_how_sure_they_are_are_refused(cover, change, tmp_path: Path) -> None:
    run, scene = cover
    before = replace(run, card=replace(run.card, judged=replace(run.card.judged, certainty=None)))
    map_classes(before, scene, tmp_path / "map.tif", certainty=tmp_path / "sure.tif", device="cpu")
    with pytest.raises(InputError, match="--reject needs what the run was sure of"):
        map_classes(before, scene, tmp_path / "other.tif", reject=0.1)
    never = replace(run, card=replace(run.card, judged=replace(run.card.judged, calibration=None)))
    with pytest.raises(InputError, match="--certainty needs a temperature"):
        map_classes(never, scene, tmp_path / "other.tif", certainty=tmp_path / "other_sure.tif")
    with pytest.raises(InputError, match="--reject has its rate at the threshold of the run"):
        map_change(*change, tmp_path / "other.tif", reject=0.1, threshold=0.3)
    with pytest.raises(InputError, match=r"--reject 1\.0: a fraction above 0 and below 1"):
        map_classes(run, scene, tmp_path / "other.tif", reject=1.0)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "map.qml",
        "map.tif",
        "map.tif.aux.xml",
        "sure.qml",
        "sure.tif",
    ]
