"""What explanations return: typed, the mapping of their file, data frames, tables with pictures."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

import terramamba as tm
from cards import change_card, cover_card, land_cover_classes, save_run
from terramamba.core.files import plain
from terramamba.data.scaling import Scaling
from terramamba.data.synthetic.files import make_pairs, make_scene
from terramamba.models.registry import create_model
from terramamba.runs.model_card import PatchShape


def standard(bands: list[int], factor: float) -> Scaling:
    count = len(bands)
    return Scaling("standard", tuple(bands), (0.0,) * count, (factor,) * count, (0.5,) * count)


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> tm.ExplainedClasses:
    home = tmp_path_factory.mktemp("classes")
    made = make_scene(home / "scene", 0, height=40, width=40, bands=8)
    alive = [band for band in range(8) if band != made.dead_band]
    card = cover_card(
        source_bands=8,
        scaling=standard(alive, 1e-4),
        patches=PatchShape(5, "reflect"),
        classes=land_cover_classes(4),
        pixel_sizes=(4.0, 4.0),
    )
    save_run(create_model("ssa_mamba", preset="tiny", in_channels=7, num_classes=4), home / "run", card)
    return tm.explain_classes(
        home / "run",
        made.scene,
        out=home / "why",
        labels=made.labels,
        pixel="20,21",
        samples=30,
        repeats=2,
        bands_per_group=4,
        device="cpu",
        progress=False,
    )


@pytest.fixture(scope="module")
def change(tmp_path_factory: pytest.TempPathFactory) -> tm.ExplainedChange:
    home = tmp_path_factory.mktemp("change")
    pairs = make_pairs(home / "pairs", 0, train=1, val=1, test=1, size=32, scene=(64, 64))
    card = change_card(source_bands=3, scaling=standard([0, 1, 2], 1 / 255), pixel_sizes=(0.5, 0.5))
    save_run(create_model("glmamba", preset="nano", in_channels=3), home / "run", card)
    window = "5,6,32,40"
    return tm.explain_change(
        home / "run", pairs.before, pairs.after, out=home / "why", window=window, device="cpu", progress=False
    )


def test_what_is_returned_is_what_the_file_holds(
    classes: tm.ExplainedClasses, change: tm.ExplainedChange
) -> None:
    for found in (classes, change):
        written = json.loads((found.folder / "explain.json").read_text())
        # untrained, it may mark no pixel: what has no value is NaN here and null there
        assert json.loads(json.dumps({key: plain(found[key]) for key in written})) == written
        assert {*found} == {*written, "folder"}
        assert {path.name for path in found.folder.iterdir()} == {*found.files, "explain.json"}


def test_a_classifier_is_explained_in_types(classes: tm.ExplainedClasses) -> None:
    assert (classes.task, classes.model, classes.pixels) == ("classify", "ssa_mamba", 30)
    assert classes.importance is not None
    assert classes.importance.oa == classes["importance"]["oa"]
    assert [group.name[:6] for group in classes.importance.groups] == ["bands "] * 2
    assert all(1 <= one.tokens_asked_by_centre <= one.tokens == 25 for one in classes.attention)
    (pixel,) = classes.named_pixels
    assert (pixel.row, pixel.col) == (20, 21)
    assert pixel.class_name == max(pixel.probability, key=pixel.probability.__getitem__)
    assert any("does not know" in note for note in classes.notes)


def test_a_change_detector_is_explained_in_types(change: tm.ExplainedChange) -> None:
    assert (change.task, change.model, change.window.shape) == ("change", "glmamba", (32, 40))
    assert change.usable_pixels == 32 * 40
    assert change.marked_pixels == change["marked_pixels"]
    assert [layer.layer for layer in change.layers] == [layer["layer"] for layer in change["layers"]]
    assert len(change.layers) == 12
    assert change.threshold == change["threshold"]


def test_explanations_are_data_frames(classes: tm.ExplainedClasses, change: tm.ExplainedChange) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed: data frames are not tried")
    bands, layers = classes.to_pandas(), change.to_pandas()
    assert classes.importance is not None
    assert bands["oa_drop"].tolist() == [group.oa_drop for group in classes.importance.groups]
    assert layers.index.tolist() == [layer.layer for layer in change.layers]
    assert {*layers.columns} == {one.name for one in fields(change.layers[0])} - {"layer"}


def test_explanations_show_themselves_in_a_notebook(
    classes: tm.ExplainedClasses, change: tm.ExplainedChange, tmp_path: Path
) -> None:
    of_classes, of_change = classes._repr_html_(), change._repr_html_()
    assert of_classes.count("data:image/png;base64,") == of_change.count("data:image/png;base64,") == 2
    assert "<td>bands " in of_classes
    assert f"<td>{change.layers[0].layer}</td>" in of_change
    moved = tm.ExplainedClasses("classify", {**classes, "folder": str(tmp_path)})
    assert "data:image/png" not in moved._repr_html_()


def in_other_units(path: str, times: float) -> tm.Scene:
    values, _ = tm.open_scene(path).read()
    where = {"crs": "EPSG:32633", "transform": Affine(30, 0, 4e5, 0, -30, 5e6)}
    return tm.scene_from_array(values.astype(np.float32) * np.float32(times), **where)


def test_what_a_map_says_of_other_units_and_pixels_an_explanation_says_too(
    classes: tm.ExplainedClasses, change: tm.ExplainedChange, tmp_path: Path
) -> None:
    scene = in_other_units(classes["scene"], 1e-4)
    shown = tm.explain_classes(
        classes["run"], scene, out=tmp_path / "a", samples=5, device="cpu", progress=False
    )
    dates = [in_other_units(change[name], 1 / 255) for name in ("before", "after")]
    how = {"window": "5,6,32,40", "device": "cpu", "progress": False}
    seen = tm.explain_change(change["run"], *dates, out=tmp_path / "b", **how)
    for found in (shown, seen):
        assert any("times smaller than those that the model was trained on" in one for one in found["notes"])
        assert any("pixels are 30 m wide" in one for one in found["notes"])
    for found in (classes, change):
        assert not any("trained on" in note for note in found["notes"])
