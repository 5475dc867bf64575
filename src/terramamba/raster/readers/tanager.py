"""Tanager ortho products (HDF-EOS5): bands x rows x columns on a map grid, north up.

``HDFEOS/GRIDS/HYP/Data Fields`` holds ``surface_reflectance`` or ``toa_radiance``, whose attributes list
wavelengths and widths in nm; the group says the EPSG code, ``StructMetadata`` the outer corners of the grid.
"""

import re
from typing import Any

import rasterio
from affine import Affine
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.array_path import SCENE_VARIABLE
from terramamba.raster.readers.format_record import Format, hdf5
from terramamba.raster.readers.hdf5 import holds, numbers, opened, text
from terramamba.raster.readers.netcdf import NetcdfSource
from terramamba.raster.readers.packing import Packing
from terramamba.raster.readers.variables import Variable
from terramamba.raster.readers.wavelengths import of_bands
from terramamba.raster.scene import Scene

NAME = "Tanager ortho"
CUBES = ("surface_reflectance", "toa_radiance")
"""Cubes that are taken when none is named, the first that is there."""
_GRID = "HDFEOS/GRIDS/HYP"
_FIELDS = f"{_GRID}/Data Fields"
_STRUCTURE = "HDFEOS INFORMATION/StructMetadata.0"


def is_tanager(path: str) -> bool:
    """Tell whether a file is a Tanager product on a map grid."""
    return holds(path, _FIELDS)


def open_tanager(path: str, variable: str | None = None, flag: str = SCENE_VARIABLE) -> Scene:
    """Open a Tanager ortho product as a scene; bands that ``good_wavelengths`` excludes are bad bands.

    Raises:
        InputError: the file is damaged or not whole, or ``variable`` is no cube of it.
    """
    with opened(path, NAME) as file:
        cubes = [name for name, item in file[_FIELDS].items() if getattr(item, "ndim", 0) == 3]
        wanted = None if variable is None else variable.rsplit("/", 1)[-1]
        name = wanted or next((cube for cube in CUBES if cube in cubes), "")
        if name not in cubes:
            raise InputError(f"{path}: its cubes are {', '.join(cubes) or 'none'}; choose one with {flag}")
        cube = file[f"{_FIELDS}/{name}"]
        bands, height, width = cube.shape
        grid = _grid(path, file, height, width)
        # what tells of the cube beside, such as its uncertainty, may have no list of its own
        listed = {**file[f"{_FIELDS}/{next((c for c in CUBES if c in cubes), name)}"].attrs, **cube.attrs}
        own = {key: tuple(numbers(listed[key]).tolist()) for key in ("wavelengths", "fwhm") if key in listed}
        good = numbers(listed.get("good_wavelengths", [1.0] * bands))
        centres = of_bands(own.get("wavelengths", ()), "nm").nanometres
        if centres is None or {len(centres), len(good), len(own.get("fwhm", centres))} != {bands}:
            raise InputError(
                f"{path}: {name} has {bands} bands, and its lists of wavelengths and widths do not fit; "
                "fetch the file again"
            )
        stored = Variable(name, cube.shape, ("", "", ""), cube.dtype, dict(cube.attrs))
        packing = Packing.of(path, stored, bands)
    return Scene(
        path,
        "",
        bands,
        packing.dtype,
        grid,
        NetcdfSource(path, f"{_FIELDS}/{name}", (1, 2, 0), False, False, packing),
        nodata=packing.nodata,
        declared=packing.declared(bands),
        band_names=tuple(f"{w:.2f} nm" for w in centres),
        wavelengths=centres,
        fwhm=own.get("fwhm"),
        bad_bands=tuple(bool(g == 0) for g in good),
        notes=(f"{name} {bands} x {height} x {width} read as bands, rows, columns",),
    )


def _grid(path: str, file: Any, height: int, width: int) -> Grid:
    said = text(file[_STRUCTURE][()])
    (left, top), (right, bottom) = (_corner(said, name) for name in ("UpperLeftPointMtrs", "LowerRightMtrs"))
    told = file[_GRID].attrs.get("epsg_code")
    code = 0 if told is None else int(float(text(told)))
    zone = re.search(r"Projection=HE5_GCTP_UTM\s+ZoneCode=(-?\d+)", said)
    if not code and zone is not None:  # zones of the south are below 0
        number = int(zone[1])
        code = 32600 + number if number > 0 else 32700 - number
    try:
        with rasterio.Env():  # else GDAL prints its own message, too
            crs = CRS.from_epsg(code)
    except CRSError as error:
        raise InputError(f"{path}: unknown epsg_code {code}; fetch the file again") from error
    across, down = (right - left) / width, (top - bottom) / height
    if across <= 0 or abs(across - down) > 1e-3 * across:
        raise InputError(
            f"{path}: StructMetadata makes pixels of {across:g} x {down:g}, which are none; fetch it again"
        )
    return Grid(height, width, crs, Affine(across, 0.0, left, 0.0, -down, top))


def _corner(structure: str, name: str) -> tuple[float, float]:
    found = re.search(rf"{name}=\(\s*([-+.\deE]+)\s*,\s*([-+.\deE]+)\s*\)", structure)
    if found is None:
        raise ValueError(f"StructMetadata without {name}")
    return float(found[1]), float(found[2])


FORMAT = Format(
    name=NAME,
    known_by="HDF-EOS5 with the grid `HYP`",
    reads="`surface_reflectance` or `toa_radiance` on its UTM grid; wavelengths, widths, fill value",
    notes="By windows. Bands that `good_wavelengths` excludes are bad bands.",
    matches=hdf5(is_tanager),
    reader=lambda path, options: open_tanager(path, options.variable, options.variable_flag),
    named=True,
)
