"""Maps as STAC items: valid, with classes, dates and how they came about; no images to who opens items."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from job_cases import Jobs
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

pystac = pytest.importorskip("pystac", reason="the extra stac is not installed")


def dated(path: Path, like: Path, day: str) -> Path:
    with rasterio.open(like) as file:
        values, profile = file.read(), file.profile
    with rasterio.open(path, "w", **profile) as file:
        file.write(values)
        file.update_tags(TIFFTAG_DATETIME=day)
    return path


def read(path: Path) -> tuple[dict[str, Any], Any]:
    """The item as JSON and as pystac understands it, valid where its schemas can be asked."""
    record = json.loads(path.read_text(encoding="utf-8"))
    if _can_validate():
        from pystac.validation import validate_dict

        # pystac brings the standard's own schemas; those of extensions come from the network.
        validate_dict(record | {"stac_extensions": []})
    return record, pystac.read_file(str(path))


def _can_validate() -> bool:
    try:
        import jsonschema  # noqa: F401
    except ImportError:
        return False
    return True


@pytest.fixture(scope="module")
def change(jobs: Jobs, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a change map of two dates, its polygons, probabilities and item."""
    folder = tmp_path_factory.mktemp("change")
    dates = [
        dated(folder / f"{name}.tif", jobs.home / f"{name}.tif", day)
        for name, day in (("before", "2019:07:01 10:11:12"), ("after", "2021:08:02 09:00:00"))
    ]
    job = jobs.change
    words = [*job.words[:3], *map(str, dates), *job.words[5:]]
    outputs = [word for pair in job.outputs.items() for word in pair]
    ended = jobs.run(folder, [*words, *outputs, "--areas", "areas.csv", "--item", "items/map.json"])
    assert ended.status == 0, ended.said
    assert "items/map.json" in ended.said
    return folder


def test_the_item_says_where_when_and_how(change: Path) -> None:
    record, item = read(change / "items/map.json")
    told = item.properties
    assert item.datetime is None
    assert (told["start_datetime"], told["end_datetime"]) == ("2019-07-01T00:00:00Z", "2021-08-02T23:59:59Z")
    west, south, east, north = item.bbox
    assert west < east < west + 0.1
    assert south < north
    assert item.ext.proj.code == "EPSG:32632"
    with rasterio.open(change / "map.tif") as file:
        assert item.ext.proj.shape == [file.height, file.width]
        assert item.ext.proj.transform == list(file.transform)[:6]
        assert item.ext.proj.bbox == list(file.bounds)
        tags = file.tags()
    assert set(told["processing:software"]) == {"terramamba", "PyTorch"}
    made = datetime.fromisoformat(told["processing:datetime"])
    assert made == datetime.fromisoformat(tags["WRITTEN"]).astimezone(UTC)
    assert tags["MODEL_SHA256"] in told["processing:lineage"]
    assert (told["terramamba:run"], told["terramamba:threshold"]) == ("change", "0.45")
    assert {"title", "created"} <= told.keys()
    assert record["links"] == []


def test_the_item_leads_to_every_file_from_where_it_lies(change: Path) -> None:
    _, item = read(change / "items/map.json")
    item.make_asset_hrefs_absolute()
    files = {Path(asset.href) for asset in item.assets.values()}
    written = {path for path in change.rglob("*") if path.is_file()}
    assert files == written - {change / name for name in ("before.tif", "after.tif", "items/map.json")}
    kinds = {key: (asset.media_type, asset.roles) for key, asset in item.assets.items()}
    cog = "image/tiff; application=geotiff; profile=cloud-optimized"
    assert kinds["map"] == kinds["probabilities"] == (cog, ["data"])
    assert kinds["polygons"] == ("application/geopackage+sqlite3", ["data"])
    assert kinds["areas"] == ("text/csv", ["data"])
    assert kinds["map-style"] == ("application/xml", ["style"])
    assert kinds["map-names"] == ("application/xml", ["metadata"])


def test_classes_and_bands_are_those_of_the_files(change: Path) -> None:
    record, item = read(change / "items/map.json")
    classes = item.assets["map"].ext.classification.classes
    assert [(one.value, one.name, one.color_hint) for one in classes] == [
        (0, "unchanged", "E1E1E1"),
        (1, "changed", "D7191C"),
    ]
    probabilities = record["assets"]["probabilities"]
    assert probabilities["nodata"] == 255
    (band,) = probabilities["bands"]
    assert band["name"] == "probability of change"
    assert band["raster:scale"] == pytest.approx(1 / 254)


def test_a_map_is_no_image_to_whoever_opens_its_item(change: Path) -> None:
    with pytest.raises(InputError, match=r"map\.json: lists a map that terramamba made, no image.*map\.tif"):
        open_scene(change / "items/map.json")


def test_land_cover_of_an_item_is_derived_from_it_and_has_its_day(jobs: Jobs, tmp_path: Path) -> None:
    pytest.importorskip("odc.stac", reason="the extra stac is not installed")
    scene = pystac.Item("scene", None, None, datetime(2020, 5, 4, 10, tzinfo=UTC), {})
    scene.add_asset("image", pystac.Asset(str(jobs.home / "scene.tif"), media_type=pystac.MediaType.COG))
    bands = [{"name": f"b{number}"} for number in range(4)]
    scene.assets["image"].extra_fields = {"eo:bands": bands}
    scene.save_object(dest_href=str(tmp_path / "scene.json"), include_self_link=False)
    words = [*jobs.classify.words[:3], *jobs.classify.words[4:], "--stac", "scene.json"]
    ended = jobs.run(tmp_path, [*words, "--out", "map.tif", "--item", "map.json"])
    assert ended.status == 0, ended.said
    record, item = read(tmp_path / "map.json")
    assert item.properties["start_datetime"] == "2020-05-04T00:00:00Z"
    (link,) = record["links"]
    assert (link["rel"], link["href"]) == ("derived_from", "./scene.json")
    classes = item.assets["map"].ext.classification.classes
    assert [one.value for one in classes if one.nodata] == [0]
    assert all(one.color_hint for one in classes if not one.nodata)


def test_without_a_date_the_time_of_mapping_stands_and_that_is_said(jobs: Jobs, tmp_path: Path) -> None:
    ended = jobs.run(tmp_path, [*jobs.classify.words, "--out", "map.tif", "--item", "map.json"])
    assert ended.status == 0, ended.said
    _, item = read(tmp_path / "map.json")
    assert item.datetime is not None
    assert item.properties["description"] == "The images tell no date: datetime is when the map was made."


def test_an_item_that_cannot_be_is_refused_before_anything_is_mapped(jobs: Jobs, tmp_path: Path) -> None:
    refused = jobs.run(tmp_path, [*jobs.classify.words, "--out", "map.tif", "--item", "map.tif.xml"])
    assert refused.status == 1
    assert "ends in .json" in refused.said
    with rasterio.open(jobs.home / "scene.tif") as file:
        values = file.read()
    write_geotiff(tmp_path / "nowhere.tif", values, Grid(*values.shape[1:]), nodata=-1.0)
    words = [*jobs.classify.words[:3], "nowhere.tif", *jobs.classify.words[4:]]
    refused = jobs.run(tmp_path, [*words, "--out", "map.tif", "--item", "map.json"])
    assert refused.status == 1
    assert "map.json: a STAC item says where on Earth a map lies" in refused.said
    assert {path.name for path in tmp_path.iterdir()} == {"nowhere.tif"}


@pytest.mark.parametrize("colours", [{1: (0, 80, 0), 2: (0, 90, 0)}, {}])
def test_a_system_without_a_code_is_told_in_words(tmp_path: Path, colours: dict[int, Any]) -> None:
    from terramamba.mapping.stac_item import WrittenFile, write_item

    own = CRS.from_proj4("+proj=laea +lat_0=48 +lon_0=9 +datum=WGS84 +units=m")
    grid = Grid(4, 5, own, rasterio.Affine(10, 0, 0, 0, -10, 0))
    tags = {"TIFFTAG_IMAGEDESCRIPTION": "classes", "WRITTEN": "2024-01-01T00:00:00+00:00"}
    tags |= dict.fromkeys(("MODEL", "RUN", "MODEL_SHA256"), "m")
    named = {0: "no data", 1: "Wald", 2: "森"}
    target = tmp_path / "own.tif"
    write_geotiff(
        target, np.ones((1, 4, 5), np.uint8), grid, nodata=0, tags=tags, class_names=named, colours=colours
    )
    write_item(tmp_path / "own.json", tmp_path / "own.json", [WrittenFile("--out", target, target)], [None])
    record, item = read(tmp_path / "own.json")
    assert record["properties"]["proj:code"] is None
    assert CRS.from_wkt(item.ext.proj.wkt2) == own
    classes = record["assets"]["map"]["classification:classes"]
    assert [(one["name"], one["title"]) for one in classes[1:]] == [("Wald", "Wald"), ("class_2", "森")]
    assert [one.get("color_hint") for one in classes[1:]] == (["005000", "005A00"] if colours else [None] * 2)
