"""Settings for somebody's own files: looked at, written with what they mean, and taken by training."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from terramamba.change.settings import ChangeSettings
from terramamba.cli.change_train import USAGE as CHANGE
from terramamba.cli.classify_train import USAGE as CLASSIFY
from terramamba.cli.shared.parse import parse
from terramamba.landcover.settings import ClassifySettings


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_settings_for_a_scene_say_what_was_understood_and_train(
    workshop, terramamba: Callable[..., object]
) -> None:
    files = (workshop.scene.scene, workshop.scene.labels)
    done = terramamba("new", "classify", *files, "--split", "random", "--out", "cover.yaml")
    assert done.status == 0, done.err
    assert "terramamba classify train --config cover.yaml" in done.out
    text = Path("cover.yaml").read_text()
    assert yaml.safe_load(text) == {
        "scene": str(files[0]),
        "labels": str(files[1]),
        "split": "random",
        "out": "runs/cover",
    }
    assert "#     bare soil " in text
    assert "\n#block_size: null\n" in text
    assert "\n# --- training, validation and test ---\n" in text
    trained = terramamba(
        "classify", "train", "--config", "cover.yaml", "--model", "svm", "--val-fraction", "0.1"
    )
    assert trained.status == 0, trained.err
    assert Path("runs/cover/model.json").is_file()


def test_what_stands_as_a_comment_is_taken_when_the_mark_goes(
    workshop, terramamba: Callable[..., object]
) -> None:
    assert terramamba("new", "classify", workshop.scene.scene, workshop.scene.labels).status == 0
    (written,) = Path().glob("*.yaml")
    lines = written.read_text().splitlines()
    named = [line for line in lines if line.startswith("#") and line[1:2].isalpha()]
    written.write_text("\n".join(line.removeprefix("#") if line in named else line for line in lines))
    settings, _ = parse(CLASSIFY, ClassifySettings, ["--config", str(written)])
    assert settings == ClassifySettings(
        scene=str(workshop.scene.scene), labels=str(workshop.scene.labels), out=settings.out
    )
    assert len(named) > 10


def test_settings_for_pairs_and_for_the_three_files_of_one(
    workshop, terramamba: Callable[..., object]
) -> None:
    assert terramamba("new", "change", workshop.pairs.root, "--out", "all.yaml").status == 0
    assert parse(CHANGE, ChangeSettings, ["--config", "all.yaml"])[0].data == str(workshop.pairs.root)
    before, after = workshop.pairs.before, workshop.pairs.after
    label = before.with_name("truth.tif")
    done = terramamba("new", "change", before, after, label, "--out", "sub/one.yaml")
    assert done.status == 0, done.err
    settings, _ = parse(CHANGE, ChangeSettings, ["--config", "sub/one.yaml"])
    assert (settings.data, settings.split, settings.out) == ("sub/one.csv", "block", "runs/one")
    listed = Path("sub/one.csv").read_text().splitlines()[1].split(",")
    assert [(Path("sub") / name).resolve() for name in listed] == [before, after, label]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("classify", "scene", "labels", "--out", "cover.txt"), "give the file a name that ends in .yaml"),
        (("change", "a.tif", "b.tif"), "name the change mask too"),
        (("classify", "none.tif", "labels"), "none.tif: no such file"),
        (("change", "none.tif", "b.tif", "c.tif"), "no such before file"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_left(
    words: tuple[str, ...], message: str, workshop, terramamba: Callable[..., object]
) -> None:
    known = {"scene": workshop.scene.scene, "labels": workshop.scene.labels}
    done = terramamba("new", *(known.get(word, word) for word in words))
    assert done.status == 1
    assert message in done.err
    assert list(Path().iterdir()) == []


def test_a_file_that_is_there_is_kept(workshop, terramamba: Callable[..., object]) -> None:
    Path("mine.yaml").write_text("epochs: 3\n")
    done = terramamba("new", "change", workshop.pairs.root, "--out", "mine.yaml")
    assert "mine.yaml: exists already; name another file or give --overwrite" in done.err
    assert Path("mine.yaml").read_text() == "epochs: 3\n"


def test_the_table_of_a_pair_that_is_there_survives_what_is_refused(
    workshop, terramamba: Callable[..., object]
) -> None:
    Path("pair.csv").write_text("mine")
    dates = (workshop.pairs.before, workshop.pairs.after)
    done = terramamba("new", "change", *dates, "none.tif", "--out", "pair.yaml", "--overwrite")
    assert done.status == 1
    assert Path("pair.csv").read_text() == "mine"
    assert not Path("pair.yaml").exists()
