"""Patches of single pixels: memory grows with the pixels looked at, not with the scene."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int
from torch import Tensor

from terramamba.data.patch_store import PatchStore
from terramamba.data.pixel_list import PixelList
from terramamba.explain.pixels import Pixel
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run


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
    """Read the patches around ``pixels``, scaled, with what training put beyond the scene's edge."""
    coordinates = np.asarray(pixels, np.int64).reshape(-1, 2)
    needed = PixelList.at(coordinates, scene.grid.window.shape)
    store = PatchStore.read(scene, run.scaling, needed, run.patches.size, run.patches.border)
    usable = store.usable[store.index(coordinates)]
    return Patches(store.cut(coordinates).contiguous(), usable, *store.patch_lines(coordinates))
