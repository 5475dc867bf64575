"""Which pixels polygons, lines and points take, and how much of them: exact, without any file.

Coordinates are in pixels: x counts columns and y rows from the upper-left corner, so pixel (row, col) is the
square from (col, row) to (col + 1, row + 1).

n shapes   e edges   s pieces of edges, each inside one pixel   h, w rows and columns
"""

import numpy as np
import shapely
from jaxtyping import Bool, Float64, Int64, Shaped

from terramamba.raster.windows import Window

ON_BORDER = 1e-6
"""Points so near the border of pixels lie on it, but for rounding of their coordinates."""
HALF = 0.5 - 1e-6
"""Share of a pixel that polygons must cover, but for rounding in reprojection."""


def polygon_coverage(shape: shapely.Geometry, window: Window) -> Float64[np.ndarray, "h w"]:
    """Return the fraction of each pixel of ``window``, 0 to 1, that the polygons in ``shape`` cover.

    ``shape`` must be valid (its parts do not overlap); lines and points in it cover nothing. Fractions are
    exact but for rounding, about 1e-12: every edge is cut where it leaves a pixel, each piece adds the area
    between itself and the right side of its pixel, and the sum from the left along a row makes the fractions.
    """
    begin, end = _directed_edges(shapely.intersection(_parts(shape, "Polygon"), _box(window)))
    begin, end = _cut(begin - (window.col, window.row), end - (window.col, window.row))
    across, down = ((begin + end) / 2).T
    height = (end - begin)[:, 1]
    # An edge along the lower or right side belongs to no pixel; level ones add nothing, upright ones land in
    # the spare column.
    row = np.clip(np.floor(down), 0, window.height - 1).astype(np.int64)
    col = np.clip(np.floor(across), 0, window.width).astype(np.int64)
    spare = np.zeros((window.height, window.width + 2))
    np.add.at(spare, (row, col), height * (col + 1 - across))
    np.add.at(spare, (row, col + 1), height * (across - col))
    return np.clip(np.cumsum(spare, axis=1)[:, : window.width], 0.0, 1.0)


def half_covered(shapes: Shaped[np.ndarray, " n"], window: Window) -> Bool[np.ndarray, "h w"]:
    """Tell where the polygons in ``shapes`` together cover half of a pixel of ``window``."""
    found = np.zeros(window.shape, bool)
    if not len(shapes) or not window.pixels:
        return found
    box = _box(window)
    near = shapes[shapely.intersects(shapes, box)]
    if not len(near):
        return found
    together = shapely.union_all(shapely.intersection(near, box))
    inner = bounding_window(together, window)
    if inner.pixels:
        found[inner.relative_to(window).slices] = polygon_coverage(together, inner) >= HALF
    return found


def line_pixels(shape: shapely.Geometry, window: Window) -> Int64[np.ndarray, "m 2"]:
    """Return rows and columns of the pixels of ``window`` that lines in ``shape`` pass through, each once.

    Along the side that two pixels share, a line passes through the lower or the right one.
    """
    lines = shapely.intersection(_parts(shape, "LineString"), _box(window))
    points, line = shapely.get_coordinates(shapely.get_parts(lines), return_index=True)
    same = line[1:] == line[:-1]
    begin, end = _cut(points[:-1][same], points[1:][same])
    return _holding((begin + end) / 2, window)


def point_pixels(shape: shapely.Geometry, window: Window) -> Int64[np.ndarray, "m 2"]:
    """Return rows and columns of the pixels of ``window`` that hold the points in ``shape``, each once.

    The left and the upper side of a pixel belong to it.
    """
    return _holding(shapely.get_coordinates(_parts(shape, "Point")), window)


def pixels_of_points(
    points: Float64[np.ndarray, "p 2"],
) -> tuple[Int64[np.ndarray, "p 2"], Bool[np.ndarray, " p"]]:
    """Return row and column of the pixel that holds each of ``points`` (x, y), and which lie on a border.

    The left and the upper side of a pixel belong to it, whatever rounding makes of the coordinates there.
    """
    on_border = (np.abs(points - np.rint(points)) <= ON_BORDER).any(axis=1)
    return np.floor(points + ON_BORDER).astype(np.int64)[:, ::-1], on_border


def bounding_window(shape: shapely.Geometry, within: Window) -> Window:
    """Return the pixels of ``within`` that the bounds of ``shape`` touch; none for an empty shape."""
    left, top, right, bottom = shapely.bounds(shape)
    if not np.isfinite((left, top, right, bottom)).all():
        return Window(within.row, within.col, 0, 0)
    # cut first, so that a shape of any size stays in the range of whole numbers
    left, right = np.clip((left, right), within.col - 1, within.right + 1)
    top, bottom = np.clip((top, bottom), within.row - 1, within.bottom + 1)
    row, col = int(np.floor(top)), int(np.floor(left))
    return Window(row, col, int(np.floor(bottom)) + 1 - row, int(np.floor(right)) + 1 - col).intersect(within)


def _box(window: Window) -> shapely.Geometry:
    return shapely.box(window.col, window.row, window.right, window.bottom)


def _parts(shape: shapely.Geometry, kind: str) -> Shaped[np.ndarray, " n"]:
    """Return the simple shapes of one kind in ``shape``, those of collections in collections too."""
    parts = np.array([shape], object)
    while any(hasattr(part, "geoms") for part in parts):
        parts = shapely.get_parts(parts)
    return np.array([part for part in parts if part.geom_type == kind and not part.is_empty], object)


def _directed_edges(
    shapes: Shaped[np.ndarray, " n"],
) -> tuple[Float64[np.ndarray, "e 2"], Float64[np.ndarray, "e 2"]]:
    """Return begin and end of the edges of all polygons in ``shapes``, those of holes in the other sense."""
    polygons = np.array([part for shape in shapes for part in _parts(shape, "Polygon")], object)
    rings, polygon = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    begin, end, ring = points[:-1][same], points[1:][same], ring[:-1][same]
    twice_area = np.bincount(ring, begin[:, 0] * end[:, 1] - end[:, 0] * begin[:, 1], minlength=len(rings))
    outer = np.diff(polygon, prepend=-1) != 0
    # down along the left side of an outer ring, so that what lies to the right of it is inside
    turned = (twice_area > 0) == outer
    swap = turned[ring][:, None]
    return np.where(swap, end, begin), np.where(swap, begin, end)


def _cut(
    begin: Float64[np.ndarray, "e 2"], end: Float64[np.ndarray, "e 2"]
) -> tuple[Float64[np.ndarray, "s 2"], Float64[np.ndarray, "s 2"]]:
    """Return begin and end of the pieces into which the sides of pixels cut every edge."""
    edges, at = [np.arange(len(begin))] * 2, [np.zeros(len(begin)), np.ones(len(begin))]
    for axis in (0, 1):
        low, high = np.minimum(begin, end)[:, axis], np.maximum(begin, end)[:, axis]
        first = np.floor(low).astype(np.int64) + 1
        count = np.maximum(np.ceil(high).astype(np.int64) - first, 0)
        edge = np.repeat(np.arange(len(begin)), count)
        side = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        edges.append(edge)
        at.append((side - begin[edge, axis]) / (end[edge, axis] - begin[edge, axis]))
    edge, along = np.concatenate(edges), np.concatenate(at)
    order = np.lexsort((along, edge))
    edge, along = edge[order], along[order]
    points = begin[edge] + along[:, None] * (end[edge] - begin[edge])
    same = (edge[1:] == edge[:-1]) & (along[1:] > along[:-1])
    return points[:-1][same], points[1:][same]


def _holding(points: Float64[np.ndarray, "p 2"], window: Window) -> Int64[np.ndarray, "m 2"]:
    """Return rows and columns of the pixels of ``window`` that hold ``points``, each once."""
    near = (points >= (window.col - 1, window.row - 1)) & (points <= (window.right + 1, window.bottom + 1))
    pixels, _ = pixels_of_points(points[near.all(axis=1)])  # others may be too far to be counted in pixels
    inside = (pixels >= (window.row, window.col)) & (pixels < (window.bottom, window.right))
    return np.unique(pixels[inside.all(axis=1)], axis=0)
