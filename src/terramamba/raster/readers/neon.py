"""NEON's airborne reflectance and radiance (HDF5): rows x columns x bands, north up.

``SITE/Reflectance/Reflectance_Data`` lies beside ``Metadata`` with ENVI's map info, an EPSG code and the
wavelengths; SITE is the code of the site, and bidirectional reflectance (DP3.30006.002) has the same layout.
"""

from typing import Any

import h5py
import numpy as np
import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.array_path import SCENE_VARIABLE
from terramamba.raster.readers.format_record import Format, hdf5
from terramamba.raster.readers.hdf5 import numbers, opened, text
from terramamba.raster.readers.netcdf import NetcdfSource
from terramamba.raster.readers.packing import Packing
from terramamba.raster.readers.variables import Variable
from terramamba.raster.readers.wavelengths import of_bands, widths_of
from terramamba.raster.scene import Scene

NAME = "NEON airborne"
_KINDS = ("Reflectance", "Radiance")
_COORDINATES = "Metadata/Coordinate_System"
_SPECTRAL = "Metadata/Spectral_Data"


def is_neon(path: str) -> bool:
    """Tell whether a file has NEON's layout."""
    if not h5py.is_hdf5(path):
        return False
    with opened(path, "HDF5") as file:
        return _product(file) is not None or _is_old(file)


def open_neon(path: str, variable: str | None = None, flag: str = SCENE_VARIABLE) -> Scene:
    """Open NEON's reflectance or radiance as a scene; water-vapour windows that it names are bad bands.

    Raises:
        InputError: the file is damaged, not whole, or of before 2016, or ``variable`` is another.
    """
    with opened(path, NAME) as file:
        if _is_old(file):
            raise InputError(
                f"{path}: is in NEON's layout of before 2016 (Reflectance beside map info), which is not "
                "read; fetch the present release of it from NEON's data portal"
            )
        group, kind = _product(file) or ("", "")
        name = f"{group}/{kind}_Data"
        if variable is not None and variable.strip("/") not in (name, f"{kind}_Data"):
            raise InputError(f"{path}: its image is {name}; leave {flag} out")
        cube, about = file[name], file[group]
        height, width, bands = cube.shape
        grid = _grid(path, about, height, width)
        spectral = about[_SPECTRAL]
        wavelengths = numbers(spectral["Wavelength"])
        unit = text(spectral["Wavelength"].attrs.get("Units", ""))
        centres = of_bands(wavelengths.tolist(), unit).nanometres
        if len(wavelengths) != bands or centres is None:
            raise InputError(
                f"{path}: {name} has {bands} bands, but {len(wavelengths)} wavelengths are listed; fetch the "
                "file again"
            )
        widths = None
        if "FWHM" in spectral and spectral["FWHM"].size == bands:
            own_unit = text(spectral["FWHM"].attrs.get("Units", ""))
            widths, _ = widths_of(numbers(spectral["FWHM"]).tolist(), wavelengths.tolist(), unit, own_unit)
        ignored = _windows(about.attrs)
        stored = Variable(name, cube.shape, ("", "", ""), cube.dtype, dict(cube.attrs))
        packing = Packing.of(path, stored, bands)
        factor = cube.attrs.get("Scale_Factor")
    return Scene(
        path,
        "",
        bands,
        packing.dtype,
        grid,
        NetcdfSource(path, name, (0, 1, 2), False, False, packing),
        nodata=packing.nodata,
        declared=packing.declared(bands),
        band_names=tuple(f"{w:.2f} nm" for w in centres),
        wavelengths=centres,
        fwhm=widths,
        bad_bands=tuple(any(low <= w <= high for low, high in ignored) for w in centres),
        scale=None if factor is None else 1.0 / float(numbers(factor)[0]),
        notes=(f"{name} {height} x {width} x {bands} read as rows, columns, bands",),
    )


def _is_old(file: Any) -> bool:
    return isinstance(file.get("Reflectance"), h5py.Dataset) and "map info" in file and "wavelength" in file


def _product(file: Any) -> tuple[str, str] | None:
    """The group of the image, and what it holds."""
    for site in file:
        for kind in _KINDS:
            group = f"{site}/{kind}"
            names = (f"{kind}_Data", f"{_COORDINATES}/Map_Info", f"{_SPECTRAL}/Wavelength")
            if all(f"{group}/{name}" in file for name in names) and file[f"{group}/{kind}_Data"].ndim == 3:
                return group, kind
    return None


def _grid(path: str, about: Any, height: int, width: int) -> Grid:
    info = [word.strip() for word in text(about[f"{_COORDINATES}/Map_Info"][()]).strip("{}").split(",")]
    turned = [
        word for word in info if word.lower().startswith("rotation") and not word.endswith(("=0", "= 0"))
    ]
    try:
        column, row, x, y, dx, dy = (float(word) for word in info[1:7])
    except ValueError as error:
        said = ",".join(info)[:60]
        raise InputError(f"{path}: Map_Info {said!r} places no grid; fetch the file again") from error
    if turned or dx <= 0 or dy <= 0:
        raise InputError(
            f"{path}: Map_Info has pixels of {dx:g} x {dy:g} {' '.join(turned)}; give an upright one"
        )
    code = text(about[f"{_COORDINATES}/EPSG Code"][()]) if f"{_COORDINATES}/EPSG Code" in about else ""
    try:
        with rasterio.Env():  # else GDAL prints its own message, too
            crs = CRS.from_epsg(int(float(code)))
    except (CRSError, ValueError) as error:
        raise InputError(f"{path}: unknown EPSG Code {code!r}; fetch the file again") from error
    # the place is that of the corner of the pixel (column, row), counted from 1
    return Grid(height, width, crs, Affine(dx, 0.0, x - (column - 1) * dx, 0.0, -dy, y + (row - 1) * dy))


def _windows(attributes: Any) -> list[tuple[float, float]]:
    """The ranges of wavelengths in nm that the file says hold no signal."""
    found = (attributes.get(f"Band_Window_{i}_Nanometers") for i in (1, 2))
    pairs = [numbers(value) for value in found if value is not None and np.size(value) == 2]
    return [(float(low), float(high)) for low, high in pairs]


FORMAT = Format(
    name=NAME,
    known_by="HDF5 with `SITE/Reflectance/Reflectance_Data` (or `Radiance`) and its `Metadata`",
    reads="the cube, its grid from map info and EPSG code; wavelengths, band widths, value of no data",
    notes="By windows; bidirectional reflectance, too. The scale factor is reported, not applied. Bands "
    "in the windows of water vapour that it names are bad bands. The layout before 2016 is refused.",
    matches=hdf5(is_neon),
    reader=lambda path, options: open_neon(path, options.variable, options.variable_flag),
    named=True,
)
