"""Label images on another grid than the scene's, brought onto it by nearest neighbour."""

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.grid import Window, strips
from terramamba.raster.reproject import to_crs
from terramamba.raster.scene import Grid, Scene, apply, compose, same_crs

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
    values = np.zeros((scene.height, scene.width), labels.dtype)
    valid = np.zeros((scene.height, scene.width), bool)
    for window in strips(scene.height, scene.width, max(1, PIXELS_AT_ONCE // scene.width)):
        rows, cols = _places(labels.grid, scene, window)
        inside = (rows >= 0) & (rows < labels.height) & (cols >= 0) & (cols < labels.width)
        if not inside.any():
            continue
        rows, cols = np.floor(rows[inside]).astype(int), np.floor(cols[inside]).astype(int)
        top, left = int(rows.min()), int(cols.min())
        own = Window(top, left, int(rows.max()) + 1 - top, int(cols.max()) + 1 - left)
        (read,), (known,) = labels.read(own)
        values[window.slices][inside] = read[rows - top, cols - left]
        valid[window.slices][inside] = known[rows - top, cols - left]
    return values, valid


def _places(
    labels: Grid, scene: Grid, window: Window
) -> tuple[Shaped[np.ndarray, "h w"], Shaped[np.ndarray, "h w"]]:
    """Rows and columns of the labels, with fractions, at the centres of the scene's pixels in ``window``."""
    assert labels.transform is not None
    assert scene.transform is not None
    down, across = np.mgrid[window.row : window.bottom, window.col : window.right] + 0.5
    t = scene.transform
    x, y = t.a * across + t.b * down + t.c, t.d * across + t.e * down + t.f
    if labels.crs is not None and scene.crs is not None and not same_crs(labels.crs, scene.crs):
        moved = to_crs(scene.crs, labels.crs, x.ravel(), y.ravel())
        x, y = (axis.reshape(window.shape) for axis in moved)
    t = ~labels.transform
    with np.errstate(invalid="ignore"):  # places that the labels' system does not have are infinite
        return t.d * x + t.e * y + t.f, t.a * x + t.b * y + t.c
