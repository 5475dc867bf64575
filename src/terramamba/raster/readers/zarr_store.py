"""Zarr stores, which are known and refused with what to do."""

from pathlib import Path
from typing import NoReturn

from terramamba.core.errors import InputError
from terramamba.raster.readers.format_record import Format, on_disk

NAME = "Zarr"
_MARKS = (".zgroup", ".zarray", ".zmetadata", "zarr.json")


def is_zarr(path: str) -> bool:
    """Tell whether a folder is a Zarr store of version 2 or 3, or an array in one."""
    folder = Path(path)
    return folder.is_dir() and any((folder / mark).is_file() for mark in _MARKS)


def refuse_zarr(path: str) -> NoReturn:
    """Refuse a Zarr store; raises ``InputError``."""
    raise InputError(
        f"{path}: is a Zarr store, which is not read; save its image as NetCDF (in Python, xarray: "
        "open_zarr(...).to_netcdf(...)) or as GeoTIFF (rioxarray: rio.to_raster(...))"
    )


FORMAT = Format(
    name=NAME,
    known_by="a folder with `.zgroup`, `.zarray` or `zarr.json`",
    reads="nothing: refused",
    notes="Save it as NetCDF or GeoTIFF.",
    matches=on_disk(is_zarr),
    reader=lambda path, options: refuse_zarr(path),
)
