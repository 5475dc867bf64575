"""Folders of single bands: Landsat and Sentinel-2 by their names, several pixel sizes on one grid."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine

from terramamba.core.errors import InputError
from terramamba.raster.readers.band_names import band_of_file
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

Make = Callable[..., Path]
TILE = "T33UUU_20200101T101031"
JPEG_2000 = {"driver": "JP2OpenJPEG", "quality": "100", "reversible": "YES"}
LANDSAT = "LC08_L2SP_193024_20200101_20200113_02_T1"


def metres(size: float, shift: float = 0.0) -> Affine:
    return Affine(size, 0, 500_000 + shift, 0, -size, 5_800_000 - shift)


@pytest.mark.parametrize(
    ("name", "satellite", "band", "nanometres"),
    [
        (f"{LANDSAT}_SR_B5.TIF", "Landsat 8/9", "B5", 865),
        ("LC09_L1TP_193024_20220101_20220113_02_T1_B10.TIF", "Landsat 8/9", "B10", 10895),
        ("LE07_L1TP_193024_20000101_20170113_01_T1_B6_VCID_2.TIF", "Landsat 7", "B6_VCID_2", 11450),
        ("LT52240631988227CUB02_B7.TIF", "Landsat 4/5", "B7", 2215),
        ("HLS.L30.T14SKC.2020003T172205.v2.0.B05.tif", "Landsat 8/9 (HLS)", "B05", 865),
        ("HLS.S30.T14SKC.2020003T172205.v2.0.B8A.tif", "Sentinel-2 (HLS)", "B8A", 864.7),
        (f"{TILE}_B8A_20m.jp2", "Sentinel-2", "B8A", 864.7),
        (f"{TILE}_B11.jp2", "Sentinel-2", "B11", 1613.7),
        ("SENTINEL2A_20200101-101031-000_L2A_T33UUU_C_V2-2_FRE_B2.tif", "Sentinel-2", "B2", 492.4),
    ],
)
def test_files_of_bands(name: str, satellite: str, band: str, nanometres: float) -> None:
    found = band_of_file(name)
    assert found is not None
    assert (found.satellite, found.band, found.nanometres) == (satellite, band, nanometres)


@pytest.mark.parametrize(
    "name",
    [
        f"{LANDSAT}_QA_PIXEL.TIF",
        f"{LANDSAT}_SR_QA_AEROSOL.TIF",
        f"{LANDSAT}_SR_B55.TIF",
        f"{TILE}_SCL_20m.jp2",
        f"{TILE}_TCI_10m.jp2",
        "B02.tif",
        "map_B2.tif",
    ],
)
def test_files_that_are_no_bands(name: str) -> None:
    assert band_of_file(name) is None


def test_landsat_stands_in_the_order_of_wavelengths(geotiff: Make, tmp_path: Path, seed: int) -> None:
    values = np.random.default_rng(seed).integers(1, 9999, (5, 6, 7)).astype(np.uint16)
    for band, layer in zip((2, 4, 5, 9, 10), values, strict=True):
        kind = "ST" if band == 10 else "SR"
        geotiff(tmp_path / f"{LANDSAT}_{kind}_B{band}.TIF", layer[None], nodata=0)
    geotiff(tmp_path / f"{LANDSAT}_QA_PIXEL.TIF", values[:1])
    (tmp_path / f"{LANDSAT}_MTL.txt").write_text("GROUP = ...")
    scene = open_scene(tmp_path)
    assert scene.format == "5 bands of Landsat 8/9"
    assert scene.band_names == ("B2", "B4", "B5", "B9", "B10")
    assert scene.wavelengths == (482, 654.5, 865, 1373.5, 10895)
    quality = f"{LANDSAT}_QA_PIXEL.TIF"
    hint = f"(--mask {tmp_path / quality} leaves out what it marks)"
    assert scene.notes == (f"no bands, left out: {quality} {hint}",)
    assert np.array_equal(scene.read()[0], values)
    listed = open_scene([tmp_path / f"{LANDSAT}_SR_B{band}.TIF" for band in (5, 2)])
    assert listed.band_names == ("B2", "B5")
    (tmp_path / "bands.csv").write_text(f"image\n{LANDSAT}_SR_B9.TIF\n{LANDSAT}_SR_B4.TIF\n")
    assert open_scene(tmp_path / "bands.csv").band_names == ("B4", "B9")
    geotiff(tmp_path / f"{LANDSAT}_SR_B4.TIF", values[:1].astype(np.float32))
    with pytest.raises(InputError, match=r"B4\.TIF: holds float32 values, .*B2\.TIF holds uint16"):
        open_scene(tmp_path)


def write_sentinel(geotiff: Make, folder: Path, seed: int) -> dict[str, np.ndarray]:
    """Bands of 10, 20 and 60 m, B02 in two sizes; returns them on the grid of 10 m (12 x 18 pixels)."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    found = {}
    for band, size in (
        ("B01", 60),
        ("B02", 20),
        ("B02", 10),
        ("B09", 60),
        ("B08", 10),
        ("B8A", 20),
        ("B11", 20),
    ):
        times = size // 10
        values = rng.integers(1, 9999, (1, 12 // times, 18 // times)).astype(np.uint16)
        if band == "B11":
            values[0, 2, 3] = 0
        geotiff(folder / f"{TILE}_{band}_{size}m.jp2", values, transform=metres(size), **JPEG_2000)
        found[band] = values[0].repeat(times, axis=0).repeat(times, axis=1)
    geotiff(folder / f"{TILE}_SCL_20m.jp2", values, **JPEG_2000)
    return found


@pytest.mark.parametrize("place", ["", "S2A_MSIL2A_20200101.SAFE/GRANULE/L2A_T33UUU_A0/IMG_DATA/R10m"])
def test_sentinel_2_comes_on_its_finest_grid(geotiff: Make, tmp_path: Path, seed: int, place: str) -> None:
    expected = write_sentinel(geotiff, tmp_path / place, seed)
    scene = open_scene(tmp_path / Path(place).parts[0] if place else tmp_path)
    assert scene.band_names == ("B01", "B02", "B08", "B8A", "B09", "B11")
    assert (scene.height, scene.width, scene.transform) == (12, 18, metres(10))
    assert scene.format == "6 bands of Sentinel-2"
    assert scene.wavelengths is not None
    assert list(scene.wavelengths) == sorted(scene.wavelengths)
    assert scene.notes == (
        "4 of the bands have larger pixels: brought onto the finest grid, nearest pixel",
        f"no bands, left out: {TILE}_SCL_20m.jp2 (--mask {tmp_path / place / TILE}_SCL_20m.jp2 leaves out"
        " what it marks)",
    )
    values, valid = scene.read()
    whole = np.stack([expected[name] for name in scene.band_names])
    assert np.array_equal(values, whole)
    assert np.array_equal(valid, whole != 0)
    assert (~valid).sum() == 4
    rng = np.random.default_rng(seed)
    for _ in range(20):
        row, col = int(rng.integers(0, 12)), int(rng.integers(0, 18))
        window = Window(row, col, int(rng.integers(1, 13 - row)), int(rng.integers(1, 19 - col)))
        part, good = scene.read(window, [5, 0, 2])
        assert np.array_equal(part, whole[[5, 0, 2]][:, *window.slices])
        assert np.array_equal(good, valid[[5, 0, 2]][:, *window.slices])
    small, _ = scene.preview(5)
    assert small.shape == (6, 5, 5)
    assert np.isin(small, whole).all()
    assert np.array_equal(pickle.loads(pickle.dumps(scene)).read()[0], whole)
    assert scene.read(bands=[])[0].shape == (0, 12, 18)


@pytest.mark.parametrize(("level", "tag"), [("L2A", "BOA_ADD_OFFSET"), ("L1C", "RADIO_ADD_OFFSET")])
def test_the_offset_of_a_sentinel_2_product_is_noted(
    geotiff: Make, tmp_path: Path, seed: int, level: str, tag: str
) -> None:
    """Processing baselines from 04.00 on shift values by 1000, which a detector would take for change."""
    product = tmp_path / f"S2A_MSI{level}_20240101.SAFE"
    write_sentinel(geotiff, product / "GRANULE/L2A_T33UUU_A0/IMG_DATA/R10m", seed)
    for offset, notes in ((0, 0), (-1000, 1)):
        entries = "".join(f'<{tag} band_id="{band}">{offset}</{tag}>' for band in range(13))
        (product / f"MTD_MSI{level}.xml").write_text(f"<Offset_List>{entries}</Offset_List>")
        described = product / f"MTD_MSI{level}.xml"
        for place in (described, *described.parent.glob("GRANULE/*/IMG_DATA/R10m"), product):
            said = [note for note in open_scene(place).notes if "offset of -1000 is not applied" in note]
            assert len(said) == notes


@pytest.mark.parametrize("baseline", ["0301", "0511"])
def test_a_part_of_a_sentinel_2_product_is_the_product(
    geotiff: Make, tmp_path: Path, seed: int, baseline: str
) -> None:
    """Also without its metadata; masks of quality that lie beside its bands are none of them."""
    product = tmp_path / f"S2B_MSIL2A_20240101T101031_N{baseline}_R022_T33UUU_20240101T101031.SAFE"
    granule = product / "GRANULE/L2A_T33UUU_A0"
    write_sentinel(geotiff, granule / "IMG_DATA/R20m", seed)
    (granule / "QI_DATA").mkdir()
    geotiff(granule / "QI_DATA" / "MSK_CLDPRB_20m.jp2", np.ones((1, 6, 9), np.uint16), **JPEG_2000)
    whole = open_scene(product)
    assert len([note for note in whole.notes if "offset of -1000" in note]) == (baseline == "0511")
    for part in (granule.parent, granule, granule / "IMG_DATA"):
        scene = open_scene(part)
        assert (scene.band_names, scene.notes) == (whole.band_names, whole.notes)


def test_the_description_of_a_landsat_scene_opens_its_bands(geotiff: Make, tmp_path: Path) -> None:
    for band in ("B4", "B5"):
        geotiff(tmp_path / f"{LANDSAT}_{band}.TIF", np.ones((1, 5, 5), np.uint16), transform=metres(30))
    (tmp_path / f"{LANDSAT}_MTL.txt").write_text("GROUP = LANDSAT_METADATA_FILE\n")
    assert open_scene(tmp_path / f"{LANDSAT}_MTL.txt").band_names == open_scene(tmp_path).band_names


def test_a_finer_grid_that_begins_inside_the_coarser_one(geotiff: Make, tmp_path: Path, seed: int) -> None:
    """Landsat's panchromatic band: its first pixel lies half a fine pixel inside the first coarse one."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(1, 99, (1, 5, 5)).astype(np.uint16)
    fine = rng.integers(1, 99, (1, 11, 9)).astype(np.uint16)
    geotiff(tmp_path / f"{LANDSAT}_B4.TIF", coarse, transform=metres(30))
    geotiff(tmp_path / f"{LANDSAT}_B8.TIF", fine, transform=metres(15, 7.5))
    values, valid = open_scene(tmp_path).read()
    rows, cols = (((np.arange(n) + 0.5) * 15 + 7.5) // 30 for n in (11, 9))
    inside = (rows < 5)[:, None] & (cols < 5)
    assert np.array_equal(valid[1], inside)
    assert not inside.all()
    picked = coarse[0][np.minimum(rows, 4).astype(int)][:, np.minimum(cols, 4).astype(int)]
    assert np.array_equal(values[1][inside], picked[inside])
    assert np.array_equal(values[0], fine[0])
    assert not open_scene(tmp_path).read(Window(10, 0, 1, 1), [1])[1].any()


def test_bands_without_known_names_keep_theirs(geotiff: Make, tmp_path: Path) -> None:
    for name, description in (("b", None), ("a", "red edge"), ("c", "450 nm")):
        path = geotiff(tmp_path / f"{name}.tif", np.ones((1, 3, 3), np.uint8))
        if description:
            with rasterio.open(path, "r+") as file:
                file.descriptions = (description,)
    scene = open_scene(tmp_path)
    assert scene.band_names == ("red edge", "b", "450 nm")
    assert scene.format == "3 single-band GeoTIFF files"
    assert scene.wavelengths is None


def test_bands_of_two_dates_are_not_mixed(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((1, 6, 6), np.uint16)
    geotiff(tmp_path / "T33UUU_20200101T101031_B02_10m.jp2", values, transform=metres(10))
    geotiff(tmp_path / "T33UUU_20200201T101031_B03_10m.jp2", values, transform=metres(10))
    with pytest.raises(InputError, match=r"0201.*B03_10m\.jp2: is of another scene than .*0101.*; give the"):
        open_scene(tmp_path)


def test_bands_of_another_place_are_no_bands_of_this(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((1, 6, 6), np.uint16)
    geotiff(tmp_path / f"{TILE}_B02_10m.jp2", values, transform=metres(10))
    geotiff(tmp_path / f"{TILE}_B11_20m.jp2", values, transform=metres(20))
    with pytest.raises(InputError, match=r"B11_20m\.jp2: has pixels of another size or direction than .*B02"):
        open_scene(tmp_path)


def test_plain_names_of_sentinel_2_have_its_wavelengths_whatever_their_order(
    geotiff: Make, tmp_path: Path
) -> None:
    for i, name in enumerate(("B11", "B8A", "B02")):
        geotiff(tmp_path / f"{name}.tif", np.full((1, 6, 7), i, np.uint16))
    scene = open_scene(tmp_path)
    assert (scene.band_names, scene.wavelengths) == (("B02", "B8A", "B11"), (492.4, 864.7, 1613.7))
    assert scene.read()[0][:, 0, 0].tolist() == [2, 1, 0]


def test_the_first_collection_of_landsat_tiles_writes_its_bands_together(
    geotiff: Make, tmp_path: Path
) -> None:
    name = "LC08_CU_003009_20200801_20210504_C01_V01_{}.tif"
    for kind in ("SRB4", "SRB5", "PIXELQA", "LINEAGEQA"):
        geotiff(tmp_path / name.format(kind), np.ones((1, 6, 7), np.uint16))
    assert open_scene(tmp_path).wavelengths == (654.5, 865.0)


def test_a_product_of_sentinel_3_is_refused_in_a_line_of_its_own(tmp_path: Path) -> None:
    product = tmp_path / "S3A_OL_2_LFR____2020.SEN3"
    product.mkdir()
    (product / "geo_coordinates.nc").write_bytes(b"CDF\x01")
    with pytest.raises(InputError, match=r"Sentinel-3, whose pixels lie on no map grid; .*Reprojection"):
        open_scene(product)
