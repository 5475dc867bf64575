"""Is one image another with something added to all bands, or all bands times something?

Judged on quantiles of each band, and where the images show the same pixels on these too, which tells it in
spite of much change. Thresholds were set on 473 real pairs of two dates, a part of CLCD, LEVIR-CD, DSIFN,
WHU-CD, SZTAKI AirChange and Landsat Taizhou; of 783 pairs, some of these among them, none is said to have an
offset or a gain.

c band   n pixels   q quantiles
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log

import numpy as np
from jaxtyping import Float64

from terramamba.raster.checks.grey import is_grey
from terramamba.raster.sample_statistics import sample_values
from terramamba.raster.scene import Scene
from terramamba.raster.views.nodata import in_words

QUANTILES = (2.0, 25.0, 50.0, 75.0)
"""Percentiles that shift or grow together where only the scale differs."""
ALIKE_OFFSETS = 0.1
"""All shifts of an offset are within this part of it; at 0.2, six of the 473 pairs are."""
LEAST_OFFSET = 0.3
"""An offset counts from this part of the middle half of the values on."""
ALIKE_GAINS = 0.05
"""Logarithms of all ratios of a gain are this near to each other; at 0.1, eight of the 473 pairs are."""
LEAST_GAIN = 1.4
CERTAIN = 3.0
"""Pixel by pixel, an offset or a gain is so many times the median deviation from it; at 2, five of the 473
pairs are."""
OF_ONE_BAND = 4.0
"""The least gain of a single band, whose light is not told from its scale by others: of 1,029 bands of real
pairs, each on its own, 73 would be said to have a gain below (up to 2.8), and 156 an offset, which is not
said of one band at all."""
OTHER_UNITS, OTHER_TYPE = 30.0, 4.0
"""How many times larger values are that are in other units: always, and where their type is another, too.
Images of one sensor differ by a few times."""
SIMPLE_GAINS = (2, 3, 4, 5, 8, 10, 16, 100, 255, 256, 257, 1000, 10_000, 65_535)
NEAR_SIMPLE = 0.05
PROCESSING_OFFSET = 1000.0
"""Added to all bands of Sentinel-2 since processing baseline 04.00 (January 2022)."""
DARK = 800.0
"""Reflectance times 10,000 below which each band has some shadow or water."""
FAR = 1000.0
"""A value this many times the middle half of its band away is no measurement."""
SAMPLED_VALUES = 2_000_000
"""At most this many values of a scene are read for its quantiles."""
Ends = tuple[Float64[np.ndarray, " c"], Float64[np.ndarray, " c"]]
"""The least and the largest value of each band."""
DARK_ALIKE, LEAST_BANDS = 0.15, 3
"""How near to it the darkest pixels of so many bands at least must have moved."""


@dataclass(frozen=True, eq=False)
class Scales:
    """Quantiles (2, 25, 50, 75 %) of each band."""

    quantiles: Float64[np.ndarray, "4 c"]

    @classmethod
    def of(cls, values: Float64[np.ndarray, "c n"]) -> "Scales":
        """Measure them on values without NaN."""
        return cls(np.percentile(values, QUANTILES, axis=1))

    @property
    def medians(self) -> Float64[np.ndarray, " c"]:
        """Return the median of each band."""
        return self.quantiles[2]

    @property
    def spreads(self) -> Float64[np.ndarray, " c"]:
        """Return the range of the middle half of each band."""
        return self.quantiles[3] - self.quantiles[1]

    @property
    def rows(self) -> tuple[tuple[float, ...], ...]:
        """Return the quantiles as a record has them."""
        return tuple(tuple(row) for row in self.quantiles.tolist())

    def far_value(
        self, low: Float64[np.ndarray, " c"], high: Float64[np.ndarray, " c"]
    ) -> tuple[int, float] | None:
        """Find the band and the value that lies beyond all plausible range, of the ends of each band."""
        known = self.spreads > 0
        ends = np.stack([low, high])[:, known]
        off = np.abs(ends - self.medians[known]) / self.spreads[known]
        if not off.size or off.max() < FAR:
            return None
        end, band = np.unravel_index(int(off.argmax()), off.shape)
        return int(np.flatnonzero(known)[band]), float(ends[end, band])


def scene_scales(scene: Scene, bands: Sequence[int]) -> tuple[Scales, Ends] | None:
    """Measure the quantiles and the ends of ``bands`` on a sample of ``scene``; None without any data."""
    values, valid = sample_values(scene, tuple(bands), SAMPLED_VALUES)
    known = (valid & np.isfinite(values)).all(axis=0)
    if not known.any():
        return None
    data = values[:, known].astype(np.float64)
    return Scales.of(data), (data.min(axis=1), data.max(axis=1))


def far_in_words(path: str, band: int, value: float) -> str:
    """Say that ``band`` (0-based) of a file has an implausible ``value``."""
    said = in_words([value])
    return (
        f"{path}: band {band + 1} has {said}, more than {FAR:,.0f} times farther off than the middle half of"
        f" its values is wide: probably no measurement; give --nodata {said} if it stands for no data"
    )


@dataclass(frozen=True)
class Difference:
    """How values differ from others in all bands alike: something was added, or they are times a gain."""

    offset: float = 0.0
    gain: float = 1.0

    def in_words(self, these: str, others: str) -> str:
        """Say how the values of ``these`` differ from ``others``."""
        if self.offset:
            way = "higher" if self.offset > 0 else "lower"
            known = abs(abs(self.offset) / PROCESSING_OFFSET - 1) <= DARK_ALIKE
            why = " (as Sentinel-2 has it since processing baseline 04.00)" if known else ""
            return f"{these} are {way} than {others} by about {abs(self.offset):,.4g} in all bands{why}"
        times = exp(abs(log(self.gain)))
        nearest = min(SIMPLE_GAINS, key=lambda simple: abs(times / simple - 1))
        said = f"{nearest:,}" if abs(times / nearest - 1) <= NEAR_SIMPLE else f"{times:.3g}"
        way = "larger" if self.gain > 1 else "smaller"
        return f"{these} are about {said} times {way} than {others} in all bands"

    @property
    def remedy(self) -> str:
        """Say what can be done about it."""
        if not self.offset:
            return "bring them into the same units"
        step = "subtract it from" if self.offset > 0 else "add it to"
        return f"{step} them, or give images of one processing"


def difference_of_scales(a: Scales, b: Scales) -> Difference | None:
    """Say how ``b`` differs from ``a`` in all bands alike; None where it does not."""
    known = (a.spreads > 0) & (b.spreads > 0)
    if not known.any():
        return None
    low, high = a.quantiles[1:, known], b.quantiles[1:, known]
    one_band = not np.ptp(low, axis=1).any() and not np.ptp(high, axis=1).any()
    if not one_band and abs(float(np.median(np.log(b.spreads[known] / a.spreads[known])))) < log(LEAST_GAIN):
        shifts = high - low
        offset = float(np.median(shifts))
        alike = float(np.abs(shifts - offset).max()) <= ALIKE_OFFSETS * abs(offset)
        if offset and alike and abs(offset) >= LEAST_OFFSET * float(np.median(a.spreads[known])):
            return Difference(offset=offset)
    if (low > 0).all() and (high > 0).all():
        ratios = np.log(high / low)
        gain = float(np.median(ratios))
        least = OF_ONE_BAND if one_band else LEAST_GAIN
        if abs(gain) >= log(least) and float(np.abs(ratios - gain).max()) <= ALIKE_GAINS:
            return Difference(gain=exp(gain))
    return _processing(a, b)


def difference_of_units(a: Scales, b: Scales, *, same_type: bool) -> Difference | None:
    """Say how many times larger or smaller ``b`` is than ``a`` in other units, whatever the colours."""
    if not ((a.medians > 0).all() and (b.medians > 0).all()):
        return None
    gain = float(np.median(np.log(b.medians / a.medians)))
    return Difference(gain=exp(gain)) if abs(gain) >= log(OTHER_UNITS if same_type else OTHER_TYPE) else None


def _processing(a: Scales, b: Scales) -> Difference | None:
    """The known offset, as the darkest pixels of all bands show it in spite of other seasons."""
    dark = b.quantiles[0] - a.quantiles[0]
    darker = a if float(np.median(dark)) > 0 else b
    near = np.abs(np.abs(dark) / PROCESSING_OFFSET - 1) <= DARK_ALIKE
    one_way = bool((dark > 0).all() or (dark < 0).all())
    shadows = bool((darker.quantiles[0] >= 0).all() and (darker.quantiles[0] <= DARK).all())
    wide = bool((darker.medians > 1).all())
    if len(dark) < LEAST_BANDS or not (near.all() and one_way and shadows and wide):
        return None
    return Difference(offset=float(np.median(dark)))


def difference_of_pixels(a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]) -> Difference | None:
    """Say how ``b`` differs from ``a`` at the same pixels in all bands alike; None where it does not.

    More than half of the pixels must not have changed.
    """
    if len(a) == 1 or (is_grey(a) and is_grey(b)):
        return None  # one band that differs, or several that are all alike, may be what changed
    offset, deviation, alike = _common(b - a)
    certain = abs(offset) >= CERTAIN * deviation and alike <= ALIKE_OFFSETS * abs(offset)
    spreads = np.subtract(*np.percentile(a, [75, 25], axis=1))
    if offset and certain and abs(offset) >= LEAST_OFFSET * float(np.median(spreads)):
        return Difference(offset=offset)
    positive = ((a > 0) & (b > 0)).all(axis=0)
    if positive.mean() <= 0.5:
        return None
    gain, deviation, alike = _common(np.log(b[:, positive] / a[:, positive]))
    if abs(gain) >= max(log(LEAST_GAIN), CERTAIN * deviation) and alike <= ALIKE_GAINS:
        return Difference(gain=exp(gain))
    return None


def _common(differences: Float64[np.ndarray, "c n"]) -> tuple[float, float, float]:
    """The median over bands of their medians, the largest median deviation, the farthest band from it."""
    medians = np.median(differences, axis=1)
    deviation = float(np.median(np.abs(differences - medians[:, None]), axis=1).max())
    common = float(np.median(medians))
    return common, deviation, float(np.abs(medians - common).max())
