"""A whole benchmark, section by section, as records for JSON."""

import os
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import torch

from terramamba.bench import machine
from terramamba.bench.loops import loop_backends
from terramamba.bench.memory import peak
from terramamba.bench.scan import warm_up
from terramamba.bench.timing import Case, measure
from terramamba.core.devices import keep_freed_memory
from terramamba.core.errors import InputError

ROOFLINE_SECONDS = 2.0
LONGEST_STEP = 20.0
"""Seconds of a training step beyond which it is not run again for its memory."""


def record(
    what: str,
    *,
    seconds: float,
    threads: int | None,
    only: frozenset[str],
    long: bool,
    memory: bool,
    size: str,
    say: Callable[[str], None],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measure and yield each section with its name as soon as it is known.

    Args:
        what: "scan", "scene" or "train".
        seconds: for each case.
        threads: of PyTorch; None: as many as it has.
        only: cases and ways to run; none: all.
        long: also run what takes minutes.
        memory: whether to measure the peak memory of training.
        size: "full" or "small".
        say: called with what is measured next.

    Yields:
        "machine", "absent" and, for scans, "roofline" once, "case" for every case, and "load" at the end.

    Raises:
        InputError: ``only`` has a name that is neither a case nor a way, or leaves nothing to run.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    keep_freed_memory()  # as every command does
    suite = import_module(f"terramamba.bench.{what}")
    with loop_backends():
        cases, ways = _chosen(list(suite.cases(size, long)), only)
        yield "machine", machine.describe()
        yield "absent", suite.absent()
        warm_up()
        if what == "scan":
            say("sgemm and copying memory")
            yield "roofline", machine.roofline(min(seconds, ROOFLINE_SECONDS), size)
        for case in cases:
            say(case.title)
            found = measure(case, seconds, ways)
            if what == "train" and memory:
                for way, measured in found["ways"].items():
                    if measured["ms"][1] > 1000 * LONGEST_STEP:
                        continue
                    say(f"{case.title}: memory of {way}")
                    try:
                        measured |= peak(what, size, case.key, way, torch.get_num_threads())
                    except (
                        RuntimeError
                    ) as error:  # out of memory, say; the times are worth having all the same
                        say(str(error))
            yield "case", found
        yield "load", {"load at the end": os.getloadavg()[0] if hasattr(os, "getloadavg") else None}


def _chosen(cases: list[Case], only: frozenset[str]) -> tuple[list[Case], frozenset[str]]:
    """The cases that ``only`` leaves, and the ways; a case is also known by the first word of its key."""
    names = {name for case in cases for name in _names(case)}
    ways = {way for case in cases for way in case.ways}
    for name in sorted(only - names - ways):
        known = [*dict.fromkeys(case.key.split()[0] for case in cases), *sorted(ways)]
        raise InputError(f"--only {name}: neither a case nor a way; there are: {', '.join(known)}")
    selected = only & names
    chosen = [case for case in cases if not selected or selected & _names(case)]
    selected_ways = only & ways
    chosen = [
        case
        for case in chosen
        if not selected_ways or selected_ways & (set(case.ways) - case.left_out.keys())
    ]
    if not chosen:
        raise InputError(f"--only {','.join(sorted(only))}: no case has such a way to be run")
    return chosen, selected_ways


def _names(case: Case) -> set[str]:
    return {case.key, case.key.split()[0]}
