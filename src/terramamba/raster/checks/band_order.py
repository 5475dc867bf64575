"""Are the bands of two dates in one order? RGB and BGR look alike to a program, and all is change.

Compared is the colour of pixels: each band without the mean of all, so that light and shade drop out. A band
of one date is correlated with each of the other, and an order in which two bands are exchanged, or all in
reverse, may match far better.
"""

from collections.abc import Iterator, Sequence
from itertools import chain, combinations
from math import sqrt

import numpy as np
from jaxtyping import Float64

from terramamba.core.words import ranges
from terramamba.raster.checks.spectrum_order import spectrum_order

FEW_SHOWN = 8
"""Bands of which all are named in reverse order."""
MOST_BANDS = 24
"""Bands of spectrometers are too alike to be told apart so."""
LEAST_GAIN, LEAST_GAIN_OF_MANY = 0.9, 0.25
"""An order must match better by so much, in the mean correlation of the bands that change places: for one
pair, and for so many that chance plays no part; between the two it falls with the root of their number. Of
783 real pairs, each on its own, 2 are said to have another order. Sets of 8 pairs of CLCD whose red and blue
were exchanged gain 0.16 and more, 0.38 in the mean."""

OFF, FITS_BETTER = 0.5, 4.0
"""See ``order_like``."""


def colour_correlations(
    first: Float64[np.ndarray, "c n"], second: Float64[np.ndarray, "c n"]
) -> Float64[np.ndarray, "c c"] | None:
    """Correlate the colour of the bands of one date (rows) with that of the other (columns).

    None where there is one band, there are very many, or a date has no colour.
    """
    bands = len(first)
    if not 2 <= bands <= MOST_BANDS:
        return None
    colours = [date - date.mean(axis=0) for date in (first, second)]
    if any(bool((colour.std(axis=1) == 0).any()) for colour in colours):
        return None
    return np.asarray(np.corrcoef(*colours)[:bands, bands:])


def better_order(correlations: Sequence[Float64[np.ndarray, "c c"]]) -> tuple[int, ...] | None:
    """Find the order of the second date's bands that matches far better, judged on all pairs together."""
    if not correlations or len({len(one) for one in correlations}) > 1:
        return None
    mean = np.mean(correlations, axis=0)
    least = max(LEAST_GAIN_OF_MANY, LEAST_GAIN / sqrt(len(correlations)))
    best, most = None, least
    for order in _orders(len(mean)):
        moved = [band for band, other in enumerate(order) if band != other]
        then = float(np.mean([mean[band, order[band]] for band in moved]))
        gained = then - float(np.mean([mean[band, band] for band in moved]))
        if gained >= most and then >= least / 2:
            best, most = order, gained
    return best


def order_in_words(order: Sequence[int], first: str, second: str) -> str:
    """Say what a better order of the bands of one date means."""
    return (
        f"the bands of {second} match those of {first} far better in the order {named_order(order)}: probably"
        " another order of bands (as RGB and BGR), which would count as change; bring both into one order"
    )


def named_order(order: Sequence[int]) -> str:
    """Name bands by their numbers from 1, in this order."""
    backwards = list(order) == sorted(order, reverse=True) and len(order) > FEW_SHOWN
    return f"{len(order)} to 1" if backwards else ranges(order)


def order_like(
    trained: Float64[np.ndarray, "q c"], here: Float64[np.ndarray, "q c"]
) -> tuple[int, ...] | None:
    """Find the order in which quantiles of bands are the training's, though as they stand they are not.

    That of many bands is told by the shape of their spectra. Quantiles (rows: 25, 50, 75 %) of few say less
    than pixels, so bands must be off by more than ``OFF`` middle halves in the mean, and fit ``FITS_BETTER``
    times better in the other order.
    """
    bands = trained.shape[1]
    by_shape = spectrum_order(trained[1], here[1])
    if by_shape is not None:
        return by_shape
    spreads = trained[-1] - trained[0]
    if not bands >= 2 or not (spreads > 0).all():
        return None

    def off(order: Sequence[int]) -> float:
        return float(np.mean(np.abs(here[:, list(order)] - trained) / spreads))

    now = off(range(bands))
    few = bands <= MOST_BANDS
    orders = chain(_orders(bands), _turned(bands)) if few else iter([tuple(reversed(range(bands)))])
    best = min(orders, key=off)
    return best if now > OFF and off(best) * FITS_BETTER < now else None


def _turned(bands: int) -> Iterator[tuple[int, ...]]:
    """Orders that begin at another band, the first ones last; of three bands too many would fit."""
    return ((*range(first, bands), *range(first)) for first in range(1, bands if bands > 3 else 1))


def _orders(bands: int) -> Iterator[tuple[int, ...]]:
    for a, b in combinations(range(bands), 2):
        order = list(range(bands))
        order[a], order[b] = b, a
        yield tuple(order)
    if bands > 3:
        yield tuple(reversed(range(bands)))
