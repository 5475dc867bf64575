"""A picture with a palette as the colours that its numbers stand for."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from terramamba.raster.scene import Scene, Source
from terramamba.raster.windows import Window

COLOURS = ("red", "green", "blue")
PALETTE_NOTE = "values are numbers of colours in the file's palette"
"""How the reader's note about a palette begins."""


@dataclass(frozen=True)
class PaletteSource:
    """Red, green and blue of the numbers of colours in the only band of ``source``.

    Not valid: colours of opacity 0, and numbers beyond the end of ``palette``.
    """

    source: Source
    palette: tuple[tuple[int, int, int, int], ...] = field(repr=False)

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        numbers, valid = self.source.read(window, (0,), shape)
        table: UInt8[np.ndarray, "n 4"] = np.array([*self.palette, (0, 0, 0, 0)], np.uint8)
        inside = (numbers[0] >= 0) & (numbers[0] < len(self.palette))
        colours = table[np.where(inside, numbers[0], len(self.palette)).astype(np.int64)]
        good = valid[0] & (colours[..., 3] > 0)
        values = np.ascontiguousarray(np.moveaxis(colours[..., list(bands)], -1, 0))
        return values, np.repeat(good[None], len(values), axis=0)


def in_colours(scene: Scene) -> Scene:
    """Return a scene with a palette as red, green and blue; others as they are. Reads no pixels."""
    if scene.palette is None or scene.bands != 1:
        return scene
    kept = [note for note in scene.notes if not note.startswith(PALETTE_NOTE)]
    return replace(
        scene,
        bands=3,
        dtype="uint8",
        source=PaletteSource(scene.source, scene.palette),
        nodata=None,
        band_names=COLOURS,
        wavelengths=None,
        fwhm=None,
        bad_bands=(False,) * 3,
        scale=None,
        declared=None,
        palette=None,
        notes=(*kept, "bands are red, green and blue of the file's palette"),
    )
