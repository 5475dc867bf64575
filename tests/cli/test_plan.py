"""What was understood is said before training starts, kept with the run, and shown on its page."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from terramamba.data.synthetic.files import SyntheticPairs, SyntheticScene, make_pairs, make_scene


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> SyntheticScene:
    return make_scene(tmp_path_factory.mktemp("scene"), 3, height=40, width=40, bands=6)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> SyntheticPairs:
    return make_pairs(tmp_path_factory.mktemp("pairs"), 3, train=2, val=1, test=1, size=32, scene=(64, 64))


def words(scene: SyntheticScene, run: Path) -> tuple[object, ...]:
    random = ("--split", "random", "--patch-size", 3, "--device", "cpu")
    return ("classify", "train", "--scene", scene.scene, "--labels", scene.labels, *random, "--out", run)


def test_a_dry_run_says_what_a_run_would_and_writes_nothing(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    train = (*words(scene, tmp_path / "run"), "--model", "one_d_cnn", "--epochs", 1)
    dry = terramamba(*train, "--dry-run")
    assert dry.status == 0, dry.err
    assert not (tmp_path / "run").exists()
    for said in ("40 rows x 40 columns", "train  validation  test", "bands", "recipe", "about", "parameters"):
        assert said in dry.out
    real = terramamba(*train)
    assert real.status == 0, real.err
    assert [line for line in dry.out.splitlines() if not line.startswith("time")] == [
        line for line in real.err.splitlines() if line in dry.out and not line.startswith("time")
    ]
    kept = json.loads((tmp_path / "run" / "plan.json").read_text())
    rows = kept["shown"]["tables"][0]["rows"]
    counts = json.loads((tmp_path / "run" / "metrics.json").read_text())["counts"]
    assert [int(row[3].replace(",", "")) for row in rows] == counts["train"]
    assert [int(row[5].replace(",", "")) for row in rows] == counts["test"]
    page = (tmp_path / "run" / "report.html").read_text()
    assert "What was understood" in page
    assert kept["shown"]["facts"]["scene"] in page


def test_a_dry_run_of_pairs(pairs: SyntheticPairs, tmp_path: Path, terramamba: Callable) -> None:
    train = ("change", "train", "--data", pairs.root, "--model", "cva", "--out", tmp_path / "run")
    dry = terramamba(*train, "--dry-run")
    assert dry.status == 0, dry.err
    assert not (tmp_path / "run").exists()
    assert "image pairs" in dry.out
    assert "3 of 3 used: 1-3" in dry.out


def test_a_minimum_per_class_above_the_fraction_is_warned_of_and_named_in_the_protocol(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    train = (*words(scene, tmp_path / "run"), "--model", "svm", "--train-fraction", 0.02)
    done = terramamba(*train, "--min-per-class", 12)
    assert done.status == 0, done.err
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    trained, validated = (sum(metrics["counts"][subset]) for subset in ("train", "validation"))
    assert metrics["protocol"] == f"random-n{trained}-n{validated}-p3"
    assert done.err.startswith("warning: --min-per-class 12: more than 2 % of the pixels train in ")
    assert "warning" not in terramamba(*train[:-2], "--min-per-class", 0, "--dry-run").out


def test_a_test_subset_of_one_class_is_warned_of(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    with rasterio.open(scene.labels) as file:
        labels, profile = file.read(1), {**file.profile, "driver": "GTiff"}
    rows, _ = np.indices(labels.shape)
    first = np.unique(labels[labels > 0])[0]
    subsets = {
        "train": np.where(rows % 3 == 0, labels, 0),
        "val": np.where(rows % 3 == 1, labels, 0),
        "test": np.where((rows % 3 == 2) & (labels == first), labels, 0),
    }
    given: list[object] = []
    for name, part in subsets.items():
        with rasterio.open(tmp_path / f"{name}.tif", "w", **profile) as file:
            file.write(part.astype(labels.dtype), 1)
        given += [f"--{name}-labels", tmp_path / f"{name}.tif"]
    train = ("classify", "train", "--scene", scene.scene, "--split", "given", *given, "--model", "svm")
    done = terramamba(*train, "--patch-size", 3, "--out", tmp_path / "run", "--dry-run")
    assert done.status == 0, done.err
    assert "warning: all test pixels are " in done.out
    assert "scores of one class say nothing" in done.out


@pytest.mark.parametrize(
    "split", [("--split", "random", "--train-fraction", 0.3), ("--block-size", "8px"), ("--split", "polygon")]
)
def test_check_takes_the_split_that_training_takes(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable, split: tuple[object, ...]
) -> None:
    done = terramamba("check", scene.scene, scene.labels, *split)
    planned = terramamba(*words(scene, tmp_path / "run")[:6], *split, "--out", tmp_path / "run", "--dry-run")
    assert (done.status, planned.status) == ((1, 1) if "polygon" in split else (0, 0))
    shown = [line for line in done.out.splitlines() if line]
    assert all(line in planned.out for line in shown)
    assert bool(shown) == (done.status == 0)
    if done.status:
        assert done.err == planned.err


@pytest.mark.parametrize(
    ("split", "said"),
    [
        ((), "does not say which pairs train"),
        (("--split", "block", "--block-size", "16px"), ""),
        (("--split", "image"), ""),
        (("--split", "random"), "--split: 'random' is not one of given, image, block"),
        (("--block-size", "16px"), "--block-size 16px: goes with --split block; leave"),
    ],
)
def test_check_takes_the_split_of_pairs_that_training_takes(
    pairs: SyntheticPairs, tmp_path: Path, terramamba: Callable, split: tuple[str, ...], said: str
) -> None:
    labels = sorted(map(str, pairs.root.glob("*/label/*")))
    rows = [",".join(path.replace("/label/", f"/{kind}/") for kind in ("A", "B", "label")) for path in labels]
    table = tmp_path / "pairs.csv"  # which has no column split
    table.write_text("\n".join(["before,after,label", *rows]))
    done = terramamba("check", "--data", table, *split)
    planned = terramamba("change", "train", "--data", table, *split, "--out", tmp_path / "run", "--dry-run")
    assert bool(done.status) == bool(planned.status) == bool(said)
    assert said in done.err
    assert said in planned.err
    shown = [line for line in done.out.splitlines() if line]
    assert all(line in planned.out for line in shown)
    assert bool(shown) != bool(said)


def test_check_says_that_a_scene_has_no_split_of_pairs(scene: SyntheticScene, terramamba: Callable) -> None:
    done = terramamba("check", scene.scene, scene.labels, "--split", "image")
    assert (done.status, done.err) == (
        2,
        "error: --split: 'image' is not one of block, random, polygon, given\n",
    )


def test_check_refuses_what_it_has_no_use_for_though_it_is_the_default(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    done = terramamba("check", scene.scene, "--train-fraction", 0.1)
    assert (done.status, done.out) == (1, "")
    assert done.err.startswith("error: --train-fraction: means nothing for files that are no scene with its")
    printed = terramamba("check", scene.scene, "--print-config")  # which holds all of them
    (tmp_path / "check.yaml").write_text(printed.out)
    assert terramamba("check", scene.scene, "--config", tmp_path / "check.yaml").status == 0


def test_check_takes_a_label_file_for_each_subset(scene: SyntheticScene, terramamba: Callable) -> None:
    files = ("--train-labels", scene.labels, "--test-labels", scene.cover)
    done = terramamba("check", scene.scene, "--split", "given", *files)
    assert done.status == 0, done.err
    assert "split    given: " in done.out
    refused = terramamba("check", scene.scene, "--split", "given")
    assert refused.err.startswith("error: --split given: also name --train-labels, --test-labels")


def test_check_says_a_note_of_a_scene_once(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    copy = tmp_path / "copy.tif"
    copy.write_bytes(scene.scene.read_bytes())
    done = terramamba("check", scene.scene, copy, "--bands", "2,1,3")
    assert done.status == 0, done.err
    assert done.out.count("as --bands says") == 1


def test_check_says_of_a_scene_and_its_labels_what_training_would(
    scene: SyntheticScene, tmp_path: Path, terramamba: Callable
) -> None:
    done = terramamba("check", scene.scene, scene.labels)
    assert done.status == 0, done.err
    planned = terramamba(*words(scene, tmp_path / "run")[:6], "--out", tmp_path / "run", "--dry-run")
    assert all(line in planned.out for line in done.out.splitlines())
    answer = json.loads(terramamba("check", scene.scene, scene.labels, "--json").out)
    assert answer["training"][0]["tables"][0]["title"] == "labelled pixels"
    with rasterio.open(scene.labels) as file:
        profile = {**file.profile, "driver": "GTiff"}
    with rasterio.open(tmp_path / "one.tif", "w", **profile) as file:
        file.write(np.ones((1, 40, 40), profile["dtype"]))
    for command in (
        ("check", scene.scene, tmp_path / "one.tif"),
        (
            "classify",
            "train",
            "--scene",
            scene.scene,
            "--labels",
            tmp_path / "one.tif",
            "--out",
            tmp_path / "r",
        ),
    ):
        refused = terramamba(*command)
        assert refused.status == 1
        assert f"{tmp_path / 'one.tif'}: " in refused.err


def test_check_says_of_pairs_what_training_would(
    pairs: SyntheticPairs, tmp_path: Path, terramamba: Callable
) -> None:
    done = terramamba("check", "--data", pairs.root)
    assert done.status == 0, done.err
    planned = terramamba("change", "train", "--data", pairs.root, "--out", tmp_path / "run", "--dry-run")
    assert all(line in planned.out for line in done.out.splitlines())
    assert terramamba("check").status == 2
    assert terramamba("check", "--data", tmp_path / "nowhere").status == 1
    both = terramamba("check", pairs.before, "--data", pairs.root)
    assert (both.status, "stands for all files" in both.err) == (1, True)
    for unused in (
        ("check", pairs.before, "--changed-values", "3"),
        ("check", pairs.before, pairs.after, "--ignore-classes", "0"),
        ("check", "--data", pairs.root, "--ignore-classes", "0"),
        ("check", pairs.before, "--root", tmp_path),
    ):
        refused = terramamba(*unused)
        assert (refused.status, f"{unused[-2]}: means nothing for " in refused.err) == (1, True)
    kept = json.loads(terramamba("check", pairs.before, pairs.after, "--json").out)
    assert [facts["size"] for facts in kept["scenes"]] == ["64 rows x 64 columns, 3 bands"] * 2
    assert kept["pair"][0]["verdict"].startswith("a pair of 64 x 64 pixels")
