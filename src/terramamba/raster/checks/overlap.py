"""Two pixel grids: how much of their area they share, and how far their pixels lie apart."""

import numpy as np
import shapely
from affine import Affine

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, compose, pixel_size
from terramamba.raster.readers.mosaic import PIXEL_TOLERANCE
from terramamba.raster.views.grid_mapping import GridMapping

EDGE_POINTS = 17
"""Points along each side of a scene that are carried to another reference system to see what overlaps."""


def overlap(first: Grid, second: Grid) -> tuple[float, float] | None:
    """Return which fractions of the pixels of two grids lie on the other; None where none do."""
    try:
        outline = shapely.Polygon(_outline(GridMapping(second, first)))
    except InputError:
        # An edge that the first's projection cannot show proves nothing about the rest.
        return 1.0, 1.0
    own = shapely.box(0, 0, first.width, first.height)
    if not np.isfinite(shapely.get_coordinates(outline)).all() or not outline.is_valid:
        return 1.0, 1.0
    common = own.intersection(outline).area
    return (common / own.area, common / outline.area) if common > 0 else None


def _outline(mapping: GridMapping) -> list[tuple[float, float]]:
    """Return points along the edge of ``mapping.target`` as column and row of ``mapping.source``."""
    height, width = mapping.target.window.shape
    along = np.linspace(0, 1, EDGE_POINTS)[:-1]
    zero, one = np.zeros_like(along), np.ones_like(along)
    right = np.concatenate([along, one, 1 - along, zero]) * width
    down = np.concatenate([zero, along, one, 1 - along]) * height
    rows, cols = mapping.source_coordinates(down[None], right[None])
    return list(zip(cols[0].tolist(), rows[0].tolist(), strict=True))


def displacement(first: Grid, second: Grid) -> str:
    """Say how far the pixel grids are apart in pixels of the first; empty where they are not."""
    assert first.transform is not None
    assert second.transform is not None
    relative = compose(~first.transform, second.transform)
    seen, own = (Grid(second.height, second.width, None, t).corners for t in (relative, Affine.identity()))
    moved = np.array(seen) - np.array(own)
    if np.abs(moved).max() <= PIXEL_TOLERANCE:
        return ""
    if np.abs(moved - moved[0]).max() > PIXEL_TOLERANCE:
        sizes = [
            pixel_size(grid.transform, grid.crs) for grid in (first, second) if grid.transform is not None
        ]
        return "turned pixel grids" if sizes[0] == sizes[1] else f"pixels of {sizes[0]} and {sizes[1]}"
    right, down = moved[0]
    rows = f"{abs(down):.4g} rows {'below' if down > 0 else 'above'}"
    columns = f"{abs(right):.4g} columns {'right' if right > 0 else 'left'} of"
    return f"the second begins {rows} and {columns} the first"
