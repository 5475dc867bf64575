"""Bad input, command by command: exit 1, one line with file, value and remedy, and nothing left behind."""

import pickle
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest

from programs import start, terramamba
from terramamba.data.synthetic.files import SyntheticPairs, SyntheticScene, make_pairs, make_scene
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

CLASSIFY = ("--model", "svm", "--split", "random", "--patch-size", "3")


@dataclass(frozen=True)
class Home:
    """Good files of both jobs, and a run of each, to spoil copies of."""

    folder: Path
    scene: SyntheticScene
    pairs: SyntheticPairs

    @property
    def classify_run(self) -> Path:
        return self.folder / "classify"

    @property
    def change_run(self) -> Path:
        return self.folder / "change"


def files_under(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("refusals")
    made = Home(
        folder,
        make_scene(folder / "scene", 0, height=40, width=40, bands=8),
        make_pairs(folder / "pairs", 0, train=2, val=2, test=2, size=32, scene=(64, 64)),
    )
    for words in (
        ("classify", "train", "--scene", made.scene.scene, "--labels", made.scene.labels, *CLASSIFY),
        ("change", "train", "--data", made.pairs.root, "--model", "cva"),
    ):
        done = terramamba(*words, "--out", folder / words[0])
        assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def refused(tmp_path: Path) -> Callable[..., None]:
    """Runs a command in an empty folder, where it must fail with one line that says all of ``parts``."""

    def check(words: tuple[object, ...], *parts: str) -> None:
        empty = tmp_path / "empty"
        empty.mkdir()
        done = terramamba(*words, cwd=empty)
        assert done.returncode == 1, done.stderr + done.stdout
        lines = [line for line in done.stderr.splitlines() if not line.startswith("note: ")]
        assert len(lines) == 1, done.stderr
        assert lines[0].startswith("error: ")
        for part in parts:
            assert part in lines[0]
        assert not any(empty.iterdir())

    return check


def train_words(scene: object, labels: object) -> tuple[object, ...]:
    return ("classify", "train", "--scene", scene, "--labels", labels, "--out", "run", *CLASSIFY)


def spoil(source: Path, target: Path, change: Callable[[np.ndarray], np.ndarray]) -> Path:
    """Write ``source`` to ``target`` with its values changed, and cropped where they have become fewer."""
    scene = open_scene(source)
    values = change(scene.read()[0].copy())
    write_geotiff(target, values, scene.grid.crop(Window(0, 0, *values.shape[1:])))
    return target


def test_no_such_file(home, refused):
    refused(train_words("missing.tif", home.scene.labels), "missing.tif", "no such file")


def test_not_an_image(home, refused, tmp_path):
    (tmp_path / "notes.tif").write_text("these are notes")
    refused(train_words(tmp_path / "notes.tif", home.scene.labels), "notes.tif", "not an image")


def test_a_corrupt_block_is_named(home, refused, tmp_path):
    whole = home.scene.scene.read_bytes()
    broken = tmp_path / "broken.tif"
    broken.write_bytes(whole[: len(whole) // 2])
    refused(("classify", "map", home.classify_run, broken, "--out", "map.tif"), "broken.tif", "row")


def test_the_corrupt_tiff_of_rasterio(refused, real_data):
    refused(("check", real_data("raster/rasterio_tests/corrupt.tif")), "corrupt.tif")


def test_labels_of_another_size(home, refused, tmp_path):
    labels = tmp_path / "small.npy"
    np.save(labels, open_scene(home.scene.labels).read()[0][0, :30, :20])
    refused(train_words(home.scene.scene, labels), "small.npy", "30 x 20", "40 x 40")


def test_labels_with_one_class(home, refused, tmp_path):
    labels = spoil(home.scene.labels, tmp_path / "one.tif", lambda values: np.minimum(values, 1))
    refused(train_words(home.scene.scene, labels), "one.tif", "single class", "two or more")


def test_a_class_with_fewer_pixels_than_the_split_needs(home, refused, tmp_path):
    def rare(values: np.ndarray) -> np.ndarray:
        values[0, 5, 5:7] = 9
        return values

    labels = spoil(home.scene.labels, tmp_path / "rare.tif", rare)
    refused(train_words(home.scene.scene, labels), "class 9", "2", "3")


def test_a_scene_that_is_nan_where_it_is_labelled(home, refused, tmp_path):
    scene = spoil(home.scene.scene, tmp_path / "holes.tif", lambda values: values * np.float32(np.nan))
    refused(train_words(scene, home.scene.labels), "holes.tif", "no band has usable data", "nodata")


def test_a_scene_with_another_number_of_bands_than_the_model(home, refused, tmp_path):
    scene = spoil(home.scene.scene, tmp_path / "five.tif", lambda values: values[:5])
    words = ("classify", "map", home.classify_run, scene, "--out", "map.tif")
    refused(words, "five.tif", "5 bands", "trained on 8")


def test_an_option_that_the_model_cannot_obey(home, refused):
    words = train_words(home.scene.scene, home.scene.labels)
    refused((*words, "--recompute"), "--recompute", "svm is not trained by gradient steps", "leave it out")


def test_a_setting_in_a_file_that_the_model_cannot_obey(home, refused, tmp_path):
    settings = tmp_path / "learn.yaml"
    settings.write_text("lr: 0.01\n", encoding="utf-8")
    words = train_words(home.scene.scene, home.scene.labels)
    refused((*words, "--config", settings), "--lr 0.01", "svm is not trained by gradient steps", "leave it")


def test_dates_of_different_size(home, refused, tmp_path):
    after = spoil(home.pairs.after, tmp_path / "after.tif", lambda values: values[:, :50, :40])
    words = ("change", "map", home.change_run, home.pairs.before, after, "--out", "change.tif")
    refused(words, "after.tif", "50 x 40", "64 x 64")


def test_a_missing_mate(home, refused, tmp_path):
    copytree(home.pairs.root / "train", tmp_path / "data" / "train")
    lonely = sorted((tmp_path / "data" / "train" / "B").iterdir())[0]
    lonely.unlink()
    refused(("change", "train", "--data", tmp_path / "data", "--out", "run"), lonely.name, "B")


def test_an_output_folder_that_is_not_empty(home):
    before = files_under(home.classify_run)
    words = train_words(home.scene.scene, home.scene.labels)
    done = terramamba(*[home.classify_run if word == "run" else word for word in words])
    assert done.returncode == 1
    assert f"{home.classify_run} is not empty" in done.stderr
    assert "--overwrite" in done.stderr
    assert files_under(home.classify_run) == before


@pytest.mark.parametrize("damage", ["truncated", "pickle", "missing"])
def test_a_damaged_model_file(home, refused, tmp_path, damage):
    run = tmp_path / "run"
    copytree(home.classify_run, run)
    weights = run / "model.safetensors"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:100])
    elif damage == "pickle":
        weights.write_bytes(pickle.dumps({"weights": [1, 2, 3]}))
    else:
        weights.unlink()
    refused(("classify", "map", run, home.scene.scene, "--out", "map.tif"), "model.safetensors")


def test_an_output_that_is_there_already_stays(home, tmp_path):
    out = tmp_path / "map.tif"
    out.write_text("mine")
    done = terramamba("classify", "map", home.classify_run, home.scene.scene, "--out", out)
    assert done.returncode == 1
    assert "map.tif" in done.stderr
    assert out.read_text() == "mine"


def test_interrupted_training_exits_130_and_resumes_to_the_unbroken_result(home, tmp_path):
    words = (
        *(
            "change",
            "train",
            "--data",
            home.pairs.root,
            "--model",
            "glmamba",
            "--preset",
            "nano",
            "--epochs",
            "6",
        ),
        *("--batch-size", "2", "--crop-size", "32", "--crops-per-pair", "2"),
    )
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    done = terramamba(*words, "--out", whole)
    assert done.returncode == 0, done.stderr
    with start("-m", "terramamba", *words, "--out", broken) as process:
        end = time.monotonic() + 200
        while not (broken / "history.csv").exists():
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < end, "training does not get on"
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate()
    assert process.returncode == 130
    assert "--resume" in said.splitlines()[-1]
    assert "Traceback" not in said
    assert not (broken / "metrics.json").exists()
    again = terramamba(*words, "--out", broken, "--resume")
    assert again.returncode == 0, again.stderr
    assert (broken / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
