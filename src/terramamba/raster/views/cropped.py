"""A window of a scene as a scene of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window


@dataclass(frozen=True)
class CroppedSource:
    """The pixels of ``source`` in ``window``."""

    source: Source
    window: Window

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        in_source = Window(self.window.row + window.row, self.window.col + window.col, *window.shape)
        return self.source.read(in_source, bands, shape)


def cropped(scene: Scene, window: Window) -> Scene:
    """Cut ``scene`` to ``window``, which must lie inside it; reads no pixels.

    Raises:
        ValueError: the window lies elsewhere.
    """
    if not scene.grid.window.contains(window):
        raise ValueError(f"{window} is not inside {scene.path} of {scene.height} x {scene.width} pixels")
    return replace(scene, grid=scene.grid.crop(window), source=CroppedSource(scene.source, window))
