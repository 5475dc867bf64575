"""A lock on a folder that ends with its process, however that ends.

The lock is a file in the folder. Who leaves it alone, and nothing else in the folder, removes both.
``work_folder`` is a hidden folder that is held so while something is made in it: what a process that was
killed left there is removed by the next one.
"""

import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from terramamba.core.durable import sync_folder
from terramamba.core.errors import InputError

NAME = "lock"
PATIENCE_SECONDS = 1.0


_SIGNED = re.compile(r"process \d+ on (\S+)")

NO_LINK = getattr(os, "O_NOFOLLOW", 0)
"""Of a file that is opened: a link is an error. Windows has no such flag, and makes links for few."""


class FolderLock:
    """The lock of one folder, held ``alone`` or together with others; None: not held."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handle = os.open(folder / NAME, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666)
        self.alone: bool | None = None

    def change(self, *, alone: bool) -> bool:
        """Hold the folder ``alone`` from now on, or with others; return whether that was possible.

        Where it was not, the folder is not held any longer. File systems without locks let everybody in.
        """
        if self.alone != alone:
            if self.alone is not None and os.name == "nt":  # where a handle stands in its own way
                import portalocker

                portalocker.unlock(self._handle)
            self.alone = alone if lock_handle(self._handle, alone=alone) else None
            if self.alone is not None:
                self._sign()
        return self.alone is not None

    def _sign(self) -> None:
        """Write down who holds the folder, for those who wait; the lock counts, not what it says."""
        with suppress(OSError):
            os.ftruncate(self._handle, 0)
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.write(self._handle, f"process {os.getpid()} on {platform.node()}".encode())

    def is_there(self) -> bool:
        """Return whether the file that is locked is still the one in the folder."""
        try:
            return os.path.samestat((self._folder / NAME).stat(), os.fstat(self._handle))
        except FileNotFoundError:
            return False

    def close(self) -> None:
        """Let go of the folder and leave it as it is."""
        if self.alone is not None:
            with suppress(OSError):
                os.ftruncate(self._handle, 0)
        os.close(self._handle)

    def leave(self) -> None:
        """Let go of the folder, and remove it where it was held alone and nothing is in it.

        Where the disk does not let it go, it stays: that is no reason to call what was done undone.
        """
        last = self.alone is True and self._is_empty()
        left = last and not _removed(self._folder / NAME)
        self.close()
        if left:  # Windows removes no file that is open, and none that the next process has opened by now
            _removed(self._folder / NAME)
        if last:
            with suppress(OSError):  # the next process is in it
                self._folder.rmdir()
                sync_folder(self._folder.parent)

    def _is_empty(self) -> bool:
        try:
            return self.is_there() and {*self._folder.iterdir()} == {self._folder / NAME}
        except OSError:
            return False


@contextmanager
def lock_folder(folder: Path, *, alone: bool) -> Iterator[FolderLock | None]:
    """Make ``folder`` and hold it, ``alone`` or together with others that do not want it alone.

    Yields None where others hold it.

    Raises:
        InputError: the folder is a link: what is made and removed in it would lie elsewhere.
        OSError: the folder or its lock cannot be made.
    """
    lock = _acquired(folder, alone)
    try:
        yield lock
    finally:
        if lock is not None:
            lock.leave()


@contextmanager
def work_folder(folder: Path, what: Path) -> Iterator[None]:
    """Hold ``folder`` alone while ``what`` is made in it: it begins empty, and is gone at the end.

    Raises:
        InputError: another process is making ``what``, or the folder is a link.
        OSError: the folder or its lock cannot be made.
    """
    with held(folder, what):
        empty(folder)
        try:
            yield
        finally:
            with suppress(OSError):  # the next one begins with this
                empty(folder)


@contextmanager
def held(folder: Path, what: Path) -> Iterator[None]:
    """Hold ``folder`` alone, with what is in it, while ``what`` is worked on; raises as ``work_folder``."""
    with lock_folder(folder, alone=True) as lock:
        if lock is None:
            raise at_work_error(folder, what)
        yield


def at_work_error(folder: Path, what: Path) -> InputError:
    """Return the error that another process holds ``folder`` to make ``what``: which one, and what to do.

    File servers may keep the locks of a machine that is gone, or have been told so by nobody.
    """
    try:
        found = _SIGNED.fullmatch((folder / NAME).read_text(encoding="utf-8", errors="replace")[:300])
    except OSError:  # gone by now, or Windows, where nobody reads what is locked
        found = None
    holder = "" if found is None else f" ({found[0]})"
    remedy = "wait for that, or name another place"
    if found is not None and found[1] != platform.node():
        remedy = f"wait for that, name another place, or, where that machine is gone, remove {folder / NAME}"
    return InputError(f"{what}: another run is at work on it{holder}; {remedy}")


def empty(folder: Path, *, but: Sequence[str] = ()) -> None:
    """Remove all that is in ``folder`` but its lock and the files that are named; links go in any case."""
    for path in folder.iterdir():
        if path.name != NAME and (path.name not in but or path.is_symlink()):
            remove_any(path)


def remove_any(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; of a link the link alone. What cannot go, stays."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()


def _acquired(folder: Path, alone: bool) -> FolderLock | None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        require_no_link(folder)
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


def require_no_link(path: Path) -> None:
    """Raise ``InputError`` where ``path``, below a folder that was named for output, leads elsewhere."""
    if path.is_symlink():
        raise InputError(
            f"{path}: is a link, and what is written and removed there would lie elsewhere; remove the link"
        )


def lock_handle(handle: int, *, alone: bool) -> bool:
    """Hold an open file, ``alone`` or together with others, until it is closed; return whether that worked.

    File systems without locks let everybody in.
    """
    import portalocker  # here, as what trains on a bare machine imports this file

    kind = portalocker.LockFlags.EXCLUSIVE if alone else portalocker.LockFlags.SHARED
    try:
        portalocker.lock(handle, kind | portalocker.LockFlags.NON_BLOCKING)
    except portalocker.AlreadyLocked:
        return False
    except portalocker.LockException:  # as of some network file systems
        return True
    return True


def _removed(file: Path) -> bool:
    try:
        file.unlink()
    except OSError:
        return False
    return True
