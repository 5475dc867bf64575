"""Work in several processes is a function call: what happens there comes back, nothing stays behind."""

import multiprocessing
import os
import signal
import time
from functools import partial
from pathlib import Path

import pytest

from programs import python
from terramamba.core.errors import InputError
from terramamba.core.processes import run_in_processes

NAMES = ("TERRAMAMBA_AT_FIRST", "TERRAMAMBA_LATER")


def write_names(folder, rank, world, report):
    names = [os.environ[name] for name in ("LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR")]
    (folder / str(rank)).write_text(" ".join(names))
    report(0.5, f"from {rank} of {world}")


def write_variables(folder, rank, world, report):
    (folder / f"variables of {rank}").write_text(str({name: os.environ.get(name) for name in NAMES}))


def refuse_and_wait(folder, rank, world, report):
    if rank == 1:
        raise InputError("no such thing")
    time.sleep(600)


def fail(folder, rank, world, report):
    raise ZeroDivisionError("by mistake")


def die_and_wait(folder, rank, world, report):
    if rank == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600)


def report_and_wait(folder, rank, world, report):
    report(1.0)
    time.sleep(600)


def test_processes_know_each_other_and_report(tmp_path):
    said = []
    run_in_processes(partial(write_names, tmp_path), 2, lambda amount, remark="": said.append(remark))
    texts = sorted(path.read_text() for path in tmp_path.iterdir())
    assert texts == ["0 2 127.0.0.1", "1 2 127.0.0.1"]
    assert sorted(said) == ["from 0 of 2", "from 1 of 2"]
    assert "LOCAL_RANK" not in os.environ


def test_processes_have_the_variables_of_the_moment(tmp_path, monkeypatch):
    for values in (("1", None), (None, "2")):
        for name, value in zip(NAMES, values, strict=True):
            monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
        run_in_processes(partial(write_variables, tmp_path), 2, lambda amount, remark="": None)
        said = {path.read_text() for path in tmp_path.iterdir()}
        assert said == {str(dict(zip(NAMES, values, strict=True)))}


@pytest.mark.parametrize(
    ("work", "error", "message"),
    [
        (refuse_and_wait, InputError, "^no such thing$"),
        (fail, RuntimeError, "ZeroDivisionError: by mistake"),
        (die_and_wait, RuntimeError, "'training 0' ended with -9"),
    ],
)
def test_what_goes_wrong_comes_back_and_ends_all(work, error, message):
    with pytest.raises(error, match=message):
        run_in_processes(partial(work, Path()), 2, lambda amount, remark="": None)
    assert not multiprocessing.active_children()


def test_an_interruption_ends_all():
    def interrupt(amount, remark=""):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_in_processes(partial(report_and_wait, Path()), 2, interrupt)
    assert not multiprocessing.active_children()


PLACES = [str(Path(__file__).parents[up]) for up in (0, 1)]


def test_a_script_needs_no_guard(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(f"""
import sys
from functools import partial
from pathlib import Path
sys.path[:0] = {PLACES!r}
from terramamba.core.processes import run_in_processes
from test_processes import write_names
run_in_processes(partial(write_names, Path({str(tmp_path)!r})), 2, lambda amount, remark="": None)
print(__file__)
""")
    done = python(script, timeout=100)
    assert (done.stdout, done.stderr) == (f"{script}\n", "")
    assert {path.name for path in tmp_path.iterdir()} == {"script.py", "0", "1"}
