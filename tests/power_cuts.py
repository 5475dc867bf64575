"""Power cuts: what a disk may hold where a command of terramamba was ended by one, at any of its steps.

As a program it runs a command in the current folder and records each step by which it names, syncs or removes
something there::

    python power_cuts.py RECORD classify map ...

What was not synced by then may be on the disk or not. Contents count as synced from an ``fsync`` of their
file on, whoever wrote them, GDAL for example; names from an ``fsync`` of their folder. ``cuts`` tells, for
each step, what may be found after a cut just before it.
"""

import hashlib
import json
import os
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Names = dict[str, dict[str, int]]
"""Of each folder, by its number (as text, which JSON has for keys), the numbers of what has a name in it."""


@dataclass(frozen=True)
class Step:
    """What is about to be done, and the disk before it: as it would be without a cut, and what is sure of it.

    ``removed`` are names that were removed, and their folder was not synced since: (folder, name, number).
    """

    action: str
    root: int
    folders: list[int]
    names: Names
    contents: dict[str, str]
    synced_names: Names
    synced_contents: dict[str, str]
    removed: list[tuple[int, str, int]]


Disk = dict[str, bytes | None]
"""What lies where, by its path: the content of files, None for folders."""


@dataclass(frozen=True)
class Cut:
    """A power cut after the steps ``done``, and the ``disk`` that it may leave."""

    name: str
    done: list[str]
    disk: Disk


class Recorder:
    """Records the steps of this process below ``root``. Contents go to ``record``, by their hash."""

    def __init__(self, root: Path, record: Path) -> None:
        self.root, self.record = root, record
        self.steps: list[Step] = []
        self.removed: list[tuple[int, str, int]] = []
        self.held: dict[int, int] = {}
        self.kept: dict[tuple[int, int, int], str] = {}
        record.mkdir()
        _, self.names, self.contents = self.look()

    def look(self) -> tuple[list[int], Names, dict[str, str]]:
        """What is there now. All is held open, so that numbers are not given twice."""
        folders, names, contents = [], Names(), dict[str, str]()
        for path in (self.root, *self.root.rglob("*")):
            status = path.stat()
            number = status.st_ino
            if number not in self.held:
                self.held[number] = os.open(path, os.O_RDONLY)
            if path.is_dir():
                folders.append(number)
                names[str(number)] = {entry.name: entry.stat().st_ino for entry in path.iterdir()}
            else:
                version = (number, status.st_size, status.st_mtime_ns)
                if version not in self.kept:
                    self.kept[version] = self.keep(path.read_bytes())
                contents[str(number)] = self.kept[version]
        return folders, names, contents

    def keep(self, content: bytes) -> str:
        key = hashlib.sha256(content).hexdigest()[:24]
        (self.record / key).write_bytes(content)
        return key

    def before(self, action: str) -> None:
        folders, names, contents = self.look()
        root = self.root.stat().st_ino
        self.steps.append(
            Step(
                action,
                root,
                folders,
                names,
                contents,
                {folder: dict(entries) for folder, entries in self.names.items()},
                dict(self.contents),
                list(self.removed),
            )
        )

    def synced(self, handle: int) -> None:
        status = os.fstat(handle)
        number = status.st_ino
        if stat.S_ISDIR(status.st_mode):
            self.names[str(number)] = {entry.name: entry.stat().st_ino for entry in os.scandir(handle)}
            self.removed = [one for one in self.removed if one[0] != number]
        else:
            self.contents[str(number)] = self.keep(Path(f"/proc/self/fd/{handle}").read_bytes())

    def wrap(self) -> None:
        """Have the functions of ``os`` tell what they do below the root."""
        fsync = os.fsync

        def syncing(handle: int) -> None:
            path = Path(f"/proc/self/fd/{handle}").readlink()
            if path.is_relative_to(self.root):
                self.before(f"sync {path.relative_to(self.root)}")
            fsync(handle)
            if path.is_relative_to(self.root):
                self.synced(handle)

        os.fsync = syncing
        for name in ("unlink", "remove", "rmdir", "mkdir", "replace", "rename"):
            setattr(os, name, self.telling(name, getattr(os, name)))

    def telling(self, name: str, do: Callable[..., None]) -> Callable[..., None]:
        def told(first: Any, *more: Any, dir_fd: int | None = None, **options: Any) -> None:
            folder = Path.cwd() if dir_fd is None else Path(f"/proc/self/fd/{dir_fd}").readlink()
            path = folder / first
            if dir_fd is not None:
                options["dir_fd"] = dir_fd
            if not path.is_relative_to(self.root):
                return do(first, *more, **options)
            ends = [path, *more[:1]] if name in ("replace", "rename") else [path]
            self.before(" ".join([name, *(os.path.relpath(end, self.root) for end in ends)]))
            gone = (path.parent.stat().st_ino, path.name, path.lstat().st_ino) if path.exists() else None
            do(first, *more, **options)
            if name in ("unlink", "remove", "rmdir") and gone is not None:
                self.removed.append(gone)
            return None

        return told


def cuts(record: Path, *, at_the_end: bool = False) -> Iterator[Cut]:
    """All cuts, or those ``at_the_end``, and what each may leave; of those that leave the same the last.

    - "synced": only what is sure, and files that were not synced are empty
    - "named": all names as they were, and files that were not synced are empty
    - "torn": all names, and the second half of what was not synced is zeros
    - "removed": only what is sure, but for what was removed since
    """
    found, done = dict[str, Cut](), list[str]()
    steps = [Step(**entry) for entry in json.loads((record / "steps.json").read_text())]
    for number, step in enumerate(steps):
        if at_the_end and number < len(steps) - 1:
            continue
        for way in ("synced", "named", "torn", "removed"):
            disk = dict(_below(step, way, record, step.root, ""))
            key = hashlib.sha256(repr(sorted(disk.items())).encode()).hexdigest()
            found[key] = Cut(f"{number} before {step.action}: {way}", list(done), disk)
        done.append(step.action)
    yield from found.values()


def _below(step: Step, way: str, record: Path, folder: int, path: str) -> Iterator[tuple[str, bytes | None]]:
    names = step.names if way in ("named", "torn") else step.synced_names
    for name, number in names.get(str(folder), {}).items():
        if way == "removed" and [folder, name, number] in step.removed:
            continue
        if number in step.folders or str(number) in step.synced_names:
            yield path + name, None
            yield from _below(step, way, record, number, f"{path}{name}/")
        else:
            yield path + name, _content(step, way, record, str(number))


def _content(step: Step, way: str, record: Path, number: str) -> bytes:
    now, sure = step.contents.get(number), step.synced_contents.get(number)
    if sure is not None:
        return (record / sure).read_bytes()
    content = b"" if now is None else (record / now).read_bytes()
    half = len(content) // 2
    return content[:half] + bytes(len(content) - half) if way == "torn" else b""


def lay_out(disk: Disk, folder: Path) -> None:
    """Write ``disk`` to ``folder``."""
    folder.mkdir()
    for name, content in disk.items():
        if content is None:
            (folder / name).mkdir(exist_ok=True)
        else:
            (folder / name).write_bytes(content)


if __name__ == "__main__":
    from terramamba.cli import main

    recorder = Recorder(Path.cwd(), Path(sys.argv[1]))
    recorder.wrap()
    status = main(sys.argv[2:])
    recorder.before("the end")
    (recorder.record / "steps.json").write_text(json.dumps([asdict(step) for step in recorder.steps]))
    sys.exit(status)
