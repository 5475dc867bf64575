"""Probabilities as a raster stores them: bytes with a scale, and one value for "no data"."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

PROBABILITY_STEPS = 254
PROBABILITY_SCALE = 1 / PROBABILITY_STEPS
"""Probabilities are stored as round(254 p) in uint8, with this scale in the file."""
NO_PROBABILITY = 255
"""Stored where there is no data."""


def stored_probability(
    probability: Float[np.ndarray, "*shape"], usable: Bool[np.ndarray, "*shape"]
) -> UInt8[np.ndarray, "*shape"]:
    """Return probabilities as they are stored: round(254 p), and 255 where a pixel is not ``usable``."""
    steps = np.rint(np.where(usable, probability, 0) * PROBABILITY_STEPS).astype(np.uint8)
    return np.where(usable, steps, np.uint8(NO_PROBABILITY))
