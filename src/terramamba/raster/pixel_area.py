"""Area of pixels on the ground, whether the raster's coordinates are metres, degrees or Web Mercator.

Pixels are measured in Lambert's azimuthal equal-area projection around the middle of the raster, on the
ellipsoid of its own reference system: that projection keeps areas exactly.
"""

import re
from dataclasses import dataclass

import numpy as np
import rasterio
from affine import Affine
from jaxtyping import Float64, Int, Shaped
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.raster.geogrid import Grid
from terramamba.raster.reproject import to_crs
from terramamba.raster.windows import Window

NODES_APART = 16
"""Areas are computed at every 16th pixel and interpolated: off by 1e-6 for pixels of 1 km, 1e-9 for 30 m."""

ELLIPSOID = re.compile(r'(?:SPHEROID|ELLIPSOID)\["[^"]*",\s*([0-9.eE+]+),\s*([0-9.eE+]+)')
"""Semi-major axis in metres and inverse flattening (0 for a sphere) in either version of WKT."""

AS_SAID = 0.01
"""Pixels whose measured sides differ less from those in their projection's units have these."""

SQUARE_METRES_PER_HECTARE = 10_000.0


@dataclass(frozen=True)
class PixelArea:
    """Measures the pixels of one raster: ``transform`` leads to ``crs``, and from there to ``equal_area``."""

    transform: Affine
    crs: CRS
    equal_area: CRS

    @classmethod
    def of(cls, grid: Grid) -> "PixelArea | None":
        """Make the measure of a raster; None where its pixels have no known size on the Earth."""
        if grid.crs is None or grid.transform is None:
            return None
        ellipsoid = ELLIPSOID.search(grid.crs.to_wkt())
        if ellipsoid is None:  # a local system, tied to no body
            return None
        axis, inverse_flattening = map(float, ellipsoid.groups())
        shape = f"+a={axis!r} " + (f"+rf={inverse_flattening!r}" if inverse_flattening else f"+b={axis!r}")
        x, y = _coordinates(grid.transform, np.array([grid.height / 2]), np.array([grid.width / 2]))
        try:
            (lon,), (lat,) = to_crs(grid.crs, CRS.from_string(f"+proj=longlat {shape} +no_defs"), x, y)
            around = f"+proj=laea +lat_0={float(lat)!r} +lon_0={float(lon)!r} {shape} +units=m +no_defs"
            with rasterio.Env():  # else GDAL prints its own message, too
                return cls(grid.transform, grid.crs, CRS.from_string(around))
        except CRSError:
            return None

    def square_metres(self, window: Window) -> Float64[np.ndarray, "h w"]:
        """Measure each pixel of ``window`` in m2; 0 beyond the Earth, which full-disc images show too."""
        rows, cols = _nodes(window.row, window.height), _nodes(window.col, window.width)
        at_nodes = self._at(*np.meshgrid(rows, cols, indexing="ij"))
        columns = np.arange(window.col, window.right)
        along = np.stack([np.interp(columns, cols, row) for row in at_nodes])
        lower = np.searchsorted(rows, np.arange(window.row, window.bottom), side="right") - 1
        lower = np.minimum(lower, max(len(rows) - 2, 0))
        upper = np.minimum(lower + 1, len(rows) - 1)
        span = np.maximum(rows[upper] - rows[lower], 1)
        fraction = ((np.arange(window.row, window.bottom) - rows[lower]) / span)[:, None]
        return along[lower] * (1 - fraction) + along[upper] * fraction

    def _at(self, rows: Int[np.ndarray, "h w"], cols: Int[np.ndarray, "h w"]) -> Float64[np.ndarray, "h w"]:
        """Measure single pixels, by the shoelace formula on their four corners."""
        corner_rows = np.stack([rows, rows, rows + 1, rows + 1])
        corner_cols = np.stack([cols, cols + 1, cols + 1, cols])
        x, y = _coordinates(self.transform, corner_rows, corner_cols)
        moved = to_crs(self.crs, self.equal_area, x.ravel(), y.ravel())
        east, north = (values.reshape(x.shape) for values in moved)
        with np.errstate(invalid="ignore"):
            # The cross product of the diagonals, not of the corners: no large numbers to cancel.
            areas = 0.5 * np.abs(
                (east[2] - east[0]) * (north[3] - north[1]) - (east[3] - east[1]) * (north[2] - north[0])
            )
        return np.where(np.isfinite(areas), areas, 0.0)


def pixel_sides(grid: Grid) -> tuple[float, float] | None:
    """Measure the height and the width, in metres, of the pixel in the middle of a raster.

    Projected coordinates are taken at their word where that is within 1 % of the ellipsoid, so that blocks
    of 480 m are 16 pixels of 30 m; degrees, and projections that stretch (Web Mercator), are measured. None
    where pixels have no known size on the Earth, or the middle is beyond it.
    """
    measure = PixelArea.of(grid)
    if measure is None:
        return None
    row, col = grid.height // 2, grid.width // 2
    corners = np.array([row, row + 1, row]), np.array([col, col, col + 1])
    x, y = _coordinates(measure.transform, *corners)
    east, north = to_crs(measure.crs, measure.equal_area, x, y)
    height = float(np.hypot(east[1] - east[0], north[1] - north[0]))
    width = float(np.hypot(east[2] - east[0], north[2] - north[0]))
    if not np.isfinite([height, width]).all():
        return None
    if measure.crs.is_projected:
        metres = measure.crs.linear_units_factor[1]
        a, b, _, d, e, _ = measure.transform[:6]
        said = float(np.hypot(b, e)) * metres, float(np.hypot(a, d)) * metres
        if np.allclose(said, (height, width), rtol=AS_SAID):
            return said
    return height, width


def pixel_side(grid: Grid) -> float | None:
    """Measure the side, in metres, of a square of the size of the pixel in the middle; None as above."""
    sides = pixel_sides(grid)
    return None if sides is None else (sides[0] * sides[1]) ** 0.5


def side_in_words(side: float) -> str:
    """Write a side in metres in three digits, and whole from 100 on: 0.5, 30, 1,113."""
    return f"{side:.3g}" if side < 100 else f"{side:,.0f}"


def sides_in_words(sizes: tuple[float, float]) -> str:
    """Write the least and the largest side in metres, once where they are one: 10, or 0.5 to 2."""
    return " to ".join(dict.fromkeys(map(side_in_words, sizes)))


def why_not_measured(grid: Grid) -> str | None:
    """Say why pixels of ``grid`` have no known size on the Earth; None where they have one."""
    if PixelArea.of(grid) is not None:
        return None
    if grid.ground_control is not None:
        return f"{grid.ground_control} give pixels no size"
    if grid.transform is None:
        return "no georeferencing"
    if grid.crs is None:
        return "no coordinate reference system"
    return "the coordinates are tied to no place on the Earth"


def _coordinates(
    transform: Affine, rows: Shaped[np.ndarray, "*n"], cols: Shaped[np.ndarray, "*n"]
) -> tuple[Float64[np.ndarray, "*n"], Float64[np.ndarray, "*n"]]:
    """Return the coordinates of the upper-left corners of pixels."""
    a, b, c, d, e, f = transform[:6]
    return a * cols + b * rows + c, d * cols + e * rows + f


def _nodes(start: int, length: int) -> Int[np.ndarray, " n"]:
    """Return every 16th pixel from ``start``, and the last of ``length`` pixels."""
    return np.unique(np.append(np.arange(start, start + length, NODES_APART), start + length - 1))
