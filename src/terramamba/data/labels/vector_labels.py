"""Labels drawn as polygons, points and lines: the class and the shape of the pixels that they label."""

import numpy as np
import shapely
from jaxtyping import Int64, Shaped
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.data.labels.class_raster import ClassRaster, OverlapResolver
from terramamba.data.labels.styled_classes import find_styled_classes
from terramamba.data.labels.unlabelled import CodeCounts
from terramamba.data.settings import VectorOptions
from terramamba.raster.geogrid import crs_in_brief
from terramamba.raster.scene import Scene
from terramamba.raster.vector.coverage import (
    bounding_window,
    line_pixels,
    pixels_of_points,
    point_pixels,
    polygon_coverage,
)
from terramamba.raster.vector.features import on_pixels, read_features
from terramamba.raster.vector.layers import LayerWanted
from terramamba.raster.windows import Window

POINT = 0
"""Shapely's number of this kind of shape."""

OF_PIXELS = ("dn", "gridcode", "value")
"""What programs call the values of pixels that they make shapes of: 0 is what surrounds the others."""

ROUNDING = 1e-6
"""Shares of a pixel below this come from rounding in reprojection, not from what somebody drew."""


def read_shapes(path: str, scene: Scene, options: VectorOptions, zero: bool = False) -> ClassRaster:
    """Read a vector file (GeoPackage, Shapefile, GeoJSON, ...) in any reference system.

    A polygon labels the pixels that it covers enough of, a line those it passes through, a point the one it
    is in. Pixels that shapes of two classes claim are unlabelled and counted in the notes, and so are shapes
    outside the scene, without a class, or too small to label anything. A shape of several parts labels what
    it covers as a whole; its parts are features of their own. ``zero``: 0 is a class, else it is none.

    Raises:
        InputError: what ``read_features``, ``on_pixels`` and ``find_styled_classes`` refuse, or no shape that
            labels a pixel of the scene.
    """
    features = read_features(
        path, options.layer, options.labels_crs, LayerWanted(options.class_attribute, grid=scene.grid)
    )
    if len(features) == 0:
        raise InputError(f"{path}: layer {features.layer!r} holds no features; give labels that were drawn")
    classes = find_styled_classes(path, features.attributes, options.class_attribute)
    shapes, notes = on_pixels(features, scene.grid, scene.path)
    least = ROUNDING if options.all_touched else options.min_coverage - ROUNDING
    overlaps = OverlapResolver(scene.height, scene.width)
    drawn = ~shapely.is_missing(shapes) & ((classes.codes > 0) | (classes.is_zero & zero))
    points = drawn & (shapely.get_type_id(shapes) == POINT) & ~shapely.is_empty(shapes)
    outside, on_border = _add_points(overlaps, shapes, classes.codes, np.flatnonzero(points))
    small, parts, multipart = 0, len(features), 0
    for place in np.flatnonzero(drawn & ~points).tolist():
        number, shape, code = place + 1, shapes[place], int(classes.codes[place])
        window = bounding_window(shape, scene.grid.window)
        taken = _pixels(shape, window, least)
        if len(taken):
            several = features.shapes[place].geom_type.startswith(("Multi", "GeometryC"))
            first, *others = _by_part(shape, taken, window) if several else [taken]
            overlaps.add(first, code, number, place)
            for part in others:
                parts += 1
                overlaps.add(part, code, parts, place)
            multipart += bool(others)
        elif window.pixels and shapely.intersects(shape, _box(window)):
            small += 1
        else:
            outside += 1
    pixels, codes, numbers, disputed = overlaps.resolve()
    if not len(pixels):
        raise InputError(_nothing_labelled(path, shapes, scene, outside, small, options, features.crs))
    zeros = int(np.count_nonzero(classes.is_zero))
    said = (
        (np.count_nonzero(shapely.is_missing(shapes)), "without a shape"),
        (
            0 if zero else zeros,
            f"with 0 in {classes.attribute!r}: unlabelled (--ignore-classes none: a class)",
        ),
        (classes.below, f"with a number below 0 in {classes.attribute!r}: unlabelled"),
        (
            np.count_nonzero(classes.codes == 0) - zeros - classes.below,
            f"without a class in {classes.attribute!r}",
        ),
        (outside, "outside the scene"),
        (on_border, "on the border of pixels, of which the one to the right and below has the label"),
        (small, f"too small to cover {options.min_coverage:g} of any pixel (--min-coverage, --all-touched)"),
    )
    notes = (f"{path}: classes are the values of the attribute {classes.attribute!r}", *notes)
    notes += tuple(f"{path}: {note}" for note in classes.notes)
    notes += tuple(f"{path}: {count} of {len(features)} features {what}" for count, what in said if count)
    if multipart:
        notes += (
            f"{path}: {multipart} of {len(features)} features have several parts, which count as "
            f"{parts - len(features) + multipart} polygons of their own with --split polygon",
        )
    if disputed:
        notes += (f"{path}: {disputed} pixels are claimed by shapes of two classes and left unlabelled",)
    present, often = np.unique(classes.codes[classes.codes > 0], return_counts=True)
    counts = dict(zip(present.tolist(), often.tolist(), strict=True))
    gone = sorted(set(counts) - set(np.unique(codes).tolist()))
    if gone:
        called = ", ".join(str(classes.names.get(code, code)) for code in gone)
        notes += (f"{path}: no pixel is left of the class {called}: its shapes are those counted above",)
    whole_row = sorted(counts) == list(range(1, len(counts) + 1)) and len(counts) > 1
    drawn_from_0 = whole_row and classes.attribute.lower() not in OF_PIXELS
    found = CodeCounts(counts | ({0: zeros} if zeros else {}), classes.names, row=drawn_from_0, of="features")
    return ClassRaster(pixels, codes, found, classes.names, classes.colours, classes.by_name, numbers, notes)


def _add_points(
    overlaps: OverlapResolver,
    shapes: Shaped[np.ndarray, " n"],
    codes: Int64[np.ndarray, " n"],
    places: Int64[np.ndarray, " p"],
) -> tuple[int, int]:
    """Add the points among ``shapes`` all at once, as surveys have many.

    Returns how many lie outside, and how many of the others on the border of pixels.
    """
    points = shapely.get_coordinates(shapes[places])
    near = ((points > -1) & (points[:, ::-1] < np.array(overlaps.size) + 1)).all(axis=1)
    pixels, on_border = pixels_of_points(points[near])
    inside = ((pixels >= 0) & (pixels < overlaps.size)).all(axis=1)
    kept = places[near][inside]
    overlaps.add(pixels[inside], codes[kept], kept + 1, kept)
    return len(places) - len(kept), int(np.count_nonzero(on_border & inside))


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


def _by_part(
    shape: shapely.Geometry, taken: Int64[np.ndarray, "m 2"], window: Window
) -> list[Int64[np.ndarray, "n 2"]]:
    """Deal the pixels that ``shape`` labels to the parts that cover most of each, without empty ones."""
    most, owner = np.zeros(window.shape), np.zeros(window.shape, np.int64)
    parts = shapely.get_parts(shape)
    for number, part in enumerate(parts):
        own = bounding_window(part, window)
        if not own.pixels:
            continue
        share = polygon_coverage(part, own)
        for pixels in (line_pixels(part, own), point_pixels(part, own)):
            share[pixels[:, 0] - own.row, pixels[:, 1] - own.col] = 1
        here = (
            slice(own.row - window.row, own.bottom - window.row),
            slice(own.col - window.col, own.right - window.col),
        )
        owner[here] = np.where(share > most[here], number, owner[here])
        most[here] = np.maximum(share, most[here])
    of_pixel = owner[taken[:, 0] - window.row, taken[:, 1] - window.col]
    return [taken[of_pixel == number] for number in np.unique(of_pixel)]


def _box(window: Window) -> shapely.Geometry:
    return shapely.box(window.col, window.row, window.right, window.bottom)


def _systems(crs: CRS | None, scene: Scene) -> str:
    """The systems of the shapes and the scene, where both state one."""
    if crs is None or scene.crs is None:
        return ""
    return f" (the shapes are in {crs_in_brief(crs)}, the scene in {crs_in_brief(scene.crs)})"


def _nothing_labelled(
    path: str,
    shapes: np.ndarray,
    scene: Scene,
    outside: int,
    small: int,
    options: VectorOptions,
    crs: CRS | None,
) -> str:
    if all(shape is None or shape.is_empty for shape in shapes):
        return (
            f"{path}: its features have no place on the ground, as in a spectral library, which is not read;"
            " give shapes that lie on the scene"
        )
    if small:
        return (
            f"{path}: no polygon covers {options.min_coverage:g} of a pixel of {scene.path}; give a smaller "
            "--min-coverage, or --all-touched"
        )
    if outside:
        left, top, right, bottom = shapely.total_bounds(shapes)
        return (
            f"{path}: no shape lies on {scene.path}: they span rows {top:.0f} to {bottom:.0f} and columns "
            f"{left:.0f} to {right:.0f} of its {scene.height} x {scene.width} pixels; "
            + (
                "without a reference system they are taken to be in the scene's: give --labels-crs"
                if crs is None and scene.crs is not None
                else f"check the reference systems{_systems(crs, scene)}"
            )
        )
    return f"{path}: not one shape with a class, or all pixels are claimed for two classes; check the labels"
