"""Where on the Earth the map of a page lies: degrees under the mouse, and metres for the scale bar."""

from typing import Any

import numpy as np

from terramamba.raster.footprint import degrees_at
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import pixel_sides

NODES = 9
"""Points along each side whose degrees the page has; between them it interpolates."""


def place_of(grid: Grid) -> dict[str, Any]:
    """Return longitudes and latitudes at nodes, row by row, and the metres of a pixel; None: not known."""
    sides = pixel_sides(grid)
    return {"degrees": _degrees(grid), "metres": None if sides is None else list(sides)}


def _degrees(grid: Grid) -> dict[str, list[float]] | None:
    """WGS 84 at ``NODES`` x ``NODES`` points from corner to corner; None where they are not known."""
    rows, cols = np.meshgrid(
        np.linspace(0, grid.height, NODES), np.linspace(0, grid.width, NODES), indexing="ij"
    )
    found = degrees_at(grid, cols.ravel(), rows.ravel())
    if found is None:
        return None
    east, north = found
    return {"east": [round(v, 6) for v in east.tolist()], "north": [round(v, 6) for v in north.tolist()]}
