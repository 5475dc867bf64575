"""Numbers below 0 that were stored in a type without sign: -12 stands as 65,524. From a sample of a scene.

Told by the gap: all other values lie in the lower half of the type, and nothing for half its length.
c band   h, w rows and columns of a part
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from terramamba.core.words import count, percent
from terramamba.raster.checks.fill_values import USUAL, Part

BITS = (16, 32)
"""Of the types that are looked for; images of 8 bits hold all values up to 255 in earnest."""
LEAST_SHARE = 0.001
"""Share of the pixels of one band at least."""
NEAR_ZERO = 4
"""The largest of them, as a number below 0, is at most this part of the largest other value."""


@dataclass(frozen=True)
class Wrapped:
    """Values ``low`` to ``high`` that are probably below 0, at ``share`` of the pixels.

    ``bands``: in so many, of how many.
    """

    low: int
    high: int
    bits: int
    share: float
    bands: tuple[int, int]

    def holds(self, value: float) -> bool:
        """Tell whether ``value`` is among them, or above."""
        return value >= self.low

    def in_words(self) -> str:
        """Say what was found, and what can be done."""
        low, high = (number - (1 << self.bits) for number in (self.low, self.high))
        stored = f"{self.low:,}" if low == high else f"{self.low:,} to {self.high:,}"
        meant = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        holding, every = self.bands
        where = count(every, "band") if every == 1 else f"{holding} of {every} bands"
        return (
            f"{percent(self.share)} of the pixels hold {stored} in {where}, far above all others: probably"
            f" {meant}, stored in a type without sign (or codes of no data); save the file as int{self.bits}"
            f" (in Python, astype('int{self.bits}') brings them back), or leave these pixels out with a mask"
        )


def probably_wrapped(parts: Sequence[Part]) -> Wrapped | None:
    """Find the values in ``parts`` of a scene that are probably numbers below 0 without their sign."""
    bands = len(parts[0][0])
    for bits in BITS:
        held = [one for band in range(bands) if (one := _in_band(parts, band, bits)) is not None]
        if held:
            lows, highs, shares = zip(*held, strict=True)
            return Wrapped(min(lows), max(highs), bits, max(shares), (len(held), bands))
    return None


def _in_band(parts: Sequence[Part], band: int, bits: int) -> tuple[int, int, float] | None:
    """The least and the largest of such values of a band, and the share of its pixels that hold them."""
    half, whole = 1 << (bits - 1), 1 << bits
    most = max((values[band].max(initial=0, where=valid[band]).item() for values, valid in parts), default=0)
    if parts[0][0].dtype.kind not in "iuf" or not half <= most < whole:
        return None
    data = np.concatenate([values[band][valid[band]] for values, valid in parts]).astype(np.float64)
    data = data[np.isfinite(data)]
    if (data != np.round(data)).any() or data.min() < 0:
        return None
    above, below = data[(data >= half) & ~np.isin(data, USUAL)], data[data < half]
    pixels = sum(values[band].size for values, _ in parts)
    if not below.size or above.size < LEAST_SHARE * pixels:
        return None
    low, high, largest = int(above.min()), int(above.max()), float(below.max())
    if low - largest < half or whole - low > largest or NEAR_ZERO * (whole - high) > largest:
        return None
    return low, int(data[data >= half].max()), float((data >= half).sum()) / pixels
