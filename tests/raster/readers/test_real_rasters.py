"""Real rasters open as their table says, and those that cannot be used are refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from terramamba.core.errors import InputError
from terramamba.raster.checks.describe import describe
from terramamba.raster.readers.open import open_scene
from terramamba.raster.windows import Window

RASTERS = {
    "landsat5_tm_para/LT52240631988227CUB02_B6.TIF": (1, 310, 287, "uint8", 32622, 255),
    "landsat7_etm_olinda/L7_ETMs.tif": (6, 352, 349, "uint8", 31985, None),
    "landsat7_etm_olinda/olinda_dem_utm25s.tif": (1, 111, 111, "float32", 32000, None),
    "sentinel2_leipzig/leipzig_raster.tif": (8, 206, 154, "float32", 32632, float("nan")),
    "landsat_time_series_force/1984-2021_060-319_HL_TSA_LNDLG_NDV_TSI.tif": (
        19,
        15,
        10,
        "int16",
        3035,
        -9999,
    ),
    "rasterio_tests/rgb1.tif": (3, 400, 400, "uint8", None, 0),
    "rasterio_tests/rgb-byte-tenth.tif": (3, 71, 79, "uint8", None, 0),
    "rasterio_tests/RGBA.uint16.tif": (3, 411, 634, "uint16", 32612, None),
    "rasterio_tests/alpha.tif": (3, 1223, 1223, "uint8", 3857, None),
    "rasterio_tests/red.tif": (3, 64, 64, "uint8", 4326, 0),
    "rasterio_tests/goes.tif": (3, 542, 542, "uint8", None, None),
    "rasterio_tests/rotated.tif": (1, 15, 10, "uint8", None, None),
    "rasterio_tests/float_nan.tif": (1, 2, 3, "float32", None, float("nan")),
    "rasterio_tests/float_raster_with_nodata.tif": (1, 12, 13, "float32", None, -3.3999999521443642e38),
    "rasterio_tests/all-nodata.tif": (4, 2475, 71, "uint16", 32628, 0),
    "rasterio_tests/test_esri_wkt.tif": (1, 2, 2, "uint16", None, None),
    "odc_geo_tests/au-3577.tif": (1, 124, 133, "uint8", 3577, 0),
    "odc_geo_tests/au-3577-rotated.tif": (1, 128, 128, "float32", 3577, None),
    "odc_geo_tests/au-gcp.tif": (1, 124, 133, "uint8", None, 0),
    "rioxarray_tests/cog.tif": (1, 500, 500, "int16", None, -9999),
    "rioxarray_tests/test_rpcs.tif": (1, 274, 232, "uint16", None, 0),
}


@pytest.mark.parametrize("name", RASTERS)
def test_real_rasters(real_data: Callable[[str], Path], name: str) -> None:
    bands, height, width, dtype, epsg, nodata = RASTERS[name]
    scene = open_scene(real_data(f"raster/{name}"))
    assert (scene.bands, scene.height, scene.width, scene.dtype) == (bands, height, width, dtype)
    assert scene.nodata == (None if nodata is None else pytest.approx(nodata, nan_ok=True))
    if epsg is not None:
        assert scene.crs is not None
        assert scene.crs.to_epsg() == epsg
    values, valid = scene.read()
    middle = Window(height // 3, width // 3, max(1, height // 4), max(1, width // 4))
    part, good = scene.read(middle, [bands - 1])
    assert np.array_equal(part[0], values[bands - 1][middle.slices], equal_nan=dtype == "float32")
    assert np.array_equal(good[0], valid[bands - 1][middle.slices])
    if name.endswith("all-nodata.tif"):
        assert not valid.any()
    describe(scene)


def test_real_envi_with_an_upper_case_header(real_data: Callable[[str], Path]) -> None:
    for date in ("2000TM", "2003TM"):
        scene = open_scene(real_data(f"change/landsat_taizhou/{date}"))
        assert (scene.bands, scene.height, scene.width, scene.dtype) == (6, 400, 400, "uint8")
        assert scene.crs is not None
        assert scene.crs.to_epsg() == 32651
        assert scene.wavelengths == pytest.approx((482.5, 565, 660, 825, 1650, 2220))
    with rasterio.open(real_data("change/landsat_taizhou/2003TM")) as file:
        assert np.array_equal(scene.read()[0], file.read())
    reference = open_scene(real_data("change/landsat_taizhou/change.bmp")).read()[0]
    assert np.count_nonzero(reference) == 4227


def test_real_netcdf_by_the_name_of_its_variable(real_data: Callable[[str], Path]) -> None:
    scene = open_scene(real_data("raster/rioxarray_tests/sentinel_2_L1C_geographic.nc"), variable="nir")
    assert (scene.format, scene.bands, scene.height, scene.width) == ("NetCDF, HDF5", 1, 11, 12)
    assert scene.nodata == 0  # its attribute nodata, of no convention
    cube = open_scene(real_data("raster/rioxarray_tests/PLANET_SCOPE_3D.nc"), variable="blue")
    assert (cube.bands, cube.height, cube.width) == (2, 10, 10)
    assert describe(cube)


def test_real_files_that_are_refused(real_data: Callable[[str], Path]) -> None:
    corrupt = open_scene(real_data("raster/rasterio_tests/corrupt.tif"))
    with pytest.raises(InputError, match=r"corrupt\.tif: rows 0 to 1023, columns 0 to 1023 cannot be read"):
        corrupt.read()
    with pytest.raises(InputError, match=r"cint16\.tif: holds complex numbers \(complex_int16\)"):
        open_scene(real_data("raster/rioxarray_tests/cint16.tif"))
    with pytest.raises(InputError, match=r"holds nir, red; choose one with --scene-variable"):
        open_scene(real_data("raster/rioxarray_tests/sentinel_2_L1C_geographic.nc"))
    with pytest.raises(InputError, match=r"points\.gpkg: not an image"):
        open_scene(real_data("raster/sentinel2_leipzig/leipzig_points.gpkg"))
