"""The change job as a function: parts, threshold, scores, and what is refused."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from terramamba.api import evaluate_change_detector, train_change_detector
from terramamba.change.settings import ChangeSettings
from terramamba.core.errors import InputError
from terramamba.core.run_files import UNITS
from terramamba.core.tables import read_rows
from terramamba.data.synthetic.files import make_pairs
from terramamba.runs.clearing import clear
from terramamba.runs.folder import load_run
from terramamba.scores.metrics import change_f1, class_counts
from terramamba.scores.sampling_units import counts_by_unit


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    return make_pairs(folder, 4, train=4, val=3, test=5, size=64, scene=(96, 96)).root


@pytest.fixture(scope="module")
def trained(root: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[ChangeSettings, dict[str, Any]]:
    settings = ChangeSettings(
        data=str(root),
        out=str(tmp_path_factory.mktemp("change") / "run"),
        model="glmamba",
        preset="nano",
        epochs=2,
        batch_size=4,
        crop_size=64,
        crops_per_pair=4,
        loss="bce_dice",
        jitter=0.2,
        exchange_dates=0.5,
    )
    return settings, train_change_detector(settings)


def test_a_run_says_what_was_done(trained):
    settings, result = trained
    folder = Path(settings.out)
    assert json.loads((folder / "metrics.json").read_text()) == json.loads(json.dumps(result.raw))
    assert result["protocol"] == "pairs-4-3-5"
    assert result["pairs"] == {"train": 4, "val": 3, "test": 5}
    test = result["test"]
    assert change_f1(class_counts(np.array(test["confusion"]))) == test["f1"]
    assert np.sum(test["confusion"]) == 5 * 64 * 64
    units = counts_by_unit(read_rows(Path(settings.out) / UNITS, "")[1:], 2)
    assert len(units.names) == 5
    assert np.diagonal(test["confusion"]).tolist() == units.counts[..., 2].sum(axis=0).tolist()
    low, high = test["f1_interval"]
    assert low <= test["f1"] <= high
    assert load_run(folder).threshold == result["threshold"]
    split = json.loads((folder / "split.json").read_text())
    assert split["id"] == result["split_id"]
    assert [len(names) for names in split["pairs"].values()] == [4, 3, 5]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ("train/label", "change masks"),
        ("test/label", "change masks"),
        ("train/A", "training images"),
        ("val/B", "validation images"),
    ],
)
def test_a_run_is_not_resumed_on_other_pairs(trained, root, changed, words):
    settings, _ = trained
    image = next(path for path in sorted((root / changed).iterdir()))
    kept, before = image.read_bytes(), (Path(settings.out) / "plan.json").stat().st_mtime_ns
    pixels = np.array(Image.open(image))
    pixels[5:9, 5:9] = 255 - pixels[5:9, 5:9]
    Image.fromarray(pixels).save(image)
    try:
        with pytest.raises(InputError, match=f"the {words} are not those that training began with"):
            train_change_detector(replace(settings, resume=True))
    finally:
        image.write_bytes(kept)
    assert (Path(settings.out) / "plan.json").stat().st_mtime_ns == before


def test_a_run_whose_pairs_change_while_it_is_trained_ends(trained, root, tmp_path):
    settings, _ = trained
    shutil.copytree(root, tmp_path / "pairs")
    image = next((tmp_path / "pairs" / "train" / "A").iterdir())

    def replaced(*said: object) -> None:
        os.utime(image, (1, 1))

    quick = {"epochs": 1, "crop_size": 32, "crops_per_pair": 1}
    again = replace(settings, data=str(tmp_path / "pairs"), out=str(tmp_path / "run"), **quick)
    with pytest.raises(InputError, match=f"{image.name}: was changed, cut or replaced .*; start again with"):
        train_change_detector(again, on_progress=replaced)
    assert not (tmp_path / "run" / "model.json").exists()


def test_the_test_pairs_score_the_same_again(trained, root):
    settings, result = trained
    assert evaluate_change_detector(settings.out, data=str(root))["test"] == result["test"]
    other = evaluate_change_detector(settings.out, data=str(root), split="val", threshold=0.9)
    assert other["threshold"] == 0.9
    assert other["protocol"] == "val-3"
    with pytest.raises(InputError, match="no labelled pairs in its holdout subset"):
        evaluate_change_detector(settings.out, data=str(root), split="holdout")


def test_overwriting_leaves_no_file_of_a_run(trained, tmp_path):
    settings, _ = trained
    run = tmp_path / "run"
    shutil.copytree(settings.out, run)
    clear(run)
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("model", ["cva", "pca_kmeans"])
def test_a_detector_without_training_makes_a_run_too(root, tmp_path, model):
    result = train_change_detector(ChangeSettings(data=str(root), out=str(tmp_path / "run"), model=model))
    assert result["threshold"] == 0.5
    assert result["parameters"] == 0
    assert evaluate_change_detector(tmp_path / "run", data=str(root))["test"] == result["test"]


def test_a_threshold_between_two_thousandths_is_refused_before_anything_is_written(root, tmp_path):
    with pytest.raises(InputError, match=r"--threshold 0\.12345: is no whole .* give --threshold 0\.123"):
        ChangeSettings(data=str(root), out=str(tmp_path / "run"), model="cva", threshold=0.12345)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"model": "cva", "recompute": True}, "--recompute: cva is not trained by gradient steps"),
        ({"model": "pca_kmeans", "compile": True}, "--compile: pca_kmeans is not trained by gradient steps"),
        ({"model": "cva", "precision": "bf16"}, "--precision bf16: cva is not trained by gradient steps"),
        ({"model": "cva", "batch_size": 4}, "--batch-size 4: cva is not trained by gradient steps"),
        ({"model": "cva", "schedule": "poly"}, "--schedule poly: cva is not trained by gradient steps"),
        ({"model": "pca_kmeans", "jitter": 0.2}, "--jitter 0.2: pca_kmeans is not trained by gradient steps"),
        ({"model": "cva", "devices": 2}, "--devices 2: cva is not trained by gradient steps"),
        ({"model": "tinycd", "compile": True}, "--compile: tinycd has no blocks that could be compiled"),
    ],
    ids=lambda value: " ".join(map(str, value.values())) if isinstance(value, dict) else "",
)
def test_what_a_detector_cannot_do_is_refused_before_anything_is_written(root, tmp_path, asked, words):
    with pytest.raises(InputError) as caught:
        train_change_detector(ChangeSettings(data=str(root), out=str(tmp_path / "run"), **asked))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_given_threshold_is_kept(root, tmp_path):
    settings = ChangeSettings(data=str(root), out=str(tmp_path / "run"), model="cva", threshold=0.25)
    assert train_change_detector(settings)["threshold"] == 0.25


def test_validation_on_the_test_pairs_is_refused_or_said(root, tmp_path):
    shutil.copytree(root / "train", tmp_path / "data" / "train")
    for part in ("val", "test"):
        (tmp_path / "data" / part).symlink_to(root / "test")
    settings = ChangeSettings(data=str(tmp_path / "data"), out=str(tmp_path / "run"), model="cva")
    with pytest.raises(InputError, match=r"validation and test share .*--chosen-on-test"):
        train_change_detector(settings)
    assert not (tmp_path / "run").exists()
    insisted = train_change_detector(replace(settings, chosen_on_test=True))
    assert insisted["protocol"] == "pairs-4-5-5-chosen-on-test"


def test_missing_parts_labels_and_mates_are_named(root, tmp_path):
    data, out = tmp_path / "data", str(tmp_path / "run")
    shutil.copytree(root / "train", data / "train")
    shutil.copytree(root / "test", data / "test")
    settings = ChangeSettings(data=str(data), out=out, model="cva")
    with pytest.raises(InputError, match="no val pairs; training needs train and val"):
        train_change_detector(settings)
    shutil.copytree(root / "val", data / "val")
    next((data / "train" / "B").iterdir()).unlink()
    with pytest.raises(InputError, match=r"train_\d+\.png"):
        train_change_detector(settings)
    with pytest.raises(InputError, match="--model ssa_mamba: it is for classify"):
        train_change_detector(replace(settings, model="ssa_mamba"))
    assert not Path(out).exists()
