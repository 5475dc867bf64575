"""A sample of many labelled spectra in which every class is heard.

m spectra   k classes
"""

import numpy as np
from jaxtyping import Int, Int64


def sample_by_class(targets: Int[np.ndarray, " m"], most: int, seed: int) -> Int64[np.ndarray, " n"]:
    """Draw at most ``most`` of ``targets`` and return their places, in order; all of them where they fit.

    Each class gives the same fraction of its own, but none fewer than half of an equal division (or all that
    it has), so that rare classes stay in.
    """
    if len(targets) <= most:
        return np.arange(len(targets))
    classes, counts = np.unique(targets, return_counts=True)
    least = np.minimum(counts, most // (2 * len(classes)))
    fraction = (most - least.sum()) / max(1, (counts - least).sum())
    wanted = least + np.floor((counts - least) * fraction).astype(np.int64)
    generator = np.random.default_rng(seed)
    drawn = [
        generator.permutation(np.flatnonzero(targets == code))[:number]
        for code, number in zip(classes, wanted, strict=True)
    ]
    return np.sort(np.concatenate(drawn)).astype(np.int64)
