"""Cuts the power at every step of commands that write, and looks at what the disk may hold then.

In the folder ``tests``: ``python -m reliability.cuts --again 5``. What has a name that a user sees must be as
it was at some moment of the run: every file whole, and none without those that it needs. Some disks are gone
on with, which must lead to what nobody disturbed. Disks of maps are gone through by
``tests/mapping/test_power_cut.py``.
"""

import argparse
import hashlib
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree

from power_cuts import Cut, Step, cuts, lay_out
from programs import SERVER, python
from reliability.kill_cases import (
    DONE,
    PATIENCE,
    Case,
    cases,
    contents,
    difference,
    make_inputs,
    prepare,
    seed_of,
)
from reliability.kills import REFUSED, gone_on

PROGRAM = Path(__file__).parents[1] / "power_cuts.py"
APPENDED = "log.txt"
"""Written line by line, and read by people alone."""

UNRECORDED = ("experiment", "classify map --workers", "datasets --download", "demo")
"""Write in other processes too, whose steps are not recorded, or are no command of ours."""

Seen = frozenset[tuple[str, str]]
"""Files under names that a user sees, each with what its content is known by."""


def recorded(case: Case, home: Path, place: Path) -> tuple[list[Cut], set[Seen], dict[str, str]]:
    """Run ``case`` once: its cuts, what was seen at each step, and what it left."""
    folder = place / "undisturbed"
    prepare(case, home, folder)
    done = python(PROGRAM, place / "record", *case.words, cwd=folder, timeout=PATIENCE)
    assert done.returncode == 0, done.stderr
    steps = [Step(**entry) for entry in json.loads((place / "record" / "steps.json").read_text())]
    return list(cuts(place / "record")), {_at(step) for step in steps}, contents(folder)


def unseen(found: Sequence[Cut], states: set[Seen]) -> list[str]:
    """Name the cuts that leave what was at no moment of the run, with the files in question."""
    wrong = []
    for cut in found:
        seen = frozenset(
            (name, hashlib.sha256(content).hexdigest()[:24])
            for name, content in cut.disk.items()
            if content is not None and _is_seen(name)
        )
        if seen not in states:
            nearest = min(states, key=lambda state: len(state ^ seen))
            wrong.append(f"{cut.name}: {', '.join(sorted({name for name, _ in nearest ^ seen}))}")
    return wrong


def go_on(case: Case, cut: Cut, folder: Path, whole: dict[str, str]) -> str:
    """Give ``case`` again on what ``cut`` left, in ``folder``; what is wrong with what comes of it."""
    lay_out(cut.disk, folder)
    outcome, problems = gone_on(case, folder)
    problems.append(outcome if outcome.startswith(REFUSED) else difference(contents(folder), whole))
    rmtree(folder)
    return "; ".join(filter(None, problems))


def _at(step: Step) -> Seen:
    def below(folder: int, path: str) -> list[tuple[str, str]]:
        found = []
        for name, number in step.names.get(str(folder), {}).items():
            if str(number) in step.names:
                found += below(number, f"{path}{name}/")
            elif _is_seen(path + name):
                found.append((path + name, step.contents[str(number)]))
        return found

    return frozenset(below(step.root, ""))


def _is_seen(name: str) -> bool:
    parts = Path(name).parts
    return parts[-1] != APPENDED and not any(part.startswith(".") for part in parts)


def main(argv: list[str] | None = None) -> int:
    """Look at all commands; the exit status is 1 where a cut leaves what it should not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", type=int, default=3, help="disks of each command that are gone on with")
    parser.add_argument("--only", nargs="*", help="commands, by name; all")
    parser.add_argument("--home", type=Path, help="where inputs are kept; made there where there are none")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args(argv)
    bad = 0
    with tempfile.TemporaryDirectory(prefix="terramamba-cuts-") as name:
        home = asked.home or Path(name) / "home"
        if not (home / DONE).is_file():
            make_inputs(home)
        for case in cases(home):
            if (asked.only and case.name not in asked.only) or case.name in UNRECORDED:
                continue
            place = Path(name) / "work"
            place.mkdir()
            found, states, whole = recorded(case, home, place)
            wrong = unseen(found, states)
            chance = seed_of(asked.seed, case.name)
            for number in chance.choice(len(found), min(asked.again, len(found)), replace=False):
                problem = go_on(case, found[number], place / "again", whole)
                wrong += [f"{found[number].name}: gone on with: {problem}"] if problem else []
            print(f"{case.name}: {len(found)} disks, {len(wrong)} wrong", *wrong[:5], sep="\n  ", flush=True)
            bad += len(wrong)
            rmtree(place)
    return int(bad > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        SERVER.stop()
