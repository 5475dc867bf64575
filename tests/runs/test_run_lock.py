"""One job at a time writes a run, and what a killed one left of half-written files counts for nothing."""

import signal
import subprocess
from pathlib import Path

import pytest

from programs import start
from terramamba.core import folder_lock
from terramamba.core.errors import InputError
from terramamba.runs.folder import check_folder
from terramamba.runs.run_lock import LOCK, at_work, contents, refuse_at_work

LEFT = (".config.4711.part.yaml", ".model.12.part.safetensors", ".split.tif.staged.part/draft.tif")
HOLDS = """
import sys, time
from pathlib import Path
from terramamba.runs.run_lock import at_work
with at_work(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def stuck(tmp_path: Path) -> Path:
    """What kills leave before there is a run."""
    for name in (*LEFT, f"{LOCK}/lock", "checkpoints/.last.9.part.ckpt"):
        (tmp_path / "run" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "run" / name).write_bytes(b"")
    return tmp_path / "run"


@pytest.mark.parametrize("flags", [{}, {"resume": True}, {"overwrite": True}])
def test_a_folder_with_nothing_but_left_overs_is_taken_as_an_empty_one(stuck, flags):
    (stuck / "checkpoints" / ".last.9.part.ckpt").unlink()
    (stuck / "checkpoints").rmdir()
    assert check_folder(stuck, **flags) == stuck
    with at_work(stuck):
        pass
    assert not stuck.exists() or not any(stuck.iterdir())


def test_left_overs_are_removed_and_hidden_files_of_others_stay(stuck):
    (stuck / ".config.yaml").write_text("mine")
    (stuck / ".notes.4711.part.txt").write_text("mine")
    with at_work(stuck):
        assert sorted(path.name for path in contents(stuck)) == [
            ".config.yaml",
            ".notes.4711.part.txt",
            "checkpoints",
        ]
        assert not any((stuck / "checkpoints").iterdir())
    with pytest.raises(InputError, match="is not empty; give --resume"):
        check_folder(stuck)


def test_a_second_job_is_refused_until_the_first_one_is_gone_however_it_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(folder_lock, "PATIENCE_SECONDS", 0.05)
    run = tmp_path / "deep" / "run"
    with start("-c", HOLDS, run, stdout=subprocess.PIPE) as holder:
        while not (run / LOCK / "lock").exists() or _is_free(run):
            assert holder.poll() is None
        with pytest.raises(
            InputError, match=r"run: another run is at work on it \(process .*\); wait for that, or name"
        ):
            check_folder(run)
        with pytest.raises(InputError, match="at work"), at_work(run):
            raise AssertionError
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    check_folder(run)
    with at_work(run):
        pass
    assert not (tmp_path / "deep" / "run").exists() or not any(run.iterdir())


def _is_free(run: Path) -> bool:
    try:
        refuse_at_work(run)
    except InputError:
        return False
    return True
