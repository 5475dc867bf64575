"""Images, masks and addresses that change while they are mapped: an error, never a map of two versions."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from job_cases import Ended, Job, Jobs, assert_whole

from served import serving

THIRD_PART = 4
"""Of the files that are renamed the first is the job's record, so that two parts are whole by then."""


def copied(path: Path, folder: Path, end: str) -> Path:
    """The raster ``path`` in another format, in ``folder``."""
    target = folder / f"{path.stem}{end}"
    if end == ".npy":
        with rasterio.open(path) as file:
            np.save(target, file.read().transpose(1, 2, 0))
        return target
    driver = {".tif": "GTiff", ".img": "ENVI"}[end]
    rasterio.shutil.copy(path, target, driver=driver)
    return target


def mapped(job: Job, folder: Path, places: dict[str, Path | str]) -> Job:
    """``job`` with other images than its own, by their stems."""
    words = tuple(str(places.get(Path(word).stem, word)) for word in job.words)
    return replace(job, words=words)


def refused(ended: Ended, changed: object) -> None:
    assert ended.status == 1
    (line,) = (line for line in ended.said.splitlines() if line.startswith("error: "))
    assert f"{changed}: was changed, cut or replaced while it was in use" in line
    assert "kept" not in line


@pytest.mark.parametrize(
    ("end", "change"),
    [
        (".tif", "cut"),
        (".tif", "swap"),
        (".img", "cut"),
        (".img", "touch"),
        (".img", "remove"),
        (".npy", "cut"),
        (".npy", "swap"),
    ],
)
def test_a_scene_that_changes_gives_no_map(jobs: Jobs, tmp_path: Path, end: str, change: str) -> None:
    scene = copied(jobs.home / "scene.tif", tmp_path, end)
    job = mapped(jobs.classify, tmp_path, {"scene": scene})
    out = tmp_path / "out"
    out.mkdir()
    ended = jobs.run(out, job.command(), change_after_call=("replace", THIRD_PART, change, str(scene)))
    refused(ended, scene)
    assert [path.name for path in out.iterdir()] == [job.folder]
    if change == "touch":  # what is there now is another scene
        ended = jobs.run(out, job.command())
        assert ended.status == 1
        assert f"the scene {scene} as it was then, and it has changed since" in ended.said
        assert jobs.run(out, job.command("--overwrite")).status == 0


@pytest.mark.parametrize("date", ["before", "after"])
def test_a_date_of_a_pair_that_changes_gives_no_map(jobs: Jobs, tmp_path: Path, date: str) -> None:
    image = copied(jobs.home / f"{date}.tif", tmp_path, ".img")
    job = mapped(jobs.change, tmp_path, {date: image})
    out = tmp_path / "out"
    out.mkdir()
    # A header says where pixels lie.
    header = image.with_suffix(".hdr")
    ended = jobs.run(out, job.command(), change_after_call=("replace", THIRD_PART, "touch", str(header)))
    refused(ended, header)
    assert [path.name for path in out.iterdir()] == [job.folder]


@pytest.mark.parametrize("kind", ["classify", "change"])
def test_a_mask_that_changes_gives_no_map(jobs: Jobs, tmp_path: Path, kind: str) -> None:
    job: Job = getattr(jobs, kind)
    mask = copied(jobs.home / ("scene.tif" if kind == "classify" else "before.tif"), tmp_path, ".tif")
    ended = jobs.run(
        tmp_path,
        job.command("--mask", mask),
        change_after_call=("replace", THIRD_PART, "swap", str(mask)),
    )
    refused(ended, mask)
    assert not (tmp_path / "map.tif").exists()


def test_a_part_of_a_vrt_that_changes_gives_no_map(jobs: Jobs, tmp_path: Path) -> None:
    part = copied(jobs.home / "scene.tif", tmp_path, ".tif")
    outer = tmp_path / "outer.vrt"
    rasterio.shutil.copy(part, outer, driver="VRT")
    job = mapped(jobs.classify, tmp_path, {"scene": outer})
    ended = jobs.run(tmp_path, job.command(), change_after_call=("replace", THIRD_PART, "touch", str(part)))
    refused(ended, part)


def test_workers_look_at_what_they_read(jobs: Jobs, tmp_path: Path) -> None:
    scene = copied(jobs.home / "scene.tif", tmp_path, ".img")
    job = mapped(jobs.classify, tmp_path, {"scene": scene})
    # The record is the one file that this process renames.
    ended = jobs.run(
        tmp_path, job.command("--workers", "2"), change_after_call=("replace", 1, "touch", str(scene))
    )
    refused(ended, scene)
    assert not list(tmp_path.glob("*/*.npz"))


def test_an_address_that_gives_another_version_gives_no_map(jobs: Jobs, tmp_path: Path) -> None:
    scene = copied(jobs.home / "scene.tif", tmp_path, ".tif")
    out = tmp_path / "out"
    out.mkdir()
    with serving(tmp_path) as server:
        job = mapped(jobs.classify, tmp_path, {"scene": f"{server}/scene.tif"})
        ended = jobs.run(out, job.command(), change_after_call=("replace", 20, "touch", str(scene)))
        refused(ended, f"{server}/scene.tif")
        # No part can be trusted.
        assert not list((out / job.folder).glob("*.npz"))
        ended = jobs.run(out, job.command())
        assert ended.status == 0, ended.said
    assert_whole(jobs, jobs.classify, out)


def test_a_scene_that_changed_before_its_shards_are_joined(jobs: Jobs, tmp_path: Path) -> None:
    scene = copied(jobs.home / "scene.tif", tmp_path, ".tif")
    job = mapped(jobs.classify, tmp_path, {"scene": scene})
    out = tmp_path / "out"
    out.mkdir()
    assert jobs.run(out, job.command("--shard", "1/1")).status == 0
    scene.touch()
    refused(jobs.run(out, ["join", "map.tif"]), scene)
    # One that is gone is not another.
    scene.unlink()
    assert jobs.run(out, ["join", "map.tif"]).status == 0
    assert_whole(jobs, jobs.classify, out)
