"""Are the many bands of a spectrometer in the order of another scene's, told by the shape of its spectra?

Air, sun and detectors bend the median spectrum of any scene at the same bands, whatever lies on the ground.
So the bends (second differences) of two scenes of one sensor are correlated by rank: as they stand, in
reverse, and begun at each other band, as where two spectrometers were put together the other way round. Of
4,600 pairs of parts of real scenes (EnMAP, AVIRIS, an airborne one), with all or 30 to 100 of their bands,
none seems to have another order; put into one, all 306 pairs of EnMAP and all 24 of Indian Pines and Salinas
do.
"""

from math import sqrt

import numpy as np
from jaxtyping import Float64

FEWEST_BANDS = 40
ALIKE, CHANCE = 0.6, 5.5
"""Bends of one order are correlated by so much at least, and by so many times what chance gives."""
GAINED = 0.25
"""And by so much more than those of the order as it stands."""


def spectrum_order(
    trained: Float64[np.ndarray, " c"], here: Float64[np.ndarray, " c"]
) -> tuple[int, ...] | None:
    """Find the order in which the median spectrum ``here`` bends as the training's; None: as it is."""
    bands = len(trained)
    if bands < FEWEST_BANDS:
        return None
    wanted = _bends(trained)
    orders = [np.roll(np.arange(bands), -first) for first in range(bands)] + [np.arange(bands)[::-1]]
    alike = np.array([wanted @ _bends(here[order]) for order in orders])
    best = int(alike.argmax())
    least = max(ALIKE, CHANCE / sqrt(len(wanted)), alike[0] + GAINED)
    return tuple(orders[best].tolist()) if alike[best] >= least else None


def _bends(spectrum: Float64[np.ndarray, " c"]) -> Float64[np.ndarray, " m"]:
    """Ranks of the second differences, with a mean of 0 and a length of 1; all 0 where they are all equal."""
    _, places, counts = np.unique(np.diff(spectrum, 2), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - counts / 2)[places]
    ranks = ranks - ranks.mean()
    length = float(np.linalg.norm(ranks))
    return np.asarray(ranks / length if length else ranks, np.float64)
