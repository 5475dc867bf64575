"""Images in NetCDF and HDF5 files, read by the names of their axes, with the grid of their coordinates."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import place_doubts
from terramamba.raster.readers import datasets
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
from terramamba.raster.readers.band_variables import describe_bands, own_wavelengths, spectral_variables
from terramamba.raster.readers.format_record import Format, InputPath, OpenOptions
from terramamba.raster.readers.georeference import place, role_of_axis
from terramamba.raster.readers.longitudes import RolledSource, west_of_180
from terramamba.raster.readers.packing import Packing
from terramamba.raster.readers.variables import (
    Listing,
    Variable,
    array_of,
    is_netcdf3,
    list_variables,
    open_variables,
)
from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window

NAME = "NetCDF, HDF5"
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
    lengths += tuple((max(v.shape), f"the length of {v.name}") for v in spectral_variables(listing))
    lengths += tuple((len(own.values), "its wavelengths") for own in own_wavelengths(found))
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
    packing = Packing.of(path, found, bands)
    source: Source = NetcdfSource(
        path, found.name, (rows, cols, band), placed.rows_turned, placed.cols_turned, packing
    )
    if westward.seam:
        source = RolledSource(source, westward.seam, westward.grid.width)
    order = roles_of(settled, 3) if len(stored) == 3 else ()
    said = (
        f"{found.name} {dims(stored)}{f', by {why}' if why else ''} read as {in_words(settled, len(stored))}"
    )
    beside = describe_bands(path, listing, found, band)
    notes = [
        said,
        *placed.notes,
        *westward.notes,
        *place_doubts(westward.grid),
        *packing.in_words(),
        *beside.notes,
    ]
    return Scene(
        path,
        NAME,
        bands,
        packing.dtype,
        westward.grid,
        source,
        nodata=packing.nodata,
        band_names=beside.names,
        wavelengths=beside.wavelengths,
        fwhm=beside.fwhm,
        bad_bands=beside.bad_bands,
        declared=packing.declared(bands),
        axes=order,
        turned=placed.rows_turned or placed.cols_turned or westward.seam > 0,
        notes=tuple(notes),
    )


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
        return self.packing.values(np.ascontiguousarray(block[:, rows, cols]), bands)


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


def _is_netcdf(given: InputPath) -> bool:
    if given.on_disk:
        listed = given.is_hdf5 or is_netcdf3(given.begin)
        return listed and given.suffix not in _HDF5_OF_OTHERS
    return given.suffix in _NETCDF_ENDINGS and given.driver in ("netCDF", "HDF5", "HDF5Image")


def _netcdf(path: str, options: OpenOptions) -> Scene:
    if datasets.is_address(path):
        raise InputError(f"{path}: NetCDF and HDF5 are read from disk only; download it first")
    return open_netcdf(path, options.variable, options.asked, options.variable_flag)


_HDF5_OF_OTHERS = (".kea", ".bag")
"""Endings of files that are HDF5, which GDAL reads with drivers of their own."""
_NETCDF_ENDINGS = (".nc", ".nc4", ".cdf", ".h5", ".he5", ".hdf5", ".hdf")

FORMAT = Format(
    name="NetCDF, HDF5",
    known_by="content; on disk only",
    reads="one variable, by windows, north up on the grid of its coordinate variables (or "
    "`GeoTransform`), with the reference system of its grid mapping; wavelengths, widths, bad bands; "
    "`_FillValue` and `valid_range` are no data, packed values are unpacked; longitudes of 180 to 360 "
    "are read as -180 to 0, and run on where they jump from 359 to 0",
    notes="`--scene-variable` names one of several, with its group or without. Names and coordinates of "
    "the axes settle what is rows, columns and bands; axes without names are as those of .npy. Latitude "
    "and longitude without a reference system are taken for EPSG:4326. A `scale_factor` of 100 or more "
    "of reflectance in whole numbers divides.",
    matches=_is_netcdf,
    reader=_netcdf,
    named=True,
    bare=True,
)
