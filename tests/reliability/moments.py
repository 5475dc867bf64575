"""Runs a program that a signal ends just before the N-th thing that it does to files.

As a program: ``moments.py N SIGNAL -m terramamba classify map ...``, or whatever else Python takes. With N 0
nothing ends it, and the number of things goes to the file that is named instead of a signal.

What counts: files that are opened to be written, and what is made, named, linked, removed and synced. Much
of a run passes between few of these; the moments of the clock are for that.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from program_server import run

NAMED = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate"}
WRITTEN = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Moments:
    """Counts what this process does to files, and ends it at number ``last``."""

    def __init__(self, last: int, by: int) -> None:
        self.count, self.last, self.by = 0, last, by

    def audited(self, event: str, arguments: tuple[object, ...]) -> None:
        """What ``sys.addaudithook`` calls, before it is done."""
        if event in NAMED or (event == "open" and isinstance(flags := arguments[2], int) and flags & WRITTEN):
            self.passed()

    def passed(self) -> None:
        """Count one more."""
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), self.by)

    def told(self, do: Callable[[int], None]) -> Callable[[int], None]:
        """Return ``do``, which syncs, counted: no audit tells of it."""

        def counted(handle: int) -> None:
            self.passed()
            do(handle)

        return counted


def main(last: int, ending: str, argv: list[str]) -> None:
    """Run ``argv`` as Python would."""
    moments = Moments(last, signal.Signals[ending] if last else 0)
    sys.addaudithook(moments.audited)
    os.fsync = moments.told(os.fsync)
    try:
        run(argv)
    finally:
        if not last:
            Path(ending).write_text(str(moments.count))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
