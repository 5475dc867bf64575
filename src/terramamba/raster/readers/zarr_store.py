"""Zarr stores, which are known and refused with what to do."""

from pathlib import Path
from typing import NoReturn

from terramamba.core.errors import InputError

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
