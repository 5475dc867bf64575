"""Where the pixels of a NetCDF variable lie: coordinate variables, grid mapping, reference system.

The conventions are those of Climate and Forecast metadata (CF 1.11): coordinates are the centres of pixels, a
``grid_mapping`` names the reference system.
"""

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from jaxtyping import Float64
from rasterio.crs import CRS
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError

from terramamba.raster.geogrid import FARTHEST_EAST, Grid
from terramamba.raster.readers.axes import Role, role_of_name
from terramamba.raster.readers.hdf5 import numbers, text
from terramamba.raster.readers.longitudes import carried_on
from terramamba.raster.readers.variables import Listing, Variable, load

UNEVEN = 0.1
"""Coordinates that are further than this share of a pixel from even steps place no grid."""
_NOWHERE = "no georeferencing; results will have none either"
_METRES: dict[tuple[str, ...], float] = {
    ("m", "metre", "metres", "meter", "meters"): 1.0,
    ("km", "kilometre", "kilometres", "kilometer", "kilometers"): 1000.0,
}
_RADIANS = ("rad", "radian", "radians")
_WKT = ("crs_wkt", "spatial_ref", "esri_pe_string", "wkt")
_PROJ = ("proj4", "proj4text", "proj4_params", "proj4_string")
_EPSG = ("epsg_code", "epsg", "EPSG", "EPSG_code")
_ANY = ("crs", "CRS", "projection")
"""Attributes in which people write a reference system in any of these ways, or something else."""
_STANDARD: dict[str, Role] = {
    "projection_y_coordinate": "rows",
    "latitude": "rows",
    "grid_latitude": "rows",
    "projection_x_coordinate": "cols",
    "longitude": "cols",
    "grid_longitude": "cols",
    "radiation_wavelength": "bands",
    "sensor_band_central_radiation_wavelength": "bands",
}


@dataclass(frozen=True)
class Placed:
    """A grid; whether the rows or columns as stored run the other way; what was taken for granted."""

    grid: Grid
    rows_turned: bool = False
    cols_turned: bool = False
    notes: tuple[str, ...] = ()


def role_of_axis(listing: Listing, axis: str) -> Role | None:
    """Tell what an axis holds, by its name or by the attributes of the variable of that name."""
    own = listing.variables.get(axis)
    said = None if own is None else _role_of_attributes(own)
    return said or role_of_name(axis)


def _role_of_attributes(variable: Variable) -> Role | None:
    unit = variable.words("units").lower()
    by_axis: dict[str, Role] = {"Y": "rows", "X": "cols"}
    if unit.startswith(("degrees_n", "degree_n")):
        return "rows"
    if unit.startswith(("degrees_e", "degree_e")):
        return "cols"
    return _STANDARD.get(variable.words("standard_name")) or by_axis.get(variable.words("axis"))


def place(
    path: str, listing: Listing, variable: Variable, rows: int, cols: int, shape: tuple[int, int]
) -> Placed:
    """Place the image of ``variable``, whose axes ``rows`` and ``cols`` have the lengths ``shape``."""
    mapping, found_mapping = _grid_mapping(listing, variable)
    crs, notes = _reference_system(path, variable, mapping)
    notes += found_mapping
    y, x = (_coordinate(listing, variable, axis, role) for axis, role in ((rows, "rows"), (cols, "cols")))
    if y is not None and x is not None:
        if crs is None and _on_rotated_globe(y, x, mapping):
            notes += (f"{y.name} and {x.name} are degrees about a rotated pole: {_NOWHERE}",)
            return Placed(Grid(*shape), notes=notes)
        wrong = [f"{v.name} in {v.words('units')}" for v in (y, x) if _in_units_of(v, crs, mapping) is None]
        if crs is not None and wrong:
            notes += (f"{' and '.join(wrong)}, which its reference system does not count in: {_NOWHERE}",)
            return Placed(Grid(*shape), notes=notes)
        ys, xs = (_centres(path, listing, v) * (_in_units_of(v, crs, mapping) or 1.0) for v in (y, x))
        on_globe = _in_degrees(y, ys) and _in_degrees(x, xs)
        degrees = on_globe if crs is None else crs.is_geographic
        if degrees and _step(xs) is None:
            xs = carried_on(xs)
        steps = [_step(values) for values in (ys, xs)]
        uneven = [v.name for v, step in zip((y, x), steps, strict=True) if step is None]
        if not uneven:
            height, width = steps[0] or 0.0, steps[1] or 0.0
            if crs is None and on_globe:
                crs = CRS.from_epsg(4326)
                notes += (
                    f"{y.name} and {x.name} are degrees without a reference system: taken for EPSG:4326",
                )
            elif crs is None:
                notes += ("pixel positions but no coordinate reference system",)
            transform = Affine(
                abs(width), 0.0, xs.min() - abs(width) / 2, 0.0, -abs(height), ys.max() + abs(height) / 2
            )
            turned = [
                *["rows from south to north"] * (height > 0),
                *["columns from east to west"] * (width < 0),
            ]
            notes += tuple(f"stores {one}; read the other way round, north up" for one in turned)
            return Placed(Grid(*shape, crs, transform), height > 0, width < 0, notes)
        notes += (f"{' and '.join(uneven)} not evenly spaced: {_NOWHERE}",)
        return Placed(Grid(*shape), notes=notes)
    given = None if mapping is None else _geotransform(mapping.attributes)
    if given is not None:
        if crs is None:
            notes += ("pixel positions but no coordinate reference system",)
        return Placed(Grid(*shape, crs, given), notes=notes)
    two = _swath(listing, variable)
    why = f" (only {two}, a position for each pixel, which are no grid)" if two else ""
    remedy = "; bring it onto a map grid first (gdalwarp -geoloc) to have a place" if two else ""
    nowhere = f"no georeferencing{why}; results will have none either{remedy}"
    return Placed(Grid(*shape), notes=(*notes, nowhere))


def _on_rotated_globe(y: Variable, x: Variable, mapping: Variable | None) -> bool:
    """Whether coordinates are degrees about a pole that was moved, which are not those of WGS 84."""
    rotated = "" if mapping is None else mapping.words("grid_mapping_name")
    return rotated == "rotated_latitude_longitude" or any(
        v.words("standard_name").startswith("grid_") or v.leaf.lower() in ("rlat", "rlon") for v in (y, x)
    )


def _centres(path: str, listing: Listing, coordinate: Variable) -> Float64[np.ndarray, " n"]:
    """The middles of pixels along an axis: of the bounds that a coordinate names, else itself."""
    group = coordinate.name.rpartition("/")[0]
    bounds = listing.variables.get(f"{group}/{coordinate.words('bounds')}".strip("/"))
    if bounds is None or bounds.shape != (*coordinate.shape, 2) or bounds.dtype.kind not in "iuf":
        return _unpacked(path, coordinate)
    packed = coordinate if bounds.dtype == coordinate.dtype else bounds
    return _unpacked(path, replace(bounds, attributes=packed.attributes)).reshape(-1, 2).mean(axis=1)


def _unpacked(path: str, coordinate: Variable) -> Float64[np.ndarray, " n"]:
    """All values of a coordinate, which may be packed as those of an image are."""
    scale, offset = coordinate.number("scale_factor"), coordinate.number("add_offset")
    values = np.asarray(load(path, coordinate), np.float64).ravel()
    return values * (1.0 if scale is None else scale) + (offset or 0.0)


def _in_units_of(coordinate: Variable, crs: CRS | None, mapping: Variable | None) -> float | None:
    """How much of the unit of ``crs`` the unit of a coordinate is; None: it is of another kind.

    A unit that is not named, or not known, is that of the reference system. Angles of a geostationary
    satellite's view times its height are metres.
    """
    unit = coordinate.words("units").lower()
    metres = next((size for names, size in _METRES.items() if unit in names), None)
    if crs is None:
        return metres
    if crs.is_projected:
        if unit in _RADIANS:
            return None if mapping is None else mapping.number("perspective_point_height")
        return None if unit.startswith("degree") else (metres or 1.0) / _metres_of(crs, metres)
    return None if metres is not None or unit in _RADIANS else 1.0


def _metres_of(crs: CRS, metres: float | None) -> float:
    """Metres in one unit of ``crs``, where that matters."""
    return 1.0 if metres is None else float(crs.linear_units_factor[1])


def _coordinate(listing: Listing, variable: Variable, axis: int, role: str) -> Variable | None:
    """The variable with the coordinates along an axis."""
    name, length = variable.axes[axis], variable.shape[axis]
    lines = [v for v in listing.variables.values() if v.shape == (length,) and v.dtype.kind in "iuf"]
    for own in lines:
        if name and own.name == name:
            return own if (_role_of_attributes(own) or role_of_name(own.name)) == role else None
    group = variable.name.rpartition("/")[0]
    fitting = [
        v
        for v in lines
        if (_role_of_attributes(v) or _position(v.leaf)) == role
        and (v.axes == (name,) if name else v.name.rpartition("/")[0] in (group, ""))
    ]
    return fitting[0] if len(fitting) == 1 else None


def _position(leaf: str) -> Role | None:
    """Role of a variable by its name where that is a position on the ground, and no count of pixels."""
    rows, cols = ("y", "lat", "latitude", "northing"), ("x", "lon", "longitude", "easting")
    return "rows" if leaf.lower() in rows else "cols" if leaf.lower() in cols else None


def _step(values: Float64[np.ndarray, " n"]) -> float | None:
    """The even step between coordinates; None where there is none."""
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    step = (values[-1] - values[0]) / (len(values) - 1)
    even = values[0] + step * np.arange(len(values))
    return float(step) if step and np.abs(values - even).max() <= UNEVEN * abs(step) else None


def _in_degrees(coordinate: Variable, values: Float64[np.ndarray, " n"]) -> bool:
    """Whether a coordinate is latitudes or longitudes: metres may be called ``lat`` and ``lon``, too."""
    unit = coordinate.words("units").lower()
    named = coordinate.leaf.lower() in ("lat", "latitude", "lon", "longitude")
    return unit.startswith("degree") or bool(named and not unit and np.abs(values).max() <= FARTHEST_EAST)


def _grid_mapping(listing: Listing, variable: Variable) -> tuple[Variable | None, tuple[str, ...]]:
    """The variable that names the reference system of ``variable``, or the only one that could."""
    name = variable.words("grid_mapping").split(" ")[0].rstrip(":")
    group = variable.name.rpartition("/")[0]
    while name:
        found = listing.variables.get(f"{group}/{name}".strip("/"))
        if found is not None or not group:
            return found, (() if found else (f"its grid mapping {name} is not in the file",))
        group = group.rpartition("/")[0]
    keys = (*_WKT, *_PROJ, *_EPSG, "grid_mapping_name")
    able = [v for v in listing.variables.values() if any(key in v.attributes for key in keys)]
    if len(able) == 1:
        return able[0], (f"reference system of {able[0].name}, to which {variable.name} does not refer",)
    if not able and any(key in listing.attributes for key in keys):
        return Variable("the file", (), (), np.dtype("i4"), listing.attributes), ()
    for one in (variable, Variable("the file", (), (), np.dtype("i4"), listing.attributes)):
        for key in _ANY:
            if not able and (crs := _understood(one.words(key))) is not None:
                return replace(one, attributes={_WKT[0]: crs.to_wkt()}), ()
    return None, ()


def _understood(text: str) -> CRS | None:
    """The reference system that a text names; None where it names none."""
    try:
        with rasterio.Env():  # else GDAL prints its own message, too
            return CRS.from_user_input(text) if text else None
    except (CRSError, ValueError):
        return None


def _reference_system(
    path: str, variable: Variable, mapping: Variable | None
) -> tuple[CRS | None, tuple[str, ...]]:
    if mapping is None:
        return None, ()
    try:
        with rasterio.Env():  # else GDAL prints its own message, too
            crs = _written(mapping) or _by_gdal(path, variable)
    except (CRSError, ValueError):
        crs = None
    return crs, (() if crs else (f"reference system of {mapping.name} cannot be understood",))


def _written(mapping: Variable) -> CRS | None:
    for key in (*_WKT, *_PROJ):
        if mapping.words(key):
            return CRS.from_user_input(mapping.words(key))
    for key in _EPSG:
        if key in mapping.attributes:
            return CRS.from_epsg(int(mapping.words(key).upper().removeprefix("EPSG:").split(".")[0]))
    return None


def _by_gdal(path: str, variable: Variable) -> CRS | None:
    """The reference system as GDAL makes it of the parameters of CF."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(f'NETCDF:"{path}":{variable.name}') as image:
                return image.crs
    except RasterioError:
        return None


def _geotransform(attributes: Mapping[str, Any]) -> Affine | None:
    value = attributes.get("GeoTransform", attributes.get("geotransform"))
    if value is None:
        return None
    try:
        found = numbers(text(value).split() if np.asarray(value).dtype.kind in "SUO" else value)
    except ValueError:
        return None
    return Affine.from_gdal(*found) if len(found) == 6 and found[1] and found[5] else None


def _swath(listing: Listing, variable: Variable) -> str:
    two = [v.name for v in listing.variables.values() if len(v.shape) == 2 and _position(v.leaf) is not None]
    return " and ".join(sorted(two)) if {variable.name}.isdisjoint(two) else ""
