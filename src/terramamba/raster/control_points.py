"""Ground control of an image without a grid: control points (GCPs), or rational polynomials (RPCs).

Neither gives a pixel a size, so such images have no areas; results carry them on, and whoever warps these
(``gdalwarp``) gets results in their place.
"""

import copy
from dataclasses import dataclass
from typing import Any

from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.rpc import RPC

from terramamba.raster.windows import Window

ControlPoint = tuple[float, float, float, float, float]
"""Row and column in the image, then x, y and z on the ground."""


@dataclass(frozen=True)
class GroundControl:
    """Control ``points`` in coordinates of ``crs``, or polynomials."""

    points: tuple[ControlPoint, ...] = ()
    crs: CRS | None = None
    polynomials: RPC | None = None

    @classmethod
    def of(cls, image: Any) -> "GroundControl | None":
        """Read the ground control of an open dataset of rasterio; None where it has none."""
        points, crs = image.gcps
        if points:
            return cls(tuple((p.row, p.col, p.x, p.y, p.z or 0.0) for p in points), crs)
        return cls(polynomials=image.rpcs) if image.rpcs else None

    def __str__(self) -> str:
        if self.points:
            return f"{len(self.points)} ground control points"
        return "rational polynomials"

    def crop(self, window: Window) -> "GroundControl":
        """Return the ground control of the pixels in ``window``."""
        points = tuple((row - window.row, col - window.col, x, y, z) for row, col, x, y, z in self.points)
        polynomials = copy.copy(self.polynomials)
        if polynomials is not None:
            polynomials.line_off -= window.row
            polynomials.samp_off -= window.col
        return GroundControl(points, self.crs, polynomials)

    def profile(self) -> dict[str, Any]:
        """Return what rasterio is told when it makes a file with this ground control."""
        if self.points:
            points = [GroundControlPoint(*point, id=str(i)) for i, point in enumerate(self.points, start=1)]
            return {"gcps": points, "crs": self.crs}
        return {"rpcs": self.polynomials}
