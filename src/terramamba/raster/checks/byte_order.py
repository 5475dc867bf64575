"""Are the bytes of values the other way round than the file says? From a sample of a scene.

Headers written by hand often name the wrong order. Neighbours on the ground are alike; where they are not as
the values stand, but are with the bytes of each value reversed, the order is wrong.
c band   h, w rows and columns of a part
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from terramamba.raster.checks.fill_values import FEWEST_VALUES, Part

MOST_BANDS = 8
"""Bands that are looked at, spread over all."""
FEWEST_PAIRS = 200
"""Neighbours that must have data in a band."""
ALIKE, UNLIKE = 0.6, 0.3
"""Correlation of neighbours in the right order at least, and in the other at most so much of it."""
LARGEST, LEAST = 1e12, 1e-12
"""Sizes of measurements: floating-point numbers in the wrong order lie beyond more often than not."""
GARBLED, CLEAN = 0.05, 0.999
"""Share of the numbers beyond these sizes as they stand at least, and within them in the other order."""
IN_WORDS = (
    "the values are unlike from pixel to pixel, and smooth with their bytes reversed: probably the file names"
    " the wrong byte order; correct it (byte order = 0 or 1 in an ENVI header), or save the file anew"
)


def probably_swapped(parts: Sequence[Part]) -> bool:
    """Tell whether the values of a scene are probably read with their bytes in the wrong order."""
    dtype = parts[0][0].dtype
    if dtype.kind not in "iuf" or dtype.itemsize < 2:
        return False
    bands = np.unique(np.linspace(0, len(parts[0][0]) - 1, MOST_BANDS).round().astype(int)).tolist()
    if dtype.kind == "f":
        data = np.concatenate([values[bands][valid[bands]] for values, valid in parts])
        several = len(np.unique(data[:10_000])) > FEWEST_VALUES
        return several and _garbled(data) and not _garbled(data.byteswap(), 1 - CLEAN)
    found = [(_likeness(parts, band, swapped=False), _likeness(parts, band, swapped=True)) for band in bands]
    known = [(stands, turned) for stands, turned in found if stands is not None and turned is not None]
    if not known:
        return False
    stands, turned = np.median(np.array(known), axis=0).tolist()
    return bool(turned >= ALIKE and stands <= UNLIKE * turned)


def _garbled(data: Shaped[np.ndarray, " n"], most: float = GARBLED) -> bool:
    """Whether more than a share of numbers are none, or of sizes that no measurement has."""
    with np.errstate(all="ignore"):
        size = np.abs(data.astype(np.float64))
        odd = ~((size <= LARGEST) & (size >= LEAST)) & (size != 0)
    return bool(odd.mean() > most)


def _likeness(parts: Sequence[Part], band: int, *, swapped: bool) -> float | None:
    """The correlation of neighbours in a row of one band; None where they are few or all equal."""
    left, right = [], []
    for values, valid in parts:
        own = values[band].byteswap() if swapped else values[band]
        both = valid[band][:, :-1] & valid[band][:, 1:]
        left.append(own[:, :-1][both])
        right.append(own[:, 1:][both])
    first, second = (np.concatenate(side).astype(np.float64) for side in (left, right))
    if len(first) < FEWEST_PAIRS or not (np.ptp(first) and np.ptp(second)):
        return None
    return float(np.corrcoef(first, second)[0, 1])
