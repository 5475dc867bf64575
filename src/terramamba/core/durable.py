"""Writing so that a power cut leaves the old file or the new one, and a step only after the steps before it.

What a process wrote is in memory until it is synced, and reaches the disk in any order: a new name before the
bytes of its file, a removal before the file that made it possible. So a file is synced before it is renamed,
and the folder after that, before anybody relies on the name. Libraries such as GDAL write past Python; the
files that they closed are synced here by name.
"""

import errno
import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.ENOSYS}
"""How file systems say that a folder cannot be synced, or may not be opened."""


def sync_file(path: Path) -> None:
    """Have the content of a file on the disk; raises ``OSError`` where that fails, as on a full disk."""
    with path.open("rb+") as written:
        os.fsync(written.fileno())


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: what was made, renamed and removed there.

    Systems and file systems that cannot sync a folder keep names in order by themselves, or not at all.
    """
    if os.name == "nt":
        return
    try:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise


def replace(source: Path, target: Path) -> None:
    """Name ``source``, whose content is synced, ``target`` for good."""
    source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def make_folder(folder: Path) -> list[Path]:
    """Make ``folder`` for good, and return what was missing of it, from the top."""
    missing = [parent for parent in (folder, *folder.parents) if not parent.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for made in missing[::-1]:
        sync_folder(made.parent)
    return missing[::-1]


def sync_tree(folder: Path) -> None:
    """Have all files below ``folder`` on the disk, with their names, and its own name."""
    for path in folder.rglob("*"):
        if path.is_dir():
            sync_folder(path)
        elif path.is_file():
            sync_file(path)
    sync_folder(folder)
    sync_folder(folder.parent)


def remove(paths: Iterable[Path]) -> None:
    """Remove files, for good: whatever is done next, they do not come back."""
    folders = set[Path]()
    for path in paths:
        path.unlink(missing_ok=True)
        folders.add(path.parent)
    for folder in folders:
        if folder.is_dir():
            sync_folder(folder)


@dataclass(frozen=True)
class Digest:
    """What a file held: how many bytes, and their SHA-256."""

    size: int
    sha256: str

    def fits(self, path: Path) -> bool:
        """Tell whether the file ``path`` is there and holds just that."""
        return path.is_file() and path.stat().st_size == self.size and digest(path) == self


def digest(path: Path) -> Digest:
    """Return size and SHA-256 of a file."""
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256")
        return Digest(file.tell(), found.hexdigest())


def remove_if_empty(folder: Path) -> None:
    """Remove ``folder`` where there is nothing in it, and the disk lets it go."""
    with suppress(OSError):
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
