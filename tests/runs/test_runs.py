"""The run folder: what may be replaced, what is never half written, what is read back."""

import csv
import json
import logging
import os
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

import terramamba as tm
from cards import cover_card, save_run
from terramamba.core.documents import read_yaml
from terramamba.core.errors import InputError
from terramamba.core.files import atomic_path, write_csv, write_json, write_yaml
from terramamba.core.run_files import CHECKPOINT
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.scaling import Scaling
from terramamba.models.registry import create_model
from terramamba.runs.clearing import clear
from terramamba.runs.folder import (
    as_begun,
    check_folder,
    check_same_config,
    load_run,
    write_confusion,
)
from terramamba.runs.run_lock import at_work
from terramamba.runs.run_log import run_log
from terramamba.training.settings import TrainSettings


def names(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.fixture
def run(tmp_path):
    """A folder with files of a run, files of its user and a repeat."""
    folder = tmp_path / "run"
    write_yaml(folder / "config.yaml", {"seed": 1})
    write_yaml(folder / "seed-7" / "config.yaml", {"seed": 7})
    for name in ("model.json", "split.tif", "history.csv", CHECKPOINT, ".history.99.part.csv"):
        write_json(folder / name, {})
    for name in ("notes.txt", "split.txt", "checkpoints/mine.ckpt", "seed-8/config.yaml"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("mine")
    return folder


def test_a_new_or_empty_folder_is_taken(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("empty", "a/b"):
        assert check_folder(str(tmp_path / name)) == tmp_path / name
    assert not (tmp_path / "a").exists()


def test_a_used_folder_is_refused_with_what_to_do(run):
    before = names(run)
    with pytest.raises(InputError, match="is not empty; give --resume to go on, --overwrite to start again"):
        check_folder(run)
    with pytest.raises(InputError, match="exclude each other"):
        check_folder(run, resume=True, overwrite=True)
    with pytest.raises(InputError, match=r"notes\.txt is a file; give another --out"):
        check_folder(run / "notes.txt")
    assert names(run) == before


def test_overwrite_removes_what_a_run_writes_and_nothing_else(run):
    with at_work(run):
        clear(run)
    mine = ["checkpoints", "checkpoints/mine.ckpt", "notes.txt", "seed-8", "seed-8/config.yaml", "split.txt"]
    assert names(run) == mine


def test_a_folder_that_is_no_run_is_never_cleared(tmp_path):
    (tmp_path / "config.yaml").write_text("name: another program\n")
    (tmp_path / "metrics.json").write_text("{}")
    with pytest.raises(InputError, match="not a run folder, so it stays"):
        check_folder(tmp_path, overwrite=True)
    assert names(tmp_path) == ["config.yaml", "metrics.json"]


def test_resume_wants_a_run(run, tmp_path):
    before = names(run)
    assert check_folder(run, resume=True) == run
    with at_work(run):
        pass
    assert {*before} - {*names(run)} == {".history.99.part.csv"}  # what a kill has left
    (run / CHECKPOINT).unlink()
    assert check_folder(run, resume=True) == run
    with pytest.raises(InputError, match="leave out --resume"):
        check_folder(tmp_path / "new", resume=True)


def test_a_file_is_there_whole_or_not_at_all(tmp_path):
    path = tmp_path / "deep" / "scores.json"

    def write_half():
        with atomic_path(path) as part:
            part.write_text("half")
            assert (part.parent, part.suffix) == (path.parent, ".json")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert names(tmp_path) == ["deep"]
    write_json(path, {"oa": 1})
    with pytest.raises(TypeError):
        write_json(path, {"oa": object()})
    assert json.loads(path.read_text()) == {"oa": 1}
    assert names(tmp_path) == ["deep", "deep/scores.json"]


@dataclass(frozen=True)
class _Leakage:
    shared: float


def test_plain_words_for_json_and_yaml(tmp_path):
    record = {
        "oa": np.float32(0.5),
        "kappa": float("nan"),
        "confusion": np.eye(2, dtype=np.int64),
        "leakage": _Leakage(0.25),
        "path": Path("a") / "b",
        "names": ("Gebüsch", "roof"),
    }
    wanted = {
        "oa": 0.5,
        "kappa": None,
        "confusion": [[1, 0], [0, 1]],
        "leakage": {"shared": 0.25},
        "path": os.path.join("a", "b"),  # noqa: PTH118
        "names": ["Gebüsch", "roof"],
    }
    write_json(tmp_path / "r.json", record)
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8")) == wanted
    write_yaml(tmp_path / "r.yaml", record)
    assert read_yaml(tmp_path / "r.yaml", "") == wanted


def test_tables(tmp_path):
    write_confusion(tmp_path / "c.csv", np.array([[5, 1], [0, 7]]), ["bare, dry", "truth"])
    assert (tmp_path / "c.csv").read_text() == 'truth,"bare, dry",truth\n"bare, dry",5,1\ntruth,0,7\n'
    write_csv(tmp_path / "h.csv", [{"epoch": 1, "loss": 0.1 + 0.2}])
    with (tmp_path / "h.csv").open() as file:
        assert float(next(csv.DictReader(file))["loss"]) == 0.1 + 0.2


@pytest.mark.parametrize(("text", "message"), [("a: [1", "is not YAML"), ("- 1", "holds no mapping")])
def test_damaged_settings_are_named(tmp_path, text, message):
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError, match=rf"config\.yaml: {message}"):
        read_yaml(tmp_path / "config.yaml", "train anew")


@pytest.fixture
def begun(tmp_path):
    """Settings of which lr was given and epochs were decided, as a run keeps them."""
    settings = TrainSettings(model="one_d_cnn", out=str(tmp_path), lr=0.1, epochs=3, decided=["epochs"])
    write_yaml(tmp_path / "config.yaml", asdict(settings))
    return settings


@pytest.mark.parametrize(
    "changed",
    [{"device": "cuda"}, {"recompute": True}, {"compile": True}, {"loader_workers": 2}, {"epochs": None}],
)
def test_what_may_differ_and_what_the_recipe_decided_is_no_other_run(begun, tmp_path, changed):
    check_same_config(tmp_path, replace(begun, **changed))


def test_what_the_model_cannot_obey_is_no_other_run(begun, tmp_path):
    earlier = replace(begun, model="svm", lr=0.1, epochs=12, decided=[])
    write_yaml(tmp_path / "config.yaml", asdict(earlier))
    check_same_config(tmp_path, replace(earlier, lr=None, epochs=None))
    with pytest.raises(InputError, match=r"the run has seed 42, not 3"):
        check_same_config(tmp_path, replace(earlier, lr=None, epochs=None, seed=3))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"lr": 0.2}, r"the run has lr 0\.1, not 0\.2"),
        ({"lr": None}, r"the run has lr 0\.1, not None"),
        ({"set": {"depth": 2}}, r"the run has set {}, not {'depth': 2}"),
        ({"precision": "bf16"}, r"the run has precision '32', not 'bf16'"),
        ({"recipe": "published"}, r"the run has recipe 'practical', not 'published'"),
    ],
)
def test_another_run_is_refused_with_what_differs(begun, tmp_path, changed, message):
    with pytest.raises(InputError, match=message):
        check_same_config(tmp_path, replace(begun, **changed))


def test_a_setting_that_only_the_run_has_is_refused(begun, tmp_path):
    write_yaml(tmp_path / "config.yaml", {**asdict(begun), "momentum": 0.9})
    with pytest.raises(InputError, match=r"the run has momentum 0\.9, not None"):
        check_same_config(tmp_path, begun)


@pytest.mark.parametrize(
    ("key", "default", "other"),
    [
        ("precision", "32", "bf16"),
        ("augment", True, False),
        ("set", {}, {"depth": 2}),
        ("clip_norm", 0.0, 1.0),
    ],
)
def test_a_run_from_before_a_setting_is_one_with_its_default(begun, tmp_path, key, default, other):
    record = asdict(begun)
    del record[key]
    write_yaml(tmp_path / "config.yaml", record)
    check_same_config(tmp_path, begun)
    check_same_config(tmp_path, replace(begun, **{key: default}))
    with pytest.raises(InputError, match=rf"the run has {key} {default!r}, not {other!r}"):
        check_same_config(tmp_path, replace(begun, **{key: other}))


def test_a_run_that_goes_on_keeps_what_its_recipe_decided(begun, tmp_path):
    again = TrainSettings(model="one_d_cnn", out=str(tmp_path), lr=0.1, resume=True)
    assert as_begun(again) == replace(begun, resume=True)
    assert as_begun(replace(again, resume=False)) == replace(again, resume=False)


def test_the_log_keeps_what_was_said_and_how_it_ended(tmp_path, capsys):
    logger = logging.getLogger("terramamba")
    with run_log(tmp_path) as log:
        log.info("epoch 1")
        logging.getLogger("terramamba.training.fit").warning("slow")
    with pytest.raises(InputError), run_log(tmp_path):
        raise InputError("a.tif: no such file")
    with pytest.raises(KeyboardInterrupt), run_log(tmp_path):
        raise KeyboardInterrupt
    lines = [line.split(" ", 2)[2] for line in (tmp_path / "log.txt").read_text().splitlines()]
    begun = f"INFO terramamba {tm.__version__}, process {os.getpid()}"
    said = ["INFO epoch 1", "WARNING slow", "INFO done"]
    failed = ["ERROR InputError: a.tif: no such file", begun, "ERROR interrupted; --resume goes on"]
    assert lines == [begun, *said, begun, *failed]
    assert not logger.handlers


def test_a_run_is_read_back_with_its_card(tmp_path, seed):
    model = create_model("ssa_mamba", preset="tiny", in_channels=3, num_classes=2).eval()
    scaling = Scaling("minmax", (0, 2, 3), (0.0, 1.0, 2.0), (1.0, 0.5, 0.25), (0.1, 0.2, 0.3))
    classes = ClassTable((1, 4), ("water", "roof"), (None, None))
    save_run(model, tmp_path, cover_card(scaling=scaling, classes=classes, split_id="block-1"))
    run = load_run(str(tmp_path))
    assert (run.folder, run.task, run.split_id, run.classes) == (tmp_path, "classify", "block-1", classes)
    assert run.scaling == scaling
    assert (run.patches.size, run.temperature) == (5, None)
    x = torch.randn(2, 3, 7, 7)
    with torch.no_grad():
        assert torch.equal(run.model(x), model(x))
    with pytest.raises(InputError, match=r"model\.json has no 'threshold'"):
        _ = run.threshold


def test_what_is_no_run_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere is not a folder; give the run folder"):
        load_run(tmp_path / "nowhere")
    with pytest.raises(InputError, match="model"):
        load_run(tmp_path)


@pytest.mark.parametrize("how", [{"resume": True}, {"overwrite": True}])
@pytest.mark.parametrize("name", ["log.txt", "checkpoints"])
def test_a_run_whose_files_would_be_written_elsewhere_through_a_link_is_refused(run, tmp_path, how, name):
    victim = tmp_path / "victim"
    victim.mkdir()
    (victim / "last.ckpt").write_text("precious")
    if name == "checkpoints":
        for path in (run / name).iterdir():
            path.unlink()
        (run / name).rmdir()
    (run / name).symlink_to(victim if name == "checkpoints" else victim / "log.txt")
    with pytest.raises(InputError, match=rf"{name}: is a link, and what is written and removed there"):
        check_folder(run, **how)
    assert names(victim) == ["last.ckpt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_a_log_that_is_a_pipe_is_refused_as_writing_it_would_have_no_end(run):
    os.mkfifo(run / "log.txt")
    with pytest.raises(InputError, match=r"log\.txt: is a pipe and no file"):
        check_folder(run, resume=True)


def test_a_file_of_a_run_that_is_a_link_is_replaced_and_what_it_leads_to_stays(run, tmp_path):
    (tmp_path / "precious.json").write_text("precious")
    for name in ("plan.json", "metrics.json"):
        (run / name).symlink_to(tmp_path / "precious.json")
    write_json(run / "plan.json", {"a": 1})
    clear(run)
    assert not {"plan.json", "metrics.json"} & {*names(run)}
    assert (tmp_path / "precious.json").read_text() == "precious"


def test_settings_that_say_oddly_what_was_decided_are_refused(run):
    write_yaml(run / "config.yaml", {"seed": 1, "decided": ["lr", {"epochs": 3}]})
    with pytest.raises(
        InputError, match=r"config\.yaml: decided has \{'epochs': 3\}, not text; restore it or"
    ):
        as_begun(TrainSettings(model="toy", out=str(run), resume=True))
