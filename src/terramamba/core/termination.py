"""SIGTERM and SIGHUP end a command as Ctrl-C does: `kill`, `timeout`, batch systems, a closed terminal.

Processes that a command starts leave it to the command, as they do with Ctrl-C, or die of it. What is to
outlive its terminal ignores SIGHUP, as `nohup` has it do.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType

RESUMABLE = "--resume goes on"
"""A note on an interruption of training: there is a run to go on with."""
ENDING = tuple(getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name))
"""Signals that ask a process to end; Windows knows the first alone."""


class Terminated(KeyboardInterrupt):
    """Raised in the main thread when one of the signals comes, whose ``number`` it has."""

    def __init__(self, number: int) -> None:
        super().__init__(f"ended by {signal.Signals(number).name}")
        self.number = number


@contextmanager
def signals_interrupt() -> Iterator[None]:
    """Raise ``Terminated`` when SIGTERM or SIGHUP comes, unless somebody has said what is to happen then."""
    own = threading.current_thread() is threading.main_thread()
    with ExitStack() as after:
        for number in ENDING:
            if own and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, _interrupt)
                after.callback(signal.signal, number, signal.SIG_DFL)
        yield


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Terminated(number)
