"""Outlines with fewer corners: the steps of the pixels smoothed away, and nothing else of the map lost.

Outlines are simplified together, as a coverage (Visvalingam and Whyatt 1993, kept from crossing): corners at
which outlines touch stay, no line crosses another, holes stay inside, islands stay in their holes, and every
ring keeps at least a triangle.
"""

import numpy as np
import shapely
from jaxtyping import Shaped

from terramamba.core.errors import InputError


def check_simplify(tolerance: int | float) -> None:
    """Raise ``InputError`` where ``tolerance`` is negative or not finite."""
    if not (np.isfinite(tolerance) and tolerance >= 0):
        raise InputError(f"--simplify {tolerance:g}: a length in pixels is needed, 0 or more")


def simplified(shapes: Shaped[np.ndarray, " n"], tolerance: int | float) -> Shaped[np.ndarray, " n"]:
    """Simplify polygons or multipolygons that do not overlap, together.

    Args:
        shapes: They may touch at corners that all of them have.
        tolerance: A corner goes where the triangle between it and its neighbours is smaller than the square
            of this length, the smallest first. 0 keeps all corners; steps of one pixel go from 0.75 on.

    Raises:
        InputError: the tolerance is negative or not finite.
    """
    check_simplify(tolerance)
    if not tolerance or not len(shapes):
        return shapes
    return shapely.coverage_simplify(shapes, tolerance)
