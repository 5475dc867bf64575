"""A folder of results: whole or not there, and nobody else's files are touched."""

import json
import os

import pytest

from programs import python
from terramamba.core import folder_lock
from terramamba.core.errors import InputError
from terramamba.runs.result_folder import check_result_folder, result_folder

RECORD = "why.json"


def fill(out, *names: str, overwrite: bool = False) -> None:
    with result_folder(out, RECORD, overwrite=overwrite) as (folder, record):
        record["what"] = names
        for name in names:
            (folder / name).write_text(name)


def test_it_appears_whole_with_a_list_of_its_files(tmp_path) -> None:
    fill(tmp_path / "a" / "why", "x.csv", "y.png")
    record = json.loads((tmp_path / "a" / "why" / RECORD).read_text())
    assert record == {"what": ["x.csv", "y.png"], "files": ["x.csv", "y.png"]}
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["why"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_what_ends_early_leaves_all_as_it_was(error, tmp_path) -> None:
    def end_early(out, **how) -> None:
        with result_folder(out, RECORD, **how) as (folder, _):
            (folder / "x.csv").write_text("half")
            raise error

    with pytest.raises(error):
        end_early(tmp_path / "a" / "why")
    assert not any(tmp_path.iterdir())
    fill(tmp_path / "why", "x.csv")
    with pytest.raises(error):
        end_early(tmp_path / "why", overwrite=True)
    assert (tmp_path / "why" / "x.csv").read_text() == "x.csv"


def test_replacing_takes_its_own_files_alone(tmp_path) -> None:
    out = tmp_path / "why"
    fill(out, "x.csv", "y.png")
    (out / "mine.txt").write_text("mine")
    fill(out, "y.png", "z.tif", overwrite=True)
    assert {path.name for path in out.iterdir()} == {"mine.txt", "y.png", "z.tif", RECORD}
    with pytest.raises(InputError, match="is not empty; give --overwrite"):
        check_result_folder(out, RECORD)


def test_a_record_cannot_name_files_elsewhere(tmp_path) -> None:
    out = tmp_path / "why"
    fill(out, "x.csv")
    (tmp_path / "precious.txt").write_text("precious")
    (out / "mine").mkdir()
    names = ["../precious.txt", "..", ".", "", "a\0b", "mine", str(tmp_path / "precious.txt")]
    record = json.loads((out / RECORD).read_text()) | {"files": names}
    (out / RECORD).write_text(json.dumps(record))
    fill(out, "y.csv", overwrite=True)
    assert (tmp_path / "precious.txt").read_text() == "precious"


@pytest.mark.parametrize("files", ['"abc"', "[null]", "[" * 200_000, "{}"])
def test_a_record_that_lists_no_files_is_refused(tmp_path, files) -> None:
    fill(tmp_path / "why", "x.csv")
    (tmp_path / "why" / RECORD).write_text(f'{{"files": {files}}}')
    with pytest.raises(InputError, match=r"why is not empty and holds no why\.json of such results"):
        fill(tmp_path / "why", "y.csv", overwrite=True)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no such files")
def test_a_record_that_is_a_pipe_is_not_waited_for(tmp_path) -> None:
    (tmp_path / "why").mkdir()
    os.mkfifo(tmp_path / "why" / RECORD)
    with pytest.raises(InputError, match=r"holds no why\.json of such results, so it stays"):
        fill(tmp_path / "why", "y.csv", overwrite=True)


@pytest.mark.parametrize("name", [".", "../why", "../why/."])
def test_the_folder_in_which_one_stands_may_be_replaced(tmp_path, monkeypatch, name) -> None:
    fill(tmp_path / "why", "x.csv")
    monkeypatch.chdir(tmp_path / "why")
    fill(name, "y.csv", overwrite=True)
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["why", RECORD, "y.csv"]


def test_other_places_are_refused(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="is a file"):
        check_result_folder(tmp_path / "file", RECORD)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    with pytest.raises(InputError, match=r"holds no why\.json"):
        check_result_folder(tmp_path / "full", RECORD, overwrite=True)
    (tmp_path / "empty").mkdir()
    fill(tmp_path / "empty", "x.csv")
    assert (tmp_path / "empty" / "x.csv").is_file()


REPLACES = """
import itertools, os, sys
from pathlib import Path
from terramamba.runs.result_folder import result_folder

steps = itertools.count(1)
for name in ("mkdir", "rename", "replace", "unlink"):
    def step(path, *args, function=getattr(Path, name), **options):
        found = function(path, *args, **options)
        if next(steps) == int(sys.argv[1]):
            os._exit(9)
        return found
    setattr(Path, name, step)
with result_folder("why", "why.json", overwrite=True) as (folder, record):
    for file in ("y.png", "z.tif"):
        (folder / file).write_text("new")
"""


def test_a_kill_at_any_step_leaves_the_old_results_or_the_new_ones(tmp_path) -> None:
    old, new = {"x.csv", "y.png", RECORD}, {"y.png", "z.tif", RECORD}
    outcomes = []
    for step in range(1, 100):
        home = tmp_path / str(step)
        fill(home / "why", "x.csv", "y.png")
        (home / "why" / "mine.txt").write_text("mine")
        done = python("-c", REPLACES, step, cwd=home)
        if done.returncode == 0:
            break
        # Whatever the next command is, what there is is whole before it begins, and nothing else is left.
        check_result_folder(home / "why", RECORD, overwrite=True)
        found = {path.name for path in (home / "why").iterdir()} - {"mine.txt"}
        assert found in (old, new)
        assert (home / "why" / "y.png").read_text() == ("new" if found == new else "y.png")
        assert [path.name for path in home.iterdir()] == ["why"]
        outcomes.append(found == new)
    assert done.returncode == 0
    assert outcomes == sorted(outcomes)
    assert {*outcomes} == {False, True}


def test_two_that_write_one_folder_are_told_apart(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(folder_lock, "PATIENCE_SECONDS", 0.05)
    with result_folder(tmp_path / "why", RECORD):
        with pytest.raises(InputError, match="why: another run is at work on it"):
            fill(tmp_path / "why", "x.csv")
        with pytest.raises(InputError, match="why: another run is at work on it"):
            check_result_folder(tmp_path / "why", RECORD)


def test_what_came_while_results_were_made_is_not_replaced(tmp_path) -> None:
    check_result_folder(tmp_path / "why", RECORD)
    fill(tmp_path / "why", "x.csv")
    with pytest.raises(InputError, match="is not empty; give --overwrite"):
        fill(tmp_path / "why", "y.csv")
    assert (tmp_path / "why" / "x.csv").is_file()


def test_links_beside_results_lead_nobody_elsewhere(tmp_path) -> None:
    out, work, victim = tmp_path / "why", tmp_path / ".why.part", tmp_path / "victim"
    fill(out, "x.csv")
    victim.mkdir()
    (victim / RECORD).write_text('{"files": []}')
    work.mkdir()
    (work / f"{RECORD}.whole").symlink_to(victim)
    (work / "draft").symlink_to(victim)
    fill(out, "y.csv", overwrite=True)
    assert [path.name for path in victim.iterdir()] == [RECORD]
    assert {path.name for path in tmp_path.iterdir()} == {"why", "victim"}
    assert {path.name for path in out.iterdir()} == {"y.csv", RECORD}
    work.symlink_to(victim)
    with pytest.raises(InputError, match=r"\.why\.part: is a link"):
        fill(out, "z.csv", overwrite=True)
    assert [path.name for path in victim.iterdir()] == [RECORD]


@pytest.mark.parametrize("name", ["config.yaml", "model.json"])
@pytest.mark.parametrize("overwrite", [False, True])
def test_a_run_folder_is_no_place_for_results(tmp_path, name, overwrite) -> None:
    (tmp_path / name).write_text("{}")
    (tmp_path / RECORD).write_text('{"files": []}')
    with pytest.raises(InputError, match="is a run folder, in which training alone writes; give another"):
        check_result_folder(tmp_path, RECORD, overwrite=overwrite)
