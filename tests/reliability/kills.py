"""Kills every command that writes at many moments, gives it again, and compares what is there then.

``make kills``, or in the folder ``tests``: ``python -m reliability.kills --kills 100 --log kills.jsonl``.
The first kills of a command lie evenly in its run, half of them by the clock, half just before what it does
to files, where most can be lost and a clock seldom hits. Those that follow one may be anywhere.
Each line of the log is one trial: what was done, and a ``problem`` where the outcome is not the undisturbed
one to the bit (``kill_cases.MAY_DIFFER`` lists what may differ), a refusal is not one line, or something is
left over. A log is gone on with. Folders of problems are kept beside it.
"""

import argparse
import json
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import product
from pathlib import Path
from shutil import copytree, rmtree
from subprocess import TimeoutExpired
from threading import Lock
from typing import Any

from programs import SERVER, start
from reliability.kill_cases import (
    DONE,
    EXCHANGED,
    PATIENCE,
    Case,
    cases,
    contents,
    difference,
    make_inputs,
    prepare,
    run,
    seed_of,
)

MOST_KILLS = 3
"""In a row, before a command is left alone."""
MOST_TRIALS = 3
"""For each kill that is asked for: what comes too late is none."""
MOMENTS = str(Path(__file__).with_name("moments.py"))
TERMINATED = 143
SIGTERM_SHARE = 0.25
REFUSED = "refused by all: "


@dataclass(frozen=True)
class Trial:
    """A command that was killed, and what came of it."""

    case: str
    number: int
    kills: tuple[str, ...]
    """Signal, moment and exit status of each."""
    outcome: str
    problem: str
    seconds: float


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves when nobody disturbs it, how long it takes, and how much it does to files."""

    contents: dict[str, str]
    seconds: float
    things: int


@dataclass(frozen=True)
class Moment:
    """When a command is ended, and by which signal: so many seconds after its start, or at thing ``at``."""

    by: signal.Signals
    after: float = float("inf")
    at: int = 0

    def __str__(self) -> str:
        return f"{self.by.name} " + (f"at thing {self.at}" if self.at else f"after {self.after:.3f} s")


def undisturbed(case: Case, home: Path, folder: Path) -> Undisturbed:
    """Run ``case`` to its end."""
    prepare(case, home, folder)
    count = folder.with_name(f"{folder.name}.things")
    begin = time.monotonic()
    status, said = run([MOMENTS, "0", str(count), *case.command()], folder)
    seconds = time.monotonic() - begin
    assert status == 0, f"{case.name}: {said}"
    found = contents(folder)
    rmtree(folder)
    return Undisturbed(found, seconds, int(count.read_text()))


def evenly(number: int) -> float:
    """Return the share of a run that number ``number`` stands for; those of all numbers lie evenly.

    They are van der Corput's: of 1, 2, 3 and so on 1/2, 1/4, 3/4, 1/8, 5/8.
    """
    return int(f"{number:b}"[::-1], 2) / (1 << number.bit_length())


def trial(case: Case, number: int, home: Path, folder: Path, whole: Undisturbed, seed: int) -> Trial:
    """Kill ``case`` up to three times, give it again until it goes on, and look at what is there."""
    chance, begin = seed_of(seed, case.name, number), time.monotonic()
    prepare(case, home, folder)
    kills: list[str] = []
    problems: list[str] = []
    for again in range(int(chance.integers(1, MOST_KILLS + 1))):
        flags = case.again[0] if again else ()
        share = float(chance.random()) if again else evenly(number // 2 + 1)
        by = signal.SIGTERM if chance.random() < SIGTERM_SHARE else signal.SIGKILL
        if number % 2 and whole.things:
            moment = Moment(by, at=1 + int(share * whole.things))
        else:
            moment = Moment(by, after=0.005 + share * 1.05 * whole.seconds)
        status, said = _killed(case, flags, folder, moment)
        if status in (0, 1):
            break
        kills.append(f"{moment}: {status}")
        if by is signal.SIGTERM and status != -by:
            last = said.strip().splitlines()[-1:] or [""]
            if status != TERMINATED or "ended by SIGTERM: " not in last[0]:
                problems.append(f"SIGTERM ended with {status}: {last[0]}")
    problems += lost_meanwhile(case, folder)
    outcome, said = gone_on(case, folder)
    problems += said
    if outcome.startswith(REFUSED):
        problems.append(outcome)
    elif other := difference(contents(folder), whole.contents):
        problems.append(other)
    return Trial(case.name, number, tuple(kills), outcome, "; ".join(problems), time.monotonic() - begin)


def _killed(case: Case, flags: tuple[str, ...], folder: Path, moment: Moment) -> tuple[int, str]:
    """Start ``case`` and end it; exit status, and what was said."""
    words = case.command(flags)
    if moment.at:
        words = [MOMENTS, str(moment.at), moment.by.name, *words]
    with start(*words, cwd=folder) as process:
        try:
            _, said = process.communicate(timeout=PATIENCE if moment.at else moment.after)
        except TimeoutExpired:
            process.send_signal(moment.by)
            try:
                _, said = process.communicate(timeout=PATIENCE)
            except TimeoutExpired:
                process.kill()
                raise
    return int(process.returncode or 0), said or ""


def lost_meanwhile(case: Case, folder: Path) -> list[str]:
    """Say what is wrong with that which the command was to replace and has not yet."""
    if not case.stays:
        return []
    status, said = run(["-c", case.stays], folder)
    return [f"what was there before: {said[-400:]}"] if status and EXCHANGED not in said else []


def gone_on(case: Case, folder: Path) -> tuple[str, list[str]]:
    """Give the command again, with flags until it goes on; how, and what was wrong with its refusals."""
    wrong, refusals = [], []
    for flags in case.again:
        status, said = run(case.command(flags), folder)
        if status == 0:
            return f"gone on {' '.join(flags) or 'without a flag'}", wrong
        refusal = [line for line in said.splitlines() if line.startswith("error: ")]
        if status != 1 or len(refusal) != 1 or "not foreseen" in said or "Traceback" in said:
            wrong.append(f"{' '.join(flags) or 'without a flag'} ended with {status}: {said[-400:]}")
        refusals += refusal
    done = all(any(words in refusal for words in case.finished) for refusal in refusals)
    return ("done before the kill" if done else REFUSED + " | ".join(refusals)), wrong


def known(log: Path) -> list[dict[str, Any]]:
    """The trials that ``log`` has."""
    return (
        [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()] if log.is_file() else []
    )


def main(argv: list[str] | None = None) -> int:
    """Do the trials that the log does not have; the exit status is 1 where one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="of each command; fewer of slow ones")
    parser.add_argument("--log", type=Path, default=Path("kills.jsonl"))
    parser.add_argument("--jobs", type=int, default=1, help="trials at the same time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--home", type=Path, help="where inputs are kept; made there where there are none")
    parser.add_argument("--only", nargs="*", help="commands, by name; all")
    parser.add_argument("--seconds", type=float, default=float("inf"), help="begin no trial after that time")
    asked = parser.parse_args(argv)
    if asked.kills:
        _do(asked)
    return summary(asked.log)


def _do(asked: argparse.Namespace) -> None:
    end = time.monotonic() + asked.seconds
    with tempfile.TemporaryDirectory(prefix="terramamba-kills-") as place:
        home = asked.home or Path(place) / "home"
        if not (home / DONE).is_file():
            make_inputs(home)
        chosen = [case for case in cases(home) if not asked.only or case.name in asked.only]
        rows = known(asked.log)
        done = {(row["case"], row["number"]) for row in rows}
        kills = Counter(row["case"] for row in rows for _ in row["kills"])
        whole = dict[str, Undisturbed]()
        locks = {case.name: Lock() for case in chosen}

        def one(number: int, case: Case) -> None:
            enough = kills[case.name] * case.every >= asked.kills
            if enough or (case.name, number) in done or time.monotonic() > end:
                return
            folder = Path(place) / f"{case.name.replace(' ', '_')}-{number}"
            try:
                with locks[case.name]:
                    if case.name not in whole:
                        whole[case.name] = undisturbed(case, home, folder)
                made = trial(case, number, home, folder, whole[case.name], asked.seed)
            except TimeoutExpired:  # where the machine is busy; the log does not have it, so it comes again
                print(f"{case.name} {number}: no end within {PATIENCE} seconds", flush=True)
                rmtree(folder)
                return
            kills[case.name] += len(made.kills)
            with asked.log.open("a", encoding="utf-8") as log:
                log.write(json.dumps(asdict(made)) + "\n")
            if made.problem:
                print(f"{case.name} {number}: {made.problem}", flush=True)
                copytree(folder, asked.log.with_suffix(".folders") / folder.name, dirs_exist_ok=True)
            rmtree(folder)

        with ThreadPoolExecutor(asked.jobs) as jobs:
            list(jobs.map(one, *zip(*product(range(MOST_TRIALS * asked.kills), chosen), strict=True)))


def summary(log: Path) -> int:
    """Print how many trials of each command had which outcome; 1 where one has a problem, else 0."""
    rows = known(log)
    for name in dict.fromkeys(row["case"] for row in rows):
        own = [row for row in rows if row["case"] == name]
        outcomes = Counter("PROBLEM" if row["problem"] else row["outcome"] for row in own)
        told = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        kills = sum(len(row.get("kills", ())) for row in own)
        print(f"{name}: {len(own)} trials{f', {kills} kills' if kills else ''}: {told}")
    return int(any(row["problem"] for row in rows))


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        SERVER.stop()
