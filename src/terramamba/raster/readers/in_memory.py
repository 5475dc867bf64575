"""Scenes in memory: NumPy arrays, arrays of xarray, and datasets that rasterio has open.

xarray is known by the module that an object's type comes from, so that it is never imported here.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from affine import Affine
from jaxtyping import Bool, Shaped
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.arguments import checked
from terramamba.core.errors import InputError, reason_of
from terramamba.raster.geogrid import Grid, place_doubts
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.wavelengths import Centres, settle_centres
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import without_unrecorded
from terramamba.raster.windows import Window, evenly_spaced

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


@runtime_checkable
class OpenDataset(Protocol):
    """What is read of a dataset that rasterio has open."""

    @property
    def name(self) -> str:
        """Its file."""

    @property
    def subdatasets(self) -> Any:
        """Images in it."""


@runtime_checkable
class Tensor(Protocol):
    """What NumPy reads as an array, as tensors of torch are."""

    def __array__(self, dtype: Any = None) -> np.ndarray:
        """Give the values."""


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Pixels of ``values`` (c, h, w); not data are NaN and ``nodata``."""

    values: Shaped[np.ndarray, "c h w"]
    nodata: float | None

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        rows = evenly_spaced(window.row, window.height, shape[0])
        cols = evenly_spaced(window.col, window.width, shape[1])
        found = self.values[np.ix_(np.array(bands, np.int64), rows, cols)]
        valid = ~np.isnan(found) if found.dtype.kind == "f" else np.ones(found.shape, bool)
        return found, valid if self.nodata is None else valid & (found != self.nodata)


@checked
def scene_from_array(
    array: Shaped[np.ndarray, "..."] | Tensor,
    *,
    wavelengths: Sequence[float | int] | None = None,
    crs: Any = None,
    transform: Any = None,
    nodata: int | float | None = None,
    names: Sequence[str] | None = None,
) -> Scene:
    """Make a scene of an array (bands, rows, columns), which stays in memory and is not copied.

    Args:
        array: Real numbers, also as a tensor of torch; masked values and NaN are no data.
        wavelengths: Of the bands, in nanometres.
        crs: Coordinate reference system, as rasterio understands it: "EPSG:32633", 32633, WKT.
        transform: From (column, row) of a pixel's corner to coordinates: six numbers a, b, c, d, e, f or an
            ``Affine``.
        nodata: Value that stands for no data.
        names: Of the bands.

    Raises:
        InputError: another number of axes, values that are no real numbers, or what does not fit the bands.
    """
    values = _numbers_of(array)
    if values.ndim != 3 or 0 in values.shape:
        raise InputError(
            f"array: has the shape {values.shape}; give (bands, rows, columns), also for one band"
        )
    if values.dtype.kind not in "biuf":
        raise InputError(f"array: holds {values.dtype} values; give real numbers")
    if nodata is None and np.ma.is_masked(values) and values.dtype.kind != "f":
        raise InputError(
            "array: is masked and holds whole numbers; say with nodata which one stands for no data"
        )
    for what, given in (("wavelengths", wavelengths), ("names", names)):
        if given is not None and len(given) != len(values):
            raise InputError(f"{what}: {len(given)} for {len(values)} bands; give one for each band")
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values, np.nan if nodata is None else nodata)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    grid = Grid(values.shape[1], values.shape[2], _crs(crs), _transform(transform))
    scene = Scene(
        "array",
        "array in memory",
        len(values),
        values.dtype.name,
        grid,
        MemorySource(values, None if nodata is None else float(nodata)),
        nodata=None if nodata is None else float(nodata),
        band_names=tuple(names or ()),
        wavelengths=None if wavelengths is None else tuple(map(float, wavelengths)),
        notes=place_doubts(grid),
    )
    return without_unrecorded(scene)


def opened(
    scene: Any,
    *,
    variable: str | None = None,
    shape: tuple[int, int] | None = None,
    axes: str | None = None,
) -> Scene:
    """Open whatever is a scene: a path or several, a scene, an array of xarray, a dataset of rasterio.

    Raises:
        InputError: it cannot be read as a scene, is a bare array, or ``axes`` are given of what has its own.
    """
    if axes is not None and not isinstance(scene, str | os.PathLike):
        raise InputError(f"axes {axes}: is for files of bare arrays; leave it out")
    if variable is not None and (isinstance(scene, Scene) or is_of(scene, "xarray")):
        raise InputError(f"scene_variable {variable}: is for files that hold several arrays; leave it out")
    if isinstance(scene, Scene):
        return scene
    if isinstance(scene, np.ndarray):
        raise InputError(
            "a NumPy array says nothing of its axes and place; give scene_from_array(array, ...)"
        )
    if is_of(scene, "xarray"):
        return _from_xarray(scene)
    if is_of(scene, "rasterio"):
        return _from_rasterio(scene, variable)
    return open_scene(scene, variable=variable, shape=shape, axes=axes)


def is_of(given: object, library: str) -> bool:
    """Tell whether an object's type comes from ``library``."""
    return any(kind.__module__.partition(".")[0] == library for kind in type(given).__mro__)


def _from_rasterio(dataset: Any, variable: str | None) -> Scene:
    if dataset.mode != "r":
        raise InputError(f"{dataset.name}: is open to be written; close it, and give its path")
    if type(dataset).__name__ == "DatasetReader":
        return open_scene(dataset.name, variable=variable)
    read = dataset.read(masked=dataset.nodata is None)
    return scene_from_array(read, crs=dataset.crs, transform=dataset.transform, nodata=dataset.nodata)


def _from_xarray(array: Any) -> Scene:
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
    return next((crs for crs in map(_crs, [known, *_said_of_crs(array)]) if crs is not None), None)


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
    return _transform(array.attrs.get("transform"))


def _step(values: np.ndarray, name: str) -> float:
    steps = np.diff(values)
    mean = (values[-1] - values[0]) / len(steps)
    if mean == 0 or np.abs(steps - mean).max() > UNEVEN * abs(mean):
        raise InputError(
            f"DataArray: the steps of its coordinate {name} differ; bring it onto a regular grid"
        )
    return float(mean)


def _numbers_of(array: Any) -> Shaped[np.ndarray, "..."]:
    """The values of an array, or of a tensor of torch wherever it lies and whatever learns from it."""
    try:
        return np.asanyarray(array.detach().cpu() if hasattr(array, "detach") else array)
    except (TypeError, RuntimeError, ValueError) as error:
        raise InputError(
            f"array: holds no numbers that NumPy knows ({reason_of(error)}); give it dense, in float32"
        ) from error


def _crs(given: Any) -> CRS | None:
    if given is None:
        return None
    try:
        return CRS.from_user_input(given if isinstance(given, CRS | int | str) else str(given))
    except (CRSError, ValueError) as error:
        raise InputError(
            f"crs {given}: is not understood ({reason_of(error)}); give such as EPSG:32633"
        ) from error


def _transform(given: Any) -> Affine | None:
    if given is None:
        return None
    numbers = tuple(given)[:6]
    if len(numbers) != 6:
        raise InputError(f"transform {tuple(given)}: has {len(numbers)} numbers; give a, b, c, d, e, f")
    return Affine(*map(float, numbers))
