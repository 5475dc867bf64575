"""What may not be believed is refused or said, by the commands as a user runs them."""

import csv
import json
import re
from pathlib import Path
from shutil import copyfile, copytree

import numpy as np
import pytest
import yaml

from drawn import subset_map
from terramamba import __version__
from terramamba.data.splits.leakage import TEST
from terramamba.data.splits.split_files import load_split
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window


def images(folder: Path) -> list[Path]:
    return sorted((folder / "A").iterdir())


def copy_pair(source: Path, name: str, target: Path, new: str) -> None:
    for folder in ("A", "B", "label"):
        copyfile(source / folder / name, target / folder / new)


SAYS = {
    "val": "a score chosen on its own test set says nothing",
    "train": "a score on what was trained on says nothing",
}


@pytest.mark.parametrize(
    ("part", "way", "caller"),
    [
        ("val", "folder", "program"),
        ("train", "one copy", "program"),
        ("val", "one copy", "terramamba"),
        ("val", "table", "terramamba"),
        ("train", "table", "terramamba"),
    ],
)
def test_test_pairs_that_train_or_choose_are_refused(
    part, way, caller, workshop, tmp_path, request: pytest.FixtureRequest
) -> None:
    program = request.getfixturevalue(caller)
    data, out = tmp_path / "data", tmp_path / "run"
    copytree(workshop.pairs.root, data)
    if way == "folder":
        for folder in ("A", "B", "label"):
            for path in (data / part / folder).iterdir():
                path.unlink()
        for path in images(data / "test"):
            copy_pair(data / "test", path.name, data / part, path.name)
        given = data
    elif way == "one copy":
        copy_pair(data / "test", images(data / "test")[1].name, data / part, "zz_new.png")
        given = data
    else:
        given = tmp_path / "pairs.csv"
        rows = ["split,before,after,label,row,col,height,width"]
        corners = {"train": 0, "val": 16, "test": 32}
        corners[part] = 31  # one row of the test window
        for name, row in corners.items():
            paths = [str(images(data / "test")[0]).replace("/A/", f"/{folder}/") for folder in "AB"]
            label = paths[0].replace("/A/", "/label/")
            rows.append(f"{name},{paths[0]},{paths[1]},{label},{row},0,{8 if name != part else 2},64")
        given.write_text("\n".join(rows))
    done = program("change", "train", "--data", given, "--model", "cva", "--out", out)
    assert done.status == 1
    (line,) = [line for line in done.err.splitlines() if not line.startswith("note: ")]
    assert line.startswith("error: ")
    assert SAYS[part] in line
    assert "test" in line
    assert not out.exists()


def test_whoever_insists_on_choosing_on_test_has_it_in_the_protocol(workshop, tmp_path, terramamba) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    copytree(workshop.pairs.root, data)
    name = images(data / "test")[0].name
    copy_pair(data / "test", name, data / "val", "zz.png")
    words = ("--data", data, "--model", "cva", "--out", out, "--chosen-on-test")
    done = terramamba("change", "train", *words)
    assert done.status == 0, done.err
    assert "chosen-on-test" in done.out
    assert "1 of 2 test pairs are val pairs too" in done.out
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["protocol"].endswith("-chosen-on-test")


@pytest.mark.parametrize(("part", "caller"), [("val", "program"), ("train", "terramamba")])
def test_label_files_that_are_the_test_s_own_are_refused(
    part, caller, workshop, tmp_path, request: pytest.FixtureRequest
) -> None:
    program = request.getfixturevalue(caller)
    scene = open_scene(workshop.scene.labels)
    codes, _ = scene.read()
    files = {}
    for place, name in enumerate(("train", "val", "test")):
        files[name] = tmp_path / f"{name}.tif"
        third = np.where(np.indices(codes.shape)[1] % 3 == place, codes, 0).astype(codes.dtype)
        write_geotiff(files[name], third, scene.grid, nodata=0)
    files[part] = files["test"]
    words = [word for name, path in files.items() for word in (f"--{name}-labels", path)]
    run = tmp_path / "run"
    done = program(
        *("classify", "train", "--scene", workshop.scene.scene, "--split", "given", *words),
        *("--model", "svm", "--out", run),
    )
    assert done.status == 1
    assert "no test pixel of its own" in done.err
    assert "a score that was chosen on its own test says nothing" in done.err
    assert not run.exists()


def test_the_run_s_own_training_pixels_are_not_scored_again(workshop, tmp_path, terramamba) -> None:
    scene = tmp_path / "copy.tif"
    copyfile(workshop.scene.scene, scene)
    done = terramamba(
        "classify", "evaluate", workshop.cover_run, "--scene", scene, "--labels", workshop.scene.labels
    )
    assert done.status == 0, done.err
    roles = subset_map(load_split(workshop.cover_run))
    learnt = np.count_nonzero(np.isin(roles, (1, 2)))
    assert f"not scored, they trained the model or chose its epoch: {learnt} pixels" in done.out
    test = json.loads((workshop.cover_run / "metrics.json").read_text())["test"]
    assert f"overall accuracy  {100 * test['oa']:.2f} %" in done.out

    own = open_scene(workshop.scene.scene)
    top, left, side = own.height // 4, own.width // 4, own.height // 2
    part = tmp_path / "part.tif"  # of the same image, and stored otherwise
    where = Window(top, left, side, side)
    write_geotiff(part, own.read(where)[0], own.grid.crop(where), nodata=own.nodata)
    labels = workshop.scene.labels
    done = terramamba("classify", "evaluate", workshop.cover_run, "--scene", part, "--labels", labels)
    assert done.status == 0, done.err
    learnt = np.count_nonzero(np.isin(roles[top : top + side, left : left + side], (1, 2)))
    assert f"not scored, they trained the model or chose its epoch: {learnt} pixels" in done.out

    as_float = tmp_path / "float.tif"
    write_geotiff(as_float, own.read()[0].astype(np.float32), own.grid, nodata=own.nodata)
    done = terramamba("classify", "evaluate", workshop.cover_run, "--scene", as_float, "--labels", labels)
    assert done.status == 0, done.err
    learnt = np.count_nonzero(np.isin(roles, (1, 2)))
    assert f"not scored, they trained the model or chose its epoch: {learnt} pixels" in done.out

    values, _ = open_scene(workshop.scene.labels).read()
    only = tmp_path / "labels.tif"
    seen = np.where(roles == TEST, 0, values)
    write_geotiff(only, seen, open_scene(workshop.scene.labels).grid, nodata=0)
    refused = terramamba("classify", "evaluate", workshop.cover_run, "--scene", scene, "--labels", only)
    assert refused.status == 1
    assert "they trained the model" in refused.err


def test_a_run_that_names_its_scene_from_another_folder_finds_it_or_says_that_it_does_not(
    workshop, tmp_path, terramamba
) -> None:
    home = tmp_path / "home"
    run = copytree(workshop.cover_run, home / "runs" / "cover")
    config = yaml.safe_load((run / "config.yaml").read_text())
    (run / "config.yaml").write_text(yaml.safe_dump(config | {"scene": "scene.tif"}))
    scene = copyfile(workshop.scene.scene, tmp_path / "other.tif")
    words = ("classify", "evaluate", run, "--scene", scene, "--labels", workshop.scene.labels)
    unknown = terramamba(*words)
    assert unknown.status == 0, unknown.err
    said = "not known whether the run has learnt from these pixels: its own scene scene.tif is not found"
    assert said in unknown.out
    copyfile(scene, home / "scene.tif")
    found = terramamba(*words).out
    assert said not in found
    assert "not scored, they trained the model or chose its epoch" in found


def test_pairs_that_the_run_has_learnt_from_and_given_thresholds_are_said(workshop, terramamba) -> None:
    words = ("change", "evaluate", workshop.change_run, "--data", workshop.pairs.root)
    done = terramamba(*words, "--split", "train", "--threshold", 0.3)
    assert done.status == 0, done.err
    assert "2 of these 2 pairs trained the model: their scores are no test" in done.out
    assert "threshold 0.3 was given; tried out on these pairs" in done.out
    clean = terramamba(*words)
    assert "no test" not in clean.out
    assert "was given" not in clean.out


def test_pairs_that_show_what_the_run_has_learnt_from_are_said(workshop, terramamba, tmp_path) -> None:
    train = workshop.pairs.root / "train"
    for path in sorted(train.rglob("*.*")):
        scene = open_scene(path)
        turned = scene.read()[0][:, :, ::-1]
        bright = turned if path.parent.name == "label" else (turned * 0.9 + 3).astype(turned.dtype)
        target = (tmp_path / "data" / "test" / path.relative_to(train)).with_suffix(".tif")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_geotiff(target, bright, Grid(scene.height, scene.width, None, None))
    done = terramamba("change", "evaluate", workshop.change_run, "--data", tmp_path / "data")
    assert done.status == 0, done.err
    assert "2 of these 2 pairs trained the model: their scores are no test" in done.out
    assert "which shows the same as" in done.out


def test_pairs_that_begin_with_an_image_that_the_run_has_learnt_from_are_said(
    workshop, terramamba, tmp_path
) -> None:
    test, name = tmp_path / "data" / "test", "series.png"
    (later,) = sorted((workshop.pairs.root / "train" / "B").iterdir())[:1]
    own = {folder: sorted((workshop.pairs.root / "test" / folder).iterdir())[0] for folder in ("B", "label")}
    for folder, path in {"A": later, **own}.items():
        (test / folder).mkdir(parents=True)
        copyfile(path, test / folder / name)
    done = terramamba("change", "evaluate", workshop.change_run, "--data", tmp_path / "data")
    assert done.status == 0, done.err
    assert "1 of these 1 pairs have an image of one that trained the model" in done.out
    assert f"(the same as {later})" in done.out


def test_that_the_runs_own_pairs_are_gone_is_said(workshop, terramamba, tmp_path) -> None:
    run = tmp_path / "run"
    copytree(workshop.change_run, run)
    config = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(config.replace(str(workshop.pairs.root), str(tmp_path / "gone")))
    done = terramamba("change", "evaluate", run, "--data", workshop.pairs.root)
    assert done.status == 0, done.err
    assert "not known whether the run has learnt from these pairs" in done.out
    assert f"{tmp_path / 'gone'}: no such folder" in done.out


def test_commands_say_what_calibration_thresholds_and_swapping_come_to(workshop, terramamba) -> None:
    land = terramamba("classify", "evaluate", workshop.cover_run)
    pairs = terramamba("change", "evaluate", workshop.change_run, "--data", workshop.pairs.root)
    for run, done in ((workshop.cover_run, land), (workshop.change_run, pairs)):
        assert done.status == 0, done.err
        metrics = json.loads((run / "metrics.json").read_text())
        found = metrics["test"]["calibration"]
        said = (
            f"calibration {{2,}}off by {100 * found['ece']:.2f} % as is, {100 * found['ece_scaled']:.2f} % at"
        )
        assert re.search(said, done.out), done.out
        assert f"protocol {metrics['protocol']}" in " ".join(done.out.split()) or run == workshop.change_run
        assert f"terramamba {__version__}" in done.out
        assert metrics["code"]["version"] == __version__
        with (run / "reliability.csv").open(newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["part"] == "test"]
        samples = np.sum(metrics["test"].get("confusion") or metrics["counts"]["test"])
        assert sum(int(row["samples"]) for row in rows) == 2 * samples

    test = json.loads((workshop.cover_run / "metrics.json").read_text())["test"]
    worst = min((entry for entry in test["per_class"] if entry["pixels"]), key=lambda entry: entry["recall"])
    assert re.search(f"worst class +{worst['name']}: {100 * worst['recall']:.2f} %", land.out)
    with (workshop.cover_run / "classes.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["part"] == "test"]
    assert [(row["class"], int(row["pixels"])) for row in rows] == [
        (entry["name"], entry["pixels"]) for entry in test["per_class"]
    ]

    test = json.loads((workshop.change_run / "metrics.json").read_text())["test"]
    change = 100 * (test["f1_dates_swapped"] - test["f1"])
    assert f"F1 changes by {change:.2f} percentage points" in pairs.out
    assert f"pairs without change  {test['unchanged_pairs']}" in pairs.out
    assert "the method's own" in pairs.out
    with (workshop.change_run / "thresholds.csv").open(newline="") as file:
        chosen = [row for row in csv.DictReader(file) if row["chosen"] == "1"]
    assert [(row["part"], float(row["f1"])) for row in chosen] == [
        (part, json.loads((workshop.change_run / "metrics.json").read_text())[part]["f1"])
        for part in ("validation", "test")
    ]
