"""Starts every command that writes twice at once, on the same outputs, and compares what is there then.

``make twice``, or in the folder ``tests``: ``python -m reliability.twice [COMMAND ...]``. The second begins
with the first, a moment later, or in the middle of it. One of them does its work, the other is
refused in one line, or does so too where that was asked for, and what is there is what one alone leaves.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from programs import SERVER, Process, start
from reliability.kill_cases import PATIENCE, Case, cases, contents, difference, make_inputs, prepare
from reliability.kills import undisturbed

SHIFTS = ((0.0, 0.0), (0.05, 0.0), (0.05, 0.5))
"""When the second begins: so many seconds later, and so much of the time that one takes."""
BOTH = ("classify map --shard", "datasets --download", "report of a run", "results")
"""Of those that replace nothing unasked: each does its part, or finds it done, or writes what is always
written anew."""


def trials(case: Case, home: Path, place: Path) -> list[str]:
    """What was wrong after each trial of a command, in the new folder ``place``; empty: nothing."""
    place.mkdir()
    whole = undisturbed(case, home, place / "alone")
    found = []
    for number, (seconds, share) in enumerate(SHIFTS):
        folder = place / f"twice-{number}"
        prepare(case, home, folder)
        with start(*case.command(), cwd=folder) as first:
            time.sleep(seconds + share * whole.seconds)
            with start(*case.command(), cwd=folder) as second, ThreadPoolExecutor(2) as reading:
                said = list(reading.map(_said, (first, second)))
        problem = difference(contents(folder), whole.contents)
        statuses = [first.returncode, second.returncode]
        if 0 not in statuses:
            problem += f" neither succeeded: {said}"
        for status, words in zip(statuses, said, strict=True):
            refusals = sum(line.startswith("error: ") for line in words.splitlines())
            if status and ((status, refusals) != (1, 1) or "Traceback" in words or "not foreseen" in words):
                problem += f" status {status}: {words}"
        if statuses == [0, 0] and "--overwrite" not in case.words and case.name not in BOTH:
            problem += " one wrote over what the other had written"
        found.append(problem.strip())
    return found


def _said(process: Process) -> str:
    return process.communicate(timeout=PATIENCE)[1] or ""


def main(wanted: list[str]) -> int:
    """Try all commands, or those named; print what was wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        home.mkdir()
        make_inputs(home)
        known = {case.name: case for case in cases(home)}
        for number, name in enumerate(wanted or known):
            case = known[name]
            problems = list(filter(None, trials(case, home, Path(place) / str(number))))
            wrong += len(problems)
            print(f"{name}: {'; '.join(problems) or 'as alone'}", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    finally:
        SERVER.stop()
