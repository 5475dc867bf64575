"""Starts every command that writes twice at once, on the same outputs, and compares what is there then.

``make twice``, or in the folder ``tests``: ``python -m reliability.twice [COMMAND ...]``. The second begins
with the first, a moment later, or in the middle of it. One of them at least does its work, the other does so
too or is refused in one line, and what is there is what one alone leaves.
"""

import sys
import tempfile
import time
from pathlib import Path

from programs import SERVER, start
from reliability.kill_cases import Case, cases, contents, difference, make_inputs, prepare
from reliability.kills import undisturbed

SHIFTS = (0.0, 0.0, 0.5)
"""When the second begins, as a share of the time that one takes; ``A_MOMENT`` later in the second trial."""
A_MOMENT = 0.05


def trials(case: Case, home: Path, place: Path) -> list[str]:
    """What was wrong after each trial of a command, in the new folder ``place``; empty: nothing."""
    place.mkdir()
    whole = undisturbed(case, home, place / "alone")
    found = []
    for number, share in enumerate(SHIFTS):
        folder = place / f"twice-{number}"
        prepare(case, home, folder)
        with start(*case.command(), cwd=folder) as first:
            time.sleep(share * whole.seconds + A_MOMENT * (number > 0))
            with start(*case.command(), cwd=folder) as second:
                said = [process.communicate()[1] or "" for process in (first, second)]
        problem = difference(contents(folder), whole.contents)
        statuses = [first.returncode, second.returncode]
        if 0 not in statuses:
            problem += f" neither succeeded: {said}"
        for status, words in zip(statuses, said, strict=True):
            refusals = sum(line.startswith("error: ") for line in words.splitlines())
            if status and (status, refusals) != (1, 1):
                problem += f" status {status}: {words}"
        found.append(problem.strip())
    return found


def main(wanted: list[str]) -> int:
    """Try all commands, or those named; print what was wrong."""
    wrong = 0
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "home"
        home.mkdir()
        make_inputs(home)
        for number, case in enumerate(cases(home)):
            if wanted and case.name not in wanted:
                continue
            problems = list(filter(None, trials(case, home, Path(place) / str(number))))
            wrong += len(problems)
            print(f"{case.name}: {'; '.join(problems) or 'as alone'}", flush=True)
    SERVER.stop()
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
