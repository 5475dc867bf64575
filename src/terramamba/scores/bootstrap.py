"""How sure a score is: an interval over sampling units that are drawn anew.

Counts are those of ``metrics`` for each unit, and for several repeats (seeds of one model), which see the
same draws: they looked at the same places.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int, Num

from terramamba.scores.metrics import OfCounts

LEVEL, DRAWS = 0.95, 10_000
AT_ONCE = 500
"""Draws that are weighed together; it bounds the memory and changes no number."""


def bootstrap_interval(
    counts: Int[np.ndarray, "s u k three"],
    of: OfCounts,
    *,
    level: float = LEVEL,
    draws: int = DRAWS,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the percentile interval of a score's mean over s repeats, u units drawn with replacement.

    Raises ``ValueError`` without a unit.
    """
    units = counts.shape[1]
    if not units:
        raise ValueError("a bootstrap needs at least one unit")
    random = np.random.default_rng(seed)
    share = np.full(units, 1 / units)
    values = [
        of(weighted(random.multinomial(units, share, size=size), counts)).mean(axis=-1)
        for size in portions(draws)
    ]
    tail = (1 - level) / 2
    low, high = np.quantile(np.concatenate(values), [tail, 1 - tail])
    return float(low), float(high)


def portions(draws: int) -> Iterator[int]:
    """Yield how many of ``draws`` are to be weighed together."""
    for start in range(0, draws, AT_ONCE):
        yield min(AT_ONCE, draws - start)


def weighted(
    times: Int[np.ndarray, "d u"], counts: Num[np.ndarray, "s u k three"]
) -> Float[np.ndarray, "d s k three"]:
    """Sum over units, each taken so many times; float64, in which sums below 2**53 pixels are exact."""
    by_unit = np.moveaxis(counts, 1, 0).reshape(counts.shape[1], -1)
    sums = times.astype(np.float64) @ by_unit.astype(np.float64)
    return sums.reshape(len(times), counts.shape[0], *counts.shape[2:])
