"""Points between reference systems: those that have no place there are infinite, and no others."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from terramamba.raster.geogrid import Grid, same_crs
from terramamba.raster.pixel_area import PixelArea, pixel_sides
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


def test_sides_of_pixels_are_metres_on_the_ground_in_any_unit() -> None:
    turned = Affine(30 * 0.6, 30 * 0.8, 5e5, 30 * 0.8, -30 * 0.6, 5.8e6)
    assert pixel_sides(Grid(90, 90, UTM, turned)) == (30, 30)
    assert pixel_sides(Grid(90, 90, UTM, Affine(10, 0, 5e5, 0, -20, 5.8e6))) == (20, 10)
    feet = pixel_sides(Grid(90, 90, CRS.from_epsg(2263), Affine(30, 0, 1e6, 0, -30, 2e5)))
    assert np.allclose(feet, 30 * 1200 / 3937)
    # at 60 degrees north, degrees of longitude and metres of Web Mercator are half as long as at the equator
    degrees = Affine(1e-3, 0, 10, 0, -1e-3, 60)
    assert np.allclose(pixel_sides(Grid(2, 2, DEGREES, degrees)), (111.4, 55.8), rtol=1e-3)
    web = Affine(30, 0, 1e6, 0, -30, 8_399_737.9)
    assert np.allclose(pixel_sides(Grid(2, 2, CRS.from_epsg(3857), web)), 15, rtol=5e-3)


def test_pixels_of_unknown_size_have_no_sides() -> None:
    assert pixel_sides(Grid(9, 9)) is None
    assert pixel_sides(Grid(9, 9, NOWHERE, Affine(1, 0, 0, 0, -1, 0))) is None
    corner = Grid(2, 2, DISC, Affine(48_000, 0, -5_568_000, 0, -48_000, 5_568_000))
    assert pixel_sides(corner) is None


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("EPSG:32633", "EPSG:32633+5773", True),
        ("EPSG:25832+7837", "EPSG:25832", True),
        ("EPSG:25832+7837", "EPSG:25832+5773", True),
        ("EPSG:32632", "EPSG:32633+5773", False),
    ],
)
def test_heights_make_no_other_reference_system_on_the_ground(first: str, second: str, same: bool) -> None:
    assert same_crs(CRS.from_user_input(first), CRS.from_user_input(second)) == same
