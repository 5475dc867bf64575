"""A scene with other brightness: each band times a gain, and an offset."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window

MATCHED = "brightness matched"
"""How the note about a scene with other brightness begins."""


def in_float32(scene: Scene) -> Scene:
    """Return ``scene`` with its values as they are, in the type that those of other brightness have."""
    source = LinearSource(scene.source, (1.0,) * scene.bands, (0.0,) * scene.bands)
    return replace(scene, source=source, dtype="float32", nodata=None)


def with_brightness(scene: Scene, gains: Sequence[float], offsets: Sequence[float]) -> Scene:
    """Return ``scene`` with gain x value + offset in each band, in float32. A note says so."""
    source = LinearSource(scene.source, tuple(gains), tuple(offsets))
    found = ", ".join(f"{gain:.3g} x {offset:+.3g}" for gain, offset in zip(gains, offsets, strict=True))
    note = f"{MATCHED}, gain and offset of each band: {found}"
    return replace(scene, source=source, dtype="float32", nodata=None, notes=(*scene.notes, note))


@dataclass(frozen=True)
class LinearSource:
    """Values of ``source`` times ``gains`` plus ``offsets``, one for each band."""

    source: Source
    gains: tuple[float, ...]
    offsets: tuple[float, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values, valid = self.source.read(window, bands, shape)
        gains, offsets = (
            np.array([of[band] for band in bands])[:, None, None] for of in (self.gains, self.offsets)
        )
        return (values * gains + offsets).astype(np.float32), valid
