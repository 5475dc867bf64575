"""Open anything that can be read as a scene."""

import os
from collections.abc import Sequence

from terramamba.raster.scene import Scene


def open_scene(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    variable: str | None = None,
    shape: tuple[int, int] | None = None,
    column: str = "image",
) -> Scene:
    """Open a file, product, folder or list of any format in ``readers.FORMATS`` as one scene.

    ``path`` may be an address that GDAL opens. ``variable`` names one array or image of a file that holds
    several; ``shape`` (rows, columns; those of the labels) settles which axis of a bare array holds the
    bands; ``column`` is that of a CSV table in which tiles' paths stand, relative to it. Raises
    ``InputError`` where it cannot be read.
    """
    # The readers build Scene objects, so they import this file and not the other way round.
    from terramamba.raster.readers import formats as readers
    from terramamba.raster.readers import mosaic

    if not isinstance(path, str | os.PathLike):
        return mosaic.open_tiles([os.fspath(p) for p in path])
    return readers.open_any(os.fspath(path), readers.Wanted(variable, shape, column))
