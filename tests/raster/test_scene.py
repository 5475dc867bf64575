"""Scenes read through GDAL: windows, masks, formats, threads, and what damaged or unfit files get."""

import multiprocessing
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.enums import ColorInterp

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers import datasets, gdal_source
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, evenly_spaced

Make = Callable[..., Path]
UTM = rasterio.CRS.from_epsg(32633)
PLACE = Affine(30, 0, 500_000, 0, -30, 5_800_000)


def random_values(seed: int, shape: tuple[int, ...], dtype: str = "int16") -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 200, shape).astype(dtype)


def test_a_geotiff_opens_with_all_that_is_known(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (3, 7, 9))
    scene = open_scene(geotiff(tmp_path / "a.tif", values, nodata=-9999))
    assert (scene.bands, scene.height, scene.width, scene.dtype) == (3, 7, 9, "int16")
    assert (scene.format, scene.nodata, scene.crs, scene.transform) == ("GeoTIFF", -9999, UTM, PLACE)
    assert scene.band_names == ("band 1", "band 2", "band 3")
    assert (scene.wavelengths, scene.bad_bands, scene.scale) == (None, (False,) * 3, None)
    read, valid = scene.read()
    assert np.array_equal(read, values)
    assert valid.all()


def test_windows_and_bands_are_parts_of_the_whole(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (4, 40, 50), "uint16")
    values[:, 5:9, 3:30] = 7
    options = {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate", "nodata": 7}
    scene = open_scene(geotiff(tmp_path / "a.tif", values, **options))
    whole, valid = scene.read()
    assert np.array_equal(valid, values != 7)
    rng = np.random.default_rng(seed)
    for _ in range(20):
        row, col = int(rng.integers(0, 40)), int(rng.integers(0, 50))
        window = Window(row, col, int(rng.integers(1, 41 - row)), int(rng.integers(1, 51 - col)))
        bands = [int(b) for b in rng.integers(0, 4, 3)]
        part, good = scene.read(window, bands)
        assert np.array_equal(part, whole[bands][:, *window.slices])
        assert np.array_equal(good, valid[bands][:, *window.slices])
    assert scene.read(Window(0, 0, 0, 0))[0].shape == (4, 0, 0)
    assert scene.read(bands=[])[0].shape == (0, 40, 50)


def test_reads_outside_are_the_programmers_mistake(geotiff: Make, tmp_path: Path) -> None:
    scene = open_scene(geotiff(tmp_path / "a.tif", np.ones((2, 5, 5), np.uint8)))
    with pytest.raises(ValueError, match="not inside"):
        scene.read(Window(-1, 0, 3, 3))
    with pytest.raises(ValueError, match="bands 0 to 1"):
        scene.read(bands=[2])


def test_previews_are_pixels_of_the_scene(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (2, 60, 30))
    scene = open_scene(geotiff(tmp_path / "a.tif", values))
    thinned, valid = scene.preview(20)
    assert thinned.shape == valid.shape == (2, 20, 20)
    assert np.array_equal(thinned, values[:, evenly_spaced(0, 60, 20)][:, :, evenly_spaced(0, 30, 20)])
    assert np.array_equal(scene.preview(100)[0], values)


@pytest.mark.parametrize(
    ("dtype", "nodata", "marks"),
    [
        ("float32", float("nan"), float("nan")),
        ("float32", -9999.0, -9999.0),
        ("float32", -3.4028234663852886e38, np.finfo(np.float32).min),
        ("uint8", 255, 255),
        ("int32", -(2**31), -(2**31)),
    ],
)
def test_nodata_is_not_valid(geotiff: Make, tmp_path: Path, dtype: str, nodata: float, marks: float) -> None:
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    values[0, 1, 2] = marks
    scene = open_scene(geotiff(tmp_path / "a.tif", values, nodata=nodata))
    expected = np.ones(values.shape, bool)
    expected[0, 1, 2] = False
    assert np.array_equal(scene.read()[1], expected)


def test_nodata_that_the_type_cannot_hold_marks_nothing() -> None:
    values = np.arange(6, dtype=np.uint8)
    assert gdal_source.is_data(values, -9999.0).all()
    assert gdal_source.is_data(values, 2.5).all()
    assert gdal_source.is_data(values, float("nan")).all()
    assert gdal_source.is_data(values.astype(np.float32), -1.8e308).all()


def test_nan_without_a_nodata_value_is_a_value(geotiff: Make, tmp_path: Path) -> None:
    values = np.full((1, 2, 2), np.nan, np.float32)
    assert open_scene(geotiff(tmp_path / "a.tif", values)).read()[1].all()


def test_alpha_masks_and_is_no_band(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (4, 5, 6), "uint16")
    values[3] = 65535
    values[3, 2, 3:] = 0
    values[3, 0, 0] = 1
    path = geotiff(tmp_path / "a.tif", values, photometric="RGB", alpha="yes")
    with rasterio.open(path) as file:
        assert file.colorinterp[3] == ColorInterp.alpha
    scene = open_scene(path)
    read, valid = scene.read()
    assert (scene.bands, read.shape) == (3, (3, 5, 6))
    assert np.array_equal(valid, np.broadcast_to(values[3] > 0, (3, 5, 6)))
    assert "band 4 is transparency: used as a mask, not as a band" in scene.notes


def test_a_dataset_mask_and_nodata_both_count(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (2, 4, 5), "uint8")
    mask = np.full((4, 5), 255, np.uint8)
    mask[1, 1:4] = 0
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        path = geotiff(tmp_path / "a.tif", values)
        with rasterio.open(path, "r+") as file:
            file.write_mask(mask)
    assert np.array_equal(open_scene(path).read()[1], np.broadcast_to(mask > 0, values.shape))


@pytest.mark.parametrize("suffix", ["png", "bmp", "jpg", "tif"])
def test_pictures_without_georeferencing(tmp_path: Path, seed: int, suffix: str) -> None:
    values = random_values(seed, (6, 7, 3), "uint8")
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    scene = open_scene(tmp_path / f"a.{suffix}")
    read, valid = scene.read()
    assert (read.shape, scene.crs, scene.transform) == ((3, 6, 7), None, None)
    assert valid.all()
    assert scene.notes == ("no georeferencing; results will have none either",)
    if suffix != "jpg":
        assert np.array_equal(read, values.transpose(2, 0, 1))


@pytest.mark.parametrize("suffix", ["png", "bmp", "jpg"])
def test_pictures_that_end_early(tmp_path: Path, seed: int, suffix: str) -> None:
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(random_values(seed, (64, 64, 3), "uint8")).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match=r"; the file is damaged or incomplete, fetch it again"):
        open_scene(path).read()
    if suffix == "png":
        path.write_bytes(whole + b"a program's own words")
        assert open_scene(path).read()[0].shape == (3, 64, 64)
        middle = int(np.random.default_rng(seed).integers(50, len(whole) - 50))
        path.write_bytes(whole[:middle] + whole[middle + 1 :])
        with pytest.raises(InputError, match=r"a\.png: has no end, or lost some bytes before; the file is"):
            open_scene(path)


@pytest.mark.parametrize("transform", [Affine(0, 0, 5, 0, 0, 5), Affine(2, 0, 5, 2, 0, 5)])
def test_pixels_need_a_size(geotiff: Make, tmp_path: Path, seed: int, transform: Affine) -> None:
    path = geotiff(tmp_path / "a.tif", random_values(seed, (1, 4, 5)), transform=transform)
    with pytest.raises(InputError, match=r"a\.tif: its georeference \(.*\) gives pixels no size; correct it"):
        open_scene(path)


def test_a_tiff_without_its_end(geotiff: Make, tmp_path: Path, seed: int) -> None:
    path = geotiff(tmp_path / "a.tif", random_values(seed, (1, 40, 50)))
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(
        InputError, match=r"a\.tif: cannot be opened \(.*\); the file is damaged or incomplete"
    ):
        open_scene(path)


def test_palettes_and_single_bits_are_read_as_numbers(tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (6, 7), "uint8") % 4
    picture = Image.new("P", (7, 6))
    picture.putdata(values.ravel().tolist())
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    picture.save(tmp_path / "palette.png")
    scene = open_scene(tmp_path / "palette.png")
    assert np.array_equal(scene.read()[0][0], values)
    assert "values are numbers of colours in the file's palette" in scene.notes
    Image.fromarray(values > 1).save(tmp_path / "bits.tif")
    bits = open_scene(tmp_path / "bits.tif").read()[0]
    assert np.array_equal(bits[0] > 0, values > 1)


def test_places_that_are_not_a_grid(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((1, 4, 4), np.uint8)
    points = [GroundControlPoint(r, c, 10 + c, 50 - r) for r, c in ((0, 0), (0, 4), (4, 0), (4, 4))]
    located = geotiff(
        tmp_path / "gcp.tif", values, crs=rasterio.CRS.from_epsg(4326), gcps=points, transform=None
    )
    scene = open_scene(located)
    assert (scene.crs, scene.transform) == (None, None)
    assert "located by 4 ground control points only" in scene.notes[0]
    turned = Affine.rotation(30)
    scene = open_scene(geotiff(tmp_path / "turned.tif", values, crs=None, transform=turned))
    assert scene.transform is not None
    assert np.allclose(scene.transform, turned)
    assert scene.crs is None


def test_a_vrt_is_read_from_its_sources(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (1, 6, 8), "uint8")
    geotiff(tmp_path / "a.tif", values)
    (tmp_path / "a.vrt").write_text(
        '<VRTDataset rasterXSize="4" rasterYSize="3"><VRTRasterBand dataType="Byte" band="1"><SimpleSource>'
        '<SourceFilename relativeToVRT="1">a.tif</SourceFilename><SourceBand>1</SourceBand>'
        '<SrcRect xOff="2" yOff="1" xSize="4" ySize="3"/><DstRect xOff="0" yOff="0" xSize="4" ySize="3"/>'
        "</SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert np.array_equal(open_scene(tmp_path / "a.vrt").read()[0], values[:, 1:4, 2:6])


def test_a_changed_file_is_read_anew(geotiff: Make, tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.tif"
    assert open_scene(geotiff(path, np.zeros((1, 3, 3), np.uint8))).read()[0].max() == 0
    path.unlink()
    values = random_values(seed, (1, 5, 4), "uint8")
    assert np.array_equal(open_scene(geotiff(path, values, compress="lzw")).read()[0], values)


def _sum_of_rows(scene: Scene, row: int) -> int:
    return int(scene.read(Window(row, 0, 1, scene.width))[0].sum(dtype=np.int64))


def test_many_threads_and_processes_read_one_scene(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = random_values(seed, (2, 64, 33))
    scene = open_scene(geotiff(tmp_path / "a.tif", values, tiled=True, blockxsize=16, blockysize=16))
    expected = [int(values[:, row].sum(dtype=np.int64)) for row in range(64)]
    _sum_of_rows(scene, 0)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(_sum_of_rows, [scene] * 64, range(64))) == expected
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_sum_of_rows, [scene] * 8, range(8))) == expected[:8]
    assert pickle.loads(pickle.dumps(scene)) == scene


def test_few_datasets_stay_open(geotiff: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "OPEN_DATASETS", 2)
    values = [np.full((1, 2, 2), i, np.uint8) for i in range(5)]
    scenes = [open_scene(geotiff(tmp_path / f"{i}.tif", v)) for i, v in enumerate(values)]
    for _ in range(2):
        assert [int(s.read()[0].max()) for s in scenes] == [0, 1, 2, 3, 4]
    assert len(datasets._THREAD.opened) == 2


def test_grids_are_cropped_with_their_place() -> None:
    grid = Grid(10, 20, UTM, PLACE).crop(Window(2, 3, 4, 5))
    assert (grid.height, grid.width, grid.transform) == (4, 5, Affine(30, 0, 500_090, 0, -30, 5_799_940))
    assert Grid(4, 4).crop(Window(1, 1, 2, 2)) == Grid(2, 2)
    assert Grid(4, 4).corners is None


def damaged(geotiff: Make, path: Path, seed: int) -> Path:
    geotiff(
        path, random_values(seed, (1, 64, 64)), tiled=True, blockxsize=16, blockysize=16, compress="deflate"
    )
    content = bytearray(path.read_bytes())
    content[-1500:] = bytes(1500)
    path.write_bytes(content)
    return path


def test_a_damaged_block_is_named(
    geotiff: Make, tmp_path: Path, seed: int, capfd: pytest.CaptureFixture[str]
) -> None:
    scene = open_scene(damaged(geotiff, tmp_path / "a.tif", seed))
    scene.read(Window(0, 0, 16, 16))
    with pytest.raises(
        InputError, match=r"a\.tif: rows 48 to 63, columns 32 to 63 cannot be read \(.*fetch it"
    ):
        scene.read(Window(48, 32, 16, 32))
    assert capfd.readouterr().err == ""


def test_a_damaged_file_spoils_no_other(geotiff: Make, tmp_path: Path, seed: int) -> None:
    good = geotiff(tmp_path / "good.tif", random_values(seed, (2, 5, 6)))
    bad = damaged(geotiff, tmp_path / "bad.tif", seed)
    for _ in range(3):
        assert open_scene(good).read()[0].shape == (2, 5, 6)
        with pytest.raises(InputError):
            open_scene(bad).read()


def test_what_cannot_be_opened(geotiff: Make, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.tif: no such file; check the path"):
        open_scene(tmp_path / "nowhere.tif")
    (tmp_path / "notes.txt").write_text("not an image")
    with pytest.raises(
        InputError,
        match=r"notes\.txt: not an image that can be read \(not recognized.*; give one of: archive",
    ):
        open_scene(tmp_path / "notes.txt")
    with pytest.raises(InputError, match=r"/vsizip/.*: cannot be opened \(.*\); check the address"):
        open_scene("/vsizip/nowhere.zip/a.tif")
    path = geotiff(tmp_path / "complex.tif", np.ones((1, 3, 3), np.complex64))
    with pytest.raises(InputError, match=r"complex\.tif: holds complex numbers \(complex64\); convert"):
        open_scene(path)


def test_messages_are_one_line(geotiff: Make, tmp_path: Path, seed: int) -> None:
    (tmp_path / "notes.txt").write_text("not an image")
    for path in (tmp_path / "notes.txt", tmp_path / "nowhere", damaged(geotiff, tmp_path / "a.tif", seed)):
        with pytest.raises(InputError) as caught:
            open_scene(path).read()
        assert "\n" not in str(caught.value)
