"""A scene moved by a part of a pixel: resampled as it is read, on the grid that it had."""

from dataclasses import replace

from affine import Affine

from terramamba.raster.geogrid import Grid
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import GridMapping
from terramamba.raster.views.warped import Method, WarpedSource

MOVED = "moved"
"""How the note about a scene that was moved begins."""


def shifted(scene: Scene, down: float, right: float, method: Method = "cubic") -> Scene:
    """Return ``scene`` so that each pixel shows what is so many rows further down, and columns to the right.

    What comes from beyond its edge is not valid. A note of the result says what was done.
    """
    size = scene.height, scene.width
    pixels, moved = Grid(*size, None, Affine.identity()), Grid(*size, None, Affine.translation(-right, -down))
    source = WarpedSource(scene.source, GridMapping(pixels, moved), method, scene.dtype, (1.0, 1.0))
    note = f"{MOVED} by {-down:.2f} rows down and {-right:.2f} columns to the right ({method})"
    return replace(scene, source=source, notes=(*scene.notes, note))
