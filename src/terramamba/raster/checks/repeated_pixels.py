"""Whether an image was enlarged by repeating its pixels, as its date in coarser pixels is before all others.

One that was enlarged smoothly cannot be told: of 401 real pairs the dates differ as much in fine detail, by
light, haze and compression, as one that was enlarged two to four times differs from what it was.

c band   h, w rows and columns of a part
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from terramamba.raster.checks.fill_values import Part

MOST_TIMES = 16
FEWEST_EDGES, MOST_EDGES = 4, 0.5
"""Edges between repeated pixels, at least, and of those that there could be."""
ALL_STEPS, LEAST_STEPS = 0.98, 0.02
"""So many of the places where neighbours differ are edges of repeated pixels, and so many do differ."""


def times_repeated(parts: Sequence[Part]) -> int:
    """Return how often each row and column of an image is repeated; 1: it is not, or it cannot be told."""
    values = max((values for values, _ in parts), key=lambda part: part.size)
    times = [_repeated(values, axis) for axis in (1, 2)]
    return min(times)


def _repeated(values: Shaped[np.ndarray, "c h w"], axis: int) -> int:
    length = values.shape[axis]
    steps = (np.diff(values, axis=axis) != 0).any(axis=0).mean(axis=2 - axis)
    if not steps.size or steps.mean() < LEAST_STEPS:
        return 1
    for times in range(min(MOST_TIMES, length // 4), 1, -1):
        at_edges = max((steps[phase::times] for phase in range(times)), key=np.sum)
        edges = np.count_nonzero(at_edges)
        if at_edges.sum() >= ALL_STEPS * steps.sum() and edges >= max(
            FEWEST_EDGES, MOST_EDGES * length / times
        ):
            return times
    return 1
