"""Progress of long work: a bar with rate and time left on a terminal, plain lines in a log."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable

SECONDS_BETWEEN_LINES = 10.0


@runtime_checkable
class Advance(Protocol):
    """Reports ``amount`` more units done, with a short remark such as the last loss."""

    def __call__(self, amount: float, remark: str = "") -> None:
        """Add ``amount`` to what is done."""


def clock(seconds: float) -> str:
    """Write ``seconds`` as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def amount_of(units: float) -> str:
    """Write whole units where there are many, two decimals where there are few."""
    whole = units >= 1000 or abs(units - round(units)) < 1e-3
    return f"{units:,.0f}" if whole else f"{units:.2f}"


def say(text: str) -> None:
    """Say on standard error what is about to be done, and keep it in the run's log."""
    print(text, file=sys.stderr, flush=True)
    logging.getLogger(__name__).info(text)


@contextmanager
def progress(description: str, total: float, unit: str, done: float = 0.0) -> Iterator[Advance]:
    """Yield a function that reports progress towards ``total`` units, ``done`` of which came earlier.

    Everything goes to standard error, so that standard output keeps only results.
    """
    if sys.stderr.isatty():
        with _bar(description, total, unit, done) as advance:
            yield advance
    else:
        yield _lines(description, total, unit, done)


@contextmanager
def pixel_progress(description: str, pixels: int, done: int = 0) -> Iterator[Callable[[float], None]]:
    """Yield a function that reports so many pixels more; shown in megapixels where there are many.

    ``done`` of all ``pixels`` came earlier.
    """
    unit, size = ("Mpx", 1e6) if pixels >= 1e6 else ("px", 1.0)
    # A hair less than all, because parts of a million do not add up exactly.
    with progress(description, pixels / size * (1 - 1e-9), unit, done / size) as advance:
        yield lambda amount: advance(amount / size)


@contextmanager
def _bar(description: str, total: float, unit: str, done: float) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    start = time.monotonic()
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}% {task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}"),
        console=Console(stderr=True),
    ) as bars:
        task = bars.add_task(description, total=total, rate="", remark="")
        bars.update(task, completed=done)
        state = {"done": 0.0}

        def advance(amount: float, remark: str = "") -> None:
            state["done"] += amount
            rate = state["done"] / max(time.monotonic() - start, 1e-9)
            bars.update(task, advance=amount, rate=f"{rate:,.3g} {unit}/s", remark=remark)

        yield advance


def _lines(description: str, total: float, unit: str, done: float) -> Advance:
    start = time.monotonic()
    state = {"done": done, "printed": start}

    def advance(amount: float, remark: str = "") -> None:
        state["done"] += amount
        now = time.monotonic()
        finished = state["done"] >= total
        if not finished and now - state["printed"] < SECONDS_BETWEEN_LINES:
            return
        state["printed"] = now
        rate = (state["done"] - done) / max(now - start, 1e-9)
        left = clock((total - state["done"]) / rate) if rate > 0 else "?"
        text = (
            f"{description}: {amount_of(state['done'])} of {amount_of(total)} {unit}, "
            f"{rate:,.3g} {unit}/s, {left} left"
        )
        print(f"{text}  {remark}".rstrip(), file=sys.stderr, flush=True)

    return advance
