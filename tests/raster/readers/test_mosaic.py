"""Many files as one scene: tiles with gaps and overlaps, tables, single bands, and tiles that do not fit."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from terramamba.core.errors import InputError
from terramamba.core.trust import trusting
from terramamba.raster.checks.describe import describe
from terramamba.raster.checks.unlike_tiles import unlike_tiles
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import band_subset
from terramamba.raster.views.nodata import without_values
from terramamba.raster.windows import Window

Make = Callable[..., Path]
PLACE = Affine(30, 0, 500_000, 0, -30, 5_800_000)
TURNED = Affine(20, 8, 500_000, 9, -25, 5_800_000)


def shifted(place: Affine, row: int | float, col: int | float) -> Affine:
    a, b, c, d, e, f = tuple(place)[:6]
    return Affine(a, b, c + a * col + b * row, d, e, f + d * col + e * row)


@pytest.fixture
def mosaic(geotiff: Make, tmp_path: Path, seed: int) -> tuple[Scene, np.ndarray, np.ndarray]:
    """Three tiles of a 13 x 15 scene around a gap, each with a pixel without data; values and validity."""
    values = np.random.default_rng(seed).integers(1, 100, (3, 13, 15)).astype(np.int16)
    valid = np.zeros(values.shape, bool)
    for i, window in enumerate((Window(0, 8, 6, 7), Window(6, 0, 7, 8), Window(6, 8, 7, 7))):
        part = values[:, *window.slices]
        part[i, 1, 2] = -1
        valid[:, *window.slices] = part != -1
        place = shifted(PLACE, window.row, window.col)
        geotiff(
            tmp_path / "tiles" / f"{i}.tif" if i else tmp_path / "tiles" / "0.TIF",
            part,
            nodata=-1,
            transform=place,
        )
    (tmp_path / "tiles" / "notes.txt").write_text("not a tile")
    return open_scene(tmp_path / "tiles"), np.where(valid, values, -1), valid


@pytest.fixture(autouse=True)
def folder(tmp_path: Path) -> None:
    (tmp_path / "tiles").mkdir()


def test_tiles_cover_one_grid(mosaic: tuple[Scene, np.ndarray, np.ndarray]) -> None:
    scene, values, valid = mosaic
    assert (scene.bands, scene.height, scene.width, scene.dtype) == (3, 13, 15, "int16")
    assert scene.transform == PLACE
    assert scene.format == "mosaic of 3 GeoTIFF tiles"
    read, good = scene.read()
    assert np.array_equal(good, valid)
    assert np.array_equal(read, values)
    assert not good[:, :6, :8].any()
    assert "mosaic of 3" in describe(scene)["format"]


def test_windows_of_a_mosaic(mosaic: tuple[Scene, np.ndarray, np.ndarray], seed: int) -> None:
    scene, values, valid = mosaic
    rng = np.random.default_rng(seed)
    for _ in range(30):
        row, col = int(rng.integers(0, 13)), int(rng.integers(0, 15))
        window = Window(row, col, int(rng.integers(1, 14 - row)), int(rng.integers(1, 16 - col)))
        bands = [int(b) for b in rng.integers(0, 3, 2)]
        part, good = scene.read(window, bands)
        assert np.array_equal(part, values[bands][:, *window.slices])
        assert np.array_equal(good, valid[bands][:, *window.slices])
    assert np.array_equal(pickle.loads(pickle.dumps(scene)).read()[0], values)


def test_previews_of_a_mosaic(mosaic: tuple[Scene, np.ndarray, np.ndarray]) -> None:
    scene, values, valid = mosaic
    assert np.array_equal(scene.preview(100)[0], values)
    read, good = scene.preview(5)
    assert read.shape == (3, 5, 5)
    assert not good[:, :2, :2].any()
    assert good[:, 3:].mean() > 0.8
    assert np.isin(read[good], values[valid]).all()


def test_the_first_valid_tile_counts(geotiff: Make, tmp_path: Path) -> None:
    first = np.array([[[1, 0, 3]]], np.uint8)
    second = np.array([[[5, 6, 7, 8]]], np.uint8)
    paths = [geotiff(tmp_path / f"{i}.tif", v, nodata=0) for i, v in enumerate((first, second))]
    assert open_scene(paths).read()[0].tolist() == [[[1, 6, 3, 8]]]
    assert open_scene(paths[::-1]).read()[0].tolist() == [[[5, 6, 7, 8]]]


def test_images_of_one_place_that_hide_each_other_are_said(geotiff: Make, tmp_path: Path) -> None:
    ones = np.ones((2, 6, 8), np.uint8)
    here = [geotiff(tmp_path / f"{day}.tif", ones, transform=TURNED) for day in (1, 2)]
    there = geotiff(tmp_path / "3.tif", ones, transform=shifted(TURNED, 0, 5))
    far = geotiff(tmp_path / "4.tif", ones, transform=shifted(TURNED, 0, 13))

    def said(*paths: Path) -> list[str]:
        return [note for note in open_scene(list(paths)).notes if "show the same ground" in note]

    assert said(*here)[0].startswith(f"{here[0]} and {here[1]} show the same ground: where both have data")
    assert len(said(*here, there, far)) == 1
    assert not said(here[0], there, far)  # three of eight columns


def test_turned_tiles_are_placed(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).integers(1, 100, (1, 6, 9)).astype(np.uint8)
    left = geotiff(tmp_path / "left.tif", values[..., :4], transform=TURNED, crs=None)
    right = geotiff(tmp_path / "right.tif", values[..., 4:], transform=shifted(TURNED, 0, 4), crs=None)
    scene = open_scene([right, left])
    assert np.array_equal(scene.read()[0], values)
    assert scene.transform is not None
    assert np.allclose(scene.transform, TURNED)
    assert scene.path == f"{right} and 1 more"


def test_tables_name_images_and_masks(geotiff: Make, tmp_path: Path) -> None:
    for i in range(2):
        place = shifted(PLACE, 0, 4 * i)
        geotiff(tmp_path / "tiles" / f"x{i}.tif", np.full((2, 3, 4), i + 1, np.int16), transform=place)
        geotiff(tmp_path / "tiles" / f"y{i}.tif", np.full((1, 3, 4), i + 5, np.uint8), transform=place)
    table = tmp_path / "table.csv"
    table.write_text(
        "﻿image, mask\ntiles/x0.tif, tiles/y0.tif\ntiles/x1.tif, tiles/y1.tif\n", encoding="utf-8"
    )
    images, masks = open_scene(table), open_scene(table, column="mask")
    assert (images.bands, images.width, images.path) == (2, 8, str(table))
    assert masks.read()[0][0, 0].tolist() == [5] * 4 + [6] * 4
    tabs = tmp_path / "table.tsv"
    tabs.write_text("Image\tMASK\ntiles\\x0.tif\ttiles\\y0.tif\ntiles\\x1.tif\ttiles\\y1.tif\n")
    assert open_scene(tabs).read()[0].tolist() == images.read()[0].tolist()
    assert open_scene(tabs, column="mask").width == 8
    with pytest.raises(
        InputError, match=r"table\.csv: no column 'label'; it has image, mask; add the column"
    ):
        open_scene(table, column="label")
    table.write_text("image,mask\n,tiles/y0.tif\n")
    with pytest.raises(InputError, match=r"table\.csv: column 'image' is empty; list one image a row"):
        open_scene(table)
    assert open_scene(table, column="mask").path == str(tmp_path / "tiles" / "y0.tif")
    table.write_bytes(b"\xff\xfeimage")
    with pytest.raises(InputError, match=r"table\.csv: is no table in UTF-8 \(.*\); save it as a CSV table"):
        open_scene(table)
    table.write_text("image\ntiles/x7.tif\n")
    with pytest.raises(
        InputError, match=r"x7\.tif: no such file, though .*table\.csv lists it in column 'image'"
    ):
        open_scene(table)


def test_single_bands_of_one_place_are_stacked(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).integers(1, 100, (3, 5, 6)).astype(np.uint8)
    for name, band in zip(("B2", "B9", "B10"), values, strict=True):
        geotiff(tmp_path / "tiles" / f"{name}.TIF", band[None], nodata=int(values[0, 0, 0]))
    scene = open_scene(tmp_path / "tiles")
    assert scene.band_names == ("B2", "B9", "B10")
    assert scene.format == "3 single-band GeoTIFF files"
    read, valid = scene.read()
    assert np.array_equal(read, values)
    assert np.array_equal(valid, values != values[0, 0, 0])
    part, _ = scene.read(Window(1, 1, 2, 3), [2, 0])
    assert np.array_equal(part, values[[2, 0], 1:3, 1:4])
    assert scene.read(bands=[])[0].shape == (0, 5, 6)
    assert scene.preview(2)[0].shape == (3, 2, 2)


@pytest.mark.parametrize(
    ("shape", "dtype", "options", "message"),
    [
        ((2, 4, 4), "int16", {}, "has 2 bands, .*a.tif has 1"),
        ((1, 4, 4), "uint8", {}, "holds uint8 values, .*a.tif holds int16"),
        ((1, 4, 4), "int16", {"crs": "EPSG:32634"}, "is in EPSG:32634, .*a.tif is in EPSG:32633"),
        ((1, 4, 4), "int16", {"crs": None}, "is in no coordinate reference system, "),
        ((1, 4, 4), "int16", {"transform": shifted(PLACE, 4, 4.3)}, "lies 0.30 pixels off the pixel grid of"),
        ((1, 4, 4), "int16", {"transform": Affine(20, 0, 0, 0, -20, 0)}, "has pixels of another size or dir"),
        ((1, 4, 4), "int16", {"transform": TURNED}, "has pixels of another size or direction than"),
    ],
)
def test_a_tile_that_does_not_fit_is_named(
    geotiff: Make,
    tmp_path: Path,
    shape: tuple[int, ...],
    dtype: str,
    options: dict[str, object],
    message: str,
) -> None:
    geotiff(tmp_path / "tiles" / "a.tif", np.ones((1, 4, 4), np.int16))
    geotiff(tmp_path / "tiles" / "b.tif", np.ones(shape, dtype), **options)
    other_kind = shape[0] > 1 or dtype != "int16"
    remedy = "name the image that is meant" if other_kind else "warp it to the others' grid or leave it out"
    with pytest.raises(InputError, match=rf"b\.tif: {message}.*; {remedy}"):
        open_scene(tmp_path / "tiles")


def test_tiles_with_other_wavelengths(geotiff: Make, tmp_path: Path) -> None:
    for name, wavelength, col in (("a", "500 nm", 0), ("b", "500.5 nm", 4), ("c", "510 nm", 8)):
        path = geotiff(
            tmp_path / f"{name}.tif", np.ones((1, 4, 4), np.uint8), transform=shifted(PLACE, 0, col)
        )
        with rasterio.open(path, "r+") as file:
            file.descriptions = (wavelength,)
    names = [tmp_path / f"{name}.tif" for name in "abc"]
    assert open_scene(names[:2]).wavelengths == (500.0,)
    with pytest.raises(InputError, match=r"c\.tif: has wavelengths up to 10 nm off those of .*a\.tif"):
        open_scene(names)


def test_tiles_in_other_units_are_named_before_training_and_not_those_of_dark_water(
    geotiff: Make, tmp_path: Path, seed: int
) -> None:
    land = np.random.default_rng(seed).uniform(0.05, 0.5, (3, 8, 8)).astype(np.float32)
    for i, times in enumerate((1, 1, 0.1, 10_000)):
        geotiff(tmp_path / f"{i}.tif", land * np.float32(times), transform=shifted(PLACE, 0, 8 * i))
    scene = open_scene([tmp_path / f"{i}.tif" for i in range(4)])
    (said,) = sample_statistics(without_values(scene, [7.0])).doubts
    assert said.startswith(f"{tmp_path / '3.tif'}: bright values are about 10,000 times larger than those of")
    assert said.endswith("0.tif: probably other units; give tiles in one unit")
    assert describe(scene)["units"] == said
    assert sample_statistics(open_scene([tmp_path / f"{i}.tif" for i in range(3)])).doubts == ()


@pytest.mark.parametrize("value", [1e30, -3.4028235e38, 1e10, 9999, -9999])
def test_undeclared_fill_of_one_tile_is_no_other_unit_and_no_jump(
    geotiff: Make, tmp_path: Path, seed: int, value: float
) -> None:
    land = np.random.default_rng(seed).uniform(0.05, 0.5, (3, 80, 80)).astype(np.float32)
    filled = land.copy()
    filled[:, :60] = value
    for i, tile in enumerate((land, filled)):
        geotiff(tmp_path / f"{i}.tif", tile, transform=shifted(PLACE, 0, 80 * i))
    (said,) = sample_statistics(open_scene([tmp_path / f"{i}.tif" for i in range(2)])).doubts
    assert "which is not declared as no data" in said


def test_values_of_no_data_that_are_given_are_no_other_unit_and_no_jump(
    geotiff: Make, tmp_path: Path, seed: int
) -> None:
    land = np.random.default_rng(seed).uniform(0.05, 0.5, (3, 80, 80)).astype(np.float32)
    filled = land.copy()
    filled[:, :, :40] = np.random.default_rng(seed).choice([5000.0, 6000.0], (3, 80, 40))  # not told as fill
    for i, tile in enumerate((land, filled)):
        geotiff(tmp_path / f"{i}.tif", tile, transform=shifted(PLACE, 0, 80 * i))
    scene = open_scene([tmp_path / f"{i}.tif" for i in range(2)])
    (said,) = unlike_tiles(scene)
    assert "times larger" in said
    assert unlike_tiles(band_subset(without_values(scene, [5000.0, 6000.0]), (2, 0))) == ()


def test_what_is_noted_of_any_tile_is_noted_of_the_mosaic(geotiff: Make, tmp_path: Path) -> None:
    values = np.arange(48).reshape(3, 4, 4).astype(np.int16)
    for i, unit in enumerate(("nm", "nm", "")):
        path = geotiff(tmp_path / f"{i}.tif", values, transform=shifted(PLACE, 0, 4 * i))
        with rasterio.open(path, "r+") as image:
            for band in (1, 2, 3):
                image.update_tags(band, wavelength=str(400 + 50 * band), wavelength_units=unit)
    scene = open_scene([tmp_path / f"{i}.tif" for i in range(3)])
    assert scene.notes == (
        f"{tmp_path / '2.tif'}: wavelengths have no unit; 450 to 550 are taken for nanometres by their size",
    )


def test_of_many_tiles_each_with_a_note_of_its_own_some_are_noted(tmp_path: Path) -> None:
    for i in range(12):
        (tmp_path / f"{i}.img").write_bytes(bytes(16 + i))  # longer than described
        (tmp_path / f"{i}.hdr").write_text(
            "ENVI\nsamples = 4\nlines = 4\nbands = 1\ndata type = 1\ninterleave = bsq\n"
            f"map info = {{UTM, 1, 1, {400_000 + 40 * i}, 5800000, 10, 10, 33, North, WGS-84}}\n"
        )
    notes = open_scene([tmp_path / f"{i}.img" for i in range(12)]).notes
    assert len(notes) == 9
    assert notes[0].startswith(f"{tmp_path / '1.img'}: holds 17 bytes")
    assert notes[-1] == "3 further notes of other tiles"


def test_a_virtual_raster_without_the_no_data_and_scale_of_its_parts_is_said_to_lack_them(
    geotiff: Make, tmp_path: Path
) -> None:
    part = geotiff(tmp_path / "part.tif", np.ones((1, 4, 4), np.int16), nodata=-9999)
    with rasterio.open(part, "r+") as image:
        image.scales = [1e-4]

    def notes(band: str, source: str = "") -> str:
        path = tmp_path / f"{len(band + source)}.vrt"
        path.write_text(
            '<VRTDataset rasterXSize="4" rasterYSize="4"><GeoTransform>0,1,0,0,0,-1</GeoTransform>'
            f'<VRTRasterBand dataType="Int16" band="1">{band}<ComplexSource>'
            '<SourceFilename relativeToVRT="1">'
            f"part.tif</SourceFilename><SourceBand>1</SourceBand>{source}</ComplexSource></VRTRasterBand>"
            "</VRTDataset>"
        )
        return "; ".join(open_scene(path).notes)

    declared = "<NoDataValue>-9999</NoDataValue>"
    assert f"no data, which it does not: -9999 ({part}); --nodata -9999 leaves them out" in notes("")
    assert f"its part {part} declares a scale, which it does not: values are taken as" in notes("")
    assert "no data" not in notes(declared)
    assert "part" not in notes(declared + "<Scale>0.0001</Scale>")
    assert "part" not in notes("", "<NODATA>-9999</NODATA>")


def test_nothing_to_open(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"tiles: no images in this folder; give a folder of GeoTIFF or ENVI"
    ):
        open_scene(tmp_path / "tiles")
    with pytest.raises(InputError, match=r"an empty list of images; give at least one"):
        open_scene([])


def test_pictures_cannot_be_placed(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        Image.new("L", (3, 3)).save(tmp_path / "tiles" / name)
    with pytest.raises(
        InputError, match=r"a\.png: has no georeferencing, so it cannot be placed beside others"
    ):
        open_scene(tmp_path / "tiles")
    assert open_scene([tmp_path / "tiles" / "a.png"]).bands == 1


def test_envi_tiles_in_a_folder(tmp_path: Path) -> None:
    for i in range(2):
        (tmp_path / "tiles" / f"tile{i}").write_bytes(bytes([i + 1] * 6))
        (tmp_path / "tiles" / f"tile{i}.hdr").write_text(
            "ENVI\nsamples = 3\nlines = 2\nbands = 1\ndata type = 1\ninterleave = bsq\nbyte order = 0\n"
            f"map info = {{UTM, 1, 1, {500000 + 90 * i}, 5800000, 30, 30, 33, North, WGS-84}}\n"
        )
    assert open_scene(tmp_path / "tiles").read()[0][0, 0].tolist() == [1, 1, 1, 2, 2, 2]


def test_fill_values_that_the_type_cannot_hold(geotiff: Make, tmp_path: Path) -> None:
    for i in range(2):
        vrt = tmp_path / "tiles" / f"{i}.img"
        geotiff(tmp_path / f"{i}.tif", np.full((1, 2, 2), 9, np.uint8), transform=shifted(PLACE, 3 * i, 0))
        vrt.write_text(
            '<VRTDataset rasterXSize="2" rasterYSize="2"><SRS>EPSG:32633</SRS>'
            f"<GeoTransform>500000, 30, 0, {5_800_000 - 90 * i}, 0, -30</GeoTransform>"
            '<VRTRasterBand dataType="Byte" band="1"><NoDataValue>-9999</NoDataValue><SimpleSource>'
            f"<SourceFilename>{tmp_path}/{i}.tif</SourceFilename><SourceBand>1</SourceBand>"
            "</SimpleSource></VRTRasterBand></VRTDataset>"
        )
    with trusting():  # they lie elsewhere
        values, valid = open_scene(tmp_path / "tiles").read()
    assert values[0, :, 0].tolist() == [9, 9, 0, 9, 9]
    assert valid[0, :, 0].tolist() == [True, True, False, True, True]


def test_real_mosaic(real_data: Callable[[str], Path]) -> None:
    folder = real_data("hyperspectral/enmap_potsdam")
    scene = open_scene(folder / "images")
    assert (scene.bands, scene.height, scene.width, scene.dtype) == (224, 192, 160, "float32")
    assert scene.crs is not None
    assert scene.crs.to_epsg() == 32633
    assert scene.wavelengths is not None
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == (418.24, 2445.53)
    assert [i + 1 for i, bad in enumerate(scene.bad_bands) if bad] == [130, 131, 132, 133, 134, 135]
    values, valid = scene.read(bands=[0, 131])
    assert int(valid[0].sum()) == 18 * 32 * 32
    assert not valid[1].any()
    assert values[0][valid[0]].min() >= -496
    tile = open_scene(folder / "images" / "enmap_potsdam_tile_128_96.tif")
    assert tile.transform is not None
    assert scene.transform is not None
    window = Window(96, 128 - 64, 32, 32)
    assert np.array_equal(scene.read(window)[0], tile.read()[0])
    labels = open_scene(folder / "labels").read()[0].astype(int)
    assert np.bincount(labels.ravel())[1:].tolist() == [505, 953, 1694, 2070, 91, 359]
    train = open_scene(folder / "train_files.csv", column="mask")
    assert train.format == "mosaic of 14 GeoTIFF tiles"


def test_real_folder_of_bands(real_data: Callable[[str], Path]) -> None:
    scene = open_scene(real_data("raster/landsat5_tm_para"))
    assert (scene.bands, scene.height, scene.width, scene.nodata) == (7, 310, 287, 255)
    assert scene.format == "7 bands of Landsat 4/5"
    assert scene.band_names == ("B1", "B2", "B3", "B4", "B5", "B7", "B6")
    assert scene.wavelengths == (485, 560, 660, 830, 1650, 2215, 11450)
