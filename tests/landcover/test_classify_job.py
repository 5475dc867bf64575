"""The classification job as a function: what a run records, and how it is scored again."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drawn import subset_map
from terramamba.api import TrainResult, evaluate_classifier, map_classes, train_classifier
from terramamba.core.errors import InputError
from terramamba.core.run_files import UNITS
from terramamba.core.tables import read_rows
from terramamba.data.splits.leakage import TEST, TRAIN, VALIDATION
from terramamba.data.splits.split_files import load_split
from terramamba.data.synthetic.files import make_scene
from terramamba.landcover.protocol import protocol_id
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.training import prepare
from terramamba.models.baselines import svm
from terramamba.models.registry import model_spec
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.runs.clearing import clear
from terramamba.runs.folder import load_run
from terramamba.scores.sampling_units import counts_by_unit


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[ClassifySettings, TrainResult]:
    """A support vector machine on a made-up scene: quick, and it goes through the whole job."""
    folder = tmp_path_factory.mktemp("classify")
    made = make_scene(folder, 1, height=70, width=70, bands=16)
    settings = ClassifySettings(
        scene=str(made.scene),
        labels=str(made.labels),
        out=str(folder / "run"),
        model="svm",
        split="random",
        patch_size=5,
    )
    return settings, train_classifier(settings)


def test_a_run_says_what_was_done(trained):
    settings, result = trained
    folder = Path(settings.out)
    assert json.loads((folder / "metrics.json").read_text()) == json.loads(json.dumps(result.raw))
    trained, validated = (sum(result["counts"][subset]) for subset in ("train", "validation"))
    assert result["protocol"] == f"random-n{trained}-n{validated}-p5"  # small classes train on 20 pixels
    assert result["leakage"]["shared"] > 0.5
    assert "training pixel inside their own patch" in result["leakage_in_words"]
    assert result["notes"][0] == "1 of 16 bands left out (no data): 6"
    assert result["split_id"] == load_split(folder).id == load_run(folder).split_id
    assert result["test"]["kappa"] <= result["test"]["oa"]
    assert sum(entry["pixels"] for entry in result["test"]["per_class"]) == sum(result["counts"]["test"])
    rows = (folder / "confusion.csv").read_text().splitlines()
    assert len(rows) == 1 + len(result["test"]["per_class"])
    units = counts_by_unit(read_rows(folder / UNITS, "")[1:], len(rows) - 1)
    confusion = np.array([row.split(",")[1:] for row in rows[1:]], int)
    assert len(units.names) > 1
    np.testing.assert_array_equal(
        units.counts.sum(axis=0), np.stack([confusion.sum(1), confusion.sum(0), confusion.diagonal()], axis=1)
    )
    for name in ("config.yaml", "split.tif", "split.json", "log.txt", "model.json", "model.safetensors"):
        assert (folder / name).is_file(), name


def test_a_solver_that_cannot_take_all_samples_takes_some_and_says_so(trained, monkeypatch):
    settings = replace(trained[0], out=trained[0].out + "-sampled")
    monkeypatch.setattr(svm, "SPEC", replace(svm.SPEC, most_fitted=40))
    result = train_classifier(settings)
    train, validation = (sum(result["counts"][subset]) for subset in ("train", "validation"))
    said = json.loads((Path(settings.out) / "plan.json").read_text())["shown"]["facts"]["model"]
    assert said == (
        f"svm, rbf; fitted on 40 of {train} training samples and chosen on 40 of {validation} validation"
        " samples, drawn by class"
    )
    assert result["support_vectors"] <= 40
    assert sum(result["counts"]["test"]) == sum(trained[1]["counts"]["test"])


@pytest.mark.parametrize("changed", ["scene", "labels"])
def test_files_are_watched_from_before_they_are_read(trained, tmp_path, changed):
    settings, _ = trained
    paths = {
        name: shutil.copy(getattr(settings, name), tmp_path / f"{name}.tif") for name in ("scene", "labels")
    }
    prepared = prepare(
        replace(settings, **{name: str(path) for name, path in paths.items()}), model_spec("svm")
    )
    prepared.inputs.require_same("start again")
    os.utime(paths[changed], (1, 1))
    with pytest.raises(InputError, match=rf"{changed}\.tif: was changed, cut or replaced .*; start again"):
        prepared.inputs.require_same("start again")


def test_the_run_s_own_test_pixels_score_the_same_again(trained):
    settings, result = trained
    again = evaluate_classifier(settings.out)
    assert again["test"] == result["test"]
    assert again["protocol"] == result["protocol"]


def test_other_labels_are_matched_by_their_codes(trained, tmp_path):
    settings, result = trained
    values, _ = open_scene(settings.labels).read()
    roles = subset_map(load_split(Path(settings.out)))
    only_test = np.where(roles == TEST, values, 0)
    write_geotiff(tmp_path / "labels.tif", only_test, open_scene(settings.labels).grid, nodata=0)
    again = evaluate_classifier(settings.out, scene=settings.scene, labels=str(tmp_path / "labels.tif"))
    assert again["protocol"] == "external-p5"
    assert again["test"]["oa"] == result["test"]["oa"]
    unknown = only_test.copy()
    unknown[only_test == only_test.max()] = 77
    write_geotiff(tmp_path / "other.tif", unknown, open_scene(settings.labels).grid, nodata=0)
    fewer = evaluate_classifier(settings.out, scene=settings.scene, labels=str(tmp_path / "other.tif"))
    assert fewer["pixels"] < again["pixels"]
    taken, unknown_code = fewer["notes"]
    assert "other.tif: names no classes; its codes are taken for those of the run: 1 is water, " in taken
    assert unknown_code == "not scored, the model does not know these codes: 77"


def test_what_scores_of_other_labels_cannot_say_is_said(trained, tmp_path):
    settings, _ = trained
    values, _ = open_scene(settings.labels).read()
    codes = [code for code in np.unique(values) if code]

    def scored(name: str, changed: np.ndarray):
        write_geotiff(tmp_path / name, changed, open_scene(settings.labels).grid, nodata=0)
        return evaluate_classifier(settings.out, scene=settings.scene, labels=str(tmp_path / name))

    alone = scored("one.tif", np.where(values == codes[0], values, 0))
    assert alone["notes"][0].startswith("all scored pixels are of one class, ")
    turned = np.zeros(256, values.dtype)
    turned[codes] = np.roll(codes, 1)
    exchanged = scored("turned.tif", turned[values])
    assert exchanged["test"]["oa"] < 0.5
    assert "probably the codes stand for other classes here" in exchanged["notes"][0]
    turned[codes] = np.array(codes) + 100
    with pytest.raises(
        InputError, match=r"no labelled pixel of a class that the model knows; not scored, .* 101"
    ):
        scored("far.tif", turned[values])


def test_a_scene_of_other_bands_and_half_an_input_are_refused(trained, tmp_path):
    settings, _ = trained
    other = make_scene(tmp_path, 2, height=40, width=40, bands=9)
    with pytest.raises(
        InputError, match=r"no band within 20 nm of 552 nm, but the model .* was trained on one"
    ):
        evaluate_classifier(settings.out, scene=str(other.scene), labels=str(other.labels))
    with pytest.raises(InputError, match="--scene and --labels go together"):
        evaluate_classifier(settings.out, scene=settings.scene)


def test_labels_changed_since_training_are_noticed(trained, tmp_path):
    settings, _ = trained
    values, _ = open_scene(settings.labels).read()
    changed = tmp_path / "labels.tif"
    write_geotiff(changed, np.roll(values, 5, axis=1), open_scene(settings.labels).grid, nodata=0)
    out = tmp_path / "run"
    train_classifier(replace(settings, labels=str(changed), out=str(out)))
    write_geotiff(changed, values, open_scene(settings.labels).grid, nodata=0, overwrite=True)
    with pytest.raises(InputError, match="scene or labels changed since training"):
        evaluate_classifier(out)


def test_overwriting_leaves_no_file_of_a_run(trained, tmp_path):
    settings, _ = trained
    run = tmp_path / "run"
    shutil.copytree(settings.out, run)
    assert (run / "split.tif.aux.xml").is_file()
    clear(run)
    assert list(run.iterdir()) == []


def test_bad_input_leaves_an_earlier_run_alone(trained):
    settings, _ = trained
    before = sorted(path.name for path in Path(settings.out).iterdir())
    with pytest.raises(InputError, match="no such file"):
        train_classifier(replace(settings, scene="missing.tif", overwrite=True))
    with pytest.raises(InputError, match="is not empty"):
        train_classifier(settings)
    with pytest.raises(InputError, match="--model glmamba: it is for change"):
        train_classifier(replace(settings, model="glmamba", overwrite=True))
    with pytest.raises(InputError, match="--patch-size 4: an odd number of pixels, such as 7"):
        train_classifier(replace(settings, patch_size=4, overwrite=True))
    with pytest.raises(InputError, match=r"split\.tif: would replace its own input"):
        train_classifier(replace(settings, labels=f"{settings.out}/split.tif", overwrite=True))
    assert sorted(path.name for path in Path(settings.out).iterdir()) == before


CANNOT = [
    ({"recompute": True}, "--recompute: svm is not trained by gradient steps; leave it out"),
    ({"compile": True}, "--compile: svm is not trained by gradient steps; leave it out"),
    ({"precision": "bf16"}, "--precision bf16: svm is not trained by gradient steps; leave it out"),
    ({"lr": 0.1}, "--lr 0.1: svm is not trained by gradient steps; leave it out"),
    ({"model": "random_forest", "epochs": 3}, "--epochs 3: random_forest is not trained by gradient steps"),
    ({"class_weights": True}, "--class-weights: svm is not trained by gradient steps; leave it out"),
    ({"preset": "huge"}, "--preset huge: svm has no sizes, its solver decides; leave it out"),
    (
        {"set": {"support_vectors": 3}},
        "--set support_vectors=3: svm takes no options, its solver chooses them",
    ),
    ({"devices": 2}, "--devices 2: svm is not trained by gradient steps; leave it out"),
    ({"token_loss": 0.5}, "--token-loss 0.5: svm is not trained by gradient steps; leave it out"),
    (
        {"model": "one_d_cnn", "token_loss": 0.5},
        "--token-loss 0.5: the model has no tokens to label; use 0",
    ),
    ({"model": "one_d_cnn", "recompute": True}, "--recompute: one_d_cnn has no blocks"),
    (
        {"model": "two_d_cnn", "set": {"patch_size": 3}},
        "--set patch_size=3: the patches have 5 pixels",
    ),
]


@pytest.mark.parametrize(("asked", "words"), CANNOT, ids=lambda value: " ".join(value))
def test_what_a_model_cannot_do_is_refused_before_anything_is_written(trained, tmp_path, asked, words):
    settings, _ = trained
    with pytest.raises(InputError) as caught:
        train_classifier(replace(settings, out=str(tmp_path / "run"), **asked))
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_map_in_bfloat16_by_a_model_without_it_is_refused(trained, tmp_path):
    settings, _ = trained
    with pytest.raises(InputError, match=r"--precision bf16: svm computes in float32 or wider"):
        map_classes(settings.out, settings.scene, tmp_path / "map.tif", precision="bf16")
    assert list(tmp_path.iterdir()) == []


def test_every_way_to_split_has_its_own_protocol_id():
    base = ClassifySettings(scene="s", out="o")
    assert protocol_id(base, 7) == "block-10-10-p7"
    assert protocol_id(replace(base, block_size="0.5km"), 7) == "block-500m-10-10-p7"
    assert protocol_id(replace(base, block_size="50"), 7) == "block-50px-10-10-p7"
    assert protocol_id(replace(base, split="random", train_fraction=0.06), 7) == "random-6-10-p7"
    assert protocol_id(replace(base, split="given", fit_on="scene"), 9) == "given-p9-scene-scaling"


def test_a_run_on_square_blocks_says_their_side_and_is_scored_again(trained, tmp_path):
    asked = {"split": "block", "block_size": "24m", "train_fraction": 0.3, "min_per_class": 0}
    settings = replace(trained[0], **asked, out=str(tmp_path / "run"))
    result = train_classifier(settings)
    assert result["protocol"] == "block-24m-30-10-p5"
    assert result["leakage"]["shared"] == 0
    split = load_split(tmp_path / "run")
    assert (split.block_size, split.id) == ("24m", result["split_id"])
    blocks = np.unique(split.pixels.coordinates[split.subsets == TEST] // 6, axis=0)  # pixels of 4 m
    others = split.pixels.coordinates[np.isin(split.subsets, (TRAIN, VALIDATION))] // 6
    assert not (blocks[:, None] == others).all(axis=2).any()
    assert evaluate_classifier(tmp_path / "run")["test"] == result["test"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"split": "random", "block_size": "40m"},
            "--block-size 40m: goes with --split block, not --split random",
        ),
        ({"block_size": "40 acres"}, "--block-size 40 acres: a length such as 500m"),
        ({"block_size": "16m"}, "--block-size 16m: 4 x 4 pixels, less than a patch of 5 x 5"),
        ({"block_size": "1km"}, "--block-size 1000m: 250 x 250 pixels, as large as"),
        ({"block_size": "35px"}, r"--block-size 35px: class .* lies in . blocks?, a split by blocks needs"),
    ],
)
def test_blocks_that_cannot_be_are_refused_before_anything_is_written(trained, tmp_path, changed, said):
    with pytest.raises(InputError, match=said):
        train_classifier(replace(trained[0], **{"split": "block", "out": str(tmp_path / "run"), **changed}))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("token_loss", [0.0, 0.5])
def test_ssa_mamba_trains_with_and_without_token_loss(tmp_path, token_loss):
    made = make_scene(tmp_path, 3, height=50, width=50, bands=8)
    result = train_classifier(
        ClassifySettings(
            scene=str(made.scene),
            labels=str(made.labels),
            out=str(tmp_path / "run"),
            preset="tiny",
            epochs=2,
            split="random",
            patch_size=5,
            token_loss=token_loss,
            class_weights=True,
        )
    )
    assert result["epochs_run"] == 2
    assert result["test"]["oa"] > 0.2
    assert (tmp_path / "run" / "history.csv").read_text().count("\n") == 3
