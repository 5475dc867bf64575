"""Runs a program in a folder whose disk goes wrong at the N-th thing that the program does to files there.

As a program: ``faulty.py N FAULT -m terramamba classify map ...``, or whatever else Python takes; ``FAULTS``
names the faults. With N 0 nothing goes wrong, and the number of things goes to the file that is named instead
of a fault. What libraries write past Python is not seen here; a small disk is for that.
"""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from program_server import run

MADE = {"open", "os.mkdir", "os.link", "os.symlink"}
FAULTS = {
    "EDQUOT": (errno.EDQUOT, {*MADE, "sync", "os.truncate"}),
    "EROFS": (errno.EROFS, {*MADE, "sync", "os.truncate", "os.rename", "os.remove", "os.rmdir"}),
    "EIO": (errno.EIO, {"sync"}),
    "ESTALE": (errno.ESTALE, {*MADE, "sync", "os.truncate", "os.rename", "os.remove", "os.rmdir", "read"}),
}
"""What the system says, and of what, from the N-th thing on: a quota is used up, the disk lets nobody write
any longer, it loses what is written, it is gone."""
WRITTEN = os.O_WRONLY | os.O_RDWR | os.O_CREAT


class Faults:
    """Counts what this process does to files below ``root``, and refuses it from number ``first`` on."""

    def __init__(self, root: Path, first: int, fault: str) -> None:
        self.root, self.first, self.count = str(root), first, 0
        self.number, self.refused = FAULTS[fault] if first else (0, set[str]())

    def audited(self, event: str, arguments: tuple[object, ...]) -> None:
        """What ``sys.addaudithook`` calls, before it is done."""
        if event == "open":
            path, _, flags = arguments
            kind = "open" if isinstance(flags, int) and flags & WRITTEN else "read"
            if isinstance(path, str | bytes | os.PathLike):
                self.passed(kind, os.fsdecode(path))
        elif event in FAULTS["EROFS"][1]:
            path, folder = arguments[0], arguments[-1]
            if isinstance(path, int):
                path = f"/proc/self/fd/{path}"
            elif isinstance(folder, int) and folder >= 0 and event != "os.truncate":
                path = f"/proc/self/fd/{folder}/{os.fsdecode(path)}"  # type: ignore[arg-type]
            self.passed(event, os.fsdecode(path))  # type: ignore[arg-type]

    def passed(self, event: str, path: str) -> None:
        """Count one more, or refuse it."""
        real = os.path.realpath(path)
        if not real.startswith(self.root + os.sep):
            return
        self.count += event != "read"
        if self.first and self.count >= self.first and event in self.refused:
            raise OSError(self.number, os.strerror(self.number), path)

    def told(self, do: Callable[[int], None]) -> Callable[[int], None]:
        """Return ``do``, which syncs, counted: no audit tells of it."""

        def counted(handle: int) -> None:
            self.passed("sync", f"/proc/self/fd/{handle}")
            do(handle)

        return counted


def main(first: int, fault: str, argv: list[str]) -> None:
    """Run ``argv`` as Python would."""
    faults = Faults(Path.cwd(), first, fault)
    os.fsync = faults.told(os.fsync)
    sys.addaudithook(faults.audited)
    try:
        run(argv)
    finally:
        if not first:
            faults.root = "nowhere"
            Path(fault).write_text(str(faults.count))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
