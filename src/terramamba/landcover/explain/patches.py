"""Patches of single pixels, read one by one: memory grows with the pixels looked at, not with the scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float32, Int
from torch import Tensor

from terramamba.data.scaling import read_scaled
from terramamba.explain.pixels import Pixel
from terramamba.landcover.map_worker import pad_strip, padded_index
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window
from terramamba.runs.folder import Run

OUTSIDE = -1
"""In place of a row or column: zeros stand there."""


@dataclass(frozen=True, eq=False)
class Patches:
    """Patches as the run's model sees them.

    ``usable``: the middle pixel has data. ``rows`` and ``cols`` are those of the scene that stand at each row
    and column of a patch; beyond the scene's edge its mirror image, or ``OUTSIDE``.
    """

    images: Float32[Tensor, "m c p p"]
    usable: Bool[np.ndarray, " m"]
    rows: Int[np.ndarray, "m p"]
    cols: Int[np.ndarray, "m p"]


def read_patches(scene: Scene, run: Run, pixels: Sequence[Pixel] | Int[np.ndarray, "m 2"]) -> Patches:
    """The patches around ``pixels``, scaled, with what training put beyond the scene's edge."""
    side, border = run.patches.size, run.patches.border
    scaling, half = run.scaling, side // 2
    places = np.asarray(pixels, np.int64).reshape(-1, 2)
    index = [padded_index(length, half, border) for length in (scene.height, scene.width)]
    rows, cols = (axis[places[:, i, None] + np.arange(side)] for i, axis in enumerate(index))
    images = np.empty((len(places), len(scaling.bands), side, side), np.float32)
    usable = np.empty(len(places), bool)
    for i in range(len(places)):
        (top, height), (left, width) = (_span(axis[i]) for axis in (rows, cols))
        scaled, has_data, _ = read_scaled(scene, scaling, Window(top, left, height, width))
        there = (
            np.where(axis[i] < 0, OUTSIDE, axis[i] - first) for axis, first in ((rows, top), (cols, left))
        )
        images[i] = pad_strip(scaled, *there)
        usable[i] = has_data[places[i, 0] - top, places[i, 1] - left]
    return Patches(torch.from_numpy(images), usable, rows, cols)


def _span(index: Int[np.ndarray, " p"]) -> tuple[int, int]:
    inside = index[index >= 0]
    return int(inside.min()), int(inside.max()) + 1 - int(inside.min())
