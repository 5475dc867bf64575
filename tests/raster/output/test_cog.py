"""What is written reads back the same, and nothing half-written is ever seen."""

import resource
import signal
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import RasterWriter, write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window, strips, tiles

ROTATED = Affine(1.9, 1.0, 500_000.0, 0.7, -2.8, 6_000_000.0)
UTM = CRS.from_epsg(32632)


def noise(seed: int, bands: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (bands, height, width), dtype=np.uint8)


def category_names(path: Path) -> list[str]:
    """The category names as GDAL reads them: its VRT driver writes down what it sees."""
    seen = path.with_suffix(".vrt")
    rasterio.shutil.copy(path, seen, driver="VRT")
    return [name.text or "" for name in ET.parse(seen).iter("Category")]


def write_and_break(path: Path, grid: Grid, error: type[BaseException], **options: bool) -> None:
    before = path.exists()
    with RasterWriter(path, grid, bands=1, dtype="uint8", class_names={1: "a"}, **options) as writer:
        writer.write(np.zeros((1, 10, grid.width), np.uint8), Window(0, 0, 10, grid.width))
        assert path.exists() == before, "not before it is complete"
        raise error


def test_windows_of_any_shape_give_the_whole(tmp_path: Path, seed: int) -> None:
    array = noise(seed, 3, 531, 300)
    grid = Grid(531, 300, UTM, ROTATED)
    write_geotiff(tmp_path / "whole.tif", array, grid)
    with RasterWriter(tmp_path / "parts.tif", grid, bands=3, dtype="uint8") as writer:
        for window in [*strips(531, 300, 37), *tiles(531, 300, 100, 30)]:
            writer.write(array[:, *window.slices], window)
    for name in ("whole.tif", "parts.tif"):
        with rasterio.open(tmp_path / name) as written:
            np.testing.assert_array_equal(written.read(), array)


def test_everything_about_a_class_map_comes_back(tmp_path: Path, seed: int) -> None:
    classes = noise(seed, 1, 600, 520) % 4
    names = {0: "no data", 1: "Grass & herbs", 3: "Wasser <tief> ü"}
    colours = {1: (10, 200, 30), 2: (1, 2, 3), 3: (0, 0, 255)}
    write_geotiff(
        tmp_path / "map.tif",
        classes,
        Grid(600, 520, UTM, ROTATED),
        nodata=0,
        colours=colours,
        class_names=names,
        band_names=["land cover"],
        tags={"MODEL": "m"},
    )
    with rasterio.open(tmp_path / "map.tif") as written:
        assert written.crs == UTM
        assert written.transform.almost_equals(ROTATED)
        assert written.nodata == 0
        assert written.descriptions == ("land cover",)
        assert written.tags()["MODEL"] == "m"
        assert {key: text for key, text in written.tags(1).items() if key.startswith("CLASS_")} == {
            f"CLASS_{value}": name for value, name in names.items()
        }
        palette = written.colormap(1)
        assert {value: palette[value][:3] for value in colours} == colours
        assert palette[0][3] == 0, "nodata is transparent"
        assert written.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert written.overviews(1) == [2, 4]
        valid = classes[classes > 0]
        assert float(written.tags(1)["STATISTICS_MEAN"]) == pytest.approx(valid.mean())
        assert float(written.tags(1)["STATISTICS_MINIMUM"]) == valid.min()
        np.testing.assert_array_equal(written.read(), classes)
        coarse = written.read(1, out_shape=(300, 260))
        assert set(np.unique(coarse)) <= {0, 1, 2, 3}, "an overview holds classes, not means"
    assert category_names(tmp_path / "map.tif") == ["no data", "Grass & herbs", "", "Wasser <tief> ü"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map.tif", "map.tif.aux.xml", "map.vrt"]


def test_a_scene_without_georeferencing_gives_a_map_without(tmp_path: Path, seed: int) -> None:
    write_geotiff(tmp_path / "plain.tif", noise(seed, 2, 40, 30), Grid(40, 30), scale=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(tmp_path / "plain.tif") as written:
            assert written.crs is None
            assert written.transform.is_identity
            assert written.scales == (0.5, 0.5)
            assert written.nodata is None


@pytest.mark.parametrize("bands", range(1, 6))
def test_no_band_is_taken_for_transparency(tmp_path: Path, seed: int, bands: int) -> None:
    values = np.random.default_rng(seed).integers(0, 255, (bands, 9, 7), dtype=np.uint8)
    path = tmp_path / "all.tif"
    write_geotiff(path, values, Grid(9, 7), nodata=255)
    assert np.array_equal(open_scene(path).read()[0], values)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_interrupted_file_leaves_nothing(tmp_path: Path, error: type[BaseException]) -> None:
    target = tmp_path / "new" / "folder" / "map.tif"
    grid = Grid(300, 300, UTM, ROTATED)
    with pytest.raises(error):
        write_and_break(target, grid, error)
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_is_kept_or_replaced_whole(tmp_path: Path) -> None:
    target, grid = tmp_path / "map.tif", Grid(20, 20, UTM, ROTATED)
    write_geotiff(target, np.ones((1, 20, 20), np.uint8), grid, class_names={1: "one"})
    old = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(InputError, match=r"map\.tif: exists already.*--overwrite"):
        write_geotiff(target, np.zeros((1, 20, 20), np.uint8), grid)
    with pytest.raises(ZeroDivisionError):
        write_and_break(target, grid, ZeroDivisionError, overwrite=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == old
    write_geotiff(target, np.zeros((1, 20, 20), np.uint8), grid, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["map.tif"], "no stale class names"
    with rasterio.open(target) as written:
        assert not written.read().any()


@pytest.mark.parametrize("room", [300_000, 1_100_000])
def test_a_full_disk_is_one_line_and_no_file(tmp_path: Path, seed: int, room: int) -> None:
    # 300 kB: full while filling; 1100 kB: full while finishing.
    before = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[0][1]))
    try:
        with pytest.raises(InputError, match=r"map\.tif: cannot be written") as caught:
            write_geotiff(tmp_path / "map.tif", noise(seed, 1, 1024, 1024), Grid(1024, 1024))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before[0])
        signal.signal(signal.SIGXFSZ, before[1])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"map\.tif: cannot be written"):
        write_geotiff(tmp_path / "file" / "map.tif", np.ones((1, 2, 2), np.uint8), Grid(2, 2))
