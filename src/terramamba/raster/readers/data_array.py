"""Scenes of arrays of xarray: axes and place from their names and coordinates.

xarray is known by the module that an object's type comes from, so that it is never imported here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.raster.readers.in_memory import crs_from, scene_from_array, transform_from
from terramamba.raster.readers.wavelengths import Centres, settle_centres
from terramamba.raster.scene import Scene

ROWS, COLUMNS = ("y", "lat", "latitude"), ("x", "lon", "longitude")
"""Names of the axes of an array of xarray; the third one has the bands."""
TIMES = ("time", "date", "datetime", "t")
"""Names of a third axis that has dates."""
UNEVEN = 1e-3
"""Coordinates whose steps differ by more than this share are those of no grid."""


@runtime_checkable
class DataArray(Protocol):
    """What is read of an array of xarray."""

    @property
    def dims(self) -> Any:
        """Names of its axes."""

    @property
    def coords(self) -> Any:
        """Coordinates by name."""

    @property
    def attrs(self) -> Any:
        """What else its file says of it."""


def scene_from_data_array(array: Any) -> Scene:
    """Make a scene of an array of xarray with the axes y and x, and a third one for the bands or none.

    Raises:
        InputError: it has other axes, or coordinates of no regular grid.
    """
    dims = [str(dim) for dim in array.dims]
    rows, cols = (next((dim for dim in dims if dim.lower() in names), None) for names in (ROWS, COLUMNS))
    band = [dim for dim in dims if dim not in (rows, cols)]
    if not hasattr(array, "dtype") or rows is None or cols is None or len(band) > 1:
        raise InputError(
            f"{type(array).__name__} with the axes {', '.join(dims)}: give a DataArray with band, y and x"
        )
    whole = array if band else array.expand_dims("band")
    values = np.asarray(whole.transpose(*(band or ["band"]), rows, cols).data)
    nodata = _nodata(array, values.dtype)
    centres = _wavelengths(array, band[0]) if band else Centres()
    scene = scene_from_array(
        values,
        wavelengths=centres.nanometres,
        crs=_crs_of(array),
        transform=_transform_of(array, rows, cols),
        nodata=nodata,
        names=_names(array, band[0]) if band else None,
    )
    notes = [] if centres.note is None else [centres.note]
    if band and band[0].lower() in TIMES:
        notes.append(f"bands are the {len(values)} steps of its axis {band[0]}; choose one date with isel")
    return replace(scene, notes=(*scene.notes, *notes))


def _nodata(array: Any, dtype: np.dtype[Any]) -> float | None:
    accessor = getattr(array, "rio", None)
    encoding = getattr(array, "encoding", {})
    # Once masked, values that were no data are NaN, and what stood for them is in the encoding.
    places = (array.attrs, {} if dtype.kind == "f" else encoding)
    found = [
        place[key] for place in places for key in ("_FillValue", "nodata", "missing_value") if key in place
    ]
    known = found[0] if found else getattr(accessor, "nodata", None)
    return None if known is None or known != known else float(known)


def _wavelengths(array: Any, band: str) -> Centres:
    for name in ("wavelength", "wavelengths", "center_wavelength"):
        if name in array.coords and tuple(array.coords[name].dims) == (band,):
            unit = str(array.coords[name].attrs.get("units", ""))
            return settle_centres(np.asarray(array.coords[name].data).tolist(), unit)
    return Centres()


def _names(array: Any, band: str) -> list[str] | None:
    if band in array.coords and np.asarray(array.coords[band].data).dtype.kind in "UO":
        return [str(name) for name in np.asarray(array.coords[band].data).tolist()]
    said = array.attrs.get("long_name")
    return [str(name) for name in said] if isinstance(said, list | tuple) else None


def _crs_of(array: Any) -> CRS | None:
    known = getattr(getattr(array, "rio", None), "crs", None)
    return next((crs for crs in map(crs_from, [known, *_said_of_crs(array)]) if crs is not None), None)


def _said_of_crs(array: Any) -> Iterator[Any]:
    for attrs in (_grid_mapping(array), array.attrs):
        yield from (attrs[key] for key in ("crs_wkt", "spatial_ref", "crs") if key in attrs)


def _grid_mapping(array: Any) -> Mapping[str, Any]:
    name = getattr(array, "encoding", {}).get("grid_mapping", array.attrs.get("grid_mapping", "spatial_ref"))
    return dict(array.coords[name].attrs) if name in array.coords else {}


def _transform_of(array: Any, rows: str, cols: str) -> Affine | None:
    """From the coordinates of pixel centres, which also a cut-out array has right; else what is said."""
    if rows in array.coords and cols in array.coords:
        y, x = (np.asarray(array.coords[name].data, np.float64) for name in (rows, cols))
        if y.size > 1 and x.size > 1:
            down, right = (_step(values, name) for values, name in ((y, rows), (x, cols)))
            return Affine(right, 0.0, x[0] - right / 2, 0.0, down, y[0] - down / 2)
    written = _grid_mapping(array).get("GeoTransform")
    if written is not None:
        return Affine.from_gdal(*map(float, str(written).split()))
    return transform_from(array.attrs.get("transform"))


def _step(values: np.ndarray, name: str) -> float:
    steps = np.diff(values)
    mean = (values[-1] - values[0]) / len(steps)
    if mean == 0 or np.abs(steps - mean).max() > UNEVEN * abs(mean):
        raise InputError(
            f"DataArray: the steps of its coordinate {name} differ; bring it onto a regular grid"
        )
    return float(mean)
