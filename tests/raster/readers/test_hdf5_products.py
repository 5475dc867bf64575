"""EMIT, PRISMA and Tanager: small files in the structure of the real products, read whole and by windows."""

import pickle
import tracemalloc
from pathlib import Path

import h5py
import numpy as np
import pytest
import rasterio
from affine import Affine

from products import BANDS, COLS, LINES, ROWS, SAMPLES, SIZE, write_emit, write_prisma
from terramamba.core.errors import InputError
from terramamba.raster.checks.describe import describe
from terramamba.raster.readers import emit
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.raster.windows import Window


def by_windows(scene: Scene, whole: np.ndarray, valid: np.ndarray, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(15):
        row, col = int(rng.integers(0, scene.height)), int(rng.integers(0, scene.width))
        size = int(rng.integers(1, scene.height - row + 1)), int(rng.integers(1, scene.width - col + 1))
        window, bands = Window(row, col, *size), [int(b) for b in rng.integers(0, scene.bands, 3)]
        part, good = scene.read(window, bands)
        assert np.array_equal(part, whole[bands][:, *window.slices], equal_nan=True)
        assert np.array_equal(good, valid[bands][:, *window.slices])
    assert scene.read(bands=[])[0].shape == (0, scene.height, scene.width)
    assert scene.read(Window(0, 0, 0, 0))[0].shape == (scene.bands, 0, 0)
    small, seen = scene.preview(6)
    assert small.shape == seen.shape == (scene.bands, 6, 6)
    assert np.isin(small[seen], whole).all()
    assert np.array_equal(pickle.loads(pickle.dumps(scene)).read()[0], whole, equal_nan=True)


def test_emit_is_put_on_the_ground(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emit, "BLOCK_BYTES", 2 * SAMPLES * BANDS * 4)
    ortho = write_emit(tmp_path / "EMIT_L2A_RFL_001.nc", seed)
    scene = open_scene(tmp_path / "EMIT_L2A_RFL_001.nc")
    assert (scene.format, scene.bands, scene.height, scene.width) == ("EMIT", BANDS, 20, 18)
    assert (scene.dtype, scene.nodata) == ("float32", -9999)
    assert scene.crs is not None
    assert scene.crs.to_epsg() == 4326
    assert scene.transform == Affine(SIZE, 0, -120.5, 0, -SIZE, 35.25)
    assert scene.bad_bands == (False, False, False, True, False, True, False)
    assert scene.wavelengths is not None
    assert (scene.wavelengths[0], scene.wavelengths[-1]) == (381, 2493)
    assert scene.fwhm == (8.5,) * BANDS
    values, valid = scene.read()
    assert np.array_equal(values, ortho)
    assert np.array_equal(valid, ortho != -9999)
    assert 0.2 < valid.mean() < 0.8
    by_windows(scene, ortho, ortho != -9999, seed)
    lines = describe(scene)
    assert lines["bad bands"] == "4, 6 (the header's bad-band list)"
    assert lines["band widths"] == "8.5 to 8.5 nm at half maximum"


def test_emit_radiance_has_no_list_of_good_bands(tmp_path: Path, seed: int) -> None:
    ortho = write_emit(tmp_path / "a.nc", seed, name="radiance", good=False)
    scene = open_scene(tmp_path / "a.nc")
    assert np.array_equal(scene.read()[0], ortho)
    assert not any(scene.bad_bands)
    with pytest.raises(
        InputError, match=r"a\.nc: no variable mask; its cubes are radiance; choose one with --scene-variable"
    ):
        open_scene(tmp_path / "a.nc", variable="mask")


def test_emit_that_is_damaged(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.nc"
    write_emit(path, seed)
    with h5py.File(path, "r+") as file:
        file["location/glt_y"][10, 10] = LINES + 1
        file["location/glt_x"][10, 10] = 1
    with pytest.raises(InputError, match=r"a\.nc: its lookup table points outside the 12 lines and 9 sa"):
        open_scene(path).read()
    with h5py.File(path, "r+") as file:
        file.attrs["spatial_ref"] = "nowhere"
    with pytest.raises(InputError, match=r"attribute spatial_ref is no coordinate reference system; fetch"):
        open_scene(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["spatial_ref"]
    with pytest.raises(InputError, match=r"a\.nc: cannot be read as EMIT \(.*spatial_ref.*\); the file"):
        open_scene(path)
    with h5py.File(path, "r+") as file:
        del file["sensor_band_parameters/fwhm"]
        file["sensor_band_parameters/fwhm"] = np.ones(3)
    with pytest.raises(InputError, match=r"a\.nc: reflectance has 7 bands, sensor_band_parameters lists 7"):
        open_scene(path)


@pytest.mark.parametrize("centres", [True, False])
def test_prisma_is_one_cube_of_reflectances(tmp_path: Path, seed: int, centres: bool) -> None:
    path = tmp_path / "PRS_L2D_STD_20200101.he5"
    expected = write_prisma(path, seed, centres=centres)
    scene = open_scene(path)
    assert (scene.format, scene.bands, scene.height, scene.width) == ("PRISMA L2D", 6, ROWS, COLS)
    assert scene.wavelengths == pytest.approx((450, 700, 960, 995, 1600, 2490))
    assert scene.fwhm == pytest.approx((4.5, 7, 9.6, 9.95, 16, 24.9))
    assert scene.crs is not None
    assert scene.crs.to_epsg() == 32633
    assert scene.transform == Affine(30, 0, 500_000, 0, -30, 4_600_015)
    assert "2 bands of the visible spectrometer beyond 960 nm left out" in scene.notes[1]
    values, valid = scene.read()
    assert values.dtype == np.dtype(scene.dtype) == np.float32
    assert np.allclose(values, expected, equal_nan=True, atol=1e-6)
    assert np.array_equal(valid, ~np.isnan(expected))
    by_windows(scene, values, valid, seed)
    assert describe(scene)["no data"].startswith("nodata value nan; 37.5 % of the pixels")


def test_bands_of_prisma_that_a_flag_calls_empty_are_left_out(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "PRS_L2D_STD_20200101.he5"
    expected = write_prisma(path, seed)
    with h5py.File(path, "r+") as file:
        file.attrs["List_Cw_Vnir_Flags"] = np.array([1, 1, 1, 0, 0], np.uint8)  # 450 nm, and what has none
        file.attrs["List_Cw_Swir_Flags"] = np.array([0, 1], np.uint8)  # not one for each band
    scene = open_scene(path)
    assert scene.wavelengths == pytest.approx((700, 960, 995, 1600, 2490))
    assert np.allclose(scene.read()[0], expected[1:], equal_nan=True, atol=1e-6)


def test_prisma_that_cannot_be_used(tmp_path: Path, seed: int, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.he5"
    with h5py.File(path, "w") as file:
        file.create_group("HDFEOS/SWATHS/PRS_L1_HCO/Data Fields")
        file.create_group("HDFEOS/SWATHS/PRS_L1_PCO")
    with pytest.raises(
        InputError, match=r"a\.he5: holds PRS_L1_HCO, PRS_L1_PCO, which has no map grid; give the L2D product"
    ):
        open_scene(path)
    path.unlink()
    write_prisma(path, seed)
    with h5py.File(path, "r+") as file:
        file.attrs["Epsg_Code"] = 1
    with pytest.raises(InputError, match=r"a\.he5: unknown Epsg_Code 1; fetch the file again"):
        open_scene(path)
    with h5py.File(path, "r+") as file:
        file.attrs["Product_LRcorner_easting"] = 9e5
    with pytest.raises(InputError, match=r"corners 399985 x 300 m apart do not fit 8 x 11 pixels of 30 m"):
        open_scene(path)
    with h5py.File(path, "r+") as file:
        del file.attrs["List_Cw_Swir"]
    with pytest.raises(InputError, match=r"a\.he5: cannot be read as PRISMA L2D \(.*List_Cw_Swir.*; the"):
        open_scene(path)
    assert capfd.readouterr().err == ""


STRUCTURE = """GROUP=GridStructure
\tGROUP=GRID_1
\t\tGridName="HYP"
\t\tXDim=9
\t\tYDim=8
\t\tUpperLeftPointMtrs=(503220.000000,4410990.000000)
\t\tLowerRightMtrs=(503490.000000,4410750.000000)
\t\tProjection=HE5_GCTP_UTM
\t\tZoneCode={zone}
\tEND_GROUP=GRID_1
END_GROUP=GridStructure
END
"""


def write_tanager(path: Path, seed: int, *, zone: int = 13, epsg: int | None = 32613) -> np.ndarray:
    values = np.random.default_rng(seed).uniform(0, 1, (4, 8, 9)).astype(np.float32)
    values[:, 1, 2] = -9999
    with h5py.File(path, "w") as file:
        fields = "HDFEOS/GRIDS/HYP/Data Fields"
        for name in ("surface_reflectance", "surface_reflectance_uncertainty"):
            file[f"{fields}/{name}"] = values if name == "surface_reflectance" else values / 2
            file[f"{fields}/{name}"].attrs["_FillValue"] = np.float32(-9999)
        lists = {"wavelengths": (376.4, 650.0, 1390.0, 2499.0), "fwhm": (5.0, 5.5, 6.0, 6.5)}
        file[f"{fields}/surface_reflectance"].attrs.update({**lists, "good_wavelengths": (1, 1, 0, 1)})
        file[f"{fields}/beta_cloud_mask"] = np.zeros((8, 9), np.uint8)
        if epsg is not None:
            file["HDFEOS/GRIDS/HYP"].attrs["epsg_code"] = epsg
        file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_(STRUCTURE.format(zone=zone))
    return values


@pytest.mark.parametrize(
    ("zone", "epsg", "code"), [(13, 32613, 32613), (13, None, 32613), (-34, None, 32734)]
)
def test_tanager_on_its_grid(tmp_path: Path, seed: int, zone: int, epsg: int | None, code: int) -> None:
    path = tmp_path / "a_ortho_sr_hdf5.h5"
    expected = write_tanager(path, seed, zone=zone, epsg=epsg)
    scene = open_scene(path)
    assert (scene.format, scene.bands, scene.height, scene.width) == ("Tanager ortho", 4, 8, 9)
    assert scene.crs == rasterio.CRS.from_epsg(code)
    assert scene.transform == Affine(30, 0, 503_220, 0, -30, 4_410_990)
    assert scene.wavelengths == (376.4, 650.0, 1390.0, 2499.0)
    assert scene.fwhm == (5.0, 5.5, 6.0, 6.5)
    assert scene.bad_bands == (False, False, True, False)
    values, valid = scene.read()
    np.testing.assert_array_equal(values, expected)
    np.testing.assert_array_equal(valid, expected != -9999)
    by_windows(scene, values, valid, seed)
    beside = open_scene(path, variable="surface_reflectance_uncertainty")
    assert beside.wavelengths == scene.wavelengths
    np.testing.assert_array_equal(beside.read()[0], expected / 2)


def test_tanager_that_cannot_be_used(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "a.h5"
    write_tanager(path, seed)
    with pytest.raises(
        InputError, match=r"its cubes are surface_reflectance, .*; choose one with --scene-var"
    ):
        open_scene(path, variable="radiance")
    with h5py.File(path, "r+") as file:
        file["HDFEOS/GRIDS/HYP/Data Fields/surface_reflectance"].attrs["wavelengths"] = (400.0, 500.0)
    with pytest.raises(
        InputError, match=r"surface_reflectance has 4 bands, and its lists of wavelengths and"
    ):
        open_scene(path)
    write_tanager(path, seed, epsg=1)
    with pytest.raises(InputError, match="unknown epsg_code 1; fetch the file again"):
        open_scene(path)
    write_tanager(path, seed)
    with h5py.File(path, "r+") as file:
        del file["HDFEOS INFORMATION/StructMetadata.0"]
        file["HDFEOS INFORMATION/StructMetadata.0"] = np.bytes_("END")
    with pytest.raises(
        InputError, match=r"cannot be read as Tanager ortho \(StructMetadata without UpperLeft"
    ):
        open_scene(path)


@pytest.mark.parametrize("write", [write_emit, write_prisma, write_tanager])
def test_products_that_are_cut_off(tmp_path: Path, seed: int, write: object) -> None:
    path = tmp_path / "a.nc"
    write(path, seed)  # type: ignore[operator]
    path.write_bytes(path.read_bytes()[:-700])
    with pytest.raises(InputError, match=r"a\.nc: cannot be read as .*fetch it again") as caught:
        open_scene(path).read()
    assert "\n" not in str(caught.value)


def test_full_size_products_are_never_held_whole(tmp_path: Path) -> None:
    """Cubes of the real size whose blocks were never written: small files, large arrays."""
    path = tmp_path / "EMIT_L2A_RFL_001.nc"
    write_emit(path, 0)
    line, sample = np.mgrid[:1280, :1242]
    with h5py.File(path, "r+") as file:
        for name, values in (("glt_x", sample + 1), ("glt_y", line + 1)):
            del file[f"location/{name}"]
            file[f"location/{name}"] = values.astype(np.int32)
        del file["reflectance"], file["sensor_band_parameters"]
        cube = file.create_dataset("reflectance", (1280, 1242, 285), np.float32, chunks=(64, 64, 32))
        cube.attrs["_FillValue"] = np.float32(-9999)
        for name in ("wavelengths", "fwhm"):
            file[f"sensor_band_parameters/{name}"] = np.linspace(381, 2493, 285)
    assert peak_megabytes(path, Window(600, 0, 16, 1242)) < 130
    path = tmp_path / "PRS_L2D.he5"
    write_prisma(path, 0)
    with h5py.File(path, "r+") as file:
        for name, bands in (("Vnir", 66), ("Swir", 173)):
            fields = file["HDFEOS/SWATHS/PRS_L2D_HCO/Data Fields"]
            del fields[f"{name.upper()}_Cube"]
            fields.create_dataset(f"{name.upper()}_Cube", (1200, bands, 1250), np.uint16, chunks=(64, 16, 64))
            file.attrs[f"List_Cw_{name}"] = np.linspace(2500, 970, bands) - (0 if name == "Swir" else 600)
            file.attrs[f"List_Fwhm_{name}"] = np.full(bands, 10.0)
        file.attrs["Product_LRcorner_easting"] = 500_015 + 30.0 * 1249
        file.attrs["Product_LRcorner_northing"] = 4_600_000 - 30.0 * 1199
    assert peak_megabytes(path, Window(600, 0, 16, 1250)) < 130


def peak_megabytes(path: Path, window: Window) -> float:
    """Memory that reading all bands of a window takes at most, the result included."""
    scene = open_scene(path)
    tracemalloc.start()
    scene.read(window)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    print(f"{path.name}: {peak / 1e6:.0f} MB")
    return peak / 1e6


FLAGS = ("Cloud flag", "Cirrus flag", "Water flag", "Spacecraft Flag", "Dilated Cloud Flag")
FLAGS += ("AOD550", "H2O (g cm-2)", "Aggregate Flag")


def write_emit_mask(path: Path, flags: np.ndarray) -> None:
    """The mask product of the granule of ``write_emit``, with its geometry and ``flags`` (l, s, 8)."""
    write_emit(path, 0)
    with h5py.File(path, "r+") as file:
        del file["reflectance"], file["sensor_band_parameters"]
        file["mask"] = flags.astype(np.float32)
        file["mask"].attrs["_FillValue"] = np.array([-9999], np.float32)
        file["band_mask"] = np.zeros((LINES, SAMPLES, 36), np.uint8)
        file["sensor_band_parameters/mask_bands"] = np.array(FLAGS, object)


def flagged() -> np.ndarray:
    """A flag a line of the first 5 and water wherever the aggregate is; the measurements are never 0."""
    flags = np.zeros((LINES, SAMPLES, 8))
    for band in range(5):
        flags[band + 4, :, band] = 1
    flags[..., 5:7] = 0.3
    flags[..., 7] = flags[..., :5].any(axis=2)
    return flags


def test_the_mask_product_of_emit_leaves_out_what_clouds_and_the_spacecraft_hide(
    tmp_path: Path, seed: int
) -> None:
    ortho = write_emit(tmp_path / "EMIT_L2A_RFL.nc", seed)
    path = tmp_path / "EMIT_L2A_MASK.nc"
    write_emit_mask(path, flagged())
    scene, mask = open_scene(tmp_path / "EMIT_L2A_RFL.nc"), open_scene(path)
    assert (mask.bands, mask.band_names, mask.wavelengths) == (8, FLAGS, None)
    left = masked(scene, [path])
    assert left.notes[-1].endswith(
        "EMIT_L2A_MASK.nc (Cloud flag, Cirrus flag, Spacecraft Flag, Dilated Cloud Flag) is not 0"
    )
    flags, seen = mask.read()
    hidden = seen[0] & flags[[0, 1, 3, 4]].any(axis=0)
    assert 0 < hidden.sum() < np.count_nonzero(flags[7] > 0)
    assert np.array_equal(left.read()[1], (ortho != -9999) & ~hidden)


def test_the_mask_product_of_emit_fits_a_scene_that_was_not_put_on_the_ground(tmp_path: Path) -> None:
    path = tmp_path / "EMIT_L2A_MASK.nc"
    write_emit_mask(path, flagged())
    np.save(tmp_path / "raw.npy", np.ones((LINES, SAMPLES, 3), np.float32))
    scene = masked(open_scene(tmp_path / "raw.npy", axes="rows,cols,bands"), [path])
    lines = np.flatnonzero(~scene.read()[1].any(axis=(0, 2)))
    assert lines.tolist() == [4, 5, 7, 8]


def test_flags_that_were_put_on_the_ground_before_are_known_by_their_names(tmp_path: Path) -> None:
    flags = flagged()
    with h5py.File(tmp_path / "ortho.nc", "w") as file:
        file["mask"] = flags.astype(np.float32)
        file["mask_bands"] = np.array(FLAGS, object)
        file["latitude"], file["longitude"] = 35.0 - SIZE * np.arange(LINES), SIZE * np.arange(SAMPLES)
        for i, axis in enumerate(("latitude", "longitude", "mask_bands")):
            file[axis].make_scale(axis)
            file["mask"].dims[i].attach_scale(file[axis])
    scene = masked(open_scene(tmp_path / "ortho.nc"), [tmp_path / "ortho.nc"])
    assert np.flatnonzero(~scene.read()[1].any(axis=(0, 2))).tolist() == [4, 5, 7, 8]
