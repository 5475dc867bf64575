"""Was a scale that a file declares applied to its values before? Then applying it makes them all but nothing.

c band   h, w rows and columns of a part
"""

from collections.abc import Sequence

import numpy as np

from terramamba.raster.checks.fill_values import Part
from terramamba.raster.declared_scale import DeclaredScale

LARGEST_SCALE = 0.01
"""Scales up to this make fractions of whole numbers."""
MOST_FRACTION = 2.0
"""Reflectances, shares and indices of floating-point files are at most this, glint among them."""
MOST_BELOW = 99.0
"""Percentile of what is not 0 that is looked at: some values may be fill."""


def probably_scaled_twice(declared: DeclaredScale, stored: Sequence[Part]) -> str | None:
    """Say that floating-point values are fractions already which ``declared`` scales would make so.

    ``stored`` are values as they are in the file.
    """
    scale = max(map(abs, declared.scales))
    if np.dtype(declared.stored).kind != "f" or scale > LARGEST_SCALE:
        return None
    known = np.concatenate([np.abs(values[valid & np.isfinite(values)]) for values, valid in stored])
    known = known[known > 0]
    if not known.size:
        return None
    high = float(np.percentile(known, MOST_BELOW))
    if high > MOST_FRACTION:
        return None
    return (
        f"its values, floating-point numbers up to about {high:.3g}, are probably physical ones already, and"
        f" the scale that is declared ({declared.in_words()}) makes them {high * scale:.3g} at most; take it"
        " out of the file (gdal_edit.py -unsetscale -unsetoffset)"
    )
