"""Worker processes and a Dask cluster: the same pixels, also when some of them are killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from job_cases import ENVIRONMENT, Job, Jobs, assert_same, pixels

PATIENCE_SECONDS = 120


@contextmanager
def started(folder: Path, *words: object) -> Iterator[subprocess.Popen[str]]:
    """A program that runs in ``folder``; it is killed at the end where it has not ended."""
    with subprocess.Popen(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(what: str, ready: object, process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while not ready():  # type: ignore[operator]
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.005)


def parts(folder: Path, job: Job) -> int:
    return len(list((folder / job.folder).glob("[0-9]*.npz")))


def children(process: subprocess.Popen[str]) -> list[int]:
    """Processes that ``process`` started and that run Python's workers."""
    found = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def whole(jobs: Jobs, tmp_path: Path) -> dict[str, np.ndarray]:
    """The outputs of ``jobs.change``, made by one process."""
    folder = tmp_path / "whole"
    folder.mkdir()
    ended = jobs.run(folder, jobs.change.command())
    assert ended.status == 0, ended.said
    return pixels(folder, jobs.change)


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")
def test_processes_that_die_leave_their_parts(
    jobs: Jobs, whole: dict[str, np.ndarray], tmp_path: Path
) -> None:
    job, folder = jobs.change, tmp_path / "out"
    folder.mkdir()
    command = ("-m", "terramamba", *job.command("--workers", "2"))
    with started(folder, *command) as process:
        wait_for("parts", lambda: parts(folder, job) > 1, process)
        workers = children(process)
        os.kill(workers[0], signal.SIGKILL)
        said = process.communicate()[0]
    assert process.returncode == 1, said
    assert "a worker was ended from outside" in said
    assert "done and kept: the same command goes on" in said
    before = parts(folder, job)
    assert 1 < before < job.parts
    with started(folder, *command) as process:
        wait_for("parts", lambda: parts(folder, job) > before, process)
        workers = children(process)
        process.kill()
    end = time.monotonic() + PATIENCE_SECONDS
    while any(map(runs, workers)):
        assert time.monotonic() < end, "workers outlive the run that they work for"
        time.sleep(0.01)
    ended = jobs.run(folder, job.command())
    assert ended.status == 0, ended.said
    assert_same(pixels(folder, job), whole)


def test_two_processes_from_a_script(jobs: Jobs, tmp_path: Path) -> None:
    """A script without the guard ``if __name__ == "__main__":`` is not run by the workers."""
    job = jobs.classify
    outputs = {name: tmp_path / name for name in ("whole", "shared")}
    for folder in outputs.values():
        folder.mkdir()
    assert jobs.run(outputs["whole"], job.command()).status == 0
    run, scene = job.words[2:4]
    (tmp_path / "script.py").write_text(
        "import terramamba\n"
        "print('once')\n"
        f"terramamba.map_classes({run!r}, {scene!r}, 'map.tif', probabilities='far/p.tif', workers=2,"
        " strip_rows=2)\n"
    )
    with started(outputs["shared"], tmp_path / "script.py") as process:
        said = process.communicate()[0]
    assert process.returncode == 0, said
    assert said.count("once") == 1
    assert_same(pixels(outputs["shared"], job), pixels(outputs["whole"], job))


def test_a_dask_cluster_that_loses_a_worker(jobs: Jobs, whole: dict[str, np.ndarray], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    job, folder, file = jobs.change, tmp_path / "out", tmp_path / "scheduler.json"
    home = tmp_path / "home"  # of the workers
    for place in (folder, home):
        place.mkdir()
    inputs = [os.path.relpath(word, folder) if Path(word).exists() else word for word in job.words]
    job = replace(job, words=tuple(inputs))
    quiet = ("--scheduler-file", file, "--no-dashboard")
    worker = (
        "-m",
        "distributed.cli.dask_worker",
        *quiet,
        "--nthreads",
        "1",
        "--no-nanny",
        "--host",
        "127.0.0.1",
    )
    scheduler = ("-m", "distributed.cli.dask_scheduler", *quiet, "--host", "127.0.0.1", "--port", "0")
    with (
        started(tmp_path, *scheduler) as server,
        started(home, *worker) as first,
        started(home, *worker),
    ):
        wait_for("the scheduler", file.exists, server)
        address = next(word for word in file.read_text().split('"') if word.startswith("tcp://"))
        with started(folder, "-m", "terramamba", *job.command("--dask", address)) as process:
            wait_for("parts", lambda: parts(folder, job) > 1, process)
            first.kill()
            said = process.communicate()[0]
        assert process.returncode == 0, said
    assert_same(pixels(folder, job), whole)


def test_no_dask_cluster_there(jobs: Jobs, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    ended = jobs.run(tmp_path, jobs.classify.command("--dask", "nowhere:port"))
    assert ended.status == 1
    assert "--dask nowhere:port: no scheduler answers there" in ended.said
    assert not any(tmp_path.iterdir())
