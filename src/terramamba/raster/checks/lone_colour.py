"""One colour that stands apart from all others at one of two dates: no data that no usual value marks.

A gap of a scan line corrector, the background of a basemap, a mask painted over. What is seen, water and
roofs too, has others like it: of 802 dates of CLCD, LEVIR-CD, DSIFN-CD and WHU-CD the colour that most pixels
have is, where it is 0.5 % and more, never less often met within ``NEAR`` than 0.67 times itself, and the next
never less often than 0.16 times. An end of the range is no such colour where it is the largest that can be
stored, nor in a single band where the other date has it, too, as the height of buildings begins at 0. Of 683
real pairs none is said to have one, in all bands or in any single one.

c band   n pixels
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.checks.fill_values import FEWEST_VALUES, LEAST_SHARE, Part

NEAR, NEAR_PART = 3.0, 0.01
"""As near in each band are others like it: in bytes, and in parts of the range of the values."""
ALIKE, NEXT, NEXT_OF_BAND = 0.1, 0.1, 0.5
"""Others like it, and the next colour, are met less often than these parts of it; of the next value of a
single band, of which there are fewer than of colours, the last."""
MOST_SAME, LEAST_ALONE = 0.5, 0.7
"""Of a single band less than the first part is a gap, and more than the second part of that has data at the
other date: ground at a height of 0 is mostly so at both."""
MOST_PIXELS = 200_000


@dataclass(frozen=True)
class LoneColour:
    """What is stored of it in each band, and which share of all pixels has it, of this date alone."""

    values: tuple[float, ...]
    share: float
    at_end: bool
    """No pixel has a smaller value in any band, or none a larger one."""
    band: int | None = None
    """Place of the only band that has it; None: all have."""


def lone_colour(own: Sequence[Part], other: Sequence[Part]) -> LoneColour | None:
    """Find it in the parts of one date, where the ``other`` shows many colours; None where there is none.

    Where all bands together have none, a single one may.
    """
    (a, known), (b, also_known) = _pixels(own), _pixels(other)
    both = np.logical_and.reduce([known, also_known, np.isfinite(a).all(axis=0), np.isfinite(b).all(axis=0)])
    if not both.any():
        return None
    a, b = a[:, both], b[:, both]
    found = _lone(a, b, both.size)
    if found is not None or len(a) == 1:
        return found
    single = ((_lone(a[band : band + 1], b[band : band + 1], both.size), band) for band in range(len(a)))
    return next((replace(lone, band=band) for lone, band in single if lone is not None), None)


def _lone(a: Shaped[np.ndarray, "c n"], b: Shaped[np.ndarray, "c n"], pixels: int) -> LoneColour | None:
    """Find it in the pixels with data at both dates, of so many."""
    codes, first, counts = np.unique(_hashed(a), return_index=True, return_counts=True)
    most = int(counts.argmax())
    if len(codes) <= FEWEST_VALUES or counts[most] < LEAST_SHARE * pixels:
        return None
    colour = a[:, first[most]]
    at_end = bool((colour <= a.min(axis=1)).all() or (colour >= a.max(axis=1)).all())
    if np.partition(counts, -2)[-2] > (NEXT_OF_BAND if at_end and len(a) == 1 else NEXT) * counts[most]:
        return None
    same = np.asarray((a == colour[:, None]).all(axis=0))
    ranges = np.ptp(np.percentile(a, [1, 99], axis=1), axis=0)
    near = np.maximum(NEAR if a.dtype.itemsize == 1 else 0, NEAR_PART * ranges)
    like = (np.abs(a.astype(np.float64) - colour[:, None].astype(np.float64)) <= near[:, None]).all(axis=0)
    if like.sum() - same.sum() > ALIKE * same.sum():
        return None
    alone = np.asarray(same & (b != colour[:, None]).any(axis=0))
    if alone.sum() < LEAST_SHARE * pixels or len(np.unique(_hashed(b[:, alone]))) <= FEWEST_VALUES:
        return None
    if at_end and (_is_full(colour) or (len(a) == 1 and not _is_gap(same, alone))):
        return None
    return LoneColour(tuple(colour.astype(np.float64).tolist()), float(alone.sum() / pixels), at_end)


def _is_gap(same: Bool[np.ndarray, " n"], alone: Bool[np.ndarray, " n"]) -> bool:
    """Tell whether the end of a single band is met in the lesser part of it, and hardly at the other date."""
    return bool(same.mean() < MOST_SAME and alone.sum() > LEAST_ALONE * same.sum())


def _is_full(colour: Shaped[np.ndarray, " c"]) -> bool:
    """Tell whether it is the largest value that its type holds, as of what is too bright, such as clouds."""
    return colour.dtype.kind in "iu" and bool((colour == np.iinfo(colour.dtype).max).all())


def _pixels(parts: Sequence[Part]) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, " n"]]:
    """Some pixels of all parts, and which of them have data."""
    pixels = sum(valid[0].size for _, valid in parts)
    step = max(1, pixels // MOST_PIXELS)
    values = [part.reshape(len(part), -1)[:, ::step] for part, _ in parts]
    valid = [np.asarray(part.all(axis=0)).ravel()[::step] for _, part in parts]
    return np.concatenate(values, axis=1), np.concatenate(valid)


def _hashed(values: Shaped[np.ndarray, "c n"]) -> Shaped[np.ndarray, " n"]:
    """A number for each pixel that others share only by chance where their values differ."""
    found = np.zeros(values.shape[1], np.uint64)
    for band in values.astype(np.float64):
        bits = (band + 0.0).view(np.uint64)
        found = (found ^ bits) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found
