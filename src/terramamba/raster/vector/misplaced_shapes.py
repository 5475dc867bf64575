"""Why shapes lie far from a scene: coordinates exchanged, or in metres where their file has degrees."""

import numpy as np
from rasterio.crs import CRS
from rasterio.warp import transform_bounds

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, crs_in_brief
from terramamba.raster.rasterio_errors import is_from_rasterio

MOST_LONGITUDE, MOST_LATITUDE = 361.0, 90.25
"""Somewhat more than there are."""
FAR = 20
"""Shapes that are off a scene by more than so many of its sides do not just lie beside it."""

Bounds = tuple[float, float, float, float]
"""Left, bottom, right and top."""


def bounds_in(grid: Grid, crs: CRS) -> Bounds | None:
    """Return the bounds of ``grid``, which is georeferenced, in ``crs``; None where it has no place there."""
    corners = np.array(grid.corners)
    bounds = (*corners.min(axis=0), *corners.max(axis=0))
    try:
        found = transform_bounds(grid.crs, crs, *bounds)
    except Exception as error:
        if not is_from_rasterio(error):
            raise
        return None
    left, bottom, right, top = (float(edge) for edge in found)
    return (left, bottom, right, top) if np.isfinite(found).all() and left < right else None


def require_here(path: str, shapes: Bounds, crs: CRS | None, grid: Grid, scene: str) -> None:
    """Refuse shapes with these bounds in ``crs`` whose coordinates are exchanged, or none of ``crs``.

    Without ``crs`` they are taken to be in that of ``grid``.

    Shapes that lie far from ``scene`` are said to be exchanged where they lie on it then.

    Raises:
        InputError: naming what the coordinates are, and the remedy.
    """
    assert grid.crs is not None
    stated, crs = crs is not None, crs or grid.crs
    left, bottom, right, top = shapes
    here, own = bounds_in(grid, crs), bounds_in(grid, grid.crs)
    if not np.isfinite(shapes).all():
        return
    said = f"x {left:.8g} to {right:.8g}, y {bottom:.8g} to {top:.8g}"
    exchanged = (bottom, left, top, right)
    pixels = InputError(
        f"{path}: its coordinates ({said}) seem to be pixels of {scene} ({grid.width} x {grid.height}),"
        " and no places; georeference them, or save them as an image of the same pixels"
    )
    if here is not None and _far(shapes, here) and _are_pixels(shapes, here, grid):
        raise pixels
    if here is not None and _far(shapes, here) and meet(exchanged, here):
        order = "latitude before longitude" if crs.is_geographic else "y before x"
        raise InputError(
            f"{path}: its coordinates have {order} ({said}): as they stand they lie far from {scene}, "
            "exchanged on it; exchange them (in QGIS: Swap X and Y coordinates)"
        )
    if not stated and own is not None and _far(shapes, own):
        degrees = bounds_in(grid, CRS.from_epsg(4326))
        if degrees is not None and meet(shapes, degrees):
            if _are_pixels(shapes, degrees, grid):
                raise pixels
            raise InputError(
                f"{path}: states no reference system, and its coordinates ({said}) are degrees that lie on "
                f"{scene}; say --labels-crs EPSG:4326, or save it with its system (a .prj beside a .shp)"
            )
    outside = max(left, -right) > MOST_LONGITUDE or max(bottom, -top) > MOST_LATITUDE
    if crs.is_geographic and outside:
        fits = not grid.crs.is_geographic and own is not None and meet(shapes, own)
        where = f"they lie on {scene} in its {crs_in_brief(grid.crs)}: " if fits else ""
        system = crs_in_brief(grid.crs) if fits else "the system that they are in"
        raise InputError(
            f"{path}: its coordinates are no degrees ({said}), though it states {crs_in_brief(crs)}, as "
            f"GeoJSON without `crs` does; {where}save it with {system}, such as in a GeoPackage"
        )


def meet(one: Bounds, other: Bounds) -> bool:
    """Tell whether two bounds touch."""
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def _far(shapes: Bounds, scene: Bounds) -> bool:
    side = max(scene[2] - scene[0], scene[3] - scene[1])
    gaps = (shapes[0] - scene[2], scene[0] - shapes[2], shapes[1] - scene[3], scene[1] - shapes[3])
    return max(gaps) > FAR * side


def _are_pixels(shapes: Bounds, scene: Bounds, grid: Grid) -> bool:
    """Tell whether shapes lie within the columns and rows of a scene, and are far larger than it is."""
    left, bottom, right, top = shapes
    side = max(scene[2] - scene[0], scene[3] - scene[1])
    inside = left >= -1 and right <= grid.width + 1 and max(-bottom, top) <= grid.height + 1
    return inside and max(right - left, top - bottom) > FAR * side
