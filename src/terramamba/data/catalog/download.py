"""Fetching the files of a data set: what broke off goes on, what is wrong is removed.

pooch compares checksums and puts a file under its name only when they agree. What has come so far of a file
is kept in ``.NAME.part`` beside it, with the server's mark of that version, so that a later attempt asks for
the rest alone.
"""

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import disk_usage, rmtree
from typing import Any

from terramamba._version import __version__
from terramamba.core.durable import replace, sync_file, sync_folder, sync_tree
from terramamba.core.errors import InputError, reason_of
from terramamba.core.network import AGAIN, CONNECT_SECONDS, PATIENCE_SECONDS, TRIES, pause
from terramamba.core.progress import progress
from terramamba.data.catalog.record import DataSet, Remote

BLOCK = 1 << 16
"""Bytes; what had come of a block is lost when a transfer breaks."""
MOST_FETCHED = 100 << 30
"""Bytes of a file of which the server does not say how long it is."""
MOST_UNPACKED = 200 << 30
"""Bytes that the files of an archive may have together; the largest set of the catalogue has 16 GB."""
MOST_FILES = 1_000_000
"""Files that an archive may have."""


def download(record: DataSet, root: Path) -> list[str]:
    """Fetch into ``root`` what is not there yet, and say what was done, one line a file.

    Raises:
        InputError: nothing can be fetched without asking, a server that refuses, a transfer that breaks
            (which the same call goes on with), a wrong checksum (the file is removed), a damaged archive.
    """
    if not record.remotes:
        raise InputError(f"{record.name}: cannot be fetched without asking; to get it, {record.where}")
    root.mkdir(parents=True, exist_ok=True)
    return [_fetch(remote, root, record) for remote in record.remotes]


def _fetch(remote: Remote, root: Path, record: DataSet) -> str:
    import pooch
    from requests import RequestException

    target = root / (remote.name if remote.folder is None else remote.folder)
    if remote.folder is not None and target.is_dir():
        return f"{target}: there already"
    pooch.get_logger().setLevel("ERROR")
    try:
        pooch.retrieve(
            remote.url,
            known_hash=remote.checksum,
            fname=remote.name,
            path=root,
            downloader=_Resuming(root / f".{remote.name}.part"),
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
    if remote.folder is None:
        return f"{target}: fetched" + ("" if remote.checksum else " (no checksum is known for it)")
    _unpack(root / remote.name, target)
    return f"{target}: fetched and unpacked"


class _Resuming:
    """Downloads as pooch wants it, keeping in ``part`` what has come until all of it is there."""

    def __init__(self, part: Path) -> None:
        self.part = part
        self.mark = part.with_suffix(".mark")

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
        with requests.get(
            url, headers=headers, stream=True, timeout=(CONNECT_SECONDS, PATIENCE_SECONDS)
        ) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink()  # more came than there is: another file
                return self._get(url)
            answer.raise_for_status()
            goes_on = answer.status_code == requests.codes.partial_content
            have = have if goes_on else 0
            if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                raise InputError(f"{url}: the server sent another part of the file; remove {self.part}")
            self._remember(answer.headers)
            rest = answer.headers.get("Content-Length")
            total = None if rest is None else have + int(rest)
            with self.part.open("ab" if goes_on else "wb") as file:
                for block in _shown(self.part.name, have, total, answer):
                    file.write(block)
                    if total is None and file.tell() > MOST_FETCHED:
                        raise InputError(
                            f"{url}: the server sends more than {MOST_FETCHED / 1e9:,.0f} GB without an end;"
                            f" remove {self.part}, and get the file by hand"
                        )
        return self._have() if total is None else total

    def _remember(self, headers: Mapping[str, str]) -> None:
        """Keep the mark of this version; without one, a broken transfer begins anew."""
        mark = headers.get("ETag", "")
        mark = headers.get("Last-Modified", "") if not mark or mark.startswith("W/") else mark
        if mark:
            self.mark.write_text(mark, encoding="utf-8")
        else:
            self.mark.unlink(missing_ok=True)


def _shown(name: str, have: int, total: int | None, answer: Any) -> Iterator[bytes]:
    """The blocks of an answer, with progress in MB where the size is known."""
    blocks = answer.iter_content(BLOCK)
    if total is None:
        yield from blocks
        return
    with progress(
        f"fetch {name.removeprefix('.').removesuffix('.part')}", total / 1e6, "MB", have / 1e6
    ) as advance:
        for block in blocks:
            advance(len(block) / 1e6)
            yield block


def _require_room(archive: Path, file: zipfile.ZipFile, aside: Path) -> None:
    """Refuse an archive that would fill the disk; names in it that lead elsewhere zipfile leaves out."""
    entries = file.infolist()
    size, room = sum(entry.file_size for entry in entries), disk_usage(aside.parent).free
    if size > min(MOST_UNPACKED, room) or len(entries) > MOST_FILES:
        raise InputError(
            f"{archive}: holds {len(entries):,} files of {size / 1e9:,.1f} GB, more than can be unpacked here"
            f" ({room / 1e9:,.1f} GB are free); make room, or remove the archive"
        )


def _unpack(archive: Path, target: Path) -> None:
    """Unpack into ``target``, which appears only when whole, and remove the archive.

    A single folder around everything that is called as ``target`` is left out.
    """
    aside = target.with_name(f".{target.name}.part")
    rmtree(aside, ignore_errors=True)
    try:
        with zipfile.ZipFile(archive) as file:
            _require_room(archive, file, aside)
            file.extractall(aside)
    except (zipfile.BadZipFile, OSError) as error:
        rmtree(aside, ignore_errors=True)
        raise InputError(
            f"{archive}: cannot be unpacked ({reason_of(error)}); remove it and try again"
        ) from error
    sync_tree(aside)
    inside = [path for path in aside.iterdir() if path.name != "__MACOSX"]
    if len(inside) == 1 and inside[0].is_dir() and inside[0].name == target.name:
        inside[0].rename(target)
        rmtree(aside)
    else:
        aside.rename(target)
    sync_folder(target.parent)
    archive.unlink()
