"""Points from one coordinate reference system to another, also where some of them have no place there."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64
from rasterio._err import CPLE_BaseError, CPLE_NotSupportedError
from rasterio.crs import CRS
from rasterio.errors import CRSError, RasterioError
from rasterio.warp import transform

PROJECTION_ERRORS = (RasterioError, CPLE_BaseError)
"""What reprojecting raises for a point that is nowhere on Earth; releases of rasterio differ in it."""

Axis = Float64[np.ndarray, "n"]


def to_crs(
    source: CRS, target: CRS, x: Axis | Sequence[float], y: Axis | Sequence[float]
) -> tuple[Axis, Axis]:
    """Coordinates in ``target`` of points in ``source``; infinite where a point has no place in it."""
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    nowhere = np.full(len(x), np.inf)
    if source.is_geographic:
        y = np.where(np.abs(y) <= 90, y, np.inf)
    try:
        moved = transform(source, target, x, y)
        return np.array(moved[0], np.float64), np.array(moved[1], np.float64)
    except (CRSError, CPLE_NotSupportedError):  # no way leads from one system to the other
        return nowhere, nowhere
    except PROJECTION_ERRORS:  # one point without a place fails all of them
        if len(x) <= 1:
            return nowhere, nowhere
        half = len(x) // 2
        parts = to_crs(source, target, x[:half], y[:half]), to_crs(source, target, x[half:], y[half:])
        return np.concatenate([parts[0][0], parts[1][0]]), np.concatenate([parts[0][1], parts[1][1]])
