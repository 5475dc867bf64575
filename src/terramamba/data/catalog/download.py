"""Fetching the files of a data set: what broke off goes on, what is wrong is removed.

Files come about in ``.NAME.fetch`` beside their place, a folder that is held meanwhile::

    .NAME.fetch/
        content    what has come so far
        mark       the server's mark of that version, so that a later attempt asks for the rest alone
        NAME       an archive that came whole, until it is unpacked
        lock       held by the process that fetches

What else a kill has left there, such as files of pooch, which compares checksums, the next run removes.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import disk_usage
from typing import Any

from terramamba._version import __version__
from terramamba.core.durable import replace, sync_file
from terramamba.core.errors import InputError, reason_of
from terramamba.core.folder_lock import empty, held
from terramamba.core.network import (
    AGAIN,
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    PATIENCE_SECONDS,
    TRIES,
    paced,
    pause,
    within,
)
from terramamba.core.progress import progress
from terramamba.core.unwritable import unwritable
from terramamba.data.catalog.record import DataSet, Remote
from terramamba.data.catalog.unpack import unpack

MOST_FETCHED = 100 << 30
"""Bytes of a file of which the server does not say how long it is."""
MOST_DIGITS = 18
"""Of the length that a server states."""
CONTENT, MARK = "content", "mark"


def download(record: DataSet, root: Path) -> list[str]:
    """Fetch into ``root`` what is not there yet, and say what was done, one line a file.

    Raises:
        InputError: nothing can be fetched without asking, a server that refuses, a transfer that breaks
            (which the same call goes on with), a wrong checksum (the file is removed), a damaged archive.
    """
    if not record.remotes:
        raise InputError(f"{record.name}: cannot be fetched without asking; to get it, {record.where}")
    return [_fetch(remote, root, record) for remote in record.remotes]


def _fetch(remote: Remote, root: Path, record: DataSet) -> str:
    target = root / (remote.name if remote.folder is None else remote.folder)
    place = root / f".{remote.name}.fetch"
    if _is_done(target, remote) and not place.is_dir():
        return f"{target}: there already"
    try:
        root.mkdir(parents=True, exist_ok=True)
        with held(place, root / remote.name):
            if _is_done(target, remote):  # and a kill has left something, or another process was quicker
                empty(place)
                return f"{target}: there already"
            empty(place, but=(CONTENT, MARK, remote.name))
            return _fetch_into(target, remote, place, record)
    except OSError as error:
        raise unwritable(target, error) from error


def _is_done(target: Path, remote: Remote) -> bool:
    """Tell whether what is to be fetched is there: the folder of an archive, or the right file."""
    return target.is_dir() if remote.folder is not None else _is_there(target, remote.checksum)


def _fetch_into(target: Path, remote: Remote, place: Path, record: DataSet) -> str:
    """Fetch a file, unpacked where it is an archive, by way of the folder ``place``; say what was done."""
    if remote.folder is None:
        replace(_retrieved(remote, place, record), target)
        return f"{target}: fetched" + ("" if remote.checksum else " (no checksum is known for it)")
    by_hand = target.with_name(remote.name)
    given = _is_there(by_hand, remote.checksum)
    archive = by_hand if given else _retrieved(remote, place, record)
    unpack(archive, target, place / "unpacked", keep_damaged=given)
    return f"{target}: fetched and unpacked"


def _is_there(path: Path, checksum: str | None) -> bool:
    """Tell whether the file ``path`` is there and, where a checksum is known, the right one."""
    import pooch

    if checksum is None or not path.is_file():
        return path.is_file()
    algorithm, _, digest = checksum.partition(":")
    return bool(pooch.file_hash(path, algorithm) == digest)


def _retrieved(remote: Remote, place: Path, record: DataSet) -> Path:
    """Fetch a file into the folder ``place`` and return its path; raises ``InputError`` as ``download``."""
    import pooch
    from requests import RequestException

    pooch.get_logger().setLevel("ERROR")
    try:
        return Path(
            pooch.retrieve(
                remote.url,
                known_hash=remote.checksum,
                fname=remote.name,
                path=place,
                downloader=_Resuming(place / CONTENT, remote.name),
            )
        )
    except RequestException as error:
        raise InputError(
            f"{remote.url}: {reason_of(error)}; try again, or get {record.title} by hand: {record.where}"
        ) from error
    except ValueError as error:  # pooch's word for another checksum; it has removed the file
        raise InputError(
            f"{remote.url}: another checksum than {remote.checksum}; what came was removed. Try again, or "
            f"get {record.title} by hand: {record.where}"
        ) from error


class _Resuming:
    """Downloads as pooch wants it, keeping in ``part`` what has come until all of it is there."""

    def __init__(self, part: Path, name: str) -> None:
        self.part = part
        self.mark = part.with_name(MARK)
        self.name = name

    def __call__(self, url: str, output: str, pooch: object) -> None:
        """Write the file at ``url`` to ``output``; raises ``InputError`` where it does not come whole."""
        from requests import HTTPError, RequestException

        total: int | None = None
        for tries in range(1, TRIES + 1):
            before = self._have()
            try:
                total = self._get(url)
            except HTTPError as error:
                status = None if error.response is None else error.response.status_code
                if tries == TRIES or status not in AGAIN:
                    raise
                pause(tries)
                continue
            except TimeoutError as error:
                raise InputError(
                    f"{url}: {error}; give the same command again later, it goes on from"
                    f" {self._have():,} bytes"
                ) from error
            except RequestException:
                if tries == TRIES and self._have() == 0:
                    raise
                if self._have() == before:
                    pause(tries)
            if total == self._have():
                self.mark.unlink(missing_ok=True)
                sync_file(self.part)
                replace(self.part, Path(output))
                return
            if 0 < self._have() <= before:
                break
        raise InputError(
            f"{url}: the transfer broke after {self._have():,} bytes; give the same command again, it goes "
            "on from there"
        )

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.is_file() else 0

    def _get(self, url: str) -> int:
        """Append what comes; the size of the whole file."""
        import requests

        have = self._have()
        headers = {"User-Agent": f"terramamba/{__version__}", "Accept-Encoding": "identity"}
        if have and self.mark.is_file():
            headers |= {"Range": f"bytes={have}-", "If-Range": self.mark.read_text(encoding="utf-8")}
        with self._answer(url, headers) as answer:
            if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink()  # more came than there is: another file
                return self._get(url)
            answer.raise_for_status()
            if answer.status_code not in (requests.codes.ok, requests.codes.partial_content):
                raise InputError(
                    f"{url}: the server says {answer.status_code} {answer.reason}; get the file by hand"
                )
            goes_on = answer.status_code == requests.codes.partial_content
            have = have if goes_on else 0
            if goes_on and _mark_in(answer.headers) not in ("", headers.get("If-Range")):
                self.part.unlink()  # a part of another version
                return self._get(url)
            span, _, whole = answer.headers.get("Content-Range", "").partition("/")
            if goes_on and not span.startswith(f"bytes {have}-"):
                raise InputError(f"{url}: the server sent another part of the file; remove {self.part}")
            rest = _length(answer.headers.get("Content-Length", ""))
            total = None if rest is None else have + rest
            if goes_on and _length(whole) is not None:
                total = _length(whole)
            room = disk_usage(self.part.parent).free
            if total is not None and total - have > room:
                raise InputError(
                    f"{url}: has {total / 1e9:,.1f} GB, and {room / 1e9:,.1f} GB are free here; make room,"
                    " and give the same command again"
                )
            self._remember(answer.headers)
            with self.part.open("ab" if goes_on else "wb") as file:
                for block in _shown(self.name, have, total, answer):
                    file.write(block)
                    if total is not None and file.tell() > total:
                        raise InputError(f"{url}: the server sends more than it said; get the file by hand")
                    if total is None and file.tell() > MOST_FETCHED:
                        raise InputError(
                            f"{url}: the server sends more than {MOST_FETCHED / 1e9:,.0f} GB without an end;"
                            f" remove {self.part}, and get the file by hand"
                        )
        return self._have() if total is None else total

    def _answer(self, url: str, headers: Mapping[str, str]) -> Any:
        import requests

        times = CONNECT_SECONDS, PATIENCE_SECONDS
        try:
            return within(
                ANSWER_SECONDS, lambda: requests.get(url, headers=headers, stream=True, timeout=times)
            )
        except requests.RequestException:
            raise
        except ValueError as error:
            raise InputError(
                f"{url}: the server leads to what is no address ({reason_of(error)}); get the file by hand"
            ) from error

    def _remember(self, headers: Mapping[str, str]) -> None:
        """Keep the mark of this version; without one, a broken transfer begins anew."""
        if mark := _mark_in(headers):
            self.mark.write_text(mark, encoding="utf-8")
        else:
            self.mark.unlink(missing_ok=True)


def _mark_in(headers: Mapping[str, str]) -> str:
    """What tells this version of a file from others, byte for byte; empty where nothing does."""
    mark = headers.get("ETag", "")
    return headers.get("Last-Modified", "") if not mark or mark.startswith("W/") else mark


def _length(said: str) -> int | None:
    """The number of bytes that a server states; None where it is none."""
    return int(said) if said.isdecimal() and len(said) <= MOST_DIGITS else None


def _shown(name: str, have: int, total: int | None, answer: Any) -> Iterator[bytes]:
    """The blocks of an answer, with progress in MB where the size is known."""
    blocks = paced(answer)
    if total is None:
        yield from blocks
        return
    with progress(f"fetch {name}", total / 1e6, "MB", have / 1e6) as advance:
        for block in blocks:
            advance(len(block) / 1e6)
            yield block
