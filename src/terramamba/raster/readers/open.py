"""Open anything that can be read as a scene."""

import os
from collections.abc import Sequence
from dataclasses import replace

from terramamba.core.errors import InputError
from terramamba.core.file_states import FileStates
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.readers.array_path import SCENE_VARIABLE, file_of
from terramamba.raster.readers.axes import FLAG, Asked, axes_of_text
from terramamba.raster.readers.format_record import OpenOptions
from terramamba.raster.readers.formats import open_any, open_part
from terramamba.raster.readers.mosaic import open_tiles
from terramamba.raster.scene import Scene

FIRST_LOOK_SECONDS = 5.0
"""For a server to say what version of a file it has, before it is asked for the file itself."""


def open_scene(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    variable: str | None = None,
    shape: tuple[int, int] | None = None,
    column: str = "image",
    axes: str | None = None,
    bands: int | None = None,
    like: Sequence[str] | None = None,
    alpha: AlphaUse | None = None,
) -> Scene:
    """Open a file, product, folder or list of any format in ``formats.FORMATS`` as one scene.

    Args:
        path: A file, a folder, an address that GDAL opens, or a list of them; ``FILE:VARIABLE`` names one
            array of a file.
        variable: One array or image of a file that holds several.
        shape: Rows and columns, those of the labels, which settle the axis of the bands of a bare array.
        column: Of a CSV table, in which the paths of tiles stand, relative to it.
        axes: What the axes of a bare array hold, such as ``rows,cols,bands``.
        bands: How many bands the model takes, which settles the axis of the bands too.
        like: The ``axes`` of the scene that the model was trained on, where nothing else tells.
        alpha: What a band is that the file calls transparency; None: what its values say.

    Raises:
        InputError: it cannot be read as a scene, or is no file that has a ``variable``.
    """
    if not isinstance(path, str | os.PathLike):
        if variable is not None:
            raise InputError(f"{SCENE_VARIABLE} {variable}: is for one file that holds several; leave it out")
        tiles = [os.fspath(p) for p in path]
        states = FileStates.of(tiles, patience=FIRST_LOOK_SECONDS)
        return _noted(open_tiles(tiles, open_part, alpha=alpha), tiles, states)
    order = None if axes is None else axes_of_text(axes)
    if axes is not None and order is None:
        raise InputError(f"{FLAG} {axes}: is no order of rows, cols and bands, such as rows,cols,bands")
    earlier = None if not like else axes_of_text(",".join(like))
    asked = Asked(order, shape, bands, earlier)
    file = file_of(os.fspath(path))
    states = FileStates.of([file], patience=FIRST_LOOK_SECONDS)
    found = open_any(os.fspath(path), OpenOptions(variable, asked=asked, column=column, alpha=alpha))
    return _noted(found, [file], states)


def _noted(scene: Scene, paths: Sequence[str], states: FileStates) -> Scene:
    """Note of what ``paths`` were when they were opened, and where later changes would not be seen."""
    unseen = states.unversioned(paths)
    if not unseen:
        return replace(scene, opened=states)
    others = f" and {len(unseen) - 1} others" if len(unseen) > 1 else ""
    note = (
        f"{unseen[0]}{others}: the server names no version of it (ETag, Last-Modified), so that a change"
        " while it is read is not seen; where it may change, download it first"
    )
    return replace(scene, opened=states, notes=(*scene.notes, note))
