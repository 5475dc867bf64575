"""What a run that goes on accepts and refuses, shards, and disks that fill up."""

import json
import signal
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from job_cases import Job, Jobs, assert_whole

from small_disk import small_disk
from terramamba.core.folder_lock import lock_folder


@pytest.fixture(params=["classify", "change"])
def job(jobs: Jobs, request: pytest.FixtureRequest) -> Job:
    return getattr(jobs, request.param)


def begun(jobs: Jobs, job: Job, folder: Path) -> None:
    """Half of the parts."""
    folder.mkdir()
    ended = jobs.run(folder, job.command("--shard", "1/2"))
    assert ended.status == 0, ended.said


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_shards_and_join_give_the_same_map(jobs: Jobs, job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "shards"
    folder.mkdir()
    for shard in ("3/3", "1/3"):
        ended = jobs.run(folder, job.command("--shard", shard))
        assert ended.status == 0, ended.said
        assert "terramamba join map.tif" in ended.said
    assert {path.name for path in folder.iterdir()} == {job.folder}
    before = files(folder)
    ended = jobs.run(folder, ["join", "map.tif"])
    assert ended.status == 1
    assert f"{job.parts // 3} of {job.parts} parts are missing (2, 5, 8, 11" in ended.said
    assert files(folder) == before
    ended = jobs.run(folder, job.command("--shard", "2/3"))
    assert "none; now: terramamba join map.tif" in ended.said
    ended = jobs.run(folder, ["join", "map.tif"])
    assert ended.status == 0, ended.said
    assert "hectares" in ended.said
    assert_whole(jobs, job, folder)
    ended = jobs.run(folder, ["join", "map.tif"])
    assert ended.status == 1
    assert "map.tif: exists already, and no parts of it are left to join" in ended.said


def test_other_arguments_are_refused_and_named(jobs: Jobs, job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    begun(jobs, job, folder)
    before = files(folder)
    cases = [(("--batch-size", "3"), ("--batch-size", "not --batch-size 3"))]
    if job is jobs.classify:
        cases.append((("--strip-rows", "3"), ("windows of 2 x 47 pixels, not windows of 3 x 47 pixels",)))
    else:
        cases.append((("--threshold", "0.5"), ("with --threshold 0.45, not --threshold 0.5",)))
        cases.append((("--min-area", "9"), ("--min-area 0.0, not --min-area 9.0",)))
    for flags, words in cases:
        ended = jobs.run(folder, job.command(*flags))
        assert ended.status == 1
        assert ended.said.count("error: ") == 1
        for word in ("map.tif: parts of a run with", job.folder, "--overwrite", *words):
            assert word in ended.said
        assert files(folder) == before
    # Anew, with the same arguments as before: what was done counts.
    parts = {name: (folder / name).stat().st_mtime_ns for name in before if name.endswith(".npz")}
    assert jobs.run(folder, job.command("--shard", "1/2", "--overwrite")).status == 0
    assert {name: (folder / name).stat().st_mtime_ns for name in parts} == parts
    # And with others: not.
    assert jobs.run(folder, job.command("--shard", "1/2", "--overwrite", "--batch-size", "3")).status == 0
    assert (
        json.loads((folder / job.folder / "job.json").read_text())["facts"]["batch_size"][0]
        == "--batch-size 3"
    )


def test_a_scene_that_changed_is_refused(jobs: Jobs, tmp_path: Path) -> None:
    copytree(Path(jobs.classify.words[3]).parent, tmp_path / "home")
    words = (*jobs.classify.words[:3], str(tmp_path / "home" / "scene.tif"), *jobs.classify.words[4:])
    job = Job(words, jobs.classify.outputs, jobs.classify.parts)
    begun(jobs, job, tmp_path / "out")
    (tmp_path / "home" / "scene.tif").touch()
    ended = jobs.run(tmp_path / "out", job.command())
    assert ended.status == 1
    assert "the scene" in ended.said
    assert "has changed since" in ended.said


def test_a_second_run_at_the_same_time_is_refused(jobs: Jobs, job: Job, tmp_path: Path) -> None:
    folder = tmp_path / "begun"
    begun(jobs, job, folder)
    with lock_folder(folder / job.folder, alone=False) as lock:
        assert lock is not None
        ended = jobs.run(folder, job.command())
        assert ended.status == 1
        assert "map.tif: another run is at work on it" in ended.said
        assert jobs.run(folder, job.command("--shard", "2/2")).status == 0
    ended = jobs.run(folder, job.command())
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, folder)


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "ended by SIGTERM"),
        (signal.SIGHUP, 129, "ended by SIGHUP"),
    ],
)
def test_signals_that_ask_for_an_end_keep_what_is_done(
    jobs: Jobs, job: Job, tmp_path: Path, number: int, status: int, words: str
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    # The first file that is renamed is the record, the others are parts.
    ended = jobs.run(folder, job.command(), kill_after_call=("replace", 9), signal=number)
    assert ended.status == status
    assert ended.said.splitlines()[-1] == f"{words}: give the same command again"
    assert [path.name for path in folder.iterdir()] == [job.folder]
    assert len(list((folder / job.folder).glob("[0-9]*.npz"))) == 8
    ended = jobs.run(folder, job.command())
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, folder)


def test_what_a_killed_shard_was_writing_goes_with_the_next(jobs: Jobs, tmp_path: Path) -> None:
    begun(jobs, jobs.classify, tmp_path / "out")
    parts = tmp_path / "out" / jobs.classify.folder
    before = files(parts)
    (parts / ".half.npz").write_bytes(b"half")
    again = jobs.classify.command("--shard", "1/2")
    with lock_folder(parts, alone=False):  # another shard, which may be writing it
        assert jobs.run(tmp_path / "out", again).status == 0
        assert (parts / ".half.npz").exists()
    assert jobs.run(tmp_path / "out", again).status == 0
    assert files(parts) == before


@pytest.mark.parametrize("torn", [False, True])
def test_lost_drafts_and_torn_ones_are_drafted_anew(jobs: Jobs, tmp_path: Path, torn: bool) -> None:
    job, folder = jobs.classify, tmp_path / "out"
    folder.mkdir()
    assert jobs.run(folder, job.command(), kill_after_call=("publish", 1)).status == -signal.SIGKILL
    draft = folder / "far" / ".p.tif.part" / "p.tif"
    if torn:  # as a disk leaves it that says too early that it has it all
        content = draft.read_bytes()
        draft.write_bytes(content[: len(content) // 2] + bytes(len(content) - len(content) // 2))
    else:
        draft.unlink()
    ended = jobs.run(folder, job.command())
    assert ended.status == 1
    assert "map.tif: exists already" in ended.said
    ended = jobs.run(folder, job.command("--overwrite"))
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, folder)


def test_join_from_another_folder_is_refused(jobs: Jobs, tmp_path: Path) -> None:
    begun(jobs, jobs.classify, tmp_path / "out")
    ended = jobs.run(tmp_path, ["join", "out/map.tif"])
    assert ended.status == 1
    assert "out/map.tif: its shards called it map.tif; join it in the folder where they ran" in ended.said


def test_a_damaged_part_is_made_anew(jobs: Jobs, job: Job, tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "begun"
    begun(jobs, job, folder)
    first, second = sorted((folder / job.folder).glob("*.npz"))[:2]
    first.write_bytes(first.read_bytes()[:100])
    content = bytearray(second.read_bytes())
    content[int(np.random.default_rng(seed).integers(200, 300))] ^= 4
    second.write_bytes(content)
    ended = jobs.run(folder, job.command())
    assert ended.status in (0, 1)
    if ended.status:
        assert "part 3 was damaged and has been removed; the same command" in ended.said
        assert jobs.run(folder, job.command()).status == 0
    assert_whole(jobs, job, folder)


def test_a_disk_that_fills_up(jobs: Jobs, job: Job, tmp_path: Path) -> None:
    begun(jobs, job, tmp_path / "begun")
    part = max(path.stat().st_size for path in (tmp_path / "begun" / job.folder).glob("*.npz"))
    folder = tmp_path / "disk"
    with small_disk(folder, 1 << 20):
        ballast = folder / "ballast"
        # A disk has whole pages: the record, and then room for about ten parts.
        pages = -(-(part + 4096) // 4096)
        ballast.write_bytes(bytes((1 << 20) - 10 * pages * 4096 - 16 * 4096))
        ended = jobs.run(folder, job.command())
        assert ended.status == 1
        (line,) = (line for line in ended.said.splitlines() if line.startswith("error: "))
        assert "cannot be written" in line
        assert "done and kept: the same command goes on" in line
        assert {path.name for path in folder.iterdir()} == {"ballast", job.folder}
        done = len(list((folder / job.folder).glob("[0-9]*.npz")))
        assert 0 < done <= job.parts
        ballast.unlink()
        ended = jobs.run(folder, job.command())
        assert ended.status == 0, ended.said
        assert_whole(jobs, job, folder)


@pytest.mark.parametrize("room", [200, 50_000])
def test_a_file_that_cannot_grow(jobs: Jobs, tmp_path: Path, room: int) -> None:
    """Without a disk of its own: no part can be written, or no GeoPackage, which has 100 kB at least."""
    job = jobs.change
    folder = tmp_path / "out"
    folder.mkdir()
    ended = jobs.run(folder, job.command(), longest_file=room)
    assert ended.status == 1
    assert ("job.json: " if room == 200 else "c.gpkg: ") in ended.said
    assert "cannot be written" in ended.said
    left = [path.name for path in folder.iterdir()]
    assert left == ([] if room == 200 else [job.folder])
    ended = jobs.run(folder, job.command())
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, folder)


@pytest.mark.parametrize(("number", "kept"), [(1, 0), (21, 8), (67, 31)])
def test_a_disk_that_says_at_a_sync_that_it_is_full(
    jobs: Jobs, tmp_path: Path, number: int, kept: int
) -> None:
    """As network file systems do: what was written is refused when it is to be kept."""
    job = jobs.classify
    ended = jobs.run(tmp_path, job.command(), full_at_sync=number)
    assert ended.status == 1
    assert "cannot be written (No space left on device)" in ended.said
    assert len(list(tmp_path.glob(f"{job.folder}/[0-9]*.npz"))) == kept
    assert not (tmp_path / "map.tif").exists()
    ended = jobs.run(tmp_path, job.command())
    assert ended.status == 0, ended.said
    assert_whole(jobs, job, tmp_path)


def test_what_spreading_refuses(jobs: Jobs, tmp_path: Path) -> None:
    for flags, words in (
        (("--workers", "0"), "--workers 0: at least 1"),
        (("--shard", "3/2"), "--shard 3/2: give i/n"),
        (("--shard", "two"), "--shard two: give i/n"),
        (("--workers", "2", "--dask", "tcp://127.0.0.1:1"), "exclude each other"),
    ):
        ended = jobs.run(tmp_path, jobs.classify.command(*flags))
        assert ended.status == 1
        assert words in ended.said
    assert not any(tmp_path.iterdir())
