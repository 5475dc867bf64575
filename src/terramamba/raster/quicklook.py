"""Scenes and class rasters as pictures."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Integer, UInt8

from terramamba.raster.scene import Scene

FALSE_COLOUR_NM = (860.0, 660.0, 560.0)
"""Near infrared, red and green as red, green and blue: plants are red."""

PERCENTILES = (2.0, 98.0)
"""Values that become black and full colour."""


def false_colour(
    scene: Scene, limits: Float[np.ndarray, "two rgb"] | None = None
) -> UInt8[np.ndarray, "h w rgb"]:
    """Make a picture of ``scene``: near infrared, red, green where wavelengths are known, else first bands.

    ``limits`` are the values that become black and full colour, for red, green and blue; None: chosen from
    the scene itself. Pixels without data are white.
    """
    values, valid = scene.read(bands=_shown_bands(scene))
    low, high = colour_limits(scene) if limits is None else limits
    stretched = (values.transpose(1, 2, 0) - low) / np.maximum(high - low, 1e-12)
    picture = (255 * stretched.clip(0, 1)).astype(np.uint8)
    picture[~np.all(valid, axis=0)] = 255
    return picture


def colour_limits(scene: Scene) -> Float[np.ndarray, "two rgb"]:
    """Choose the values of ``scene`` that become black and full colour in ``false_colour``."""
    if scene.dtype == "uint8":  # made to be looked at as it is
        return np.array([[0.0] * 3, [255.0] * 3])
    values, valid = scene.read(bands=_shown_bands(scene))
    bands = [band[usable].astype(np.float64) for band, usable in zip(values, valid, strict=True)]
    return np.stack([np.percentile(band, PERCENTILES) if band.size else (0.0, 1.0) for band in bands], axis=1)


def coloured(
    values: Integer[np.ndarray, "h w"], colours: Mapping[int, tuple[int, ...]]
) -> UInt8[np.ndarray, "h w rgb"]:
    """Make a picture of classes in the ``colours`` (red, green, blue) of their values; others are white."""
    picture = np.full((*values.shape, 3), 255, np.uint8)
    for value, colour in colours.items():
        picture[values == value] = colour
    return picture


def _shown_bands(scene: Scene) -> list[int]:
    if scene.wavelengths is not None:
        known = np.array(scene.wavelengths)
        return [int(np.abs(known - wanted).argmin()) for wanted in FALSE_COLOUR_NM]
    return [0, 1, 2] if scene.bands >= 3 else [0, 0, 0]
