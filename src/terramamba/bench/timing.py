"""Candidates of one case take turns in one process, so that a machine that slows down slows all of them."""

import math
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Work = Callable[[], object]

ROUNDS, FEWEST_ROUNDS = 5, 3
MOST_RUNS = 30
"""Runs of a candidate in one turn."""


@dataclass(frozen=True)
class Times:
    """Seconds of a candidate's runs."""

    low: float
    """First quartile."""
    median: float
    high: float
    """Third quartile."""
    runs: int

    @classmethod
    def of(cls, seconds: list[float]) -> "Times":
        """Compute quartiles; of a single run all three are the same."""
        several = seconds if len(seconds) > 1 else 2 * seconds
        low, median, high = statistics.quantiles(several, n=4, method="inclusive")
        return cls(low, median, high, len(seconds))


def take_turns(works: Mapping[str, Work], seconds: float) -> dict[str, Times]:
    """Time the works for about ``seconds`` in all, in rounds in which each has a turn of the same length.

    Every work runs once before, to warm up. One whose first run took a third of the time or more is not run
    again: that run counts.
    """
    first = {name: clock(work) for name, work in works.items()}
    taken: dict[str, list[float]] = {name: [] for name in works}
    turn = seconds / ROUNDS / max(len(works), 1)
    start = time.perf_counter()
    for done in range(ROUNDS):
        if done >= FEWEST_ROUNDS and time.perf_counter() - start > seconds:
            break
        for name, work in works.items():
            if first[name] < seconds / 3:
                taken[name] += _turn(work, turn)
    return {name: Times.of(taken[name] or [first[name]]) for name in works}


def clock(work: Work) -> float:
    """Measure the seconds that one run takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _turn(work: Work, seconds: float) -> list[float]:
    taken = [clock(work)]
    while sum(taken) + taken[-1] < seconds and len(taken) < MOST_RUNS:
        taken.append(clock(work))
    return taken


@dataclass(frozen=True)
class Case:
    """One thing that is done in several ways.

    Attributes:
        key: its short name.
        title: what it is, sizes included.
        amount: how much is done in one run, in ``unit``.
        unit: "updates" of states, "pixels" or "steps".
        ways: names of the ways to do it.
        left_out: those of them that are not run, and why.
        works: makes the inputs and returns the others; called when the case's turn comes.
        facts: numbers about it.
    """

    key: str
    title: str
    amount: float
    unit: str
    ways: tuple[str, ...]
    left_out: Mapping[str, str]
    works: Callable[[], Mapping[str, Work]]
    facts: Mapping[str, Any]


def measure(case: Case, seconds: float, only: frozenset[str]) -> dict[str, Any]:
    """Time the ways of a case, those named in ``only`` or all of them; a record for JSON."""
    works = {name: work for name, work in case.works().items() if not only or name in only}
    times = take_turns(works, seconds)
    base = next((name for name in ("loop", "reference") if name in times), None)
    ways = {
        name: {
            "ms": [1000 * t.low, 1000 * t.median, 1000 * t.high],
            "runs": t.runs,
            "rate": case.amount / t.median,
            "ratio": times[base].median / t.median if base else None,
        }
        for name, t in times.items()
    }
    return {
        "key": case.key,
        "title": case.title,
        "unit": case.unit,
        "compared_with": base,
        "ways": ways,
        "left_out": {name: why for name, why in case.left_out.items() if not only or name in only},
        "facts": dict(case.facts),
    }


def figures(value: float) -> str:
    """Write a number in three significant digits, never with an exponent."""
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{round(value, digits):,.{max(digits, 0)}f}"
