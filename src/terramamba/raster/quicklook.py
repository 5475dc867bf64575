"""Scenes as pictures."""

import numpy as np
from jaxtyping import Float, UInt8

from terramamba.raster.notebook_pictures import limits_of, shown_bands, stretched
from terramamba.raster.scene import Scene


def false_colour(
    scene: Scene, limits: Float[np.ndarray, "two rgb"] | None = None
) -> UInt8[np.ndarray, "h w rgb"]:
    """Make a picture of ``scene``: near infrared, red, green where wavelengths are known, else first bands.

    ``limits`` are the values that become black and full colour, for red, green and blue; None: chosen from
    the scene itself. Pixels without data are white.
    """
    values, valid = scene.read(bands=shown_bands(scene.bands, scene.wavelengths))
    return stretched(values, valid, limits_of(values, valid) if limits is None else limits)


def colour_limits(scene: Scene) -> Float[np.ndarray, "two rgb"]:
    """Choose the values of ``scene`` that become black and full colour in ``false_colour``."""
    return limits_of(*scene.read(bands=shown_bands(scene.bands, scene.wavelengths)))
