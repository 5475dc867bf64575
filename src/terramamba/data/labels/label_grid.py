"""Label images on another grid than the scene's, brought onto it by nearest neighbour."""

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.geogrid import Grid, apply, compose
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import GridMapping
from terramamba.raster.windows import Window, strips

OFF_GRID = 0.1
"""Labels may lie off the scene's pixels by this share of a pixel and still be taken as they are."""

PIXELS_AT_ONCE = 1_000_000
"""Pixels whose places are reprojected together."""


def offset(labels: Grid, scene: Grid) -> tuple[int, int] | None:
    """Rows and columns from the scene's first pixel to the labels' first; None: the pixels are others.

    Both grids have a transform, in one reference system.
    """
    assert labels.transform is not None
    assert scene.transform is not None
    steps = compose(~scene.transform, labels.transform)
    row, col = round(steps.f), round(steps.c)
    # corners of the labels, where a wrong pixel size or rotation shows most
    for x, y in ((0, 0), (labels.width, 0), (0, labels.height)):
        there = apply(steps, x, y)
        if max(abs(there[0] - x - col), abs(there[1] - y - row)) > OFF_GRID:
            return None
    return row, col


def read_shifted(
    labels: Scene, scene: Grid, row: int, col: int
) -> tuple[Shaped[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Values of the labels whose first pixel is at ``row``, ``col`` of the scene, and where there are any."""
    values = np.zeros((scene.height, scene.width), labels.dtype)
    valid = np.zeros((scene.height, scene.width), bool)
    common = Window(row, col, labels.height, labels.width).clip(scene.height, scene.width)
    if common.pixels:
        own = Window(common.row - row, common.col - col, common.height, common.width)
        (values[common.slices],), (valid[common.slices],) = labels.read(own)
    return values, valid


def read_nearest(labels: Scene, scene: Grid) -> tuple[Shaped[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Values of the label pixels that the scene's pixel centres are in, and where there are any.

    Both grids have a transform. Where one has no reference system, it is taken to be in the other's.
    """
    values = np.zeros((1, scene.height, scene.width), labels.dtype)
    valid = np.zeros(values.shape, bool)
    mapping, cols = GridMapping(scene, labels.grid), np.arange(scene.width)
    for window in strips(scene.height, scene.width, max(1, PIXELS_AT_ONCE // scene.width)):
        coordinates = mapping.centre_coordinates(np.arange(window.row, window.bottom), cols)
        part = (slice(None), *window.slices)
        mapping.take_nearest(labels.source, coordinates, (0,), values[part], valid[part], thinned=False)
    return values[0], valid[0]
