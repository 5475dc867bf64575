"""The public functions as a notebook calls them: arrays in, typed results out, told of progress, stopped."""

import json
import os
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio

import programs
import terramamba as tm
from terramamba.data.synthetic.files import SyntheticScene, make_pairs, make_scene

PAGE = Path(__file__).parents[2] / "docs" / "python.md"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    return make_scene(tmp_path_factory.mktemp("scene"), 0, height=60, width=60, bands=8)


@pytest.fixture(scope="module")
def settings(made: SyntheticScene) -> tm.ClassifySettings:
    return tm.ClassifySettings(
        scene=str(made.scene), labels=str(made.labels), out="", model="svm", split="random", patch_size=3
    )


@pytest.fixture(scope="module")
def trained(settings: tm.ClassifySettings, tmp_path_factory: pytest.TempPathFactory) -> tm.TrainResult:
    return tm.train_classifier(replace(settings, out=str(tmp_path_factory.mktemp("run") / "run")))


def test_a_result_is_typed_and_is_what_the_run_wrote(trained: tm.TrainResult) -> None:
    written = json.loads((trained.folder / "metrics.json").read_text())
    assert dict(trained) == trained.raw
    assert json.loads(json.dumps(dict(trained))) == written
    assert {"validation", "test"} == {*trained.scores}
    assert trained.scores["test"]["oa"] == trained["test"]["oa"] == written["test"]["oa"]
    assert trained.scores["test"]["worst_class_recall"] == written["test"]["worst_class"]["recall"]
    assert trained.protocol == written["protocol"]
    assert trained.confusion is not None
    assert trained.confusion.diagonal().sum() / trained.confusion.sum() == trained.scores["test"]["oa"]
    classes = trained.per_class["test"]
    assert tuple(entry.name for entry in classes) == trained.class_names
    assert [entry.pixels for entry in classes] == trained.confusion.sum(axis=1).tolist()
    assert set(classes[0].scores) == {"precision", "recall", "f1"}


def test_a_result_is_a_table_in_pandas_and_in_a_notebook(trained: tm.TrainResult) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed: data frames are not tried")
    frame = trained.to_pandas()
    assert tuple(frame.index) == trained.class_names
    assert frame["test_pixels"].sum() == trained.confusion.sum()
    shown = trained._repr_html_()
    assert f"<td>{100 * trained.scores['test']['oa']:.2f}</td>" in shown
    assert all(name in shown for name in trained.class_names)


def test_scores_over_seeds_have_a_spread(settings: tm.ClassifySettings, tmp_path: Path) -> None:
    both = tm.train_classifier(replace(settings, out=str(tmp_path / "runs"), seeds=2), progress=False)
    accuracy = both.scores["test"]["oa"]
    assert isinstance(accuracy, tm.Spread)
    assert accuracy == tm.Spread(both["test"]["oa"]["mean"], both["test"]["oa"]["std"])
    assert both.confusion is None
    assert "±" in both._repr_html_()


def test_change_is_scored_as_one_table(tmp_path: Path) -> None:
    pairs = make_pairs(tmp_path / "pairs", 0, train=2, val=2, test=2, size=32, scene=(64, 64))
    told: list[str] = []
    settings = tm.ChangeSettings(data=str(pairs.root), out=str(tmp_path / "run"), model="cva")
    result = tm.train_change_detector(settings)
    again = tm.evaluate_change_detector(
        result.folder, data=pairs.root, on_progress=lambda done, total, what: told.append(what)
    )
    assert again.scores["test"] == result.scores["test"]
    assert again.confusion is not None
    assert again.confusion.tolist() == again["test"]["confusion"]
    assert (again.class_names, again.per_class) == (("unchanged", "changed"), {})
    assert {"score, pairs"} == {*told}
    assert "F1" in again._repr_html_()


def test_arrays_train_a_run_that_can_be_scored_from_its_own_settings(
    made: SyntheticScene, settings: tm.ClassifySettings, trained: tm.TrainResult, tmp_path: Path
) -> None:
    scene, labels = tm.open_scene(made.scene), tm.open_scene(made.labels).read()[0][0]
    values, _ = scene.read()
    held = tm.scene_from_array(
        values, wavelengths=scene.wavelengths, crs=scene.crs, transform=scene.transform, nodata=scene.nodata
    )
    bare = replace(settings, scene=None, labels=None, out=str(tmp_path / "run"))
    result = tm.train_classifier(bare, scene=held, labels=labels)
    assert result["test"] == trained["test"] | {
        "per_class": result["test"]["per_class"],
        "worst_class": result["test"]["worst_class"],
    }
    assert tm.evaluate_classifier(tmp_path / "run")["test"] == result["test"]
    (kept,) = (tmp_path / "run-inputs").glob("scene-*.tif")
    assert tm.open_scene(kept).wavelengths == pytest.approx(scene.wavelengths)
    again = tm.train_classifier(replace(bare, resume=True), scene=held, labels=labels)
    assert again["test"] == result["test"]
    with pytest.raises(tm.InputError, match="the run has labels"):
        tm.train_classifier(replace(bare, resume=True), scene=held, labels=np.roll(labels, 1))
    with pytest.raises(tm.InputError, match=r"--scene: the settings have .* already"):
        tm.train_classifier(settings, scene=held)


def test_an_array_in_memory_is_mapped_and_scored_as_its_file_is(
    made: SyntheticScene, trained: tm.TrainResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, labels = tm.open_scene(made.scene), tm.open_scene(made.labels).read()[0][0]
    held = tm.scene_from_array(scene.read()[0], nodata=scene.nodata)
    from_file = tm.map_classes(trained.folder, made.scene, tmp_path / "file.tif")
    from_array = tm.map_classes(tm.load_run(trained.folder), held, tmp_path / "array.tif")
    assert [entry.pixels for entry in from_file.classes] == [entry.pixels for entry in from_array.classes]
    with rasterio.open(made.scene) as dataset:
        of_dataset = tm.map_classes(trained.folder, dataset, tmp_path / "dataset.tif", progress=False)
    assert of_dataset.classes == from_file.classes
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    scored = tm.evaluate_classifier(trained.folder, scene=held, labels=labels.astype(np.uint8))
    assert scored["pixels"] == np.count_nonzero(labels)
    assert os.listdir(temporary) == []  # noqa: PTH208
    with pytest.raises(tm.InputError, match="an array of float32 with 2 axes; give whole numbers"):
        tm.evaluate_classifier(trained.folder, scene=held, labels=labels.astype(np.float32))


def test_shapes_of_geopandas_are_labels(
    made: SyntheticScene, trained: tm.TrainResult, tmp_path: Path
) -> None:
    geopandas = pytest.importorskip(
        "geopandas", reason="geopandas is not installed: its tables are not tried"
    )
    from shapely.geometry import box

    scene = tm.open_scene(made.scene)
    left, right = (scene.transform.c + columns * scene.transform.a for columns in (0, 10))
    top, bottom = (scene.transform.f + rows * scene.transform.e for rows in (0, 10))
    names = trained.class_names[:2]
    shapes = [box(left, bottom, (left + right) / 2, top), box((left + right) / 2, bottom, right, top)]
    frame = geopandas.GeoDataFrame({"crop": names}, geometry=shapes, crs=scene.crs.to_wkt())
    scored = tm.evaluate_classifier(trained.folder, scene=made.scene, labels=frame, class_attribute="crop")
    assert 0 < scored["pixels"] <= 100


def test_a_map_and_a_run_show_themselves(
    made: SyntheticScene, trained: tm.TrainResult, tmp_path: Path
) -> None:
    summary = tm.map_classes(trained.folder, made.scene, tmp_path / "m.tif", progress=False)
    shown = summary._repr_html_()
    assert all(name in shown for name in trained.class_names)
    assert "data:image/png;base64," in shown
    assert "background:rgb(" in shown
    labels = [text.get_text() for text in summary.plot().get_legend().get_texts()]
    assert set(trained.class_names) <= {*labels}
    assert trained.protocol in tm.load_run(trained.folder)._repr_html_()
    shard = tm.map_classes(trained.folder, made.scene, tmp_path / "s.tif", strip_rows=10, shard="1/2")
    assert "parts missing" in shard._repr_html_()


def test_what_was_understood_shows_itself(made: SyntheticScene, tmp_path: Path) -> None:
    settings = tm.ClassifySettings(scene=str(made.scene), labels=str(made.labels), out=str(tmp_path / "run"))
    shown = tm.plan_training(settings)._repr_html_()
    assert "<caption>labelled pixels</caption>" in shown
    assert "<td>split</td>" in shown
    pair = tm.check_pair(made.scene, made.scene)._repr_html_()
    assert "bands<br>note: both are the same file, of which" in pair


def test_a_map_without_a_file_is_an_array(
    made: SyntheticScene, trained: tm.TrainResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (temporary := tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    found = tm.map_classes(trained.folder, made.scene, progress=False)
    assert isinstance(found, tm.MapArray)
    assert list(temporary.iterdir()) == []
    tm.map_classes(trained.folder, made.scene, tmp_path / "m.tif")
    file = tm.open_scene(tmp_path / "m.tif")
    np.testing.assert_array_equal(found.values, file.read()[0][0])
    assert (found.grid, found.nodata) == (file.grid, 0)
    assert tuple(found.names.values()) == trained.class_names
    assert set(found.colours) == set(found.names)
    assert [np.count_nonzero(found.values == c) for c in found.names] == [e.pixels for e in found.classes]
    assert "data:image/png;base64," in found._repr_html_()
    assert len(found.plot().get_legend().get_texts()) == len(found.names)
    with pytest.raises(tm.InputError, match="--shard 1/2: the parts lie beside a file; name one with --out"):
        tm.map_classes(trained.folder, made.scene, shard="1/2")
    with pytest.raises(tm.InputError, match="--overwrite: there is no file to replace"):
        tm.map_classes(trained.folder, made.scene, overwrite=True)
    monkeypatch.setattr("terramamba.api.map_array.MOST_PIXELS", 3599)
    with pytest.raises(tm.InputError, match="60 x 60 pixels are more than the 3,599"):
        tm.map_classes(trained.folder, made.scene)


def test_a_map_goes_to_xarray_and_keeps_its_place(made: SyntheticScene, trained: tm.TrainResult) -> None:
    pytest.importorskip("xarray", reason="xarray is not installed: maps are not turned into its arrays")
    found = tm.map_classes(trained.folder, made.scene, progress=False)
    array = found.to_xarray()
    again = tm.open_scene(array)
    assert (again.crs, again.transform, again.nodata) == (found.grid.crs, found.grid.transform, 0.0)
    np.testing.assert_array_equal(again.read()[0][0], found.values)


def test_progress_is_told_and_not_shown(
    made: SyntheticScene, trained: tm.TrainResult, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    told: list[tuple[float, float, str]] = []
    tm.map_classes(
        trained.folder,
        made.scene,
        tmp_path / "m.tif",
        strip_rows=30,
        on_progress=lambda done, total, what: told.append((done, total, what)),
        progress=False,
    )
    assert [entry for entry in told if entry[2] == "map, px"] == [
        (1800.0, 3600.0, "map, px"),
        (3600.0, 3600.0, "map, px"),
    ]
    assert capfd.readouterr() == ("", "")
    tm.map_classes(trained.folder, made.scene, tmp_path / "n.tif")
    assert "map: 3,600 of 3,600 px" in capfd.readouterr().err


def test_a_map_that_was_stopped_goes_on(
    made: SyntheticScene, trained: tm.TrainResult, tmp_path: Path
) -> None:
    def stop(done: float, total: float, what: str) -> None:
        if done >= 1200:
            raise tm.Cancelled

    there: list[float] = []
    arguments = (trained.folder, made.scene, tmp_path / "m.tif")
    with pytest.raises(tm.Cancelled) as caught:
        tm.map_classes(*arguments, strip_rows=10, on_progress=stop)
    assert "2 parts are done and kept" in caught.value.__notes__[0]
    assert not (tmp_path / "m.tif").exists()
    tm.map_classes(*arguments, strip_rows=10, on_progress=lambda done, total, what: there.append(done))
    assert there[0] == 1800
    whole = tm.map_classes(trained.folder, made.scene, tmp_path / "whole.tif")
    assert [entry.pixels for entry in whole.classes] == [
        np.count_nonzero(tm.open_scene(tmp_path / "m.tif").read()[0] == entry.value)
        for entry in whole.classes
    ]


def test_a_training_that_was_stopped_goes_on(
    made: SyntheticScene, settings: tm.ClassifySettings, tmp_path: Path
) -> None:
    def stop(done: float, total: float, what: str) -> None:
        if done >= 1:
            raise tm.Cancelled

    short = replace(
        settings, model="ssa_mamba", preset="tiny", epochs=2, device="cpu", out=str(tmp_path / "run")
    )
    with pytest.raises(tm.Cancelled):
        tm.train_classifier(short, on_progress=stop, progress=False)
    assert len((tmp_path / "run" / "history.csv").read_text().splitlines()) == 2
    told: list[tuple[float, float, str]] = []
    result = tm.train_classifier(
        replace(short, resume=True), on_progress=lambda *entry: told.append(entry), progress=False
    )
    assert result["epochs_run"] == 2
    assert (1.0, 2, "train ssa_mamba, epochs") in told


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    block = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), flags=re.DOTALL)[0]
    done = programs.python("-c", block, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "map.tif").is_file()
