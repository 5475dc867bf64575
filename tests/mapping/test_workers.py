"""Worker processes and a Dask cluster: the same pixels, also when some of them are killed."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import rmtree
from subprocess import STDOUT
from typing import Any

import pytest
from job_cases import Job, Jobs, assert_whole

from programs import Process, start
from terramamba.api import map_classes
from terramamba.core.errors import InputError
from terramamba.mapping import executors

PATIENCE_SECONDS = 120


@contextmanager
def started(folder: Path, *words: object) -> Iterator[Process]:
    """A program that runs in ``folder``; it is killed at the end where it has not ended."""
    with start(*words, cwd=folder, stderr=STDOUT) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(what: str, ready: Callable[[], bool], process: Process) -> bool:
    """Whether it came before ``process`` ended well; on a busy machine a look may come too late."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not ready():
        if process.poll() is not None:
            assert process.returncode == 0, process.communicate()[0]
            return False
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.005)
    return True


def parts(folder: Path, job: Job) -> int:
    return len(list((folder / job.folder).glob("[0-9]*.npz")))


def workers_of(pid: int) -> list[int]:
    """Worker processes that the server of the process ``pid`` forked."""
    servers = [child for child in children_of(pid) if b"forkserver" in command_of(child)]
    return [worker for server in servers for worker in children_of(server)]


def children_of(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc")


@needs_proc
def test_a_worker_that_dies(jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.classify
    monkeypatch.chdir(tmp_path)

    def mapped() -> None:
        map_classes(*job.words[2:4], "map.tif", probabilities="far/p.tif", strip_rows=2, workers=2)

    with ThreadPoolExecutor() as thread:
        running = thread.submit(mapped)
        while parts(tmp_path, job) < 1:
            assert not running.done(), running.result()
            time.sleep(0.002)
        os.kill(workers_of(os.getpid())[0], signal.SIGKILL)
        with pytest.raises(InputError, match="a worker was ended from outside") as caught:
            running.result()
    done = parts(tmp_path, job)
    assert 0 < done < job.parts
    assert caught.value.__notes__[0].endswith("done and kept: the same command goes on")
    mapped()
    assert_whole(jobs, job, tmp_path)


@needs_proc
def test_workers_of_a_script_that_is_killed(jobs: Jobs, tmp_path: Path) -> None:
    """The workers end too; and a script without ``if __name__ == "__main__":`` is not run by them."""
    job, folder = jobs.classify, tmp_path / "out"
    run, scene = job.words[2:4]
    (tmp_path / "script.py").write_text(
        "import terramamba\n"
        "print('once', flush=True)\n"
        f"terramamba.map_classes({run!r}, {scene!r}, 'map.tif', probabilities='far/p.tif', workers=2,"
        " strip_rows=2)\n"
    )
    caught = False
    while not caught:
        rmtree(folder, ignore_errors=True)
        folder.mkdir()
        with started(folder, tmp_path / "script.py") as process:
            caught = wait_for("parts", lambda: parts(folder, job) > 0, process)
            workers = workers_of(process.pid) if caught else []
            process.kill()
            said = process.communicate()[0]
        assert said.count("once") == 1
    end = time.monotonic() + PATIENCE_SECONDS
    while any(map(runs, workers)):
        assert time.monotonic() < end, "workers outlive the run that they work for"
        time.sleep(0.01)
    ended = jobs.run(folder, job.command())
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, folder)


def test_a_dask_cluster_that_loses_a_worker(jobs: Jobs, tmp_path: Path) -> None:
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
        wait_for("the scheduler", lambda: file.exists() and "tcp://" in file.read_text(), server)
        address = next(word for word in file.read_text().split('"') if word.startswith("tcp://"))
        with started(folder, "-m", "terramamba", *job.command("--dask", address)) as process:
            wait_for("parts", lambda: parts(folder, job) > 1, process)
            first.kill()
            said = process.communicate()[0]
        assert process.returncode == 0, said
    assert_whole(jobs, job, folder)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, Process, Process]]:
    """The address of a Dask cluster of one worker, its scheduler and that worker."""
    pytest.importorskip("distributed")
    file = tmp_path / "scheduler.json"
    quiet = ("--scheduler-file", file, "--no-dashboard", "--host", "127.0.0.1")
    with (
        started(tmp_path, "-m", "distributed.cli.dask_scheduler", *quiet, "--port", "0") as server,
        started(
            tmp_path, "-m", "distributed.cli.dask_worker", *quiet, "--nthreads", "1", "--no-nanny"
        ) as worker,
    ):
        wait_for("the scheduler", lambda: file.exists() and "tcp://" in file.read_text(), server)
        yield next(word for word in file.read_text().split('"') if word.startswith("tcp://")), server, worker


@pytest.mark.parametrize("lost", ["scheduler", "worker"])
def test_what_a_lost_dask_cluster_has_done_stays_done(
    jobs: Jobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str, cluster: Any
) -> None:
    address, server, worker = cluster
    job, folder = jobs.classify, tmp_path / "out"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(executors, "WITHOUT_WORKERS", 1)
    monkeypatch.setattr(executors, "CHECK_SECONDS", 0.2)

    def mapped(**where: str) -> None:
        map_classes(*job.words[2:4], "map.tif", probabilities="far/p.tif", strip_rows=2, **where)

    with ThreadPoolExecutor() as thread:
        running = thread.submit(mapped, dask=address)
        while parts(folder, job) < 1:
            assert not running.done(), running.result()
            time.sleep(0.002)
        (server if lost == "scheduler" else worker).kill()
        said = "scheduler is lost" if lost == "scheduler" else "has had no worker for 1 seconds"
        with pytest.raises(InputError, match=rf"--dask {address}: the .*{said}.* give the same command"):
            running.result()
    assert parts(folder, job) >= 1
    mapped()
    assert_whole(jobs, job, folder)


def test_no_dask_cluster_there(jobs: Jobs, tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    ended = jobs.run(tmp_path, jobs.classify.command("--dask", "nowhere:port"))
    assert ended.status == 1
    assert "--dask nowhere:port: no scheduler answers there" in ended.said
    assert not any(tmp_path.iterdir())
