"""Open anything that can be read as a scene."""

import os
from collections.abc import Sequence

from terramamba.raster.readers.formats import Wanted, open_any
from terramamba.raster.readers.mosaic import open_tiles
from terramamba.raster.scene import Scene


def open_scene(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    variable: str | None = None,
    shape: tuple[int, int] | None = None,
    column: str = "image",
) -> Scene:
    """Open a file, product, folder or list of any format in ``formats.FORMATS`` as one scene.

    ``path`` may be an address that GDAL opens. ``variable`` names one array or image of a file that holds
    several; ``shape`` (rows, columns; those of the labels) settles which axis of a bare array holds the
    bands; ``column`` is that of a CSV table in which tiles' paths stand, relative to it. Raises
    ``InputError`` where it cannot be read.
    """
    if not isinstance(path, str | os.PathLike):
        return open_tiles([os.fspath(p) for p in path], open_any)
    return open_any(os.fspath(path), Wanted(variable, shape, column))
