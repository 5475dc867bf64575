"""Bands that hold nothing of their own at one of two dates: one value all over, or what another band holds.

c band   n pixels of both dates
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from terramamba.core.words import ranges
from terramamba.raster.checks.finding import Finding
from terramamba.raster.scene import Scene

MOST_MARKS = 16


def broken_bands(
    dates: Sequence[tuple[Scene, Float64[np.ndarray, "c n"]]], bands: Sequence[int]
) -> list[Finding]:
    """Find the ``bands`` that are broken in the values of one of two dates, and are not at the other."""
    said = [_broken(values, bands) for _, values in dates]
    few = [_of_few_values(values, bands) for _, values in dates]
    found = []
    rows = zip(dates, dates[::-1], said, said[::-1], few[::-1], strict=True)
    for (scene, _), (other, _), own, others, marks in rows:
        for what, broken in own.items():
            alone = sorted(broken - others[what] - marks)
            if alone:
                which = f"band {ranges(alone)} holds" if len(alone) == 1 else f"bands {ranges(alone)} hold"
                words = (
                    f"{scene.path}: {which} {what}, which is not so in {other.path}: probably not all bands"
                    " were written; leave what is missing out of both dates with --bands"
                )
                found.append(Finding("a band without values of its own", words))
    return found


def _of_few_values(values: Float64[np.ndarray, "c n"], bands: Sequence[int]) -> set[int]:
    """The bands that mark pixels, as clouds: a date without any of them holds one value."""
    return {bands[at] for at, band in enumerate(values) if len(np.unique(band)) <= MOST_MARKS}


def _broken(values: Float64[np.ndarray, "c n"], bands: Sequence[int]) -> dict[str, set[int]]:
    constant = set(np.flatnonzero(np.ptp(values, axis=1) == 0).tolist())
    varied = [place for place in range(len(values)) if place not in constant]
    twice = {
        place
        for at, place in enumerate(varied)
        if any(np.array_equal(values[place], values[before]) for before in varied[:at])
    }
    found = {"one value all over": constant, "the values of another band": twice}
    return {what: {bands[at] for at in of} for what, of in found.items()}
