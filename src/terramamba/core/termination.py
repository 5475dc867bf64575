"""SIGTERM, which `kill`, `timeout` and batch systems send, ends a command as Ctrl-C does.

Processes that a command starts leave it to the command, as they do with Ctrl-C, or die of it.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

RESUMABLE = "--resume goes on"
"""A note on an interruption of training: there is a run to go on with."""


class Terminated(KeyboardInterrupt):
    """Raised in the main thread when SIGTERM comes."""


@contextmanager
def sigterm_interrupts() -> Iterator[None]:
    """Raise ``Terminated`` when SIGTERM comes, unless somebody has said what is to happen then."""
    own = threading.current_thread() is threading.main_thread()
    if not own or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield
        return
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise Terminated("ended by SIGTERM")
