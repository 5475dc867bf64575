"""``terramamba datasets``, and ``--data NAME --root DIR`` of the commands that train and score."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path

import numpy as np
import pytest

import catalog_fakes as fakes
from served import running
from terramamba.data.catalog import CATALOG

PARTS = {"train": 2, "val": 1, "test": 2}


def one_line(err: str) -> str:
    assert err.startswith("error: ")
    assert len(err.splitlines()) == 1
    return err


def metrics(run: Path) -> dict[str, object]:
    return json.loads((run / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture
def chance(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_every_set_is_listed_with_what_is_known_of_it(terramamba: Callable) -> None:
    listed = terramamba("datasets")
    assert listed.status == 0
    for record in CATALOG.values():
        for words in (record.name, record.title, record.terms, record.where):
            assert words in listed.out
        shown = terramamba("datasets", record.name)
        assert shown.status == 0
        for remote in record.remotes:
            assert f"{remote.url} ({remote.checksum or 'no checksum known'})" in shown.out
        assert record.cite in shown.out


def test_sets_are_given_as_json(terramamba: Callable) -> None:
    listed = json.loads(terramamba("datasets", "--json").out)
    assert [record["name"] for record in listed] == list(CATALOG)
    one = json.loads(terramamba("datasets", "salinas", "--json").out)
    assert one in listed
    assert (one["kind"], one["height"]) == ("scene", CATALOG["salinas"].height)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("levir-25",), "levir-25: no data set of this name; did you mean levir-256"),
        (("--download",), "--root and --download: name the data set"),
        (("salinas", "--download"), "--download: say where Salinas is to lie with --root"),
        (("salinas", "--root", "nowhere"), "nowhere: no such folder"),
        (
            ("xiongan", "--root", "new", "--download"),
            "cannot be fetched without asking; to get it, take it from",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    words: tuple[str, ...], said: str, terramamba: Callable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = terramamba("datasets", *words)
    assert done.status == 1
    assert said in one_line(done.err)
    assert not list(tmp_path.iterdir())


def test_a_folder_is_verified(program: Callable, chance: np.random.Generator, tmp_path: Path) -> None:
    record = fakes.scene_record("indian-pines")
    fakes.indian_pines(tmp_path, record, chance)
    done = program("datasets", "indian-pines", "--root", tmp_path)
    assert (done.status, done.err) == (0, "")
    assert done.out.endswith("this is Indian Pines as published\n")
    (tmp_path / "Indian_pines_gt.mat").unlink()
    done = program("datasets", "indian-pines", "--root", tmp_path)
    assert done.status == 1
    assert "no Indian_pines_gt.mat in it; to get Indian Pines, `--download` fetches" in one_line(done.err)


def test_what_has_links_is_fetched_and_verified(
    terramamba: Callable, chance: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = fakes.scene_record("indian-pines")
    fakes.indian_pines(tmp_path / "server", record, chance)
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "server"))
    with running(handler) as address:
        remotes = tuple(replace(one, url=f"{address}/{one.name}") for one in record.remotes)
        monkeypatch.setitem(CATALOG, "indian-pines", replace(record, remotes=remotes))
        done = terramamba("datasets", "indian-pines", "--root", tmp_path / "new", "--download")
    assert done.status == 0, done.err
    assert done.out.count("fetched (no checksum is known for it)") == 2
    assert done.out.endswith("this is Indian Pines as published\n")
    assert len(list((tmp_path / "new").iterdir())) == 2


def test_a_classifier_learns_a_scene_by_name(
    terramamba: Callable, chance: np.random.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {"height": 24, "width": 17, "bands": (9,), "number": 3, "classes": ("oats", "corn", "rye")}
    record = fakes.scene_record("indian-pines", **changes, pixels={"all": (120, 90, 100)})
    monkeypatch.setitem(CATALOG, "indian-pines", record)
    fakes.indian_pines(tmp_path / "data", record, chance)
    words = ("--data", "indian-pines", "--root", tmp_path / "data", "--model", "svm", "--patch-size", 3)
    run = tmp_path / "run"
    done = terramamba("classify", "train", *words, "--split", "random", "--out", run)
    assert done.status == 0, done.err
    result = metrics(run)
    assert result["protocol"] == "indian-pines-random-n60-n31-p3"
    assert [one["name"] for one in result["test"]["per_class"]] == ["oats", "corn", "rye"]
    assert result["test"]["oa"] > 0.9
    again = terramamba("classify", "evaluate", run)
    assert again.status == 0, again.err
    neither = terramamba("classify", "train", "--out", tmp_path / "other")
    assert neither.status == 2
    assert "--scene: must be given, or --data with --root" in neither.err
    (tmp_path / "data" / "Indian_pines_gt.mat").unlink()
    lost = terramamba("classify", "train", *words, "--out", tmp_path / "other")
    assert lost.status == 1
    assert "to get Indian Pines" in one_line(lost.err)
    assert not (tmp_path / "other").exists()


@pytest.mark.parametrize("whole", [True, False])
def test_a_detector_learns_a_set_by_name(
    whole: bool,
    terramamba: Callable,
    chance: np.random.Generator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    record = fakes.pair_record("clcd", side=32, subsets=PARTS if whole else PARTS | {"test": 9})
    monkeypatch.setitem(CATALOG, "clcd", record)
    fakes.pairs(tmp_path / "data", ("time1", "time2", "label"), PARTS, 32, chance)
    words = ("--data", "clcd", "--root", tmp_path / "data")
    run = tmp_path / "run"
    done = terramamba("change", "train", *words, "--model", "cva", "--out", run)
    assert done.status == 0, done.err
    result = metrics(run)
    assert result["protocol"] == ("clcd" if whole else "pairs-2-1-2")
    assert any("test pairs: 2 instead of 9" in note for note in result["notes"]) != whole
    scored = terramamba("change", "evaluate", run, *words)
    assert scored.status == 0, scored.err
    assert ("clcd-test" if whole else "test-2") in scored.out


def test_a_detector_learns_bands_in_folders(
    terramamba: Callable, chance: np.random.Generator, tmp_path: Path
) -> None:
    fakes.oscd(tmp_path / "data", {"Train": list("abcde"), "Test": ["f"]}, 32, chance)
    words = ("--data", "oscd", "--root", tmp_path / "data")
    done = terramamba("change", "train", *words, "--model", "cva", "--out", tmp_path / "run")
    assert done.status == 0, done.err
    assert metrics(tmp_path / "run")["test"]["confusion"]


def test_a_set_without_a_root_says_where_it_is_from(terramamba: Callable, tmp_path: Path) -> None:
    done = terramamba("change", "train", "--data", "clcd", "--model", "cva", "--out", tmp_path / "run")
    assert done.status == 1
    assert "say where CLCD (CropLand Change Detection) lies with --root; follow the links" in one_line(
        done.err
    )


def test_a_real_sample_trains_by_name(
    terramamba: Callable, real_data: Callable[[str], Path], tmp_path: Path
) -> None:
    root = real_data("change/levir_cd")
    words = ("--data", "levir-256", "--root", root, "--model", "cva", "--out", tmp_path / "run")
    done = terramamba("change", "train", *words)
    assert done.status == 0, done.err
    assert metrics(tmp_path / "run")["protocol"] == "pairs-33-7-11"
