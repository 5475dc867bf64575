"""Values that probably stand for no data though no file declares them, from a sample of a scene.

Fill is the same number in all bands, at many pixels. c band   h, w rows and columns of a part   n pixels
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Shaped
from scipy import ndimage

from terramamba.core.words import percent
from terramamba.raster.views.nodata import BEYOND_DATA, equal, in_words

Part = tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]
"""Values of some pixels, and which are data."""

LEAST_SHARE = 0.01
"""Fill holds at least this share of the pixels, but for values that no measurement has."""
USUAL = (0.0, -9999.0, -999.0, -99.0, -32768.0, -32767.0, 32767.0, 65535.0, 65534.0, -99999.0, 99999.0, 255.0)
"""Values that programs write for no data; others count where they are the least or the largest there is."""
MARKERS = tuple(value for value in USUAL if value < 0)
"""Those that count in a single band, too, which may be 0 or saturated on its own."""
DIFFERING_BANDS = 0.1
"""At most this share of the bands may have another value: a mask or an angle among the bands."""
FEW_BANDS = 4
"""Photographs of one byte a value and up to four bands have black and white pixels all over."""
IN_ONE_PIECE = 0.5
"""In photographs, 0 is fill where this share of it lies in one piece. Of the images of LEVIR-CD, CLCD and
WHU-CD that were looked at none has 1 % of it so; of those of DSIFN with black corners, all. White is never
taken for fill there: bright roofs are as white, in pieces as large."""
GAP = 0.1
"""Fill of one band, or that is no usual value, lies off all others by this part of their range: bands may be
saturated."""
FEWEST_VALUES = 16
"""A scene of one band with no more values than this shows classes."""
MOST_BEYOND = 8
"""Values that no measurement has, of which one is enough to know."""


@dataclass(frozen=True)
class Fill:
    """A value that probably stands for no data, and the share of the pixels that have it.

    ``bands``: it stands so in some bands alone, so many of how many; None: in all of them.
    """

    value: float
    share: float
    bands: tuple[int, int] | None = None

    def in_words(self) -> str:
        """Say what was found, and what can be done."""
        value = in_words([self.value])
        where = "all bands" if self.bands is None else f"{self.bands[0]} of {self.bands[1]} bands"
        return (
            f"{percent(self.share)} of the pixels hold {value} in {where}, which is not declared as no data"
            f" and probably stands for it; --nodata {value} leaves them out"
        )


def probable_fill(parts: Sequence[Part]) -> tuple[Fill, ...]:
    """Find the values in ``parts`` of a scene that probably stand for no data; the most frequent first."""
    finite = [(_wide(values), valid & np.isfinite(values)) for values, valid in parts]
    pixels = sum(valid[0].size for _, valid in finite)
    found = []
    for value in _candidates(finite):
        marked = [_holds(*part, value) for part in finite]
        share = sum(int(np.count_nonzero(there)) for there in marked) / max(pixels, 1)
        if abs(value) >= BEYOND_DATA:
            probable = share > 0
        else:
            probable = share >= LEAST_SHARE and _stands_out(finite, marked, value)
        if probable:
            found.append(Fill(value, share))
    told = {fill.value for fill in found}
    found += [fill for fill in _in_some_bands(finite) if fill.value not in told]
    return tuple(sorted(found, key=lambda fill: -fill.share))


def _wide(values: Shaped[np.ndarray, "c h w"]) -> Shaped[np.ndarray, "c h w"]:
    """Return ``values`` in a type that the usual values fit in, which are beyond float16."""
    return values.astype(np.float32) if values.dtype == np.float16 else values


def _in_some_bands(parts: Sequence[Part]) -> list[Fill]:
    """Find markers that stand in some bands, where the others have data."""
    bands = len(parts[0][0])
    if parts[0][0].dtype.kind == "u" or bands == 1:
        return []
    ends = [(values[valid].min(), values[valid].max()) for values, valid in parts if valid.any()]
    found = []
    for value in MARKERS:
        if not any(low <= value <= high for low, high in ends):
            continue
        shares = [_share_in_band(parts, band, value) for band in range(bands)]
        holding = [share for share in shares if share >= LEAST_SHARE]
        if holding:
            found.append(Fill(value, max(holding), (len(holding), bands)))
    return found


def _share_in_band(parts: Sequence[Part], band: int, value: float) -> float:
    """Share of the pixels of a band that have ``value``; 0 where it is as likely measured."""
    data = np.concatenate([values[band][valid[band]] for values, valid in parts])
    there = equal(data, value)
    rest = data[~there].astype(np.float64)
    if rest.size:
        low, high = np.percentile(rest, [1, 99]).tolist()
        if np.abs(rest - value).min() < GAP * (high - low):
            return 0.0
    return float(there.mean()) if there.size else 0.0


def _candidates(parts: Sequence[Part]) -> list[float]:
    """The usual values, the ends of the range, and all that no measurement has."""
    present = [values[valid] for values, valid in parts]
    beyond = {
        float(value) for values in present for value in np.unique(values[_beyond(values)])[:MOST_BEYOND]
    }
    measured = [rest for values in present if (rest := values[~_beyond(values)]).size]
    ends = {float(rest.min()) for rest in measured}, {float(rest.max()) for rest in measured}
    return sorted({*USUAL, *beyond, *({min(ends[0]), max(ends[1])} if measured else ())})


def _beyond(values: Shaped[np.ndarray, " n"]) -> Bool[np.ndarray, " n"]:
    if values.dtype.kind != "f":
        return np.zeros(values.shape, bool)
    return np.asarray(np.abs(values) >= BEYOND_DATA)


def _holds(
    values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "c h w"], value: float
) -> Bool[np.ndarray, "h w"]:
    """Which pixels have ``value`` in all bands with data, or all but a few."""
    same = (equal(values, value) & valid).sum(axis=0)
    few = int(len(values) * DIFFERING_BANDS)
    return np.asarray((same > few) & (same >= valid.sum(axis=0) - few))


def _stands_out(parts: Sequence[Part], marked: Sequence[Bool[np.ndarray, "h w"]], value: float) -> bool:
    """Whether data of this kind are not as likely to have ``value`` in earnest."""
    bands, dtype = len(parts[0][0]), parts[0][0].dtype
    if dtype.itemsize == 1 and bands <= FEW_BANDS:
        return value == 0 and bands > 1 and in_one_piece(marked) >= IN_ONE_PIECE
    if dtype.itemsize == 1 and value in (0, np.iinfo(dtype).max) and _is_cut_off(parts, marked, value):
        return False
    if bands > 1 and value in USUAL:
        return True
    rest = np.concatenate(
        [values[valid & ~there] for (values, valid), there in zip(parts, marked, strict=True)]
    )
    if not rest.size or (bands == 1 and len(np.unique(rest[:10_000])) <= FEWEST_VALUES):
        return False
    if bands > 1 and value < 0 <= rest.min():
        return True  # the only number below 0
    low, high = np.percentile(rest, [1, 99]).tolist()
    return bool(np.abs(rest.astype(np.float64) - value).min() >= GAP * (high - low))


def _is_cut_off(parts: Sequence[Part], marked: Sequence[Bool[np.ndarray, "h w"]], value: float) -> bool:
    """Tell whether bands of one byte end at ``value`` by themselves, as those that were stretched do.

    Then more pixels have it in some bands than in all, and those that have it in all lie about.
    """
    some = sum(
        int(np.count_nonzero((equal(values, value) & valid).any(axis=0) & ~there))
        for (values, valid), there in zip(parts, marked, strict=True)
    )
    every = sum(int(np.count_nonzero(there)) for there in marked)
    return some > every and in_one_piece(marked) < IN_ONE_PIECE


def in_one_piece(marked: Sequence[Bool[np.ndarray, "h w"]]) -> float:
    """Return the share of the pixels ``marked`` that lie in the largest piece of their part."""
    largest = 0
    for there in marked:
        pieces, number = ndimage.label(there)
        largest += int(np.bincount(pieces.ravel())[1:].max()) if number else 0
    return largest / max(1, sum(int(np.count_nonzero(there)) for there in marked))
