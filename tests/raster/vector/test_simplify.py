"""Simplified outlines: fewer corners, the same topology, the same measures."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.vector.area_polygons import AreaPolygons
from terramamba.raster.vector.change_polygons import trace_changes
from terramamba.raster.vector.simplify import simplified

UTM = CRS.from_epsg(32632)


def traced(folder: Path, changed: np.ndarray, transform: Affine, simplify: float) -> AreaPolygons:
    name = folder / f"{simplify}.tif"
    write_geotiff(name, changed[None].astype(np.uint8), Grid(*changed.shape, UTM, transform), nodata=255)
    (found,) = trace_changes(name, name, simplify=simplify)
    return found


def structure(shapes: np.ndarray) -> list[list[int]]:
    """Of each shape, in how many parts it is and how many holes each part has."""
    return [sorted(len(part.interiors) for part in shape.geoms) for shape in shapes]


@pytest.mark.parametrize("smoothness", [0.0, 1.5, 4.0])
def test_simplification_keeps_the_topology(tmp_path: Path, seed: int, smoothness: float) -> None:
    rng = np.random.default_rng(seed)
    # Without smoothing dense noise: holes, islands in holes, and corners that touch, all over.
    field = ndimage.gaussian_filter(rng.standard_normal((90, 110)), smoothness)
    changed = field > np.quantile(field, rng.uniform(0.5, 0.9))
    transform = Affine(8, 3, 500_000, 2, -9, 5_000_000)
    full = traced(tmp_path, changed, transform, 0.0)
    areas = traced(tmp_path, changed, transform, float(rng.uniform(0.75, 4)))
    for name in ("pixels", "area", "mean_probability", "max_probability"):
        np.testing.assert_array_equal(getattr(areas, name), getattr(full, name))
    corners = shapely.get_num_coordinates
    assert corners(areas.geometry).sum() < corners(full.geometry).sum()
    assert (shapely.area(areas.geometry) > 0).all(), "no area vanishes"
    assert shapely.is_valid(areas.geometry).all()
    assert structure(areas.geometry) == structure(full.geometry), "no hole is lost or cut open"
    # Areas that touch are one area, so two of them never meet; parts of one meet where they did.
    one, other = shapely.STRtree(areas.geometry).query(areas.geometry, predicate="intersects")
    np.testing.assert_array_equal(one, other)
    for shape, before in zip(areas.geometry, full.geometry, strict=True):
        assert groups(shape) == groups(before) == 1


def groups(shape: shapely.MultiPolygon) -> int:
    """In how many groups the parts of a shape fall, those that touch being one group."""
    parts = list(shape.geoms)
    reached, left = [parts[0]], parts[1:]
    for part in reached:
        near = [other for other in left if other.intersects(part)]
        left = [other for other in left if other not in near]
        reached.extend(near)
    return 1 + len(left)


def test_steps_of_one_pixel_become_a_slope() -> None:
    steps = [(0, 0), (0, 20)] + [corner for i in range(20) for corner in ((i + 1, 20 - i), (i + 1, 19 - i))]
    (shape,) = simplified(np.array([shapely.Polygon(steps)]), 0.75)
    assert shapely.get_num_coordinates(shape) < len(steps) / 1.5
    assert shape.symmetric_difference(shapely.Polygon(steps)).area <= 0.5 * 20


def test_a_single_pixel_is_kept() -> None:
    (shape,) = simplified(np.array([shapely.box(3, 4, 4, 5)]), 10.0)
    assert shape.area >= 0.5
    assert shape.within(shapely.box(3, 4, 4, 5))


def test_no_tolerance_changes_nothing_and_no_length_is_refused() -> None:
    shapes = np.array([shapely.box(3, 4, 4, 5)])
    assert simplified(shapes, 0) is shapes
    for tolerance in (-1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match=r"--simplify .*: a length in pixels is needed, 0 or more"):
            simplified(shapes, tolerance)
