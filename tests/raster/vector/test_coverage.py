"""Shares of pixels against the areas that shapely computes pixel by pixel."""

import numpy as np
import pytest
import shapely

from terramamba.raster.vector.coverage import (
    bounding_window,
    line_pixels,
    pixels_of_points,
    point_pixels,
    polygon_coverage,
)
from terramamba.raster.windows import Window

BOUND = 1e-9
WINDOW = Window(2, 3, 11, 14)


def boxes(window: Window) -> np.ndarray:
    rows, cols = np.mgrid[window.row : window.bottom, window.col : window.right]
    return shapely.box(cols, rows, cols + 1, rows + 1)


def star(rng: np.random.Generator, whole: bool) -> shapely.Geometry:
    """A polygon of any form around the window, its corners on those of pixels if ``whole``."""
    angles = np.sort(rng.uniform(0, 2 * np.pi, rng.integers(3, 30)))
    reach = rng.uniform(0.5, 12, len(angles))
    middle = rng.uniform((2, 1), (18, 14))
    points = middle + reach[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return shapely.Polygon(points.round() if whole else points).buffer(0)


@pytest.mark.parametrize("whole", [False, True])
def test_shares_are_the_areas_of_random_polygons(seed: int, whole: bool) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(40):
        shape = star(rng, whole)
        if rng.random() < 0.5:
            shape = shapely.difference(shape, star(rng, whole))
        if rng.random() < 0.5:
            shape = shapely.union(shape, star(rng, whole))
        if rng.random() < 0.5:
            shape = shapely.reverse(shape)
        expected = shapely.area(shapely.intersection(boxes(WINDOW), shape))
        np.testing.assert_allclose(polygon_coverage(shape, WINDOW), expected, rtol=0, atol=BOUND)


def test_pixels_and_holes_are_exact() -> None:
    square = shapely.Polygon([(4, 3), (9, 3), (9, 8), (4, 8)], [[(5, 4), (5, 7), (8, 7), (8, 4)]])
    found = polygon_coverage(square, WINDOW)
    expected = np.zeros((11, 14))
    expected[1:6, 1:6] = 1
    expected[2:5, 2:5] = 0
    np.testing.assert_array_equal(found, expected)
    whole = polygon_coverage(shapely.box(-100, -100, 100, 100), WINDOW)
    np.testing.assert_array_equal(whole, 1)


@pytest.mark.parametrize(
    "shape",
    [
        shapely.Polygon(),
        shapely.Point(5, 5),
        shapely.LineString([(4, 4), (9, 9)]),
        shapely.box(50, 50, 60, 60),
    ],
)
def test_what_is_no_area_in_the_window_covers_nothing(shape: shapely.Geometry) -> None:
    assert not polygon_coverage(shape, WINDOW).any()


def test_lines_take_the_pixels_that_they_pass_through(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(20):
        lines = shapely.MultiLineString([rng.uniform(0, 20, (rng.integers(2, 9), 2)) for _ in range(2)])
        found = line_pixels(shapely.GeometryCollection([lines, shapely.box(3, 3, 9, 9)]), WINDOW)
        length = shapely.length(shapely.intersection(boxes(WINDOW), lines))
        taken = np.zeros(WINDOW.shape, bool)
        taken[tuple((found - (WINDOW.row, WINDOW.col)).T)] = True
        assert taken[length > BOUND].all()
        assert (length[taken] > 0).all()
        assert len(np.unique(found, axis=0)) == len(found)


def test_points_take_the_pixel_they_are_in() -> None:
    points = shapely.MultiPoint([(3, 2), (3.5, 2.9), (16.999, 12.999), (17, 5), (5, 13), (2.999, 5)])
    np.testing.assert_array_equal(point_pixels(points, WINDOW), [[2, 3], [12, 16]])
    assert len(point_pixels(shapely.Point(), WINDOW)) == 0


def test_points_on_a_border_are_in_the_pixel_beyond_it_whatever_rounding_makes_of_them() -> None:
    columns = np.arange(1, 2000)
    points = np.stack([(400_000 + 0.3 * columns - 400_000) / 0.3, np.full(1999, 4.5)], axis=1)
    assert (np.floor(points[:, 0]) < columns).any()
    pixels, on_border = pixels_of_points(points)
    np.testing.assert_array_equal(pixels[:, 1], columns)
    assert on_border.all()
    assert not pixels_of_points(points + 0.1)[1].any()
    almost = shapely.MultiPoint([(4 - 1e-9, 5.5), (17 - 1e-9, 5.5), (3 - 1e-9, 6.5)])
    np.testing.assert_array_equal(point_pixels(almost, WINDOW), [[5, 4], [6, 3]])


def test_the_window_of_a_shape() -> None:
    assert bounding_window(shapely.box(4.2, 3.9, 6.1, 5), WINDOW) == Window(3, 4, 3, 3)
    assert bounding_window(shapely.box(-1e30, -1e30, 1e30, 1e30), WINDOW) == WINDOW
    assert bounding_window(shapely.box(40, 40, 50, 50), WINDOW).pixels == 0
    assert bounding_window(shapely.Polygon(), WINDOW).pixels == 0
