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
    note = f"{MOVED} by {steps_in_words(-down, -right)} ({method})"
    return replace(scene, source=source, notes=(*scene.notes, note))


def steps_in_words(down: float, right: float) -> str:
    """Say it such as "0.30 rows up and 1.50 columns to the right"."""
    rows = f"{abs(down):.2f} rows {'down' if down >= 0 else 'up'}"
    return f"{rows} and {abs(right):.2f} columns to the {'right' if right >= 0 else 'left'}"
