"""The scaling of one pair alone, by one rule for both of its dates.

Images of any sensor, season and stretch then look alike to a model; what a model loses is how bright a place
is as such.
"""

import numpy as np

from terramamba.data.scaling import Scaling
from terramamba.raster.scene import Scene
from terramamba.raster.windows import sample_windows

SAMPLED_PIXELS = 500_000
"""Of each date at most; they lie in windows that are spread over it."""
TAILS = 0.5
"""Percent of a band's values at either end that count as the last value before them: glints, cut edges."""
LEAST_SPREAD = 0.05
"""Least standard deviation as a share of the mean: noise on even ground is not blown up."""


def own_scaling(before: Scene, after: Scene, scaling: Scaling) -> Scaling:
    """Fit mean 0 and standard deviation 1 to the values of both dates together, band by band.

    Args:
        before: The earlier date.
        after: The later one.
        scaling: Of the training pairs: which bands count; returned itself where the pair has no data.
    """
    sampled = []
    for date in (before, after):
        storage = date.storage.times(len(scaling.bands))
        for window in sample_windows(date.height, date.width, SAMPLED_PIXELS, storage):
            values, valid = date.read(window, scaling.bands)
            known = (valid & np.isfinite(values)).all(axis=0)
            sampled.append(values[:, known].astype(np.float64))
    values = np.concatenate(sampled, axis=1)
    if not values.shape[1]:
        return scaling
    low, high = np.percentile(values, (TAILS, 100 - TAILS), axis=1)
    values = values.clip(low[:, None], high[:, None])
    mean = values.mean(axis=1)
    spread = np.maximum(values.std(axis=1), LEAST_SPREAD * np.abs(mean))
    return Scaling.from_moments(mean, spread, scaling.bands)
