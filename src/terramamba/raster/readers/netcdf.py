"""Images in NetCDF and HDF5 files, read by the names of their axes, with the grid of their coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.readers.array_path import SCENE_VARIABLE
from terramamba.raster.readers.array_scene import cut_block
from terramamba.raster.readers.arrays import dims
from terramamba.raster.readers.axes import (
    NOTHING,
    Asked,
    Axes,
    InFile,
    in_words,
    lengths_told,
    roles_of,
    settle,
)
from terramamba.raster.readers.gdal import is_data
from terramamba.raster.readers.georeference import place, role_of_axis
from terramamba.raster.readers.hdf5 import numbers, text
from terramamba.raster.readers.longitudes import RolledSource, west_of_180
from terramamba.raster.readers.variables import (
    Listing,
    Variable,
    array_of,
    list_variables,
    load,
    open_variables,
)
from terramamba.raster.readers.wavelengths import Centres, of_bands
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window

NAME = "NetCDF, HDF5"
_FILLS = {"i1": None, "i2": -32767.0, "u2": 65535.0, "i4": -2147483647.0, "f4": 9.969209968386869e36}
"""What NetCDF writes where nothing was written, and no other value is named."""
_WAVELENGTH_NAMES = ("wave", "wl", "wvl", "lambda")
_LENGTH_UNITS = (
    "nm",
    "um",
    "µm",
    "μm",
    "nanometer",
    "nanometers",
    "micrometer",
    "micrometers",
    "micron",
    "microns",
)
_NAMES_OF_BANDS = ("mask_bands", "band_names", "bands", "band")
_POSITIONS = ("lat", "latitude", "lon", "longitude")


def open_netcdf(
    path: str, variable: str | None = None, asked: Asked = NOTHING, flag: str = SCENE_VARIABLE
) -> Scene:
    """Open one variable of a NetCDF or HDF5 file as a scene, north up on the grid of its coordinates.

    ``variable`` names it, by its path in the file or the last part of that; None: the only one of three axes,
    or the only one with a spectral axis, else the only one of two. Which axis holds what is settled by the
    names and coordinates of the axes, and by what is ``asked`` for. Packed values are unpacked.

    Raises:
        InputError: the file is damaged, no variable fits or several do, or nothing says how its axes lie.
    """
    listing = list_variables(path)
    found = _pick(path, listing, variable, flag)
    kept = _kept_axes(path, listing, found)
    roles = tuple(role_of_axis(listing, found.axes[axis]) for axis in kept)
    stored = tuple(found.shape[axis] for axis in kept)
    what = f"{path}: {found.name} {dims(found.shape)}"
    lengths, sizes = lengths_told({n: v.shape for n, v in listing.variables.items() if n != found.name})
    lengths += tuple((v.shape[0], f"the length of {v.name}") for v in _spectral(listing))
    own = found.attributes.get("wavelengths")
    if own is not None:
        lengths += ((len(numbers(own)), "its wavelengths"),)
    settled, why = settle(stored, what, asked, InFile(roles, lengths, sizes))
    rows, cols = (kept[axis] for axis in settled[:2])
    band = None if settled[2] is None else kept[settled[2]]
    bands = 1 if band is None else found.shape[band]
    shape = (found.shape[rows], found.shape[cols])
    placed = place(path, listing, found, rows, cols, shape)
    if placed.grid.transform is None and found.name.startswith("HDFEOS/"):
        raise InputError(
            f"{path}: {found.name} is in the layout of HDF-EOS5, whose grid or swath is described in "
            "StructMetadata, which is not read; convert it to GeoTIFF on a map grid first"
        )
    westward = west_of_180(placed.grid)
    packing = Packing.of(found)
    source: Source = NetcdfSource(
        path, found.name, (rows, cols, band), placed.rows_turned, placed.cols_turned, packing
    )
    if westward.seam:
        source = RolledSource(source, westward.seam, westward.grid.width)
    order = roles_of(settled, 3) if len(stored) == 3 else ()
    said = (
        f"{found.name} {dims(stored)}{f', by {why}' if why else ''} read as {in_words(settled, len(stored))}"
    )
    notes = [said, *placed.notes, *westward.notes]
    if packing.unpacks:
        notes.append(f"unpacked: stored value x {packing.scale:g} + {packing.offset:g}")
    beside = _beside(path, listing, found, band)
    centres = of_bands(*beside.wavelengths) if beside.wavelengths else Centres()
    if centres.note is not None:
        notes.append(centres.note)
    return Scene(
        path,
        NAME,
        bands,
        packing.dtype,
        westward.grid,
        source,
        nodata=packing.nodata,
        band_names=beside.names,
        wavelengths=centres.nanometres,
        fwhm=beside.fwhm,
        bad_bands=beside.bad_bands,
        axes=order,
        turned=placed.rows_turned or placed.cols_turned or westward.seam > 0,
        notes=tuple(notes),
    )


@dataclass(frozen=True)
class Packing:
    """How stored values become those of the scene, and which of them are data."""

    stored: str
    fills: tuple[float, ...]
    low: float | None
    high: float | None
    scale: float
    offset: float

    @classmethod
    def of(cls, variable: Variable) -> "Packing":
        """Read it from the attributes of a variable."""
        kind = np.dtype("u1") if variable.dtype.kind == "b" else variable.dtype.newbyteorder("=")
        if kind.kind == "i" and variable.words("_Unsigned").lower() == "true":
            kind = np.dtype(f"u{kind.itemsize}")  # the classic format has no unsigned types
        fills = [v for v in (variable.number(a) for a in ("_FillValue", "missing_value")) if v is not None]
        fills = [v + 2.0 ** (8 * kind.itemsize) if kind.kind == "u" and v < 0 else v for v in fills]
        ignored = variable.number("Data_Ignore_Value")
        usual = _FILLS.get(kind.str[1:]) if any(variable.axes) else None
        fills = fills or [value for value in (ignored, usual) if value is not None]
        low, high = variable.number("valid_min"), variable.number("valid_max")
        if np.size(variable.attributes.get("valid_range", ())) == 2:
            low, high = (float(v) for v in numbers(variable.attributes["valid_range"]))
        scale, offset = variable.number("scale_factor"), variable.number("add_offset")
        scale, offset = 1.0 if scale is None else scale, 0.0 if offset is None else offset
        return cls(str(kind), tuple(dict.fromkeys(fills)), low, high, scale, offset)

    @property
    def unpacks(self) -> bool:
        """Whether stored values are other numbers than those they stand for."""
        return self.scale != 1.0 or self.offset != 0.0

    @property
    def dtype(self) -> str:
        """Type of the values of the scene."""
        if not self.unpacks:
            return self.stored
        return "float64" if np.dtype(self.stored).itemsize > 2 and self.stored != "float32" else "float32"

    @property
    def nodata(self) -> float | None:
        """What stands where there are no data."""
        return float("nan") if self.unpacks else next(iter(self.fills), None)

    def values(
        self, stored: Shaped[np.ndarray, "c h w"]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Unpack values, and tell which are data."""
        if np.dtype(self.stored).kind == "u" and stored.dtype.kind == "i":
            stored = stored.view(stored.dtype.str.replace("i", "u"))
        valid = np.ones(stored.shape, bool)
        for fill in self.fills:
            valid &= is_data(stored, fill)
        if self.low is not None:
            valid &= stored >= self.low
        if self.high is not None:
            valid &= stored <= self.high
        if not self.unpacks:
            return stored, valid
        values = stored.astype(self.dtype) * np.dtype(self.dtype).type(self.scale)
        values += np.dtype(self.dtype).type(self.offset)
        values[~valid] = np.nan
        return values, valid


@dataclass(frozen=True)
class NetcdfSource:
    """Pixels of the variable ``name``; its rows or columns are turned where the file stores them south up."""

    path: str
    name: str
    axes: Axes
    rows_turned: bool
    cols_turned: bool
    packing: Packing

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        with open_variables(self.path) as file:
            array = array_of(file, self.name)
            height, width = (array.shape[axis] for axis in self.axes[:2])
            row = height - window.bottom if self.rows_turned else window.row
            col = width - window.right if self.cols_turned else window.col
            stored = Window(row, col, window.height, window.width)
            block = cut_block(array, self.axes, stored, bands, shape)
        rows, cols = (
            slice(None, None, -1 if self.rows_turned else 1),
            slice(None, None, -1 if self.cols_turned else 1),
        )
        return self.packing.values(np.ascontiguousarray(block[:, rows, cols]))


def _pick(path: str, listing: Listing, variable: str | None, flag: str) -> Variable:
    numeric = {n: v for n, v in listing.variables.items() if v.dtype.kind in "biufc" and len(v.shape) >= 2}
    if variable is not None:
        wanted = variable.strip("/")
        named = [v for n, v in numeric.items() if n == wanted] or [
            v for v in numeric.values() if v.leaf == wanted
        ]
        if len(named) != 1:
            raise InputError(f"{path}: holds {_names(numeric)}; choose one with {flag}")
        return named[0]
    about = {
        name
        for v in listing.variables.values()
        for a in ("coordinates", "bounds")
        for name in v.words(a).split()
    }
    images = [v for v in numeric.values() if v.leaf not in about and v.leaf.lower() not in _POSITIONS]
    cubes = [v for v in images if len(v.shape) > 2]
    spectral = [v for v in cubes if "bands" in [role_of_axis(listing, axis) for axis in v.axes]]
    for several in (cubes, spectral, [] if cubes else images):
        if len(several) == 1:
            return several[0]
    found = cubes or images
    alike = len({(_long(v), v.dtype) for v in found}) == 1 and len(_long(found[0])) == 2 if found else False
    remedy = ""
    if alike and len(found) > 1:
        remedy = (
            "; where each is a band of one scene, save them as one variable (in Python, xarray: "
            "dataset.to_dataarray('band').to_dataset(name='bands').to_netcdf(...))"
        )
    raise InputError(f"{path}: holds {_names(v.name for v in found)}; choose one with {flag}{remedy}")


def _long(variable: Variable) -> tuple[int, ...]:
    """Lengths of the axes but for those of length 1."""
    return tuple(length for length in variable.shape if length > 1)


def _names(names: Sequence[str] | object) -> str:
    return ", ".join(names) or "no image"  # type: ignore[arg-type]


def _kept_axes(path: str, listing: Listing, variable: Variable) -> tuple[int, ...]:
    """The axes of an image: all but those of length 1 that hold no rows, columns or bands."""
    if variable.dtype.kind == "c":
        raise InputError(f"{path}: {variable.name} holds complex numbers; convert it to amplitude first")
    axes = list(range(len(variable.shape)))
    for axis in [a for a in axes if variable.shape[a] == 1]:
        if len(axes) > 3 and role_of_axis(listing, variable.axes[axis]) is None:
            axes.remove(axis)
    if len(axes) > 3:
        named = ", ".join(variable.axes[axis] or "?" for axis in axes)
        raise InputError(
            f"{path}: {variable.name} {dims(variable.shape)} has {len(axes)} axes ({named}); a scene has "
            "rows, columns and bands: save one step of the others alone (ncks -d time,0)"
        )
    return tuple(axes)


@dataclass(frozen=True)
class _Beside:
    """What other variables say of the bands; ``wavelengths`` with their unit."""

    wavelengths: tuple[list[float], str] | None = None
    fwhm: tuple[float, ...] | None = None
    bad_bands: tuple[bool, ...] = ()
    names: tuple[str, ...] = ()


def _spectral(listing: Listing) -> list[Variable]:
    """The variables that list wavelengths."""
    lines = [v for v in listing.variables.values() if len(v.shape) == 1 and v.dtype.kind in "iuf"]
    return [v for v in lines if _is_wavelength(v)]


def _is_wavelength(variable: Variable) -> bool:
    by_unit = variable.words("units").lower() in _LENGTH_UNITS and variable.leaf.lower() not in (
        "fwhm",
        "bandwidth",
    )
    standard = variable.words("standard_name").endswith("radiation_wavelength")
    named = "wavelength" in variable.leaf.lower() and "good" not in variable.leaf.lower()
    return standard or named or variable.leaf.lower() in _WAVELENGTH_NAMES or by_unit


def _beside(path: str, listing: Listing, variable: Variable, band: int | None) -> _Beside:
    if band is None:
        return _Beside()
    count, axis = variable.shape[band], variable.axes[band]
    lines = [v for v in listing.variables.values() if v.shape == (count,) and v.dtype.kind in "biuf"]
    own = [v for v in lines if not axis or v.axes in ((axis,), ("",))]
    centres = sorted((v for v in own if _is_wavelength(v)), key=lambda v: v.name != axis)
    wavelengths, unit = None, ""
    if centres:
        wavelengths, unit = load(path, centres[0]).astype(float).ravel().tolist(), centres[0].words("units")
    elif np.size(variable.attributes.get("wavelengths", ())) == count:
        wavelengths = numbers(variable.attributes["wavelengths"]).tolist()
    by_leaf = {v.leaf.lower(): v for v in own}
    fwhm = by_leaf.get("fwhm")
    good = by_leaf.get("good_wavelengths", by_leaf.get("bbl"))
    words = [v for v in listing.variables.values() if v.shape == (count,) and v.dtype.kind in "OSU"]
    named = [v for v in words if (v.axes == (axis,) if axis else v.leaf in _NAMES_OF_BANDS)]
    return _Beside(
        None if wavelengths is None else (wavelengths, unit),
        None if fwhm is None or wavelengths is None else of_widths(load(path, fwhm), wavelengths, unit),
        () if good is None else tuple(bool(g == 0) for g in load(path, good).ravel()),
        tuple(text(name) for name in load(path, named[0]).ravel()) if len(named) == 1 else (),
    )


def of_widths(
    widths: Shaped[np.ndarray, "..."], wavelengths: Sequence[float], unit: str
) -> tuple[float, ...] | None:
    """Widths of bands in nanometres, which have the unit of the wavelengths beside them."""
    centres = of_bands(wavelengths, unit).nanometres
    if centres is None or not np.isfinite(widths).all() or (widths <= 0).any():
        return None
    return tuple(float(w) * c / o for w, c, o in zip(widths.ravel(), centres, wavelengths, strict=True))
