"""A word within a second, where somebody watches: libraries take longer to load than people wait in doubt."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from terramamba.core.progress import is_shown, said_anything

SECONDS = 0.4
HEAVY = "torch"
"""The library that takes seconds; what is done without it is done before anybody wonders."""


@contextmanager
def said_at_once(name: str, seconds: float = SECONDS) -> Iterator[None]:
    """Say on a terminal that ``name`` is being made ready, where the command says nothing itself so soon."""
    ended = threading.Event()
    if sys.stderr.isatty() and is_shown():
        threading.Thread(target=_wait, args=(name, seconds, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()


def _wait(name: str, seconds: float, ended: threading.Event) -> None:
    while not ended.wait(seconds):
        if said_anything():
            return
        if HEAVY in sys.modules:
            print(f"{name}: loading ...", file=sys.stderr, flush=True)
            return
