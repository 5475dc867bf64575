"""A file and one of its arrays or layers in one word, such as ``scene.mat:input``, ``fields.gpkg:summer``."""

import re
from pathlib import Path

from terramamba.core.errors import InputError

SCENE_VARIABLE = "--scene-variable"
"""How the command line spells one array of a scene's file."""

_NAMED = re.compile(r"(.+\.(?:mat|npz|nc|nc4|cdf|h5|he5|hdf5?)):([^:\\]+)", re.IGNORECASE)

_LAYER = re.compile(
    r"(.+?\.(?:gpkg|sqlite|gdb|zip|kml|kmz|gml|gpx|dxf|geojson|json|shp|fgb|tab|mif)):([^\\/]+)",
    re.IGNORECASE,
)
_OF_GDAL = re.compile(r"(?:netcdf|hdf5):\"?([^\"]+?)\"?:(?://)?([^:\"]+)", re.IGNORECASE)
"""How GDAL calls one variable of a file."""


def split_variable(path: str, variable: str | None, flag: str) -> tuple[str, str | None]:
    """Part ``FILE:VARIABLE`` into both; ``variable`` is what ``flag`` names beside it.

    Only a file on disk that can hold several arrays is parted from what follows it: addresses and drives
    (``C:``) stay whole.

    Raises:
        InputError: the two name different arrays.
    """
    found = _OF_GDAL.fullmatch(path) or _NAMED.fullmatch(path)
    if found is None or Path(path).exists() or not Path(found[1]).is_file():
        return path, variable
    if variable is not None and variable != found[2]:
        raise InputError(f"{flag} {variable}: {path} names {found[2]} already; leave one of the two out")
    return found[1], found[2]


def split_layer(path: str) -> tuple[str, str | None]:
    """Part ``FILE:LAYER`` of a vector file on disk into both; another path stays whole, without a layer."""
    found = _LAYER.fullmatch(path)
    if found is None or Path(path).exists() or not Path(found[1]).exists():
        return path, None
    return found[1], found[2]


def file_of(path: str) -> str:
    """Return the file in ``FILE:VARIABLE`` or ``FILE:LAYER``, else ``path``."""
    return split_layer(split_variable(path, None, "")[0])[0]
