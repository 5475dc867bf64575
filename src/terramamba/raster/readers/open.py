"""Open anything that can be read as a scene."""

import os
from collections.abc import Sequence

from terramamba.raster.readers.formats import OpenOptions, open_any
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

    Args:
        path: A file, a folder, an address that GDAL opens, or a list of them.
        variable: One array or image of a file that holds several.
        shape: Rows and columns, those of the labels, which settle the axis of the bands of a bare array.
        column: Of a CSV table, in which the paths of tiles stand, relative to it.

    Raises:
        InputError: it cannot be read as a scene.
    """
    if not isinstance(path, str | os.PathLike):
        return open_tiles([os.fspath(p) for p in path], open_any)
    return open_any(os.fspath(path), OpenOptions(variable, shape, column))
