"""Drafts: the hidden files that become others when they are whole, and what a kill has left of them.

Each is locked by the process that writes it, so that the next one that writes the same file can tell those
that nobody finishes, and removes them.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from terramamba.core.folder_lock import NO_LINK, lock_handle

PART = ".part"
"""Ends the stem of a draft: ``.last.12345.part.ckpt`` becomes ``last.ckpt``."""


def draft_name(path: Path) -> Path:
    """Return where this process drafts ``path``; the suffix stays, by which writers choose the format."""
    return path.with_name(f".{path.stem}.{os.getpid()}{PART}{path.suffix}")


def drafts_of(path: Path) -> list[Path]:
    """List the drafts of ``path`` that lie beside it, of any process."""
    name = re.compile(rf"\.{re.escape(path.stem)}\.\d+{re.escape(PART + path.suffix)}")
    if not path.parent.is_dir():
        return []
    return [one for one in path.parent.iterdir() if name.fullmatch(one.name)]


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Yield the draft of ``path``, an empty file, and remove it at the end where it is there still.

    Drafts of ``path`` whose writers are gone are removed before.
    """
    for other in drafts_of(path):
        _remove_if_left(other)
    here = draft_name(path)
    handle = _opened(here)
    try:
        yield here
    finally:
        if handle is not None:
            os.close(handle)
        with suppress(OSError):
            here.unlink()


def _opened(path: Path) -> int | None:
    """Make ``path`` and lock it; not on Windows, whose locks keep writers out, and open files in."""
    if os.name == "nt":
        return None
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | NO_LINK, 0o666)
        with suppress(FileNotFoundError):
            if lock_handle(handle, alone=True) and os.path.samestat(path.stat(), os.fstat(handle)):
                return handle
        os.close(handle)  # another process took it for left over, before it was locked


def _remove_if_left(path: Path) -> None:
    with suppress(OSError):
        if os.name == "nt" or path.is_symlink():  # no draft of ours is a link
            path.unlink()
            return
        handle = os.open(path, os.O_RDWR | NO_LINK)
        try:
            if lock_handle(handle, alone=True):
                path.unlink()
        finally:
            os.close(handle)
