"""Where on the Earth a grid lies: its outline in longitude and latitude, as GeoJSON has it."""

import numpy as np
import shapely
from jaxtyping import Float64
from rasterio.crs import CRS
from rasterio.warp import transform
from shapely.geometry.base import BaseGeometry

from terramamba.raster.geogrid import Grid
from terramamba.raster.rasterio_errors import is_from_rasterio

STEPS = 16
"""Parts that each side is cut into: straight lines of one reference system are bent in another."""
STRAIGHT = 1e-6
"""Degrees (10 cm) that a side may be off a straight line."""
DIGITS = 7
"""Of a degree: a centimetre."""


def footprint(grid: Grid) -> BaseGeometry | None:
    """Return the outline of ``grid`` in WGS 84, cut where it crosses 180 degrees; None: it is not known.

    Rings go anticlockwise (RFC 7946). An outline that goes round a pole is closed along it.
    """
    found = degrees_at(grid, *_around(grid.width, grid.height))
    if found is None:
        return None
    east, north = found
    turned = np.unwrap(east, period=360.0)
    ring = list(zip(turned, north, strict=True))
    if abs(turned[-1] - turned[0]) > 180.0:
        pole = float(np.copysign(90.0, np.mean(north)))
        ring += [(turned[-1], pole), (turned[0], pole)]
    return _within_180(shapely.Polygon(ring))


def degrees_at(
    grid: Grid, cols: Float64[np.ndarray, " n"], rows: Float64[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]] | None:
    """Return longitudes and latitudes (WGS 84) of pixel coordinates of ``grid``; None: not known."""
    if grid.crs is None or grid.transform is None:
        return None
    a, b, c, d, e, f = grid.transform[:6]
    try:
        east, north = transform(
            grid.crs, CRS.from_epsg(4326), a * cols + b * rows + c, d * cols + e * rows + f
        )
    except Exception as error:
        if not is_from_rasterio(error):
            raise
        return None  # a system that is tied to no place on the Earth
    if not np.isfinite([east, north]).all():
        return None
    return np.array(east), np.array(north)


def bounding_box(outline: BaseGeometry) -> list[float]:
    """Return west, south, east and north of an outline; of one cut at 180 degrees, west is beyond east."""
    west, south, east, north = outline.bounds
    parts = shapely.get_parts(outline)
    if len(parts) > 1 and (west, east) == (-180.0, 180.0):
        west = min(part.bounds[0] for part in parts if part.bounds[2] == 180.0)
        east = max(part.bounds[2] for part in parts if part.bounds[0] == -180.0)
    return [west, south, east, north]


def _around(width: int, height: int) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Columns and rows along the sides, from the upper left corner and back to it."""
    along = np.linspace(0.0, 1.0, STEPS + 1)
    none, all_of = np.zeros(STEPS + 1), np.ones(STEPS + 1)
    cols = np.concatenate([along[:-1], all_of[:-1], along[:0:-1], none])
    rows = np.concatenate([none[:-1], along[:-1], all_of[:-1], along[::-1]])
    return cols * width, rows * height


def _within_180(outline: BaseGeometry) -> BaseGeometry:
    """Move and cut an outline of any longitudes to those from -180 to 180."""
    west, _, east, _ = outline.bounds
    pieces = []
    for turn in range(int(np.floor((west + 180) / 360)), int(np.ceil((east + 180) / 360))):
        inside = shapely.intersection(outline, shapely.box(360 * turn - 180, -90, 360 * turn + 180, 90))
        pieces.append(shapely.transform(inside, lambda points, turn=turn: points - (360.0 * turn, 0.0)))
    # Around a pole pieces touch; a piece that only touches 180 degrees is a line, which a union would keep.
    whole = shapely.union_all([piece for piece in pieces if piece.area > 0]).simplify(STRAIGHT)
    return shapely.orient_polygons(shapely.transform(whole, lambda points: points.round(DIGITS)))
