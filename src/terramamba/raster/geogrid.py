"""The pixels of an image on the ground."""

import re
from dataclasses import dataclass, field

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from terramamba.raster.control_points import GroundControl
from terramamba.raster.windows import Window

FARTHEST_EAST, FARTHEST_NORTH = 541.0, 91.0
"""Degrees that corners may have: three half circles, as grids past 180 or 360 have, and the pole."""
SOUTHERN_UTM = range(32701, 32761)
"""Codes of UTM zones south of the equator, where images with northings below 0 are in those north of it."""
LARGEST_IN_DEGREES = 0.1
"""Pixels of a projection near its origin that are larger are metres."""
_RIGHT_SYSTEM = "areas and overlaps are wrong; name the right one (gdal_edit.py -a_srs)"


@dataclass(frozen=True)
class Grid:
    """The pixels of a scene on the ground.

    ``transform`` maps (column, row) of a pixel's corner to coordinates of ``crs``; it may be rotated. Either
    may be None: an image without georeferencing has neither. ``ground_control`` is what places an image
    without a grid on the ground.
    """

    height: int
    width: int
    crs: CRS | None = None
    transform: Affine | None = None
    ground_control: GroundControl | None = field(default=None, compare=False, repr=False)

    @property
    def window(self) -> Window:
        """All pixels."""
        return Window.whole(self.height, self.width)

    def crop(self, window: Window) -> "Grid":
        """Return the grid of the pixels in ``window``."""
        transform = None
        if self.transform is not None:
            transform = compose(self.transform, Affine.translation(window.col, window.row))
        control = None if self.ground_control is None else self.ground_control.crop(window)
        return Grid(window.height, window.width, self.crs, transform, control)

    @property
    def corners(self) -> tuple[tuple[float, float], ...] | None:
        """Coordinates of the corners, clockwise from the upper left; None without a transform."""
        if self.transform is None:
            return None
        corners = ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))
        return tuple(apply(self.transform, *corner) for corner in corners)


def place_doubts(grid: Grid) -> tuple[str, ...]:
    """Say where positions are none of the reference system: metres for degrees, or degrees for metres."""
    if grid.crs is None or grid.corners is None or grid.transform is None:
        return ()
    x, y = np.abs(np.array(grid.corners)).T
    size = max(abs(number) for number in (*grid.transform[:2], *grid.transform[3:5]))
    system = crs_in_brief(grid.crs)
    span = f"its positions (x {grid.corners[0][0]:.6g}, y {grid.corners[0][1]:.6g} at the first pixel)"
    if grid.crs.is_geographic and (x.max() > FARTHEST_EAST or y.max() > FARTHEST_NORTH):
        return (f"{span} are no degrees, which {system} counts in: {_RIGHT_SYSTEM}",)
    near_origin = x.max() <= 360 and y.max() <= 90 and size < LARGEST_IN_DEGREES
    if grid.crs.is_projected and near_origin:
        counts = f"{system} counts in {_unit(grid.crs, plural=True)}"
        return (f"{span} look like degrees, while {counts}: {_RIGHT_SYSTEM}",)
    southern = (grid.crs.to_epsg() or 0) in SOUTHERN_UTM
    if southern and np.array(grid.corners)[:, 1].max() < 0:
        said = f"{span} lie beyond the pole in {system}, which counts from 10,000,000 at the equator"
        return (f"{said}: {_RIGHT_SYSTEM.replace('name the right one', 'name that of the northern zone')}",)
    return ()


def compose(outer: Affine, inner: Affine) -> Affine:
    """Apply ``inner``, then ``outer``, as one transform; releases of affine differ in the operator."""
    first, second = (np.array(tuple(t), dtype=np.float64).reshape(3, 3) for t in (inner, outer))
    return Affine(*(float(v) for v in (second @ first).ravel()[:6]))


def apply(transform: Affine, x: float | int, y: float | int) -> tuple[float, float]:
    """Return where ``transform`` maps the point (``x``, ``y``)."""
    return (
        float(transform.a * x + transform.b * y + transform.c),
        float(transform.d * x + transform.e * y + transform.f),
    )


def same_crs(first: CRS | None, second: CRS | None) -> bool:
    """Tell whether two reference systems are the same on the ground; None equals only None.

    They may be spelled in two ways, or one may say heights too.
    """
    if first is None or second is None:
        return first is second
    if first == second:
        return True
    first, second = _without_heights(first), _without_heights(second)
    authority = first.to_authority()
    return first == second or (authority is not None and authority == second.to_authority())


def is_local(crs: CRS | None) -> bool:
    """Tell whether a reference system is tied to no place, as ENVI's "Arbitrary" and drawings' are."""
    return crs is not None and str(crs.to_wkt()).startswith(("LOCAL_CS[", "ENGCRS[", "ENGINEERINGCRS["))


def _without_heights(crs: CRS) -> CRS:
    """The system of places in one of places and heights (``COMPD_CS`` of WKT); others as they are."""
    wkt = str(crs.to_wkt())
    begin = re.match(r'COMPD_CS\["(?:[^"]|"")*",', wkt)
    if begin is None:
        return crs
    depth = 0
    for i, sign in enumerate(wkt[begin.end() :]):
        depth += {"[": 1, "]": -1}.get(sign, 0)
        if sign == "]" and not depth:
            return CRS.from_wkt(wkt[begin.end() : begin.end() + i + 1])
    return crs


def crs_name(crs: CRS) -> str:
    """Name a coordinate reference system by its code and name."""
    name = crs.to_wkt().split('"')[1]
    authority = crs.to_authority()
    return f"{':'.join(authority)} ({name})" if authority else name


def crs_in_brief(crs: CRS) -> str:
    """Name a coordinate reference system by its code, else by the beginning of its text."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code is not None else str(crs.to_string())[:60]


def pixel_size(transform: Affine, crs: CRS | None) -> str:
    """Say how wide and high a pixel is, in which unit, and how far the rows are turned."""
    width, height = np.hypot(transform.a, transform.d), np.hypot(transform.b, transform.e)
    size = f"{width:.6g}" if np.isclose(width, height, rtol=1e-4) else f"{width:.6g} x {height:.6g}"
    text = f"{size} {_unit(crs, plural=size != '1')}"
    if transform.b or transform.d:
        text += f", rotated by {np.degrees(np.arctan2(transform.d, transform.a)):.4g} degrees"
    return text


def _unit(crs: CRS | None, plural: bool) -> str:
    if crs is None:
        return "units" if plural else "unit"
    name = "degree" if crs.is_geographic else crs.linear_units.lower()
    name = {"meter": "metre", "meters": "metre", "unknown": "unit"}.get(name, name)
    return f"{name}s" if plural and not name.endswith(("s", "foot")) else name
