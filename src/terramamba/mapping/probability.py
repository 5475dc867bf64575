"""Probabilities as they are stored in a raster."""

import numpy as np
from jaxtyping import Bool, Float, UInt8

PROBABILITY_STEPS = 254


NO_PROBABILITY = 255


PROBABILITY_SCALE = 1 / PROBABILITY_STEPS
"""Probabilities are stored as round(254 p) in uint8, with this scale in the file; 255 is "no data"."""


def stored_probability(
    probability: Float[np.ndarray, "*shape"], usable: Bool[np.ndarray, "*shape"]
) -> UInt8[np.ndarray, "*shape"]:
    """Probabilities as they are stored, see ``PROBABILITY_SCALE``."""
    steps = np.rint(np.where(usable, probability, 0) * PROBABILITY_STEPS).astype(np.uint8)
    return np.where(usable, steps, np.uint8(NO_PROBABILITY))
