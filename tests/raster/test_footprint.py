"""Outlines of grids on the Earth: across 180 degrees, around a pole, and of grids that lie nowhere."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from terramamba.raster.footprint import bounding_box, footprint
from terramamba.raster.geogrid import Grid


def grid(code: int, *transform: float, height: int = 100, width: int = 100) -> Grid:
    return Grid(height, width, CRS.from_epsg(code), Affine(*transform))


def test_the_outline_of_a_scene_goes_through_its_corners_anticlockwise() -> None:
    turned = grid(32632, 17, 10, 500_000, 10, -17, 5_000_000)
    outline = footprint(turned)
    assert outline is not None
    assert outline.exterior.is_ccw
    found = np.array(outline.exterior.coords)
    for x, y in turned.corners or ():
        (east,), (north,) = transform(turned.crs, CRS.from_epsg(4326), [x], [y])
        assert np.abs(found - (east, north)).max(axis=1).min() < 2e-6
    assert bounding_box(outline) == [*found.min(axis=0), *found.max(axis=0)]


@pytest.mark.parametrize("first_column", [170.0, -190.0])
def test_what_lies_across_180_degrees_is_cut_there(first_column: float) -> None:
    outline = footprint(grid(4326, 1, 0, first_column, 0, -1, 10, height=10, width=20))
    assert outline is not None
    assert outline.geom_type == "MultiPolygon"
    assert outline.is_valid
    assert outline.area == pytest.approx(200)
    assert bounding_box(outline) == [170, 0, -170, 10]


@pytest.mark.parametrize(("code", "south", "north"), [(3031, -90.0, -88.7), (3413, 88.7, 90.0)])
def test_what_holds_a_pole_goes_all_round_it(code: int, south: float, north: float) -> None:
    outline = footprint(grid(code, 2000, 0, -100_000, 0, -2000, 100_000))
    assert outline is not None
    assert outline.is_valid
    assert bounding_box(outline) == pytest.approx([-180, south, 180, north], abs=0.02)


def test_the_whole_earth_is_one_rectangle_wherever_it_is_cut() -> None:
    for first_column in (-180, 0):
        outline = footprint(grid(4326, 1, 0, first_column, 0, -1, 90, height=180, width=360))
        assert outline is not None
        assert outline.area == pytest.approx(360 * 180)
        assert bounding_box(outline) == [-180, -90, 180, 90]


def test_a_grid_without_a_place_has_no_outline() -> None:
    assert footprint(Grid(3, 3)) is None
    assert footprint(Grid(3, 3, None, Affine(1, 0, 0, 0, -1, 0))) is None
    site = CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    assert footprint(Grid(3, 3, site, Affine(1, 0, 0, 0, -1, 0))) is None
