"""Labels drawn as polygons, points and lines: the class and the shape of the pixels that they label."""

import numpy as np
import shapely
from jaxtyping import Int64

from terramamba.core.errors import InputError
from terramamba.data.labels.class_attribute import find_classes
from terramamba.data.labels.class_raster import ClassRaster, OverlapResolver
from terramamba.data.settings import VectorOptions
from terramamba.raster.scene import Scene
from terramamba.raster.vector.coverage import (
    bounding_window,
    line_pixels,
    point_pixels,
    polygon_coverage,
)
from terramamba.raster.vector.features import on_pixels, read_features
from terramamba.raster.windows import Window

ROUNDING = 1e-6
"""Shares of a pixel below this come from rounding in reprojection, not from what somebody drew."""


def read_shapes(path: str, scene: Scene, options: VectorOptions) -> ClassRaster:
    """Read a vector file (GeoPackage, Shapefile, GeoJSON, ...) in any reference system.

    A polygon labels the pixels that it covers enough of, a line those it passes through, a point the one it
    is in. Pixels that shapes of two classes claim are unlabelled and counted in the notes, and so are shapes
    outside the scene, without a class, or too small to label anything.

    Raises:
        InputError: what ``read_features``, ``on_pixels`` and ``find_classes`` refuse, or no shape that
            labels a pixel of the scene.
    """
    features = read_features(path, options.layer)
    if len(features) == 0:
        raise InputError(f"{path}: layer {features.layer!r} holds no features; give labels that were drawn")
    classes = find_classes(path, features.attributes, options.class_attribute)
    shapes, notes = on_pixels(features, scene.grid, scene.path)
    least = ROUNDING if options.all_touched else options.min_coverage - ROUNDING
    overlaps = OverlapResolver(scene.height, scene.width)
    outside, small = 0, 0
    for number, (shape, code) in enumerate(zip(shapes, classes.codes, strict=True), start=1):
        if shape is None or code == 0:
            continue
        window = bounding_window(shape, scene.grid.window)
        taken = _pixels(shape, window, least)
        if len(taken):
            overlaps.add(taken, int(code), number)
        elif window.pixels and shapely.intersects(shape, _box(window)):
            small += 1
        else:
            outside += 1
    pixels, codes, numbers, disputed = overlaps.resolve()
    if not len(pixels):
        raise InputError(_nothing_labelled(path, shapes, scene, outside, small, options))
    said = (
        (np.count_nonzero(shapely.is_missing(shapes)), "without a shape"),
        (np.count_nonzero(classes.codes == 0), f"without a class in {classes.attribute!r}"),
        (outside, "outside the scene"),
        (small, f"too small to cover {options.min_coverage:g} of any pixel (--min-coverage, --all-touched)"),
    )
    notes = (f"{path}: classes are the values of the attribute {classes.attribute!r}", *notes)
    notes += tuple(f"{path}: {count} of {len(features)} features {what}" for count, what in said if count)
    if disputed:
        notes += (f"{path}: {disputed} pixels are claimed by shapes of two classes and left unlabelled",)
    return ClassRaster(
        pixels, codes, classes.names, by_name=bool(classes.names), features=numbers, notes=notes
    )


def _pixels(shape: shapely.Geometry, window: Window, least: float) -> Int64[np.ndarray, "m 2"]:
    """Rows and columns that the polygons, lines and points in ``shape`` label, each once."""
    if not window.pixels:
        return np.zeros((0, 2), np.int64)
    covered = np.argwhere(polygon_coverage(shape, window) >= least)
    covered += (window.row, window.col)
    if shape.geom_type in ("Polygon", "MultiPolygon"):
        return covered
    parts = [covered, line_pixels(shape, window), point_pixels(shape, window)]
    return np.unique(np.concatenate(parts), axis=0)


def _box(window: Window) -> shapely.Geometry:
    return shapely.box(window.col, window.row, window.right, window.bottom)


def _nothing_labelled(
    path: str, shapes: np.ndarray, scene: Scene, outside: int, small: int, options: VectorOptions
) -> str:
    if small:
        return (
            f"{path}: no polygon covers {options.min_coverage:g} of a pixel of {scene.path}; give a smaller "
            "--min-coverage, or --all-touched"
        )
    if outside:
        left, top, right, bottom = shapely.total_bounds(shapes)
        return (
            f"{path}: no shape lies on {scene.path}: they span rows {top:.0f} to {bottom:.0f} and columns "
            f"{left:.0f} to {right:.0f} of its {scene.height} x {scene.width} pixels; check the reference "
            "systems"
        )
    return f"{path}: not one shape with a class, or all pixels are claimed for two classes; check the labels"
