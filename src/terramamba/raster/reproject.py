"""Points from one coordinate reference system to another, also where some of them have no place there."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform

from terramamba.raster.rasterio_errors import is_from_rasterio, is_not_supported

Axis = Float64[np.ndarray, "n"]


def to_crs(
    source: CRS, target: CRS, x: Axis | Sequence[float], y: Axis | Sequence[float]
) -> tuple[Axis, Axis]:
    """Return the coordinates in ``target`` of points in ``source``; infinite where a point has none in it."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    nowhere = np.full(len(x), np.inf)
    if source.is_geographic:
        y = np.where(np.abs(y) <= 90, y, np.inf)
    try:
        moved = transform(source, target, x, y)
        return np.array(moved[0], np.float64), np.array(moved[1], np.float64)
    except Exception as error:
        if not is_from_rasterio(error):
            raise
        no_way = isinstance(error, CRSError) or is_not_supported(error)
        if no_way or len(x) <= 1:
            return nowhere, nowhere
        # one point without a place fails all of them
        half = len(x) // 2
        parts = to_crs(source, target, x[:half], y[:half]), to_crs(source, target, x[half:], y[half:])
        return np.concatenate([parts[0][0], parts[1][0]]), np.concatenate([parts[0][1], parts[1][1]])
