"""Runs are killed at random moments and gone on with: nothing is lost, doubled or left over.

``pytest tests/mapping/test_kill.py --kills 20 -s`` kills each job so many times and says when.
"""

import signal
from pathlib import Path
from shutil import copytree, rmtree

import numpy as np
import pyogrio
import pytest
from job_cases import Job, Jobs, assert_whole


def shapes(folder: Path, job: Job) -> list[bytes]:
    path = folder / job.outputs["--polygons"]
    return list(pyogrio.raw.read(path)[2])


@pytest.mark.parametrize("kind", ["classify", "change"])
def test_a_killed_run_goes_on_to_the_same_map(
    jobs: Jobs, tmp_path: Path, seed: int, kind: str, request: pytest.FixtureRequest
) -> None:
    job, random = getattr(jobs, kind), np.random.default_rng(seed)
    broken = tmp_path / "broken"
    broken.mkdir()
    unbroken = jobs.run(broken, job.command())
    moments: list[str] = []
    while len(moments) < request.config.getoption("--kills", 5):
        rmtree(broken, ignore_errors=True)
        broken.mkdir()
        for _ in range(4):
            after = random.uniform(0.02, unbroken.seconds)
            ended = jobs.run(broken, job.command(), kill_after=after)
            if ended.status != -signal.SIGKILL:
                break
            moments.append(f"{len(list((broken / job.folder).glob('[0-9]*.npz')))} of {job.parts}")
        else:
            ended = jobs.run(broken, job.command())
        # A kill may meet the last moment, when everything is in its place.
        assert ended.status == 0 or "map.tif: exists already" in ended.said, ended.said
        assert_whole(jobs, job, broken)
        if "--polygons" in job.outputs:
            assert shapes(broken, job) == shapes(jobs.whole(job), job)
    print("parts at the kills:", ", ".join(moments))


@pytest.fixture(scope="module")
def mapped(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which ``jobs.change`` has all its parts and no map."""
    folder = tmp_path_factory.mktemp("mapped")
    assert jobs.run(folder, jobs.change.command("--shard", "1/1")).status == 0
    return folder


@pytest.mark.parametrize("step", ["publish", "rmtree", "replace", "unlink", "rmdir"])
def test_a_kill_between_two_steps_of_finishing(
    jobs: Jobs, mapped: Path, tmp_path: Path, seed: int, step: str
) -> None:
    """Moments that random kills seldom meet: after the first call of a function, a later one, and so on."""
    job, random = jobs.change, np.random.default_rng(seed)
    broken = copytree(mapped, tmp_path / "broken")
    call, kills = 1, 0
    while (ended := jobs.run(broken, job.command(), kill_after_call=(step, call))).status == -signal.SIGKILL:
        call += int(random.integers(1, 3 if step in ("publish", "rmdir") else 12))
        kills += 1
    assert kills
    assert ended.status == 0 or "map.tif: exists already" in ended.said, ended.said
    assert_whole(jobs, job, broken)
