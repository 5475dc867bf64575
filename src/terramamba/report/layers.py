"""Rasters made small enough for a page: bytes that the page's script unpacks, and pictures.

Every layer is thinned out, never averaged, until it fits; numbers are counted elsewhere, at full resolution.
"""

import base64
import io
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from terramamba.core.errors import InputError
from terramamba.raster.notebook_pictures import limits_of, stretched
from terramamba.raster.scene import Scene

Shape = tuple[int, int]
"""Rows, columns."""

PAGE_BYTES, LAYER_BYTES = 13_200_000, 3_800_000
"""Most that all layers together, and that one of them, may take in the page."""

LAYER_SIDE, PICTURE_SIDE, SPECTRA_SIDE = 2048, 1600, 320
"""Pixels along the longer side before the bytes are counted."""

STILL_SIDE = 480

SMALLER = 0.97
"""What a side is multiplied with beside the root of what is too much, until the layer fits."""

JPEG_QUALITY = 88

STRIP_PIXELS = 4_000_000
"""Pixels of a map that are counted together."""


@dataclass(frozen=True)
class Packed:
    """A layer in words of JSON: ``data`` is base64 of its zlib-packed bytes, or a data URI of a picture."""

    width: int
    height: int
    data: str


@dataclass
class Room:
    """What is ``left`` of a page for layers that come one after the other, each with a ``weight``.

    A layer may take its share of what is left; what it does not need is for those after it.
    """

    weight: float
    left: int = PAGE_BYTES

    def take(self, weight: float, pack: Callable[[int], Packed]) -> Packed:
        """Pack a layer into its share."""
        packed = pack(min(LAYER_BYTES, int(self.left * weight / self.weight)))
        self.left -= len(packed.data)
        self.weight -= weight
        return packed


def packed_layer(scene: Scene, read: Callable[[Shape], UInt8[np.ndarray, "h w"]], most: int) -> Packed:
    """Pack the most detailed layer that fits; ``read`` gives it in a shape, thinned out from ``scene``'s."""
    return _fitting(scene, lambda shape: _zipped(read(shape)), LAYER_SIDE, most)


def packed_spectra(scene: Scene, read: Callable[[Shape], UInt8[np.ndarray, "c h w"]], most: int) -> Packed:
    """Pack many bands, as ``packed_layer`` does one."""
    return _fitting(scene, lambda shape: _zipped(read(shape)), SPECTRA_SIDE, most)


def packed_picture(scene: Scene, bands: Sequence[int], most: int, like: Scene | None = None) -> Packed:
    """Pack the most detailed picture of three ``bands`` that fits, stretched as that of ``like`` is."""

    def read(shape: Shape) -> str:
        values, valid = thinned(scene, shape, bands)
        limits = limits_of(*((values, valid) if like is None else thinned(like, shape, bands)))
        return _jpeg(stretched(values, valid, limits))

    return _fitting(scene, read, PICTURE_SIDE, most)


def still_picture(layer: Mapping[str, Any], colours: Sequence[Sequence[int]]) -> str:
    """Draw a packed layer of kinds as a small PNG, for who sees the page without its script; a data URI."""
    from PIL import Image

    height, width = layer["height"], layer["width"]
    kinds = np.frombuffer(zlib.decompress(base64.b64decode(layer["data"])), np.uint8).reshape(height, width)
    step = max(1, -(-max(height, width) // STILL_SIDE))
    table = np.full((256, 3), 255, np.uint8)
    table[: len(colours)] = [list(colour)[:3] for colour in colours]
    file = io.BytesIO()
    Image.fromarray(table[kinds[::step, ::step]]).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")


def thinned(
    scene: Scene, shape: Shape, bands: Sequence[int] | None = None
) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
    """Read the values of the whole ``scene`` and which are data, thinned out to ``shape``."""
    return scene.source.read(scene.grid.window, tuple(range(scene.bands) if bands is None else bands), shape)


def one_band(scene: Scene, shape: Shape) -> Shaped[np.ndarray, "h w"]:
    """Read the first band, thinned out to ``shape``."""
    return thinned(scene, shape, [0])[0][0]


def as_bytes(values: Shaped[np.ndarray, "*shape"], low: float, high: float) -> UInt8[np.ndarray, "*shape"]:
    """Scale ``values`` from ``low`` .. ``high`` to 0 .. 254; what lies outside is clipped."""
    fraction = (values.astype(np.float64) - low) / max(high - low, 1e-12)
    return np.rint(254 * np.clip(np.nan_to_num(fraction), 0, 1)).astype(np.uint8)


def require_probabilities(scene: Scene, bands: int, command: str, flag: str = "--probabilities") -> None:
    """Raise ``InputError`` where ``scene`` is not what ``flag`` of ``command`` writes for ``bands``."""
    if scene.bands != bands or scene.dtype != "uint8":
        raise InputError(
            f"{scene.path}: {scene.bands} band{'s' * (scene.bands != 1)} of {scene.dtype}, where"
            f" {bands} of uint8 {'are' if bands != 1 else 'is'} needed; give the file that `terramamba"
            f" {command} {flag}` wrote with the map"
        )


def _fitting(scene: Scene, encode: Callable[[Shape], str], side: int, most: int) -> Packed:
    fraction = min(1.0, side / max(scene.height, scene.width))
    while True:
        height, width = (max(1, round(fraction * length)) for length in (scene.height, scene.width))
        data = encode((height, width))
        if len(data) <= most or max(height, width) == 1:
            return Packed(width, height, data)
        fraction *= SMALLER * (most / len(data)) ** 0.5


def _zipped(values: UInt8[np.ndarray, "*shape"]) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values).tobytes(), 6)).decode("ascii")


def _jpeg(picture: UInt8[np.ndarray, "h w 3"]) -> str:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode("ascii")
