"""A sample of `make kills`, `make disks` and `make powercut`.

What was killed, had no disk to write on, or lost its power goes on to what nobody disturbed, and leaves
nothing over.
"""

from dataclasses import replace
from pathlib import Path

import pytest

from reliability import disks, twice
from reliability.cuts import go_on, recorded, unseen
from reliability.faulty import FAULTS
from reliability.kill_cases import Case, cases, make_inputs
from reliability.kills import main, trial, undisturbed
from terramamba.cli import COMMANDS

PRINT = {"check", "classify assess", "change assess", "completion", "info", "models", "weights show"}
PRINT |= {"weights verify"}
OTHERWISE = {"bench", "datasets", "export", "push"}
"""Writes what it measured; is killed through ``fetching.py``; needs what may be missing; writes to a hub."""
SAMPLE = ("classify train forest --overwrite", "evaluate", "evaluate --overwrite", "report of a run")
TRIALS = 2


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Inputs of the sample, whose run is a forest."""
    folder = tmp_path_factory.mktemp("kills") / "home"
    make_inputs(folder, ("classify train forest", "evaluate"))
    return folder


@pytest.mark.parametrize("name", SAMPLE)
def test_what_was_killed_goes_on_to_the_undisturbed_result(home: Path, tmp_path: Path, name: str) -> None:
    (case,) = (case for case in cases(home) if case.name == name)
    whole = undisturbed(case, home, tmp_path / "work")
    for number in range(TRIALS):
        made = trial(case, number, home, tmp_path / f"work{number}", whole, seed=0)
        assert not made.problem, made


@pytest.mark.parametrize("name", ["evaluate", "classify train forest"])
def test_a_command_twice_at_once_leaves_what_one_leaves(home: Path, tmp_path: Path, name: str) -> None:
    (case,) = (case for case in cases(home) if case.name == name)
    assert twice.trials(case, home, tmp_path / "twice") == ["", "", ""]


def test_a_disk_that_goes_wrong_is_one_line_and_costs_nothing(home: Path, tmp_path: Path) -> None:
    (case,) = (case for case in cases(home) if case.name == "report of a run")
    whole = disks.undisturbed(case, home, tmp_path, own=False)
    for fault in FAULTS:
        made = disks.trial(case, fault, 0, home, tmp_path, whole)
        assert not made.problem, made
        assert made.said


def test_a_disk_that_is_full_is_one_line_and_costs_nothing(home: Path, tmp_path: Path) -> None:
    (case,) = (case for case in cases(home) if case.name == "evaluate --overwrite")
    whole = disks.undisturbed(case, home, tmp_path, own=True)
    made = disks.trial(case, disks.FULL, 0, home, tmp_path, whole)
    assert not made.problem, made
    assert "make room there" in made.said


@pytest.mark.parametrize("name", ["evaluate --overwrite", "report of a run"])
def test_a_power_cut_leaves_what_was_there_at_some_moment(home: Path, tmp_path: Path, name: str) -> None:
    (case,) = (case for case in cases(home) if case.name == name)
    found, states, whole = recorded(case, home, tmp_path)
    assert len(found) > 3
    assert unseen(found, states) == []
    assert go_on(case, found[len(found) // 2], tmp_path / "again", whole) == ""
    # and what no moment had is seen
    torn = [replace(found[-1], disk={**found[-1].disk, "torn.csv": b"half of"})]
    assert unseen(torn, states)


def test_every_command_that_writes_is_killed(tmp_path: Path) -> None:
    words = {" ".join(case.words[:count]) for case in cases(tmp_path) for count in (1, 2)}
    assert {*COMMANDS} - words - OTHERWISE == PRINT


def test_what_is_left_over_or_other_is_a_problem(home: Path, tmp_path: Path) -> None:
    """The harness sees what it is there to see."""
    case = Case("leaves", ("-c", "open('left', 'w').close(); open('.hidden', 'w').close()"), program=())
    whole = undisturbed(case, home, tmp_path / "work")
    assert {*whole.contents} == {"left", ".hidden"}
    other = Case("writes", ("-c", "open('left', 'w').write('x'); open('more', 'w').close()"), program=())
    made = trial(other, 0, home, tmp_path / "work", whole, seed=0)
    assert made.problem == "lost: .hidden; left: more; other: left"


def test_a_log_that_has_all_trials_is_only_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "kills.jsonl"
    row = (
        '{"case": "join", "number": 0, "kills": ["x"], "outcome": "gone on", "problem": "%s", "seconds": 1}\n'
    )
    for problem, status in (("", 0), ("left: .lock", 1)):
        log.write_text(row % problem)
        assert main(["--kills", "0", "--log", str(log)]) == status
    assert capsys.readouterr().out.splitlines()[-1] == "join: 1 trials, 1 kills: 1 PROBLEM"
