"""Shapes are found on scenes whose longitudes are a turn of the Earth further, or on both sides of 180."""

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from terramamba.raster.geogrid import Grid
from terramamba.raster.vector.date_line import on_longitudes_of
from terramamba.raster.vector.features import Features, on_pixels

DEGREES, UTM = CRS.from_epsg(4326), CRS.from_epsg(32660)


def grid_at(west: float, crs: CRS = DEGREES) -> Grid:
    """100 x 200 pixels of 0.01 degrees, from 40 degrees north down."""
    return Grid(100, 200, crs, Affine(0.01, 0, west, 0, -0.01, 40))


def areas(shapes: list[shapely.Geometry], grid: Grid) -> list[float]:
    """How many pixels of ``grid`` each covers."""
    found, _ = on_pixels(Features("a.gpkg", "a", np.array(shapes, object), {}, DEGREES), grid, "scene.tif")
    on_scene = shapely.intersection(found, shapely.box(0, 0, grid.width, grid.height))
    return shapely.area(on_scene).round(6).tolist()


@pytest.mark.parametrize(
    ("west", "box"), [(285, (-74.9, 39.5, -74.8, 39.6)), (-190, (171, 39.5, 171.1, 39.6))]
)
def test_a_scene_from_0_to_360_or_below_180(west: float, box: tuple[float, ...]) -> None:
    assert areas([shapely.box(*box), shapely.box(90, 49.5, 90.1, 49.6)], grid_at(west)) == [100, 0]


def test_a_scene_on_both_sides_of_the_line_has_shapes_of_both_and_halves_are_one() -> None:
    west, east = shapely.box(179.5, 39.5, 179.6, 39.6), shapely.box(-179.6, 39.5, -179.5, 39.6)
    cut = shapely.MultiPolygon([shapely.box(179.9, 39.2, 180, 39.3), shapely.box(-180, 39.2, -179.9, 39.3)])
    (_, _, whole), notes = on_pixels(
        Features("a.gpkg", "a", np.array([west, east, cut], object), {}, DEGREES), grid_at(179), "scene.tif"
    )
    assert areas([west, east, cut], grid_at(179)) == [100, 100, 200]
    assert shapely.length(whole) == pytest.approx(60)  # no edge between the halves
    assert not notes
    assert areas([shapely.Point(-179.5, 39.5).buffer(0.05)], grid_at(179))[0] > 70


def test_shapes_from_0_to_360_are_found_on_a_scene_below_180() -> None:
    shapes = [shapely.box(285.1, 39.5, 285.2, 39.6), shapely.box(10, 49.5, 10.1, 49.6)]
    assert areas(shapes, grid_at(-75)) == [100, 0]


def test_shapes_of_other_scenes_stay_as_they_are() -> None:
    shapes = np.array([shapely.box(-179.6, 39.5, -179.5, 39.6), None, shapely.Point(1, 2)], object)
    for grid in (grid_at(178), grid_at(-180), Grid(9, 9, UTM, Affine(10, 0, 4e5, 0, -10, 5e6)), Grid(9, 9)):
        assert on_longitudes_of(shapes, grid) is shapes
    assert on_longitudes_of(shapes, grid_at(400))[1] is None
