"""What maps are made of and what is written beside them: masks, warped dates, STAC items, polygons, areas."""

import csv
import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from job_cases import Job, Jobs, pixels


def values(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read(1)


def write(path: Path, array: np.ndarray, like: Path, transform: Affine | None = None, **tags: str) -> Path:
    """``array`` (c, h, w) in the reference system of ``like``, on its grid or another."""
    with rasterio.open(like) as file:
        profile = file.profile | {"count": len(array), "dtype": array.dtype.name}
        if transform is not None:
            profile |= {"transform": transform, "height": array.shape[1], "width": array.shape[2]}
    with rasterio.open(path, "w", **profile) as file:
        file.write(array)
        file.update_tags(**tags)
    return path


@pytest.mark.parametrize("kind", ["classify", "change"])
def test_masked_pixels_are_not_mapped(jobs: Jobs, tmp_path: Path, kind: str) -> None:
    job: Job = getattr(jobs, kind)
    whole = pixels(jobs.whole(job), job)["map.tif"][0]
    nodata = 0 if kind == "classify" else 255
    scene = jobs.home / ("scene.tif" if kind == "classify" else "before.tif")
    clouds = np.zeros((1, *whole.shape), np.float32)
    clouds[0, 5:9, 3:30] = 1
    with rasterio.open(scene) as file:
        a, b, c, d, e, f, *_ = file.transform
    coarse = Affine(2 * a, b, c, d, 2 * e, f)
    fog = np.zeros((1, (whole.shape[0] + 1) // 2, (whole.shape[1] + 1) // 2), np.float32)
    fog[0, 10:12, 4:7] = 7
    marked = clouds[0] > 0
    marked[20:24, 8:14] = True
    masks = [write(tmp_path / "clouds.tif", clouds, scene), write(tmp_path / "fog.tif", fog, scene, coarse)]
    folder = tmp_path / "out"
    folder.mkdir()
    ended = jobs.run(folder, job.command("--mask", ",".join(map(str, masks))))
    assert ended.status == 0, ended.said
    found = pixels(folder, job)
    np.testing.assert_array_equal(found["map.tif"][0] == nodata, (whole == nodata) | marked)
    assert (found["far/p.tif"][:, marked] == 255).all()


def test_a_mask_that_changed_is_other_arguments(jobs: Jobs, tmp_path: Path) -> None:
    scene = jobs.home / "scene.tif"
    mask = write(tmp_path / "mask.tif", np.ones((1, *values(scene).shape), np.float32), scene)
    job = jobs.classify
    assert jobs.run(tmp_path, job.command("--mask", mask, "--shard", "1/4")).status == 0
    ended = jobs.run(tmp_path, job.command("--shard", "2/4"))
    assert ended.status == 1
    assert f"parts of a run with --mask {mask}, not no --mask, lie beside it" in ended.said
    assert "the same command" not in ended.said


def test_the_second_date_is_warped_where_asked_and_that_is_said(jobs: Jobs, tmp_path: Path) -> None:
    before, job = jobs.home / "before.tif", jobs.change
    with rasterio.open(jobs.home / "after.tif") as file:
        array, (a, b, c, d, e, f, *_) = file.read(), file.transform
    moved = write(tmp_path / "moved.tif", array, before, Affine(a, b, c + 2 * a, d, e, f + 3 * e))
    words = [*job.words[:3], str(before), str(moved), *job.words[5:]]
    folder = tmp_path / "out"
    folder.mkdir()
    refused = jobs.run(folder, [*words, "--out", "map.tif"])
    assert refused.status == 1
    assert "give --align" in refused.said
    assert not list(folder.iterdir())
    ended = jobs.run(folder, [*words, "--out", "map.tif", "--align", "bilinear"])
    assert ended.status == 0, ended.said
    assert f"note: {moved} was warped onto {before} (bilinear)" in ended.said
    whole, found = pixels(jobs.whole(job), job)["map.tif"][0], values(folder / "map.tif")
    assert found.shape == whole.shape
    with rasterio.open(folder / "map.tif") as file, rasterio.open(before) as first:
        assert file.transform == first.transform
    # What the second date does not show is no data.
    assert (found[:3] == 255).all()
    assert (found[:, :2] == 255).all()
    assert (found[3:, 2:] != 255).any()


def test_polygons_are_smoothed_and_dated_and_areas_tabled(jobs: Jobs, tmp_path: Path) -> None:
    job, like = jobs.change, jobs.home / "before.tif"
    with rasterio.open(like) as first, rasterio.open(jobs.home / "after.tif") as second:
        dates = (first.read(), second.read())
    days = ("2019:07:01 10:11:12", "2021:08:02 09:00:00")
    files = [
        write(tmp_path / f"{name}.tif", array, like, TIFFTAG_DATETIME=day)
        for name, array, day in zip(("first", "second"), dates, days, strict=True)
    ]
    words = [*job.words[:3], *map(str, files), *job.words[5:], "--simplify", "1"]
    outputs = job.outputs | {"--areas": "areas.csv"}
    folder = tmp_path / "out"
    folder.mkdir()
    ended = jobs.run(folder, [*words, *(word for pair in outputs.items() for word in pair)])
    assert ended.status == 0, ended.said
    about, _, shapes, columns = pyogrio.raw.read(folder / "near/c.gpkg")
    told = dict(zip(about["fields"], columns, strict=True))
    assert {str(day)[:10] for day in told["date_before"]} == {"2019-07-01"}
    assert {str(day)[:10] for day in told["date_after"]} == {"2021-08-02"}
    changed = values(folder / "map.tif") == 1
    assert told["pixels"].sum() == changed.sum()
    _, _, plain, _ = pyogrio.raw.read(jobs.whole(job) / "near/c.gpkg")
    corners = [shapely.get_num_coordinates(shapely.from_wkb(of)).sum() for of in (shapes, plain)]
    assert corners[0] < corners[1]
    with (folder / "areas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == ["unchanged", "changed"]
    assert int(rows[1]["pixels"]) == changed.sum()
    assert float(rows[1]["hectares"]) == pytest.approx(changed.sum() * 400 / 1e4, rel=0.01)


def test_classes_are_tabled_too_and_refused_under_another_name(jobs: Jobs, tmp_path: Path) -> None:
    job = jobs.classify
    refused = jobs.run(tmp_path, job.command("--areas", "areas.txt"))
    assert refused.status == 1
    assert "ends in .csv" in refused.said
    assert not list(tmp_path.iterdir())
    ended = jobs.run(tmp_path, job.command("--areas", "areas.csv"))
    assert ended.status == 0, ended.said
    with (tmp_path / "areas.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = values(tmp_path / "map.tif")
    assert [(int(row["value"]), int(row["pixels"])) for row in rows] == [
        (code, np.count_nonzero(found == code)) for code in (1, 2, 3)
    ]
    assert sum(float(row["share"]) for row in rows) == pytest.approx(1)


def stac_item(path: Path, image: Path, bands: int) -> Path:
    item = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": path.stem,
        "geometry": None,
        "properties": {"datetime": "2020-05-04T10:00:00Z"},
        "links": [],
        "assets": {
            "image": {
                "href": str(image),
                "type": "image/tiff; application=geotiff; profile=cloud-optimized",
                "roles": ["data"],
                "eo:bands": [{"name": f"b{i}"} for i in range(bands)],
            }
        },
    }
    path.write_text(json.dumps(item), encoding="utf-8")
    return path


@pytest.mark.parametrize("kind", ["classify", "change"])
def test_stac_items_are_mapped_as_their_files_are(jobs: Jobs, tmp_path: Path, kind: str) -> None:
    pytest.importorskip("pystac_client", reason="the extra stac is not installed")
    job: Job = getattr(jobs, kind)
    names, bands = (("scene",), 4) if kind == "classify" else (("before", "after"), 2)
    items = [stac_item(tmp_path / f"{name}.json", jobs.home / f"{name}.tif", bands) for name in names]
    rest = job.words[3 + len(names) :]
    words = [*job.words[:3], *rest, "--stac", ",".join(map(str, items))]
    folder = tmp_path / "out"
    folder.mkdir()
    outputs = [word for pair in job.outputs.items() for word in pair]
    ended = jobs.run(folder, [*words, *outputs])
    assert ended.status == 0, ended.said
    whole, found = pixels(jobs.whole(job), job), pixels(folder, job)
    for name, array in whole.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--stac", "{scene}"], "give either items or files"),
        (["--stac", "missing.json"], "is no STAC item"),
        ([], "SCENE: one image is needed"),
    ],
)
def test_items_that_cannot_be_used_are_refused(
    jobs: Jobs, tmp_path: Path, more: list[str], said: str
) -> None:
    run, scene = jobs.classify.words[2:4]
    files = [run, scene] if said == "give either items or files" else [run]
    words = [word.format(scene=scene) for word in more]
    ended = jobs.run(tmp_path, ["classify", "map", *files, *words, "--out", "map.tif"])
    assert ended.status == 1
    assert said in ended.said
    assert not list(tmp_path.iterdir())


def test_outputs_of_one_name_and_parts_of_the_inputs_are_refused(jobs: Jobs, tmp_path: Path) -> None:
    run, before, after = jobs.change.words[2:5]
    date = tmp_path / "date.vrt"
    date.write_text(
        '<VRTDataset rasterXSize="100" rasterYSize="120">'
        + "".join(
            f'<VRTRasterBand dataType="Float32" band="{band}"><SimpleSource><SourceFilename>{after}'
            f"</SourceFilename><SourceBand>{band}</SourceBand></SimpleSource></VRTRasterBand>"
            for band in (1, 2)
        )
        + "</VRTDataset>"
    )
    for flags, words in (
        (("--out", "map.tif", "--probabilities", "./map.tif"), "map.tif: named for two outputs"),
        (("--out", "map.tif", "--probabilities", "Map.tif"), "one file with map.tif here or elsewhere"),
        (("--out", "map.tif", "--polygons", "a.gpkg,./a.gpkg"), "a.gpkg: named for two outputs; give each"),
        (("--out", after, "--overwrite"), "after.tif: would replace its own input"),
        (
            ("--out", "map.tif", "--probabilities", f"{run}/split.tif"),
            "split.tif: would replace its own input",
        ),
    ):
        ended = jobs.run(tmp_path, ["change", "map", run, before, str(date), *flags])
        assert ended.status == 1
        assert words in ended.said
        assert ended.said.splitlines()[-1].startswith("error: ")
    assert [path.name for path in tmp_path.iterdir()] == ["date.vrt"]
