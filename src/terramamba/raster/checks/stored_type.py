"""Are values of another type than the file says? From a sample of a scene.

Headers written by hand name whole numbers with a sign where the file has none, or floating-point numbers
where it has whole ones. Large numbers then are negative, or all are of sizes that no measurement has.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from terramamba.raster.checks.byte_order import MOST_BANDS
from terramamba.raster.checks.fill_values import Fill, Part
from terramamba.raster.views.nodata import equal

SMALLEST, LARGEST = 1e-12, 1e20
"""Half of the numbers of a measurement are between these, zeros aside."""
MOST_JUMPS, LEFT = 0.002, 0.05
"""Neighbours jump over half of the type's range more often than this, and 20 times less without a sign."""
FEWEST_VALUES = 20
"""Different numbers below 0 that are jumped to; of fill there is one."""
MOST_SIZES = 200_000
"""Floating-point numbers that are looked at."""
_REMEDY = "probably the file names the wrong data type; correct it (data type in an ENVI header)"
UNSIGNED = f"values jump from large numbers to negative ones, and do not without a sign: {_REMEDY}"
NO_SIZES = f"the values are of sizes that no measurement has (the median is {{}}): {_REMEDY}"


def probably_other_type(parts: Sequence[Part], fill: Sequence[Fill] = ()) -> str | None:
    """Say that the values of a scene are probably of another type than they are read as; None: they are.

    What is probably ``fill`` is of any size, in however many pixels, and does not count.
    """
    dtype = parts[0][0].dtype
    if dtype.kind == "f":
        found = np.concatenate([values[valid].ravel() for values, valid in parts])
        for one in fill:
            found = found[~equal(found, one.value)]
        found = found[:: max(1, found.size // MOST_SIZES)]
        sizes = np.abs(found[np.isfinite(found) & (found != 0)].astype(np.float64))
        middle = float(np.median(sizes)) if 2 * sizes.size > found.size else 1.0
        return None if SMALLEST <= middle <= LARGEST else NO_SIZES.format(f"{middle:.1g}")
    return UNSIGNED if dtype.kind == "i" and dtype.itemsize > 1 and _lost_the_upper_half(parts) else None


def _lost_the_upper_half(parts: Sequence[Part]) -> bool:
    """Whether neighbours jump over half of the range of numbers with a sign, but not of those without."""
    bands = np.unique(np.linspace(0, len(parts[0][0]) - 1, MOST_BANDS).round().astype(int)).tolist()
    pairs, jumps, left, seen = 0, 0, 0, set[int]()
    for values, valid in parts:
        for band in bands:
            both = valid[band][:, :-1] & valid[band][:, 1:]
            ends = [values[band][:, place][both] for place in (slice(None, -1), slice(1, None))]
            far = _apart(*ends)
            pairs, jumps = pairs + far.size, jumps + int(far.sum())
            left += int(_apart(*(end.view(f"u{end.itemsize}") for end in ends)).sum())
            low = np.minimum(ends[0][far], ends[1][far])
            seen |= set(np.unique(low)[:FEWEST_VALUES].tolist())
    return jumps > MOST_JUMPS * pairs and left < LEFT * jumps and len(seen) >= FEWEST_VALUES


def _apart(first: Shaped[np.ndarray, " n"], second: Shaped[np.ndarray, " n"]) -> Shaped[np.ndarray, " n"]:
    """Tell which numbers are more than half of their type's range apart."""
    half = 2.0 ** (8 * first.dtype.itemsize - 1)
    return np.asarray(np.abs(first.astype(np.float64) - second.astype(np.float64)) > half)
