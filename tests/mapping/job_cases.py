"""What the tests of jobs share: commands, and what they must leave in a folder."""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT, TimeoutExpired

import numpy as np
import rasterio

from programs import start


@dataclass(frozen=True)
class Job:
    """A command without its outputs, the flags that name them, and their paths; the first is the map."""

    words: tuple[str, ...]
    outputs: dict[str, str]
    parts: int

    def command(self, *more: object) -> list[str]:
        flags = [word for flag, path in self.outputs.items() for word in (flag, path)]
        return [*self.words, *flags, *map(str, more)]

    @property
    def folder(self) -> str:
        """Where its parts lie."""
        return f".{self.outputs['--out']}.parts"


@dataclass(frozen=True)
class Ended:
    status: int
    seconds: float
    said: str


@dataclass(frozen=True)
class Jobs:
    classify: Job
    change: Job
    home: Path
    """Where each job has been done without a break, in a folder of its kind."""

    @staticmethod
    def run(folder: Path, words: list[str], kill_after: float | None = None, **trouble: object) -> Ended:
        """Run a command in ``folder``; it may be killed after a time, or be in ``trouble`` (``troubled``)."""
        program = (Path(__file__).with_name("troubled.py"), json.dumps(trouble))
        begin = time.monotonic()
        with start(*program, *words, cwd=folder, stderr=STDOUT) as process:
            try:
                said, _ = process.communicate(kill_after)
            except TimeoutExpired:
                process.kill()
                said, _ = process.communicate()
        return Ended(process.returncode, time.monotonic() - begin, said)

    def whole(self, job: Job) -> Path:
        """The folder of the unbroken run of ``job``."""
        folder = self.home / f"whole {job.words[0]} of {job.parts}"
        if not folder.exists():
            folder.mkdir()
            ended = self.run(folder, job.command())
            assert ended.status == 0, ended.said
        return folder


def styles_of(names: Iterable[str]) -> set[str]:
    """The styles beside rasters and polygons of these names."""
    return {name.rpartition(".")[0] + ".qml" for name in names if name.endswith((".tif", ".gpkg"))}


def pixels(folder: Path, job: Job) -> dict[str, np.ndarray]:
    """What a finished job wrote, and that nothing else lies there."""
    expected = {*job.outputs.values(), f"{job.outputs['--out']}.aux.xml", *styles_of(job.outputs.values())}
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == expected
    folders = {path.name for path in folder.rglob("*") if path.is_dir()}
    assert folders == {Path(name).parent.name for name in expected} - {""}
    values = {}
    for name in job.outputs.values():
        if name.endswith(".tif"):
            with rasterio.open(folder / name) as file:
                values[name] = file.read()
    return values


def assert_whole(jobs: Jobs, job: Job, folder: Path) -> None:
    """In ``folder`` lie the outputs of ``job`` and nothing else, with the pixels of an unbroken run."""
    found, expected = pixels(folder, job), pixels(jobs.whole(job), job)
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values, err_msg=name)
