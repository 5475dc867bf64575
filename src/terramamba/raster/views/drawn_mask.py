"""Masks drawn as polygons: the pixels inside are to be left out."""

from dataclasses import dataclass

import numpy as np
import shapely
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.scene import Scene
from terramamba.raster.vector.coverage import bounding_window, half_covered
from terramamba.raster.vector.features import on_pixels, read_features
from terramamba.raster.vector.layers import LayerWanted
from terramamba.raster.windows import Window, evenly_spaced, strips

POLYGONS = {"Polygon", "MultiPolygon"}
PIXELS_AT_ONCE = 4_000_000


@dataclass(frozen=True, eq=False)
class DrawnMask:
    """Polygons in pixels of a scene; a pixel is inside where they cover half of it."""

    shapes: Shaped[np.ndarray, " n"]
    notes: tuple[str, ...]

    def marked(self, window: Window, shape: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
        """Tell which pixels of ``window`` of the scene, thinned out to ``shape``, are inside."""
        if shape == window.shape:
            return half_covered(self.shapes, window)
        rows = evenly_spaced(0, window.height, shape[0])
        cols = evenly_spaced(0, window.width, shape[1])
        found = np.zeros(shape, bool)
        for strip in strips(window.height, window.width, max(1, PIXELS_AT_ONCE // max(1, window.width))):
            first, last = np.searchsorted(rows, (strip.row, strip.bottom))
            if first < last:
                here = Window(window.row + strip.row, window.col, *strip.shape)
                found[first:last] = half_covered(self.shapes, here)[rows[first:last] - strip.row][:, cols]
        return found


def open_drawn(path: str, scene: Scene) -> DrawnMask:
    """Open the polygons of ``path``, in any reference system, on the pixels of ``scene``.

    Raises:
        InputError: it cannot be read or placed, has several layers that fit, holds other shapes than
            polygons, or they lie nowhere on the scene. A file without any shape leaves nothing out.
    """
    features = read_features(path, wanted=LayerWanted(polygons=True, grid=scene.grid))
    if features.crs is None and scene.transform is None and scene.turned:
        raise InputError(
            f"{path}: polygons without georeferencing may lie either way round on {scene.path}, whose rows "
            "are stored from the south or columns from the east; give a mask with georeferencing"
        )
    if features.crs is not None and (scene.crs is None or scene.transform is None):
        raise InputError(
            f"{path}: {scene.path} has no georeferencing, so it is not known where the polygons lie on it; "
            "georeference the scene, or give a raster of its size as the mask"
        )
    shapes, notes = on_pixels(features, scene.grid, scene.path)
    shapes = shapes[~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)]
    parts = shapely.get_parts(shapely.get_parts(shapes))
    others = sorted({part.geom_type for part in parts} - POLYGONS)
    if others:
        raise InputError(
            f"{path}: holds {', '.join(others)}; what is masked lies inside polygons, draw it so"
        )
    whole = scene.grid.window
    if len(features) and not any(bounding_window(shape, whole).pixels for shape in shapes):
        raise InputError(
            f"{path}: lies nowhere on {scene.path}; check the reference systems and the places, or leave "
            "this mask out"
        )
    return DrawnMask(shapes, notes)
