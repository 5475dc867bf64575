"""Training with --overwrite: the earlier run is usable until the new one is complete, and then all new."""

import errno
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from programs import start
from terramamba.core import folder_lock
from terramamba.core.errors import InputError
from terramamba.core.files import write_yaml
from terramamba.core.run_files import CARD, CHECKPOINT, CONFIG, HISTORY, METRICS, WEIGHTS
from terramamba.runs import exchange
from terramamba.runs.apart import trained_apart
from terramamba.runs.exchange import MOVED, NEW, WHOLE, final, refuse_unsettled, settle
from terramamba.runs.folder import as_begun, check_folder, load_run, run_folder
from terramamba.runs.record import read_runs
from terramamba.runs.run_lock import at_work
from terramamba.runs.seeds import train_seeds
from terramamba.training.settings import TrainSettings

EARLIER = (METRICS, CARD, WEIGHTS, HISTORY, CHECKPOINT, "measured.json")
LATER = (METRICS, CARD, WEIGHTS, "split.json")


def fill(folder: Path, names: tuple[str, ...], said: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(said)


def all_of(folder: Path) -> dict[str, str]:
    """Files below ``folder`` but settings, log and lock, and what they say."""
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: path.read_text() for name, path in files.items() if path.name not in (CONFIG, "log.txt", "lock")
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A finished run, with a file of its user's."""
    write_yaml(tmp_path / "run" / CONFIG, {"seed": 1})
    fill(tmp_path / "run", EARLIER, "earlier")
    fill(tmp_path / "run", ("notes.txt",), "mine")
    return tmp_path / "run"


def settings(run: Path, **given: object) -> TrainSettings:
    return TrainSettings(model="one_d_cnn", out=str(run), **{"overwrite": True, "seed": 0, **given})


def train(given: TrainSettings, names: tuple[str, ...] = LATER, error=None, one=None):
    """Do what training does with a folder; ends with ``error`` when ``names`` are written."""

    def write(settings: TrainSettings) -> dict:
        with run_folder(settings) as folder:
            fill(folder, names, "later")
            if error is not None:
                raise error("no more")
        return {"folder": final(str(folder)), "seed": settings.seed}

    with trained_apart(given) as here:
        return train_seeds(here, one or write)


def test_the_new_run_takes_the_place_of_the_earlier_whole(run):
    before = all_of(run)
    with trained_apart(settings(run)) as here, run_folder(here) as folder:
        fill(folder, LATER, "later")
        assert {name: said for name, said in all_of(run).items() if NEW not in name} == before
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys(LATER, "later")}
    assert f"out: {run}\n" in (run / CONFIG).read_text()
    assert not [path for path in run.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("error", [InputError, RuntimeError])
def test_what_fails_with_nothing_to_go_on_with_leaves_the_earlier_run_alone(run, error):
    before = all_of(run)
    with pytest.raises(error):
        train(settings(run), ("split.json",), error)
    assert all_of(run) == before
    assert not (run / NEW).exists()


@pytest.mark.parametrize("error", [InputError, KeyboardInterrupt])
def test_what_ended_early_is_gone_on_with_and_the_earlier_run_is_there_meanwhile(run, error):
    before = all_of(run)
    with pytest.raises(error) as caught:
        train(settings(run, seed=3), (CHECKPOINT,), error)
    assert f"{run}/.new-run keeps" in caught.value.__notes__[0] or error is KeyboardInterrupt
    assert {name: said for name, said in all_of(run).items() if NEW not in name} == before
    again = settings(run, seed=3, overwrite=False, resume=True)
    assert check_folder(run, resume=True) == run
    with pytest.raises(InputError, match=r"\.new-run: the run has seed 3, not 4"):
        train(replace(again, seed=4))
    assert train(again)["folder"] == str(run)
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys((*LATER, CHECKPOINT), "later")}
    assert not (run / NEW).exists()


def test_a_plan_to_go_on_is_of_the_new_run_where_one_has_begun(run):
    write_yaml(run / NEW / CONFIG, {"epochs": 7, "decided": ["epochs"]})
    assert as_begun(settings(run, overwrite=False, resume=True)).epochs == 7


def test_overwriting_again_keeps_what_was_begun_until_training_begins(run):
    with pytest.raises(KeyboardInterrupt):
        train(settings(run, seed=3), (CHECKPOINT,), KeyboardInterrupt)
    with pytest.raises(InputError, match="bad labels"), trained_apart(settings(run)):
        raise InputError("bad labels")
    assert (run / NEW / CHECKPOINT).is_file()
    train(settings(run))
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys(LATER, "later")}


def test_runs_of_several_seeds_and_of_one_replace_each_other(run):
    with pytest.raises(InputError, match="is a run of one seed; give --overwrite to replace it"):
        train(settings(run, seeds=2, overwrite=False))
    assert (run / METRICS).read_text() == "earlier"
    several = {f"seed-{seed}/{name}": "later" for seed in (0, 1) for name in LATER}
    assert train(settings(run, seeds=2))["folder"] == str(run)
    found = all_of(run)
    assert '"seeds"' in found.pop(METRICS)
    assert found == {"notes.txt": "mine", **several}
    assert not (run / CONFIG).exists()
    assert f"out: {run}/seed-1\n" in (run / "seed-1" / CONFIG).read_text()
    with pytest.raises(KeyboardInterrupt):
        train(settings(run, seeds=2, seed=5), (CHECKPOINT,), KeyboardInterrupt)
    assert several.items() <= all_of(run).items()
    with pytest.raises(InputError, match="is no run folder, so there is nothing to resume"):
        train(settings(run, seed=5, overwrite=False, resume=True))
    train(settings(run, seeds=2, seed=5, overwrite=False, resume=True))
    found = all_of(run)
    assert '"seeds"' in found.pop(METRICS)
    again = {f"seed-{seed}/{name}": "later" for seed in (5, 6) for name in LATER}
    assert found == {"notes.txt": "mine", f"seed-5/{CHECKPOINT}": "later", **again}
    train(settings(run))
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys(LATER, "later")}
    assert not [path for path in run.iterdir() if path.is_dir()]


def test_several_seeds_do_not_go_on_in_a_new_run_of_one(run):
    with pytest.raises(KeyboardInterrupt):
        train(settings(run, seed=3), (CHECKPOINT,), KeyboardInterrupt)
    with pytest.raises(InputError, match=r"\.new-run is a run of one seed; give --overwrite to replace it"):
        train(settings(run, seed=3, seeds=2, overwrite=False, resume=True))
    assert not list((run / NEW).glob("seed-*"))


@pytest.mark.parametrize("seeds", [1, 2])
def test_only_runs_of_several_seeds_go_on_in_a_folder_of_such(tmp_path, seeds):
    write_yaml(tmp_path / "seed-0" / CONFIG, {"seed": 0})
    if seeds > 1:
        assert check_folder(tmp_path, resume=True, seeds=seeds) == tmp_path
        return
    with pytest.raises(InputError, match="is no run folder, so there is nothing to resume"):
        check_folder(tmp_path, resume=True, seeds=seeds)


def test_an_exchange_that_was_cut_anywhere_is_finished_by_the_next_command(run, tmp_path, monkeypatch):
    """Whatever is removed or moved is the last thing that is done."""
    write_yaml(run / WHOLE / CONFIG, {"seed": 2})
    fill(run / WHOLE, (*LATER, "checkpoints/last.ckpt"), "later")
    expected = {"notes.txt": "mine", **dict.fromkeys((*LATER, CHECKPOINT), "later")}
    for most in range(30):
        left = [most]

        def counted(do, left=left):
            def once(*given, **how):
                if not left[0]:
                    raise KeyboardInterrupt
                left[0] -= 1
                return do(*given, **how)

            return once

        work = tmp_path / f"work{most}"
        os.system(f"cp -a {run} {work}")
        with monkeypatch.context() as patched:
            for name in ("replace", "unlink", "rmdir", "mkdir"):
                patched.setattr(Path, name, counted(getattr(Path, name)))
            try:
                settle(work)
                done = True
            except KeyboardInterrupt:
                done = False
        if not done and (exchange.is_settled(work) is False):
            own = (lambda folder: load_run(folder / "seed-7"), lambda folder: read_runs([folder / "seed-7"]))
            for read in (load_run, lambda folder: read_runs([folder]), *own):
                with pytest.raises(InputError, match="a new run is being put in its place; where nothing is"):
                    read(work)
        check_folder(work, resume=True)
        assert all_of(work) == expected, most
        assert (work / CONFIG).read_text().endswith("seed: 2\n")
        refuse_unsettled(work)
        if done:
            break
    assert most > 10
    assert done


def test_a_disk_that_fails_in_the_exchange_is_said_with_how_it_is_finished(run, monkeypatch):
    def failing(self, target):
        raise OSError(errno.EDQUOT, "Disk quota exceeded", str(target))

    def one(given: TrainSettings) -> dict:
        with run_folder(given) as folder:
            fill(folder, LATER, "later")
        monkeypatch.setattr(Path, "replace", failing)
        return {}

    with pytest.raises(InputError, match="Disk quota exceeded") as caught:
        train(settings(run), one=one)
    assert caught.value.__notes__ == ["the new run is complete, and --resume puts it in its place"]
    monkeypatch.undo()
    train(settings(run, overwrite=False, resume=True, seed=0))
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys(LATER, "later")}


HOLDS = """
import sys, time
from terramamba.runs.apart import trained_apart
from terramamba.training.settings import TrainSettings
with trained_apart(TrainSettings(model="one_d_cnn", out=sys.argv[1], overwrite=True)):
    open(sys.argv[1] + "/ready", "w").close()
    time.sleep(60)
"""


@pytest.mark.parametrize("how", [{}, {"overwrite": False, "resume": True}, {"overwrite": False}])
def test_a_second_job_is_refused_while_a_new_run_is_made(run, monkeypatch, how):
    monkeypatch.setattr(folder_lock, "PATIENCE_SECONDS", 0.05)
    before = all_of(run)
    with start("-c", HOLDS, run) as holder:
        while not (run / "ready").exists():
            assert holder.poll() is None
        with pytest.raises(InputError, match="another run is at work on it"):
            train(settings(run, **how))
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    (run / "ready").unlink()
    with at_work(run):
        assert all_of(run) == before


@pytest.mark.parametrize("name", [NEW, "seed-4", "checkpoints"])
def test_a_run_that_would_be_replaced_through_a_link_is_refused_before_it_is_trained(run, tmp_path, name):
    victim = tmp_path / "victim"
    fill(victim.parent, ("victim/precious.txt",), "precious")
    if (run / name).exists():
        (run / CHECKPOINT).unlink()
        (run / name).rmdir()
    (run / name).symlink_to(victim)
    with pytest.raises(InputError, match="is a link, and what is written and removed there would lie"):
        train(settings(run))
    assert all_of(victim) == {"precious.txt": "precious"}


def test_a_run_that_is_named_by_a_link_is_replaced_where_it_lies(run, tmp_path):
    (tmp_path / "latest").symlink_to(run)
    train(settings(tmp_path / "latest"))
    assert (tmp_path / "latest").is_symlink()
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys(LATER, "later")}


@pytest.mark.parametrize("state", [WHOLE, MOVED])
def test_links_that_came_with_a_run_are_not_followed(run, tmp_path, state):
    fill(tmp_path, ("victim/precious.txt",), "precious")
    (run / state).mkdir()
    (run / state / "checkpoints").symlink_to(tmp_path / "victim")
    (run / state / "model.json").symlink_to(tmp_path / "victim" / "precious.txt")
    check_folder(run, overwrite=True)
    assert all_of(tmp_path / "victim") == {"precious.txt": "precious"}
    assert not (run / state).exists()


def test_files_of_a_new_run_are_moved_through_no_link(run, tmp_path):
    fill(tmp_path, ("victim/last.ckpt",), "precious")
    (run / CHECKPOINT).unlink()
    (run / CHECKPOINT).parent.rmdir()
    (run / CHECKPOINT).parent.symlink_to(tmp_path / "victim")
    (run / MOVED).mkdir()
    fill(run, (f"{MOVED}/{CHECKPOINT}",), "later")
    with pytest.raises(InputError, match="checkpoints: is a link"):
        check_folder(run, overwrite=True)
    assert all_of(tmp_path / "victim") == {"last.ckpt": "precious"}


@pytest.mark.parametrize("name", [NEW, WHOLE])
def test_what_is_no_folder_where_new_runs_are_made_is_in_no_way(run, name):
    (run / name).write_text("no run")
    train(settings(run))
    assert all_of(run) == {"notes.txt": "mine", **dict.fromkeys(LATER, "later")}
