"""What a finished land-cover map can have beside its classes, and what is made of small patches."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pyogrio
import pytest
import rasterio
from job_cases import Jobs

from terramamba.api import join_map, map_classes
from terramamba.core.errors import InputError
from terramamba.landcover.map_summary import ClassSummary
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff


def read(path: Path) -> np.ndarray:
    with rasterio.open(path) as file:
        return file.read()


def mapped(jobs: Jobs, out: Path, scene: Path | None = None, **options: object) -> ClassSummary:
    """Map the jobs' scene, in rows of 30 unless told otherwise."""
    options = {"strip_rows": 30, "progress": False, **options}
    return map_classes(jobs.home / "cover", scene or jobs.home / "scene.tif", out, **options)


@pytest.fixture(scope="module")
def plain(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> np.ndarray:
    """The classes as they are."""
    out = tmp_path_factory.mktemp("plain") / "map.tif"
    assert "small patches" not in mapped(jobs, out).shown().facts
    return read(out)[0]


def test_small_patches_go_in_map_and_areas_however_the_scene_is_cut(
    jobs: Jobs, tmp_path: Path, plain: np.ndarray
) -> None:
    out = tmp_path / "map.tif"
    summary = mapped(jobs, out, probabilities=tmp_path / "p.tif", areas=tmp_path / "a.csv", min_area=4 * 400)
    found = read(out)[0]
    assert summary.small is not None
    assert summary.small.pixels == np.count_nonzero(found != plain) > 0
    assert " of less than 1600 m2 took the class of their largest" in summary.shown().facts["small patches"]
    np.testing.assert_array_equal(found == 0, plain == 0)
    assert [entry.pixels for entry in summary.classes] == [np.count_nonzero(found == k) for k in (1, 2, 3)]
    with rasterio.open(out) as file:
        assert file.tags()["MIN_AREA"] == "1600"
        assert file.tags(1)["CLASS_2"] == "class 2"
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "a.csv",
        "map.qml",
        "map.tif",
        "map.tif.aux.xml",
        "p.qml",
        "p.tif",
    ]
    # No patch has its largest probability elsewhere than the map without --min-area has its class.
    there = plain > 0
    likely = read(tmp_path / "p.tif")
    assert (likely.max(axis=0) == np.take_along_axis(likely, np.maximum(plain, 1)[None] - 1, 0))[
        0, there
    ].all()
    for shard in ("1/2", "2/2"):
        mapped(jobs, tmp_path / "rows.tif", strip_rows=7, min_area=4 * 400, shard=shard)
    joined = join_map(tmp_path / "rows.tif", progress=False)
    np.testing.assert_array_equal(read(tmp_path / "rows.tif")[0], found)
    assert isinstance(joined, ClassSummary)
    assert joined.small == summary.small


def test_without_a_place_on_the_earth_patches_are_counted_in_pixels(jobs: Jobs, tmp_path: Path) -> None:
    values = read(jobs.home / "scene.tif")[:, :20, :20]
    write_geotiff(tmp_path / "scene.tif", values, Grid(20, 20), nodata=-1)
    summary = mapped(jobs, tmp_path / "map.tif", tmp_path / "scene.tif", min_area=3)
    assert summary.small is not None
    assert (summary.small.unit, summary.small.least) == ("pixels", 3)
    assert summary.small.patches > 0


def test_outlines_of_classes_are_those_of_the_finished_map(jobs: Jobs, tmp_path: Path) -> None:
    out, files = tmp_path / "map.tif", [tmp_path / "c.gpkg", tmp_path / "c.geojson"]
    summary = mapped(jobs, out, min_area=4 * 400, polygons=files, simplify=1, areas=tmp_path / "a.csv")
    found = read(out)[0]
    assert [path.name for path in summary.files] == ["map.tif", "c.gpkg", "c.geojson", "a.csv"]
    for file in files:
        meta, _, _, columns = pyogrio.raw.read(file)
        told = dict(zip(meta["fields"], columns, strict=True))
        assert summary.patches == len(told["id"])
        for entry in summary.classes:
            of_class = told["code"] == entry.value
            assert set(told["class"][of_class]) <= {entry.name}
            assert told["pixels"][of_class].sum() == entry.pixels == np.count_nonzero(found == entry.value)
    assert summary.shown().facts["patches"] == f"{summary.patches:,}"


def test_outlines_that_cannot_be_written_are_refused_before_anything_is_mapped(
    jobs: Jobs, tmp_path: Path
) -> None:
    write_geotiff(tmp_path / "scene.tif", read(jobs.home / "scene.tif"), Grid(61, 47), nodata=-1)
    for options, words in (
        ({"polygons": tmp_path / "c.shp"}, r"c\.shp: polygons are written as"),
        ({"simplify": 1}, "--simplify 1: is for polygons"),
        ({"polygons": tmp_path / "c.geojson"}, r"c\.geojson: GeoJSON is in longitude"),
    ):
        with pytest.raises(InputError, match=words):
            mapped(jobs, tmp_path / "map.tif", tmp_path / "scene.tif", **options)
    assert [path.name for path in tmp_path.iterdir()] == ["scene.tif"]


def test_classes_without_colours_have_some_in_the_style(jobs: Jobs, tmp_path: Path) -> None:
    run, out = Path(shutil.copytree(jobs.home / "cover", tmp_path / "run")), tmp_path / "map.tif"
    card = json.loads((run / "model.json").read_text())
    for entry in card["classes"]:
        entry["colour"] = None
    (run / "model.json").write_text(json.dumps(card))
    map_classes(run, jobs.home / "scene.tif", out, progress=False)
    entries = ElementTree.parse(out.with_suffix(".qml")).iter("paletteEntry")
    assert len({entry.get("color") for entry in entries}) == 3
