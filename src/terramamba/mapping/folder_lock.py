"""A lock on a folder that ends with its process, however that ends."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows: runs there are not kept apart
    fcntl = None

NAME = "lock"
PATIENCE_SECONDS = 1.0


class FolderLock:
    """A lock that is held, alone or together with others."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def change(self, *, alone: bool) -> bool:
        """Hold the folder ``alone`` from now on, or with others; whether that was possible."""
        return _try(self._handle, alone)


@contextmanager
def lock_folder(folder: Path, *, alone: bool) -> Iterator[FolderLock | None]:
    """Make ``folder`` and hold it, ``alone`` or together with others that do not want it alone.

    Yields None where others hold it. File systems without locks let everybody in.
    """
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        folder.mkdir(exist_ok=True)
        handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            held = _try(handle, alone)
            # Whoever held it may have finished, and removed the folder, while it was waited for.
            if held and not _is_there(folder / NAME, handle):
                continue
            if held or time.monotonic() > end:
                yield FolderLock(handle) if held else None
                return
        finally:
            os.close(handle)
        time.sleep(0.02)


def _try(handle: int, alone: bool) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have no locks
        return True
    return True


def _is_there(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False
