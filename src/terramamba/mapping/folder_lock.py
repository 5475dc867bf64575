"""A lock on a folder that ends with its process, however that ends.

The lock is a file in the folder. Who leaves it alone, and nothing else in the folder, removes both.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import portalocker
from portalocker import AlreadyLocked, LockException, LockFlags

from terramamba.core.durable import sync_folder

NAME = "lock"
PATIENCE_SECONDS = 1.0


class FolderLock:
    """The lock of one folder, held ``alone`` or together with others; None: not held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT, 0o666)
        self.alone: bool | None = None

    def change(self, *, alone: bool) -> bool:
        """Hold the folder ``alone`` from now on, or with others; return whether that was possible.

        Where it was not, the folder is not held any longer. File systems without locks let everybody in.
        """
        if self.alone != alone:
            if self.alone is not None and os.name == "nt":  # where a handle stands in its own way
                portalocker.unlock(self._handle)
            self.alone = (
                alone if _try(self._handle, LockFlags.EXCLUSIVE if alone else LockFlags.SHARED) else None
            )
        return self.alone is not None

    def is_there(self) -> bool:
        """Return whether the file that is locked is still the one in the folder."""
        try:
            return os.path.samestat((self._folder / NAME).stat(), os.fstat(self._handle))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let go of the folder and leave it as it is."""
        os.close(self._handle)

    def leave(self) -> None:
        """Let go of the folder, and remove it where it was held alone and nothing is in it."""
        last = self.alone is True and self.is_there() and {*self._folder.iterdir()} == {self._folder / NAME}
        left = last and not _removed(self._folder / NAME)
        self.close()
        if left:  # Windows removes no file that is open, and none that the next process has opened by now
            _removed(self._folder / NAME)
        if last:
            with suppress(OSError):  # the next process is in it
                self._folder.rmdir()
                sync_folder(self._folder.parent)


@contextmanager
def lock_folder(folder: Path, *, alone: bool) -> Iterator[FolderLock | None]:
    """Make ``folder`` and hold it, ``alone`` or together with others that do not want it alone.

    Yields None where others hold it.

    Raises:
        OSError: the folder or its lock cannot be made.
    """
    lock = _acquired(folder, alone)
    try:
        yield lock
    finally:
        if lock is not None:
            lock.leave()


def _acquired(folder: Path, alone: bool) -> FolderLock | None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        folder.mkdir(exist_ok=True)
        try:
            lock = FolderLock(folder)
        except FileNotFoundError:  # removed by now
            continue
        held = lock.change(alone=alone)
        # Whoever held it may have finished, and removed the folder, while it was waited for.
        if held and lock.is_there():
            return lock
        lock.close()
        if not held and time.monotonic() > end:
            return None
        time.sleep(0.02)


def _try(handle: int, kind: LockFlags) -> bool:
    try:
        portalocker.lock(handle, kind | LockFlags.NON_BLOCKING)
    except AlreadyLocked:
        return False
    except LockException:  # as of some network file systems
        return True
    return True


def _removed(file: Path) -> bool:
    try:
        file.unlink()
    except PermissionError:
        return False
    return True
