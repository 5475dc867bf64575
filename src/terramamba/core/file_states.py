"""Whether files that work was begun on are still what they were: local ones, and those behind addresses.

Who reads a file piece by piece may read pieces of two files. So its state is noted before, and looked at
again before the result is believed: of a local file size and time of the last change, of an address of the
web what its server says of it.

Inode numbers are left out: network file systems show different ones to different machines.
"""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.network import within

PATIENCE_SECONDS = 15
"""For an answer about an address; three attempts end within a minute."""
PAUSES = (0.5, 2.0)
"""Seconds before an address is asked for again."""
ASKED_AT_ONCE = 8

_VIRTUAL = re.compile(r"/vsi[a-z0-9_]+/\{?")
_NO_HEAD = {403, 405, 501}
"""How servers refuse a question about a file that they would give; so do addresses that are signed."""

State = tuple[int, str]
"""How many bytes, and when they were changed last or what else tells versions apart."""


class ChangedFileError(InputError):
    """A file is not what it was when work on it began: what was made of it may come from two files."""


@dataclass(frozen=True)
class FileStates:
    """What the files of some work were when it began, by path in full or address."""

    states: tuple[tuple[str, State], ...]

    @classmethod
    def of(cls, paths: Iterable[str | Path], *, patience: float = PATIENCE_SECONDS) -> "FileStates":
        """Note what files and addresses are like, of which servers have so many seconds to say it.

        What is neither, or says nothing of itself, is left out.
        """
        names = [found for path in paths if (found := _name_of(str(path))) is not None]
        once = tuple(dict.fromkeys(names))
        told = zip(once, _states(once, patience), strict=True)
        return cls(tuple((name, state) for name, state in told if state))

    def changed(self, *, local: bool = False, may_be_gone: bool = False) -> str | None:
        """Return the first file that is not what it was; None where all are.

        Args:
            local: Look at files of this machine only, which takes no time.
            may_be_gone: A file that is no longer there has not changed.

        Raises:
            InputError: a server that answered before does not any longer.
        """
        asked = [(name, state) for name, state in self.states if not (local and is_web_address(name))]
        now_told = _states([name for name, _ in asked], PATIENCE_SECONDS, again=True)
        for (name, before), now in zip(asked, now_told, strict=True):
            if now is None and may_be_gone:
                continue
            if now != before:
                return name
        return None

    def require_same(self, remedy: str, *, local: bool = False, may_be_gone: bool = False) -> None:
        """Raise ``ChangedFileError``, which ends in ``remedy``, where a file is not what it was.

        The other arguments, and what else is raised, are those of ``changed``.
        """
        name = self.changed(local=local, may_be_gone=may_be_gone)
        if name is not None:
            raise ChangedFileError(f"{name}: was changed, cut or replaced while it was in use; {remedy}")

    def unversioned(self, paths: Iterable[str | Path]) -> list[str]:
        """List those of ``paths`` on web servers that name no version of them: a change is not seen there."""
        versioned = {name for name, (_, version) in self.states if version}
        names = [name for path in paths if (name := _name_of(str(path))) is not None]
        return [name for name in names if is_web_address(name) and name not in versioned]

    def __add__(self, other: "FileStates") -> "FileStates":
        return FileStates(tuple(dict([*self.states, *other.states]).items()))


NO_FILES = FileStates(())


def is_web_address(name: str) -> bool:
    """Tell whether ``name`` is an address that a web server answers."""
    return name.startswith(("http://", "https://"))


def _name_of(path: str) -> str | None:
    """Return the web address or the local file, in full, that is to be looked at for ``path``."""
    inner = path
    while (virtual := _VIRTUAL.match(inner)) is not None:
        inner = inner[virtual.end() :]
    if is_web_address(inner):
        return inner
    # What lies in an archive is as old as the archive.
    file = Path(inner)
    for candidate in (file, *file.parents) if inner != path else (file,):
        try:
            if candidate.is_file():
                return str(candidate.absolute())
        except (OSError, ValueError):  # too long for a path, or with characters that no path has
            return None
    return None


def _states(names: Sequence[str], patience: float, *, again: bool = False) -> list[State | None]:
    remote = [name for name in names if is_web_address(name)]
    if not remote:
        return [_local_state(name) for name in names]
    with ThreadPoolExecutor(ASKED_AT_ONCE) as asking:
        states = asking.map(lambda name: _web_state(name, patience, again=again), remote)
        told = dict(zip(remote, states, strict=True))
    return [told[name] if name in told else _local_state(name) for name in names]


def _local_state(name: str) -> State | None:
    try:
        status = Path(name).stat()
    except OSError:
        return None
    return status.st_size, str(status.st_mtime_ns)


def _web_state(address: str, patience: float, *, again: bool) -> State | None:
    """Return what the server of ``address`` says of it; None: nothing that tells versions apart.

    Raises:
        InputError: it did so before, but not ``again``.
    """
    reason: Exception | None = None
    for pause in (0.0, *PAUSES) if again else (0.0,):
        time.sleep(pause)
        try:
            return within(2 * patience, partial(_answered, address, patience))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (404, 410):
                return None
            reason = error
        except (OSError, HTTPException, ValueError) as error:
            reason = error
    if not again:
        return None
    raise InputError(
        f"{address}: its server no longer says whether it is as it was ({reason}); try again later"
    )


def _answered(address: str, patience: float) -> State | None:
    try:
        return _told(urllib.request.Request(address, method="HEAD"), patience)
    except urllib.error.HTTPError as error:
        if error.code not in _NO_HEAD:
            raise
        error.close()
    return _told(urllib.request.Request(address, headers={"Range": "bytes=0-0"}), patience)


def _told(request: urllib.request.Request, patience: float) -> State | None:
    answer: HTTPResponse
    with urllib.request.urlopen(request, timeout=patience) as answer:
        told = answer.headers
        # Of one byte that was asked for, the length of all stands behind a slash.
        length = told.get("Content-Range", "").rpartition("/")[2] or told.get("Content-Length", "")
        versions = [f"{name} {told[name]}" for name in ("ETag", "Last-Modified") if told.get(name)]
    if not length.isdigit() and not versions:
        return None
    return int(length) if length.isdigit() else -1, ", ".join(versions)
