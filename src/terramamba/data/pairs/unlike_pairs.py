"""Do the pairs of a set hold the same kind of values? One rule scales all of them.

c band   n pixels
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from terramamba.core.words import count
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.raster.checks.band_order import order_like
from terramamba.raster.checks.grey import is_grey
from terramamba.raster.checks.scales import OTHER_TYPE, OTHER_UNITS, Scales, difference_of_scales
from terramamba.raster.pixel_area import pixel_side
from terramamba.raster.sample_statistics import sample_values, some_bands
from terramamba.raster.windows import evenly_spaced

SAMPLED_VALUES, KEPT_PIXELS = 100_000, 2_000
"""Values of an image that are read, and pixels of it that are kept."""
LEAST_BANDS, LEAST_PAIRS = 3, 2
"""Subsets are compared from so many bands and pairs on; of fewer, places differ as much."""
OTHER_PIXELS = 4.0
"""How many times wider pixels are that show other things."""


@dataclass(frozen=True, eq=False)
class Sampled:
    """Some pixels of the earlier date of a pair that have data in all its bands."""

    path: str
    dtype: str
    values: Float64[np.ndarray, "c n"]
    side: float | None
    """Width of its pixels in metres, where that is known."""

    @property
    def size(self) -> float:
        """How large the values are."""
        low, middle, high = np.percentile(self.values, [25, 50, 75], axis=1)
        return float(np.median(np.maximum(np.abs(middle), high - low)))


def unlike_values(subsets: Mapping[str, Sequence[PairFiles]]) -> list[str]:
    """Say which pairs, or which subset, hold other values than the others, by the earlier dates.

    Raises:
        InputError: a file is damaged.
    """
    sampled = {subset: [_sampled(pair) for pair in pairs] for subset, pairs in subsets.items()}
    known = {subset: [one for one in found if one.values.shape[1]] for subset, found in sampled.items()}
    every = [one for found in known.values() for one in found]
    if not every:
        return []
    odd = [*_of_other_size(every), *_grey_among_colours(every)]
    return odd or [
        said
        for subset, found in known.items()
        if subset != "train" and (said := _of_subset(known.get("train", []), subset, found)) is not None
    ]


def unlike_pixels(pairs: Sequence[PairFiles]) -> list[str]:
    """Say that pixels of some pairs are far wider than those of others."""
    sides = [(side, one.path) for one in map(_sampled, pairs) if (side := one.side) is not None]
    if not sides or max(sides)[0] < OTHER_PIXELS * min(sides)[0]:
        return []
    least, most = min(sides), max(sides)
    return [
        f"pixels are {least[0]:.3g} m wide in {least[1]} and {most[0]:.3g} m in {most[1]}: what is learnt of"
        " the one size may not hold for the other"
    ]


def _sampled(pair: PairFiles) -> Sampled:
    def sample() -> Sampled:
        date, _ = pair.open()
        values, valid = sample_values(date, some_bands(date), SAMPLED_VALUES)
        data = values[:, (valid & np.isfinite(values)).all(axis=0)].astype(np.float64)
        kept = evenly_spaced(0, data.shape[1], min(KEPT_PIXELS, data.shape[1]))
        return Sampled(date.path, date.dtype, data[:, kept], pixel_side(date.grid))

    return pair.facts.once(("sampled", *pair.reading, pair.exchanged), sample)


def _of_other_size(every: Sequence[Sampled]) -> list[str]:
    """Pairs whose values are in other units than those of most."""
    ((usual, _),) = Counter(one.dtype for one in every).most_common(1)
    most = float(np.median([one.size for one in every if one.dtype == usual]))
    odd = []
    for one in every:
        ratio = one.size / most if most > 0 and one.size > 0 else 1.0
        if max(ratio, 1 / ratio) >= (OTHER_UNITS if one.dtype == usual else OTHER_TYPE):
            odd.append((one, ratio))
    if not odd:
        return []
    first, ratio = odd[0]
    way = f"{ratio:,.3g} times larger" if ratio > 1 else f"{1 / ratio:,.3g} times smaller"
    return [
        f"the values of {count(len(odd), 'pair')} of {len(every)} are in other units than those of most"
        f" ({usual}), and one rule scales all; the first, {first.path} ({first.dtype}), has about {way} ones:"
        " bring them into the same units, or train with --scale-by pair"
    ]


def _grey_among_colours(every: Sequence[Sampled]) -> list[str]:
    """Pairs whose bands are all alike, as in grey pictures, among others whose bands are not."""
    grey = [one for one in every if is_grey(one.values)]
    varied = [one for one in grey if np.ptp(one.values)]
    if not varied or len(grey) == len(every):
        return []
    return [
        f"the bands of {count(len(varied), 'pair')} of {len(every)} are all alike, as in radar or a grey"
        f" picture, those of others are not; the first is {varied[0].path}: what is learnt from colours means"
        " little there"
    ]


def _of_subset(train: Sequence[Sampled], subset: str, other: Sequence[Sampled]) -> str | None:
    """Say how the values of a subset differ from those of training in all bands alike, or in their order."""
    bands = {len(one.values) for one in (*train, *other)}
    if min(len(train), len(other)) < LEAST_PAIRS or len(bands) > 1 or min(bands) < LEAST_BANDS:
        return None
    a, b = (Scales.of(np.concatenate([one.values for one in found], axis=1)) for found in (train, other))
    by = difference_of_scales(a, b)
    if by is not None:
        said = by.in_words(f"the values of the {subset} pairs", "those of the train pairs")
        return f"{said}, and one rule scales all; {by.remedy}"
    order = order_like(a.quantiles[1:], b.quantiles[1:])
    if order is None:
        return None
    listed = ", ".join(str(band + 1) for band in order)
    return (
        f"the bands of the {subset} pairs are far more like those of the train pairs in the order {listed}:"
        " probably another order of bands (as RGB and BGR); bring all into one order"
    )
