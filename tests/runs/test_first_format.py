"""Runs of the first format, kept as they were written, are read, mapped and scored as they were then.

``first_format`` has a small run of each job, the images that it mapped, and the maps that came of it.
"""

import json
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
import rasterio

from terramamba.api import evaluate_classifier, map_change, map_classes, write_report
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.splits.split_files import load_split
from terramamba.landcover.settings import ClassifySettings
from terramamba.runs.folder import load_run
from terramamba.runs.model_card import PatchShape, Threshold
from terramamba.runs.record import read_metrics, read_runs, read_settings

KEPT = Path(__file__).with_name("first_format")
COVER, CHANGE = KEPT / "cover", KEPT / "change"


def values(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def as_it_was(found: Path, kept: Path) -> None:
    """Pixels, place, names and colours of two maps are the same."""
    assert np.array_equal(values(found), values(kept))
    with rasterio.open(found) as one, rasterio.open(kept) as other:
        assert (one.profile, one.descriptions) == (other.profile, other.descriptions)
        assert one.tags(1) == other.tags(1)
        assert {one.tags()[tag] == other.tags()[tag] for tag in ("MODEL", "MODEL_SHA256", "TEMPERATURE")} == {
            True
        }
        if one.count == 1 and "map" in kept.name:
            assert one.colormap(1) == other.colormap(1)


@pytest.mark.parametrize("kept", [COVER, CHANGE])
def test_it_is_a_run_of_the_first_format(kept: Path) -> None:
    card = json.loads((kept / "run" / "model.json").read_text())
    assert card["format"] == 1


def test_a_land_cover_map_has_the_same_bits(tmp_path: Path) -> None:
    scene, land, likely = COVER / "scene.tif", tmp_path / "map.tif", tmp_path / "probability.tif"
    map_classes(COVER / "run", scene, land, probabilities=likely, device="cpu")
    as_it_was(land, COVER / "map.tif")
    as_it_was(likely, COVER / "probability.tif")
    summary = map_classes(COVER / "run", scene, tmp_path / "fast.tif", mode="fast", tilings=4, device="cpu")
    as_it_was(tmp_path / "fast.tif", COVER / "fast.tif")
    known = json.loads((COVER / "run" / "model.json").read_text())["fast"]["tilings"]["4"]
    assert summary.agreement == known["agreement"]


def test_a_change_map_has_the_same_bits(tmp_path: Path) -> None:
    changed, likely = tmp_path / "map.tif", tmp_path / "probability.tif"
    summary = map_change(
        CHANGE / "run",
        CHANGE / "before.tif",
        CHANGE / "after.tif",
        changed,
        probabilities=likely,
        tile_size=32,
        overlap=8,
        device="cpu",
    )
    as_it_was(changed, CHANGE / "map.tif")
    as_it_was(likely, CHANGE / "probability.tif")
    assert summary.threshold == json.loads((CHANGE / "run" / "model.json").read_text())["threshold"]


def test_its_card_is_read_whole() -> None:
    old = json.loads((COVER / "run" / "model.json").read_text())
    run = load_run(COVER / "run")
    assert run.classes == ClassTable(
        tuple(row["code"] for row in old["classes"]),
        tuple(row["name"] for row in old["classes"]),
        tuple(tuple(row["colour"]) for row in old["classes"]),
    )
    assert run.patches == PatchShape(old["patch_size"], old["border"])
    assert (list(run.scaling.bands), list(run.scaling.fill)) == (
        old["scaling"]["bands"],
        old["scaling"]["fill"],
    )
    assert (run.split_id, run.card.data.protocol) == (old["split_id"], old["protocol"])
    assert run.card.made_by.commit == old["commit"]
    assert run.temperature == old["calibration"]["temperature"]
    pair = json.loads((CHANGE / "run" / "model.json").read_text())
    assert load_run(CHANGE / "run").card.judged.threshold == Threshold(
        pair["threshold"], pair["threshold_from"]
    )


def test_it_is_scored_again_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "cover"
    copytree(COVER, home)
    monkeypatch.chdir(home)  # its settings name the scene from there
    again = evaluate_classifier("run", device="cpu")
    written = json.loads(Path("run/metrics.json").read_text())
    scores, kept = again["test"], written["test"]
    # Another kind of processor adds up in another order; what is counted is the same.
    assert scores.pop("calibration") == pytest.approx(kept.pop("calibration"), rel=1e-6)
    assert scores == kept
    assert (again["protocol"], again["calibration"]) == (written["protocol"], written["calibration"])
    elsewhere = evaluate_classifier("run", scene="scene.tif", labels="labels.tif", device="cpu")
    assert any("trained the model or chose its epoch" in note for note in elsewhere["notes"])
    assert elsewhere["pixels"] == again["pixels"]


def test_it_is_read_as_a_record_and_reported(tmp_path: Path) -> None:
    for kept in (COVER, CHANGE):
        (run,) = read_runs([kept / "run"])
        written = json.loads((kept / "run" / "metrics.json").read_text())
        assert run.test == written["test"]
        assert run.metrics == read_metrics(kept / "run")
        assert (run.metrics.best_epoch, run.metrics.seed) == (written["best_epoch"], written["seed"])
        assert list(run.metrics.notes) == written["notes"]
        assert run.confusion == written["test"].get("confusion", run.confusion)
        assert list(run.class_names) == list(run.card.data.classes.names)
        assert len(run.history["epoch"]) == written["epochs_run"]
        assert sum(row.samples for row in run.reliability if row.part == "test") > 0
        chosen = {row.threshold for row in run.thresholds if row.chosen}
        assert chosen == ({written["threshold"]} if kept is CHANGE else set())
    page = write_report([COVER / "run"], tmp_path / "r.html").read_text()
    assert load_run(COVER / "run").card.model.sha256 in page
    assert read_settings(COVER / "run", ClassifySettings).patch_size == load_split(COVER / "run").patch_size
