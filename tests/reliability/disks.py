"""Has the disk go wrong under every command that writes, gives it again, and compares what is there then.

In the folder ``tests``: ``python -m reliability.disks --trials 10 --log disks.jsonl``.
A disk fills up, a quota is used up, or what was a disk cannot be written, loses what is written, or is gone;
at moments that lie evenly in what a command writes. Each must end with exit status 1 and one line that names
a file and what to do, or do all the same; what was there before stays; and once there is a disk again, the
command goes on to what nobody disturbed. A log is gone on with, as that of ``kills``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from shutil import rmtree

from programs import SERVER
from reliability.faulty import FAULTS
from reliability.kill_cases import DONE, Case, cases, contents, difference, make_inputs, prepare, run
from reliability.kills import REFUSED, evenly, gone_on, known, summary
from small_disk import small_disk
from terramamba.core.run_files import REPORT
from terramamba.runs.exchange import MOVED, WHOLE

FAULTY = str(Path(__file__).with_name("faulty.py"))
FULL = "full"
ROOMY, PAGE = 1 << 30, 4096


@dataclass(frozen=True)
class Trial:
    """A command whose disk went wrong, and what came of it."""

    case: str
    fault: str
    number: int
    said: str
    outcome: str
    problem: str


@dataclass(frozen=True)
class Undisturbed:
    """What a command leaves, how much it does to files, and how much room it takes at most."""

    contents: dict[str, str]
    things: int
    most_bytes: int


@contextmanager
def disk(folder: Path, *, own: bool) -> Iterator[None]:
    """``folder``, where asked for as a disk of its ``own`` with much room."""
    with small_disk(folder, ROOMY) if own else nullcontext(folder.mkdir()):
        yield
    rmtree(folder)


def resize(folder: Path, size: int) -> None:
    """Let a disk have ``size`` bytes from now on."""
    subprocess.run(["mount", "-o", f"remount,size={max(size, PAGE)}", folder], check=True)


def used(folder: Path) -> int:
    """Bytes that a disk holds."""
    found = os.statvfs(folder)
    return (found.f_blocks - found.f_bfree) * found.f_frsize


@contextmanager
def watched(folder: Path, found: list[int]) -> Iterator[None]:
    """Put what ``folder`` holds at most into ``found``."""
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.002):
            found[0] = max(found[0], used(folder))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield
    finally:
        ended.set()
        watching.join()


def undisturbed(case: Case, home: Path, place: Path, *, own: bool) -> Undisturbed:
    """Run ``case`` to its end, where asked for on a disk of its ``own``, which tells how much it holds."""
    with disk(place / "disk", own=own):
        folder = place / "disk" / "work"
        prepare(case, home, folder)
        most = [used(folder)]
        with watched(folder, most):
            status, said = run([FAULTY, "0", str(place / "things"), *case.command()], folder)
        assert status == 0, f"{case.name}: {said}"
        found = contents(folder)
    return Undisturbed(found, int((place / "things").read_text()), most[0])


def trial(case: Case, fault: str, number: int, home: Path, place: Path, whole: Undisturbed) -> Trial:
    """Have ``fault`` come in a run of ``case``; look at what is said and left, and go on with it."""
    share, problems = evenly(number + 1), list[str]()
    with disk(place / "disk", own=fault == FULL):
        folder = place / "disk" / "work"
        prepare(case, home, folder)
        before, words = contents(folder), case.command()
        if fault == FULL:
            begin = used(folder)
            resize(folder.parent, begin + int(share * (whole.most_bytes - begin)) // PAGE * PAGE)
        else:
            words = [FAULTY, str(1 + int(share * whole.things)), fault, *words]
        status, said = run(words, folder)
        if fault == FULL:
            resize(folder.parent, ROOMY)
        left = contents(folder)
        wrong = misspoken(status, said)
        if wrong:
            problems.append(f"{wrong}: {said[-500:]}")
        there = {(in_place(name), held) for name, held in left.items()}
        lost = [
            name
            for name, held in before.items()
            if not name.endswith(REPORT)  # drawn of the run that is there, when that is there
            and not there & {(name, held), (name, whole.contents.get(name))}
        ]
        if lost:
            problems.append(f"lost: {', '.join(lost)}")
        if status == 0:
            outcome = "done all the same"
        else:
            outcome, more = gone_on(case, folder)
            problems += more
        if outcome.startswith(REFUSED):
            problems.append(outcome)
        elif other := difference(contents(folder), whole.contents):
            problems.append(other)
    line = ([one for one in said.splitlines() if one.startswith("error: ")] or [""])[0]
    return Trial(case.name, fault, number, line, outcome, "; ".join(problems))


def in_place(name: str) -> str:
    """Return the name that a file will have once the run that it belongs to is put in its place."""
    return "/".join(part for part in name.split("/") if part not in (WHOLE, MOVED))


def misspoken(status: int, said: str) -> str:
    """Say what is wrong with how a command ended; empty where nothing is."""
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    if "Traceback" in said or "Logging error" in said:
        return "traceback"
    if status == 0:
        return "an error, and exit status 0" if errors else ""
    if status != 1:
        return f"exit status {status}"
    if len(errors) != 1:
        return f"{len(errors)} errors"
    if "not foreseen" in errors[0]:
        return "not foreseen"
    if "; " not in errors[0] or ": " not in errors[0][7:]:
        return "no remedy"
    return ""


def main(argv: list[str] | None = None) -> int:
    """Do the trials that the log does not have; the exit status is 1 where one has a problem."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=8, help="of each command and fault")
    parser.add_argument("--log", type=Path, default=Path("disks.jsonl"))
    parser.add_argument("--only", nargs="*", help="commands, by name; all")
    parser.add_argument("--faults", nargs="*", default=[FULL, *FAULTS])
    parser.add_argument("--home", type=Path, help="where inputs are kept; made there where there are none")
    asked = parser.parse_args(argv)
    with tempfile.TemporaryDirectory(prefix="terramamba-disks-") as name:
        place = Path(name)
        home = asked.home or place / "home"
        if not (home / DONE).is_file():
            make_inputs(home)
        rows = known(asked.log)
        done = {(row["case"], row["fault"], row["number"]) for row in rows}
        for case in cases(home):
            if asked.only and case.name not in asked.only:
                continue
            whole = None
            begin = time.monotonic()
            for fault in asked.faults:
                for number in range(asked.trials):
                    if (case.name, fault, number) in done:
                        continue
                    whole = whole or undisturbed(case, home, place, own=FULL in asked.faults)
                    made = trial(case, fault, number, home, place, whole)
                    with asked.log.open("a", encoding="utf-8") as log:
                        log.write(json.dumps(asdict(made)) + "\n")
                    if made.problem:
                        print(f"{case.name} {fault} {number}: {made.problem}", flush=True)
            print(f"{case.name}: {time.monotonic() - begin:.0f} s", flush=True)
    return summary(asked.log)


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        SERVER.stop()
