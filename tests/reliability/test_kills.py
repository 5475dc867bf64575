"""A sample of `make kills`: what was killed goes on to what nobody disturbed, and leaves nothing over."""

from pathlib import Path

import pytest

from reliability.kill_cases import Case, cases, make_inputs
from reliability.kills import main, trial, undisturbed
from terramamba.cli import COMMANDS

PRINT = {"check", "classify assess", "change assess", "completion", "info", "models", "weights show"}
PRINT |= {"weights verify"}
OTHERWISE = {"bench", "datasets", "export", "push"}
"""Writes what it measured; is killed through ``fetching.py``; needs what may be missing; writes to a hub."""
SAMPLE = ("classify train forest", "evaluate", "evaluate --overwrite", "report of a run")
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
