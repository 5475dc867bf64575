"""Longitudes are written from -180 to 180 or from 0 to 360: shapes are turned to where a scene has theirs."""

import numpy as np
import shapely
from jaxtyping import Shaped

from terramamba.raster.geogrid import Grid

HALF_TURN, TURN = 180.0, 360.0


def on_longitudes_of(shapes: Shaped[np.ndarray, " n"], grid: Grid) -> Shaped[np.ndarray, " n"]:
    """Return ``shapes``, in coordinates of ``grid``, with what lies on it a turn of the Earth further, too.

    Nothing changes where the scene is not in degrees, or all lies within 180 of them.
    """
    if grid.crs is None or not grid.crs.is_geographic or grid.transform is None:
        return shapes
    x, y = np.array(grid.corners).T
    left, _, right, _ = shapely.total_bounds(shapes)
    if min(x.min(), left) >= -HALF_TURN and max(x.max(), right) <= HALF_TURN:
        return shapes
    scene, found = shapely.box(x.min(), y.min(), x.max(), y.max()), shapes.copy()
    here = shapely.intersects(shapes, scene)
    for turn in (-TURN, TURN):
        by = np.array([turn, 0.0])
        turned = shapely.transform(shapes, lambda points, by=by: points + by)
        for index in np.flatnonzero(shapely.intersects(turned, scene)):
            copies = [found[index], turned[index]] if here[index] else [turned[index]]
            parts = shapely.get_parts(shapely.make_valid(copies))
            # halves of what was cut at the line are one again
            found[index] = shapely.union_all(parts[shapely.intersects(parts, scene)])
            here[index] = True
    return found
