"""Pairs and scenes that tables and folders name may be whatever opens as a scene."""

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.data.catalog.oscd import BANDS
from terramamba.data.pairs.copies import find_copies
from terramamba.data.pairs.image_pair import same_pairs
from terramamba.data.pairs.layouts import find_pairs
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

HERE = Grid(20, 24, CRS.from_epsg(32633), Affine(10, 0, 500_000, 0, -10, 5_000_000))
NOWHERE = Grid(20, 24, None, None)
LANDSAT = "LC08_L2SP_192025_20200601_20200825_02_T1_SR_B{}.TIF"


def number(band: int, seed: int, grid: Grid = HERE) -> np.ndarray:
    rng = np.random.default_rng(seed + band)
    return (100 * band + rng.integers(1, 99, (1, grid.height, grid.width))).astype(np.uint16)


def bands(folder: Path, seed: int, names: list[str], grid: Grid = HERE) -> Path:
    """Single bands, of which the n-th has the values 100 n to 100 n + 99."""
    folder.mkdir(parents=True)
    for band, name in enumerate(names, start=1):
        write_geotiff(folder / name, number(band, seed, grid), grid)
    return folder


def oscd(folder: Path, seed: int) -> Path:
    return bands(folder, seed, [f"{band}.tif" for band in BANDS], NOWHERE)


def landsat(folder: Path, seed: int) -> Path:
    return bands(folder, seed, [LANDSAT.format(band) for band in range(2, 8)])


def safe(folder: Path, seed: int) -> Path:
    names = [f"T33UUU_20200601T101031_{band}_10m.tif" for band in BANDS[1:4]]
    deep = bands(folder.with_suffix(".SAFE") / "GRANULE" / "L2A" / "IMG_DATA" / "R10m", seed, names)
    for path in deep.iterdir():
        path.rename(path.with_suffix(".jp2"))
    return folder.with_suffix(".SAFE")


def envi(folder: Path, seed: int) -> Path:
    folder.mkdir(parents=True)
    number(1, seed).tofile(folder / "image")
    (folder / "image.hdr").write_text(
        "ENVI\nsamples = 24\nlines = 20\nbands = 1\nheader offset = 0\ndata type = 12\ninterleave = bsq\n"
        "byte order = 0\n"
    )
    return folder / "image.hdr"


def zipped(folder: Path, seed: int) -> str:
    folder.mkdir(parents=True)
    write_geotiff(folder / "image.tif", number(1, seed), HERE)
    with zipfile.ZipFile(folder / "image.zip", "w") as archive:
        archive.write(folder / "image.tif", "image.tif")
    return f"/vsizip/{folder / 'image.zip'}/image.tif"


def addressed(folder: Path, seed: int) -> str:
    folder.mkdir(parents=True)
    write_geotiff(folder / "image.tif", number(1, seed), HERE)
    return (folder / "image.tif").as_uri()


def array(folder: Path, seed: int) -> str:
    folder.mkdir(parents=True)
    np.savez(folder / "cube.npz", first=np.zeros((20, 24, 3)), image=np.repeat(number(1, seed), 3, 0).T)
    return f"{folder / 'cube.npz'}:first"


def item(folder: Path, seed: int) -> Path:
    pytest.importorskip("pystac_client", reason="the extra stac is not installed")
    folder.mkdir(parents=True)
    write_geotiff(folder / "image.tif", number(1, seed), HERE)
    asset = {"href": "./image.tif", "type": "image/tiff; application=geotiff", "roles": ["data"]}
    record = {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": "one",
        "geometry": None,
        "properties": {"datetime": "2020-05-04T10:00:00Z"},
        "links": [],
        "assets": {"image": asset | {"eo:bands": [{"name": "b0"}]}},
    }
    (folder / "item.json").write_text(json.dumps(record))
    return folder / "item.json"


def virtual(folder: Path, seed: int) -> Path:
    folder.mkdir(parents=True)
    write_geotiff(folder / "image.tif", number(1, seed), HERE)
    (folder / "image.vrt").write_text(
        '<VRTDataset rasterXSize="24" rasterYSize="20"><VRTRasterBand dataType="UInt16" band="1">'
        '<SimpleSource><SourceFilename relativeToVRT="1">image.tif</SourceFilename><SourceBand>1</SourceBand>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    return folder / "image.vrt"


@pytest.mark.parametrize("make", [envi, item, virtual])
def test_files_that_point_to_pixels_are_not_taken_for_copies(tmp_path: Path, make) -> None:
    dates = [make(tmp_path / str(seed), seed) for seed in range(4)]
    (tmp_path / "pairs.csv").write_text(
        f"before,after,split\n{dates[0]},{dates[1]},train\n{dates[2]},{dates[3]},test\n"
    )
    found = find_pairs(tmp_path / "pairs.csv")
    assert dates[0].read_bytes() == dates[2].read_bytes()
    assert same_pairs(found["train"], found["test"]) == []


@pytest.mark.parametrize("make", [oscd, landsat, safe, envi, item, virtual, zipped, addressed, array])
def test_a_table_of_pairs_names_whatever_opens_as_a_scene(tmp_path: Path, make) -> None:
    dates = [make(tmp_path / date, seed) for seed, date in enumerate(("before", "after"))]
    axes = "rows,cols,bands" if make is array else None
    table = tmp_path / "pairs.csv"
    named = [str(date).removeprefix(f"{tmp_path}/") for date in dates]
    table.write_text(f"before,after,split\n{','.join(named)},train\n{','.join(named)},test\n")
    found = find_pairs(table, axes=axes)
    for date, path in zip(found["train"][0].open(), dates, strict=True):
        own = open_scene(path, axes=axes)
        assert date.band_names == own.band_names
        np.testing.assert_array_equal(date.read()[0], own.read()[0])
    assert len(same_pairs(found["train"], found["test"])) == 1
    find_copies(found["train"], found["test"])


def test_what_a_table_names_and_is_not_there_is_refused(tmp_path: Path) -> None:
    bands(tmp_path / "p1", 0, ["B01.tif", "B02.tif"])
    (tmp_path / "pairs.csv").write_text("before,after\np1,p2\n")
    with pytest.raises(InputError, match=r"line 2: no such after file .*p2; correct the table"):
        find_pairs(tmp_path / "pairs.csv")
    (tmp_path / "pairs.csv").write_text("before,after\np1,p1/B01.npz:x\n")
    with pytest.raises(InputError, match=r"B01\.npz:x"):
        find_pairs(tmp_path / "pairs.csv")


@pytest.mark.parametrize("make", [oscd, landsat])
def test_folders_of_pairs_may_hold_folders_of_bands(tmp_path: Path, make) -> None:
    for date, folder in enumerate(("A", "B")):
        for city in ("paris", "rennes"):
            make(tmp_path / "train" / folder / city, date)
    found = find_pairs(tmp_path)["train"]
    assert [pair.name for pair in found] == ["paris", "rennes"]
    before, after = found[1].open()
    np.testing.assert_array_equal(after.read()[0], open_scene(tmp_path / "train" / "B" / "rennes").read()[0])
    assert (before.read()[0] != after.read()[0]).any()


def test_bands_without_georeferencing_stand_in_the_order_of_training(tmp_path: Path) -> None:
    scene = open_scene(oscd(tmp_path / "imgs_1_rect", 3))
    assert scene.band_names == BANDS
    for band, values in enumerate(scene.read()[0], start=1):
        np.testing.assert_array_equal(values, number(band, 3, NOWHERE)[0])


def test_pictures_without_georeferencing_are_no_bands(tmp_path: Path) -> None:
    bands(tmp_path / "frames", 0, ["frame_01.tif", "frame_02.tif"], NOWHERE)
    with pytest.raises(InputError, match="has no georeferencing, so it cannot be placed beside others"):
        open_scene(tmp_path / "frames")
    two = bands(tmp_path / "two", 0, ["a_B01.tif", "b_B02.tif"], NOWHERE)
    with pytest.raises(InputError, match="has no georeferencing"):
        open_scene(two)
    write_geotiff(two / "a_B02.tif", np.ones((1, 5, 5), np.uint16), Grid(5, 5, None, None))
    (two / "b_B02.tif").unlink()
    with pytest.raises(InputError, match=r"a_B02\.tif: has 5 x 5 pixels, .*a_B01\.tif has 20 x 24"):
        open_scene(two)


def test_a_table_and_a_folder_of_scenes_take_folders_of_bands(tmp_path: Path) -> None:
    west = landsat(tmp_path / "tiles" / "west", 1)
    east = Grid(20, 24, HERE.crs, Affine(10, 0, 500_240, 0, -10, 5_000_000))
    bands(tmp_path / "tiles" / "east", 2, [LANDSAT.format(band) for band in range(2, 8)], east)
    (tmp_path / "table.csv").write_text("image\ntiles/west\ntiles/east\n")
    for given in (tmp_path / "table.csv", tmp_path / "tiles"):
        scene = open_scene(given)
        assert (scene.bands, scene.height, scene.width) == (6, 20, 48)
        np.testing.assert_array_equal(scene.read()[0][:, :, :24], open_scene(west).read()[0])
    (tmp_path / "table.csv").write_text(f"image\n{(west / LANDSAT.format(3)).as_uri()}\n")
    assert open_scene(tmp_path / "table.csv").bands == 1


def test_a_folder_of_dates_is_no_mosaic(tmp_path: Path) -> None:
    for date in (1, 2):
        landsat(tmp_path / "city" / f"date_{date}", date)
    with pytest.raises(InputError, match="city: date_1 and date_2 in it show the same ground"):
        open_scene(tmp_path / "city")
