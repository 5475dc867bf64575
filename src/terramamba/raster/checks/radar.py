"""Radar of two kinds: backscatter as intensity beside amplitude, or filtered for speckle at one date alone.

Speckle multiplies, so that logarithms of neighbours differ by as much wherever it is as bright; squares
double that. The dates of Bern differ by 4 %, of Ottawa by 10 %. Those of images in ordinary light differ up
to four times by weather, so that names must say that it is radar.

c band   n pixels
"""

import re
from collections.abc import Sequence
from pathlib import PurePath

import numpy as np

from terramamba.raster.checks.fill_values import Part
from terramamba.raster.scene import Scene

_WORD = r"(?<![a-z0-9])({})(?![a-z0-9])"
_RADAR = re.compile(_WORD.format(r"sar|radar|sentinel-?1[abcd]?|palsar-?2?|radarsat-?[12]?|terrasar(-?x)?"))
_SATELLITE = re.compile(_WORD.format("s1[abcd]"))
_PRODUCT = re.compile(_WORD.format("grd[fhm]?|slc|iw|v[vh]|h[hv]"))
"""S1A alone may be a site."""
PICTURE_BANDS = 3
OTHER_KIND = 1.6
"""Times that neighbours differ more, in all bands."""


def is_radar(scene: Scene) -> bool:
    """Tell whether the names of a file and its bands say that it is radar, and no picture in colours."""
    if scene.bands == PICTURE_BANDS and scene.dtype == "uint8":
        return False
    named = " ".join((PurePath(scene.path).name, *filter(None, scene.band_names or ()))).lower()
    return bool(_RADAR.search(named) or (_SATELLITE.search(named) and _PRODUCT.search(named)))


def speckle_ratio(first: Sequence[Part], second: Sequence[Part]) -> float | None:
    """Measure how many times more neighbours differ in the second of two dates; None: not told alike by all.

    Both have to be above 0 nearly everywhere, as backscatter in linear units is.
    """
    one, other = (_contrast(parts) for parts in (first, second))
    if one is None or other is None or not (one > 0).all():
        return None
    ratios = other / one
    if (ratios >= OTHER_KIND).all() or (ratios <= 1 / OTHER_KIND).all():
        return float(np.median(ratios))
    return None


def _contrast(parts: Sequence[Part]) -> np.ndarray | None:
    """The median difference of the logarithms of neighbours, of each band."""
    found = []
    for values, valid in parts:
        known = valid & np.isfinite(values) & (values > 0)
        if known.sum() < 0.9 * valid.sum():
            return None
        logarithms = np.log(np.where(known, values, 1).astype(np.float64))
        steps = np.abs(np.diff(logarithms, axis=2))
        found.append(np.where(known[:, :, 1:] & known[:, :, :-1], steps, np.nan).reshape(len(values), -1))
    return np.asarray(np.nanmedian(np.concatenate(found, axis=1), axis=1))
