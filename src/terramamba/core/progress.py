"""Progress of long work: a bar with rate and time left on a terminal, lines in a log, JSON for a program.

Who calls a public function may want to be told instead, or nothing to be shown: ``told`` says so for all
that is done inside it, in a context variable, so that nothing between passes anything on.
"""

import json
import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from terramamba.core.visible import drawn_on, visible

SECONDS_BETWEEN_LINES = 10.0
SECONDS_BETWEEN_RECORDS = 0.2
"""For a program, which draws a bar of them."""
LEAST_BAR, WIDEST_BAR = 8, 40
"""Columns of the bar on a terminal; where there is room for less than the first there is none."""


@runtime_checkable
class Advance(Protocol):
    """Reports ``amount`` more units done, with a short remark such as the last loss."""

    def __call__(self, amount: float, remark: str = "") -> None:
        """Add ``amount`` to what is done."""


@runtime_checkable
class OnProgress(Protocol):
    """Is told how much of a step is done, how much it is in all, and what the step is.

    Both are in the same unit, of which ``what`` speaks: epochs, pixels, runs. What it raises ends the work
    where it is, as Ctrl-C does, and reaches the caller; ``Cancelled`` is there for that.
    """

    def __call__(self, done: float, total: float, what: str) -> object:
        """Hold it, show it, or raise."""


@dataclass(frozen=True)
class _Audience:
    tell: OnProgress | None = None
    shown: bool = True
    as_json: bool = False


_said = threading.Event()
_audience: ContextVar[_Audience | None] = ContextVar("_audience", default=None)


def _who() -> _Audience:
    return _audience.get() or _Audience()


@contextmanager
def told(on_progress: OnProgress | None, *, shown: bool) -> Iterator[None]:
    """Tell ``on_progress`` of all work inside; on standard error nothing is said unless ``shown``.

    Who was told before and gives nobody now is told still, and what was hidden stays so.
    """
    before = _who()
    who = replace(before, tell=on_progress or before.tell, shown=shown and before.shown)
    token = _audience.set(who)
    try:
        yield
    finally:
        _audience.reset(token)


@contextmanager
def shown_as(*, json_lines: bool = False, quiet: bool = False) -> Iterator[None]:
    """Have progress inside shown as lines of JSON, or neither it nor what else is said of the work."""
    token = _audience.set(replace(_who(), shown=not quiet, as_json=json_lines))
    try:
        yield
    finally:
        _audience.reset(token)


def is_shown() -> bool:
    """Tell whether people are told of the work, in words."""
    return _who().shown and not _who().as_json


def said_anything() -> bool:
    """Tell whether this process has said anything of its work."""
    return _said.is_set()


def clock(seconds: float) -> str:
    """Write ``seconds`` as h:mm:ss."""
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02d}:{whole % 60:02d}"


def amount_of(units: float) -> str:
    """Write whole units where there are many, two decimals where there are few."""
    whole = units >= 1000 or abs(units - round(units)) < 1e-3
    return f"{units:,.0f}" if whole else f"{units:.2f}"


def pace_of(rate: float, unit: str) -> str:
    """Write how fast units are done, to three digits; what takes longer than a second, the other way round.

    >>> pace_of(14003.2, "px"), pace_of(2.514, "Mpx"), pace_of(0.025, "epochs")
    ('14,000 px/s', '2.51 Mpx/s', '40 s per epoch')
    """
    if 0 < rate < 1 and unit.endswith("s"):
        return f"{_three_digits(1 / rate)} s per {unit.removesuffix('s')}"
    return f"{_three_digits(rate)} {unit}/s"


def _three_digits(value: float) -> str:
    """Three digits of a number as people write it, without an exponent.

    >>> [_three_digits(value) for value in (123456.0, 35.7, 2.514, 0.02)]
    ['123,000', '35.7', '2.51', '0.02']
    """
    return f"{float(f'{value:.3g}'):,.10g}" if value < 1e15 else f"{value:.3g}"


def _so_far(done: float, total: float, unit: str) -> str:
    """How much is done of all; of epochs, in which one it is.

    >>> _so_far(2.25, 12, "epochs"), _so_far(12, 12, "epochs"), _so_far(1200, 14400, "px")
    ('epoch 3 of 12', 'epoch 12 of 12', '1,200 of 14,400 px')
    """
    if unit == "epochs":
        return f"epoch {min(int(done) + 1, round(total))} of {amount_of(total)}"
    return f"{amount_of(done)} of {amount_of(total)} {unit}"


def say(text: str) -> None:
    """Say on standard error what is about to be done, and keep it in the run's log."""
    if _who().shown:
        _said.set()
        print(text, file=sys.stderr, flush=True)
    logging.getLogger(__name__).info(text)


@contextmanager
def progress(description: str, total: float, unit: str, done: float = 0.0) -> Iterator[Advance]:
    """Yield a function that reports progress towards ``total`` units, ``done`` of which came earlier.

    Everything goes to standard error, so that standard output keeps only results.
    """
    audience = _who()
    with _shown(description, total, unit, done) if audience.shown else nullcontext(_nothing) as show:
        yield (
            show if audience.tell is None else _also_told(audience.tell, show, description, total, unit, done)
        )


def heard(description: str, total: float, unit: str) -> Advance:
    """Return a function that reports progress to who asked to be told of it (``told``), and shows nothing."""
    tell = _who().tell
    return _nothing if tell is None else _also_told(tell, _nothing, description, total, unit, 0.0)


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
def _shown(description: str, total: float, unit: str, done: float) -> Iterator[Advance]:
    _said.set()
    if _who().as_json:
        yield _records(description, total, unit, done)
    elif sys.stderr.isatty():
        with _bar(description, total, unit, done) as advance:
            yield advance
    else:
        yield _lines(description, total, unit, done)


def _nothing(amount: float, remark: str = "") -> None:
    """Show nothing."""


def _also_told(
    tell: OnProgress, show: Advance, description: str, total: float, unit: str, done: float
) -> Advance:
    # Megapixels are a matter of how numbers look; a function is told pixels.
    scale, unit = (1e6, "px") if unit == "Mpx" else (1.0, unit)
    digits = 0 if unit == "px" else 3
    state = {"done": done}

    def advance(amount: float, remark: str = "") -> None:
        show(amount, remark)
        state["done"] = min(state["done"] + amount, total)
        so_far, everything = (round(scale * units, digits) for units in (state["done"], total))
        tell(so_far, everything, f"{description}, {unit}")

    return advance


def _fitting(parts: Sequence[str], room: int) -> str:
    """As many of the last ``parts`` as have room: those before them matter less.

    >>> [_fitting(["9 samples/s", "loss 0.5", "F1 81.08 % after epoch 3"], room) for room in (50, 40, 4)]
    ['9 samples/s, loss 0.5, F1 81.08 % after epoch 3', 'loss 0.5, F1 81.08 % after epoch 3', '']
    """
    for first in range(len(parts)):
        text = ", ".join(parts[first:])
        if len(text) <= room:
            return text
    return ""


@contextmanager
def _bar(description: str, total: float, unit: str, done: float) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    start, description = time.monotonic(), visible(description)
    bar = BarColumn()
    columns = (
        TextColumn("{task.fields[name]}", markup=False),
        bar,
        TextColumn("{task.fields[so_far]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}", markup=False),
    )
    with Progress(*columns, console=Console(file=drawn_on(sys.stderr))) as bars:
        task = bars.add_task(description, total=total, name=description, so_far="", remark="")
        state = {"done": 0.0}

        def advance(amount: float, remark: str = "") -> None:
            state["done"] += amount
            now = min(done + state["done"], total)
            pace = pace_of(state["done"] / max(time.monotonic() - start, 1e-9), unit)
            so_far = f"{100 * now / total if total else 100:3.0f} % {_so_far(now, total, unit)}"
            # A narrow terminal keeps how far it is and the time left.
            room = bars.console.width - len(so_far) - len(" 0:00:00  ")
            name = description if len(description) < room else f"{description[: max(room - 2, 0)]}…"
            room -= len(name) + 1
            said = _fitting([pace, *visible(remark).split(", ")] if remark else [pace], room)
            bar.bar_width = min(room - len(said) - 1, WIDEST_BAR)
            bars.columns = columns if bar.bar_width >= LEAST_BAR else (columns[0], *columns[2:])
            bars.update(task, completed=now, name=name, so_far=so_far, remark=said)

        advance(0)
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
            f"{description}: {_so_far(min(state['done'], total), total, unit)}, "
            f"{pace_of(rate, unit)}, {left} left"
        )
        print(f"{text}  {remark}".rstrip(), file=sys.stderr, flush=True)

    return advance


def _records(description: str, total: float, unit: str, done: float) -> Advance:
    state = {"done": done, "printed": -SECONDS_BETWEEN_RECORDS}

    def advance(amount: float, remark: str = "") -> None:
        state["done"] = min(state["done"] + amount, total)
        now = time.monotonic()
        if state["done"] < total and now - state["printed"] < SECONDS_BETWEEN_RECORDS:
            return
        state["printed"] = now
        said = {"what": description, "done": state["done"], "total": total, "unit": unit, "remark": remark}
        print(json.dumps({"progress": said}, ensure_ascii=False), file=sys.stderr, flush=True)

    return advance
