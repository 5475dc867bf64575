"""Points between reference systems: those that have no place there are infinite, and no others."""

import numpy as np
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.reproject import to_crs

DEGREES, UTM = CRS.from_epsg(4326), CRS.from_epsg(32632)
DISC = CRS.from_string("+proj=geos +h=35785831 +lon_0=0 +ellps=WGS84 +units=m +no_defs")
NOWHERE = CRS.from_wkt('LOCAL_CS["workbench",UNIT["metre",1]]')


def test_points_without_a_place_are_infinite_and_leave_the_others_alone(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lon, lat = rng.uniform(6, 12, 100), rng.uniform(40, 60, 100)
    expected = np.array(transform(DEGREES, UTM, lon, lat))
    lost = rng.random(100) < 0.3
    x, y = to_crs(DEGREES, UTM, lon, np.where(lost, 95, lat))
    assert np.array_equal(np.isinf(x), lost)
    assert np.allclose(np.array([x, y])[:, ~lost], expected[:, ~lost])


def test_systems_that_no_way_connects(seed: int) -> None:
    many = np.random.default_rng(seed).uniform(0, 1, 100_000)
    assert np.isinf(to_crs(UTM, NOWHERE, many, many)).all()
    assert to_crs(UTM, DEGREES, [], [])[0].size == 0


def test_pixels_beyond_the_earth_have_no_area() -> None:
    """The full disc of a geostationary satellite, with its corners in space."""
    grid = Grid(232, 232, DISC, Affine(48_000, 0, -5_568_000, 0, -48_000, 5_568_000))
    measure = PixelArea.of(grid)
    assert measure is not None
    areas = measure.square_metres(grid.window)
    assert (areas[[0, 0, -1, -1], [0, -1, 0, -1]] == 0).all()
    # below the satellite
    assert np.isclose(areas[116, 116], 48_000**2, rtol=0.01)
    assert np.isfinite(areas).all()
