"""Label images on the scene's pixels, strip by strip: shifted, or by nearest neighbour from another grid."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, apply, compose
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import GridMapping
from terramamba.raster.windows import Window, pieces

OFF_GRID = 0.1
"""Labels may lie off the scene's pixels by this fraction of a pixel and still be taken as they are."""

PIXELS_AT_ONCE = 4_000_000
"""Pixels of labels that are read together."""

REPROJECTED_AT_ONCE = 1_000_000
"""Pixels whose coordinates are reprojected together."""

MOST_PIXELS = 20_000_000_000
"""Labels of more pixels are not looked through for the few that have a class: some minutes' work."""

Strip = tuple[Window, Shaped[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]
"""A window of the scene, the values of the labels there, and where there are any."""


def offset(labels: Grid, scene: Grid) -> tuple[int, int] | None:
    """Count rows and columns from the scene's first pixel to the labels'; None: pixels do not coincide.

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


def read_shifted(labels: Scene, scene: Grid, row: int, col: int) -> Iterator[Strip]:
    """Read the labels whose first pixel is at ``row``, ``col`` of the scene, where they are on it."""
    common = Window(row, col, labels.height, labels.width).clip(scene.height, scene.width)
    if not common.pixels:
        return
    _require_affordable(labels, common)
    for strip in pieces(common.height, common.width, PIXELS_AT_ONCE):
        window = Window(common.row + strip.row, common.col + strip.col, *strip.shape)
        own = Window(window.row - row, window.col - col, *window.shape)
        (values,), (valid,) = labels.read(own)
        yield window, values, valid


def read_nearest(labels: Scene, scene: Grid) -> Iterator[Strip]:
    """Read, for each pixel of the scene, the label pixel that its centre is in.

    Both grids have a transform. Where one has no reference system, it is taken to be in the other's.
    """
    _require_affordable(labels, scene.window)
    mapping = GridMapping(scene, labels.grid)
    beside = 1 if labels.nodata == 0 else 0  # what is not on the labels at all is none of their no data
    for window in pieces(scene.height, scene.width, REPROJECTED_AT_ONCE):
        values = np.full((1, *window.shape), beside, labels.dtype)
        valid = np.zeros(values.shape, bool)
        rows, cols = np.arange(window.row, window.bottom), np.arange(window.col, window.right)
        coordinates = mapping.centre_coordinates(rows, cols)
        mapping.take_nearest(labels.source, coordinates, (0,), values, valid, thinned=False)
        yield window, values[0], valid[0]


def _require_affordable(labels: Scene, common: Window) -> None:
    if common.pixels > MOST_PIXELS:
        raise InputError(
            f"{labels.path}: {common.height:,} x {common.width:,} pixels of labels, {MOST_PIXELS:,} at most;"
            " cut out what is labelled (gdal_translate -projwin), or give points or polygons"
        )
