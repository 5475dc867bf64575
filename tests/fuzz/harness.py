"""Feeds mutants to the command line: each in a child of one warmed process, with bounds on time and memory.

``python tests/fuzz/harness.py --count 20000 --log fuzz.jsonl`` goes on from where the log ends. A line of the
log is one mutant: its number, the kind of its file, the command, and what came of it (see ``OUTCOMES``). The
file of any mutant is made again by ``--only NUMBER --keep FOLDER``.
"""

import argparse
import gc
import json
import os
import resource
import select
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parent))

from mutants import mutate
from seeds import FILE, Seed, make_seeds

from program_server import import_everything, join_pages

SECONDS = 20
"""Of computing; a machine that has other work gives a mutant as much in all as ``PATIENCE_SECONDS``."""
PATIENCE_SECONDS = 120.0
MEMORY = 2 << 30
"""Bytes of addresses beyond those that the warmed process has."""
FILE_BYTES = 1 << 30
"""Longest file that a child may write."""

OUTCOMES = {
    "fine": "it was read after all",
    "refused": "one line that says where, what and what to do",
    "unforeseen": "an error that nobody foresaw",
    "silent": "an exit status above 0 without a line that says why",
    "long": "a refusal of more than one line, or of more than 1,000 letters",
    "traceback": "a traceback",
    "signal": "the process was ended by a signal",
    "hang": f"no end within {SECONDS} seconds of computing, or {PATIENCE_SECONDS:g} in all",
    "memory": f"more than {MEMORY >> 30} GB",
}
GOOD = ("fine", "refused")


@dataclass(frozen=True)
class Result:
    """What came of one mutant."""

    number: int
    kind: str
    file: str
    command: str
    outcome: str
    said: str
    seconds: float


def run_mutants(home: Path, seeds: Sequence[Seed], numbers: Sequence[int], seed: int) -> Iterator[Result]:
    """Feed the mutants with these ``numbers``, one after the other, in the order given."""
    work = Path(tempfile.mkdtemp(prefix="fuzz-", dir=home.parent))
    try:
        for number in numbers:
            chosen, words = make_mutant(home, seeds, number, seed, work)
            start = time.monotonic()
            outcome, said = _outcome(work, words, chosen)
            yield Result(
                number,
                chosen.kind,
                chosen.path,
                " ".join(words),
                outcome,
                said,
                round(time.monotonic() - start, 2),
            )
            for path in work.iterdir():
                shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    finally:
        shutil.rmtree(work, ignore_errors=True)


def make_mutant(
    home: Path, seeds: Sequence[Seed], number: int, seed: int, work: Path
) -> tuple[Seed, list[str]]:
    """Lay mutant ``number`` and what it needs into ``work``; return its seed and the words of its command."""
    random = Random(f"{seed} {number}")
    chosen = seeds[number % len(seeds)]
    for name in dict.fromkeys(chosen.beside):
        source, target = home / name, work / name
        if source.is_dir():
            shutil.copytree(source, target, copy_function=os.link)
        else:
            os.link(source, target)
    target = work / chosen.path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    target.write_bytes(mutate((home / chosen.path).read_bytes(), chosen.path, random))
    return chosen, [chosen.path if word == FILE else word for word in random.choice(chosen.commands)]


def _outcome(work: Path, words: list[str], chosen: Seed) -> tuple[str, str]:
    status, said = run_words(work, words)
    if status in (None, -signal.SIGXCPU):
        return "hang", said
    assert status is not None
    if status < 0:
        return "signal", f"{signal.Signals(-status).name}: {said}"
    if "Traceback (most recent" in said:
        return "traceback", said[-600:]
    lines = [line for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("error: ")]
    if "MemoryError" in said or "Unable to allocate" in said or "not enough memory" in said:
        return "memory", errors[-1] if errors else said[-300:]
    if "this was not foreseen" in said:
        return "unforeseen", errors[-1] if errors else said[-300:]
    if status == 0:
        return "fine", ""
    if not errors:
        return "silent", said[-300:]
    message = errors[-1]
    if len(errors) > 1 or len(message) > 1000:
        return "long", message[:1200]
    return ("refused" if "; " in message or ": " in message[7:] else "silent"), message


def run_words(work: Path, words: Sequence[str], *, bounded: bool = True) -> tuple[int | None, str]:
    """Run a command in a child in the folder ``work``: its exit status (None: it hangs), and what it says."""
    out = work / ".said"
    child = os.fork()
    if not child:
        _become(work, out, words, bounded)
    handle = os.pidfd_open(child)
    ended, _, _ = select.select([handle], [], [], PATIENCE_SECONDS if bounded else None)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(handle)
    said = out.read_text(encoding="utf-8", errors="replace")
    out.unlink()
    return (os.waitstatus_to_exitcode(status) if ended else None), said


def _become(work: Path, out: Path, words: Sequence[str], bounded: bool) -> None:
    """Run ``terramamba`` in this child, which ends here."""
    status = 70
    try:
        number = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(number, 1)
        os.dup2(number, 2)
        os.chdir(work)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if bounded:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY,) * 2)
            resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES, FILE_BYTES))
            used = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
            resource.setrlimit(resource.RLIMIT_CPU, (int(used) + SECONDS, int(used) + SECONDS + 5))
        from terramamba.cli import main

        sys.argv = ["terramamba", *words]
        status = main(list(words))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


@contextmanager
def warmed(home: Path) -> Iterator[list[Seed]]:
    """Import everything and make the seeds below ``home``."""
    import_everything()

    def terramamba(*words: str) -> None:
        status, said = run_words(home, words, bounded=False)
        assert status == 0, said

    seeds = make_seeds(home, terramamba)
    gc.collect()
    gc.freeze()
    join_pages()
    yield seeds


def main() -> int:
    """Go on with the mutants of a log; the exit status is 1 where one of them came to no good end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=1000, help="mutants in all, those of the log among them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--log", type=Path, default=Path("fuzz.jsonl"))
    parser.add_argument("--jobs", type=int, default=1, help="mutants that are fed at the same time")
    parser.add_argument(
        "--only", type=int, nargs="*", help="numbers of mutants to run again, without the log"
    )
    parser.add_argument("--keep", type=Path, help="with --only: a folder for the files of the last")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        home = Path(place) / "seeds"
        home.mkdir()
        with warmed(home) as seeds:
            if asked.only is not None:
                for result in run_mutants(home, seeds, asked.only, asked.seed):
                    print(json.dumps(asdict(result), indent=1))
                if asked.keep is not None:
                    work = home.with_name("kept")  # beside the seeds, which are linked
                    work.mkdir()
                    print(make_mutant(home, seeds, asked.only[-1], asked.seed, work)[1])
                    shutil.copytree(work, asked.keep)
                return 0
            return _go_on(home, seeds, asked)


def _go_on(home: Path, seeds: Sequence[Seed], asked: argparse.Namespace) -> int:
    done = {entry["number"] for entry in _known(asked.log)}
    left = [number for number in range(asked.count) if number not in done]
    workers = [_started(home, seeds, left[first :: asked.jobs], asked) for first in range(asked.jobs)]
    failed = [os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]) for worker in workers]
    outcomes = Counter((entry["kind"], entry["outcome"]) for entry in _known(asked.log))
    for kind in sorted({kind for kind, _ in outcomes}):
        found = {outcome: outcomes[kind, outcome] for outcome in OUTCOMES if outcomes[kind, outcome]}
        print(f"{kind:24s}", ", ".join(f"{outcome} {number}" for outcome, number in found.items()))
    bad = sum(number for (_, outcome), number in outcomes.items() if outcome not in GOOD)
    print(f"{sum(outcomes.values())} mutants, {bad} of them without a good end")
    return 1 if bad or any(failed) else 0


def _known(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


def _started(home: Path, seeds: Sequence[Seed], numbers: Sequence[int], asked: argparse.Namespace) -> int:
    """Feed the mutants with these ``numbers`` in a child; its process id. A line goes to the log whole."""
    worker = os.fork()
    if worker:
        return worker
    status = 70
    try:
        with asked.log.open("a") as file:
            for result in run_mutants(home, seeds, numbers, asked.seed):
                file.write(json.dumps(asdict(result)) + "\n")
                file.flush()
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    raise SystemExit(main())
