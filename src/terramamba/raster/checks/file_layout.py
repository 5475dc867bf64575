"""Do samples, lines, bands and interleave of an ENVI header fit its file? From a few windows of it.

Any numbers with the right product describe the file, and the wrong ones mix pixels of all over the image and
bands. Neighbours on the ground are alike, and so is a pixel in neighbouring bands: where they are far more
alike with the interleave or two of the numbers exchanged, the header is probably wrong; and so it is where
bands come back in the rhythm of another interleave. Of 174 images, most of them real, in each of the three
orders none is said to be; of wrong headers of images of 6 bands and more with 48 x 48 pixels two thirds are:
not those of noise, of components and of sizes that are nearly equal. A rhythm alone says nothing: stripes of
a detector have one, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Shaped
from rasterio.errors import RasterioError

from terramamba.core.errors import InputError
from terramamba.raster.checks.band_rhythm import LEAST, Rhythm, order_of, rhythms_of
from terramamba.raster.readers.band_metadata import whole_number
from terramamba.raster.readers.datasets import dataset_of
from terramamba.raster.readers.envi_header import Interleave, header_entries, interleave_of
from terramamba.raster.readers.npy import NpyArray

MOST_FILES, MOST_IMAGES = 16, 2
"""Files of a mosaic of many that are opened, and looked at."""
SIDE, LEAST_SIDE, PLACES, MOST_BANDS = 48, 4, 3, 6
"""Pixels a side of a window, at least so where the header is right, windows along the diagonal, bands."""
ALIKE = 0.5
"""Neighbours in the other reading are correlated by so much at least."""
UNLIKE = 0.4
"""Those in the header's reading by at most this part of it ..."""
UNLIKE_OF_MANY, MANY_BANDS = 0.5, 8
"""... or this, where the bands of so many count as neighbours too ..."""
ROUGHER, SMOOTHER_BANDS, ALIKE_BANDS = 1.25, 0.7, 0.8
"""... or are rougher by this factor, and the bands, correlated by 0.8, have 0.7 of what is unlike."""
CLEAR, SAME = 0.9, 1 - 1e-6
"""Where all is as alike as the first, or bands as the second, the header is believed."""
CENTRED = 1e-9
"""A window varies by more than this part of its values, or tells nothing."""
_STORED: dict[Interleave, str] = {"bsq": "bls", "bil": "lbs", "bip": "lsb"}
"""Axes of the file, outermost first, of bands, lines and samples."""
_WORDS = {"b": "bands", "l": "lines", "s": "samples"}


@dataclass(frozen=True)
class Layout:
    """How a header says that a file is laid out: its ``sizes`` are bands, lines and samples."""

    path: str
    dtype: np.dtype
    offset: int
    sizes: tuple[int, int, int]
    interleave: Interleave

    @property
    def stored(self) -> tuple[int, ...]:
        """The sizes of the file's axes, outermost first."""
        return tuple(self.sizes["bls".index(axis)] for axis in _STORED[self.interleave])

    def read(self, band: int, row: int, col: int) -> Float64[np.ndarray, "h w"]:
        """Read a window of at most ``SIDE`` pixels a side of one band."""
        rows, cols = slice(row, min(row + SIDE, self.sizes[1])), slice(col, min(col + SIDE, self.sizes[2]))
        wanted: dict[str, int | slice] = {"b": band, "l": rows, "s": cols}
        file = NpyArray(self.path, self.stored, self.dtype, False, self.offset)
        return np.asarray(file[tuple(wanted[axis] for axis in _STORED[self.interleave])], np.float64)

    def numbers(self, first: int, end: int) -> Shaped[np.ndarray, " n"]:
        """Read numbers as they follow each other in the file."""
        flat = (int(np.prod(self.sizes, dtype=np.int64)),)
        return NpyArray(self.path, flat, self.dtype, False, self.offset)[slice(first, end),]


@dataclass(frozen=True)
class Likeness:
    """Correlation of neighbours in the worse direction of an image, and of a pixel in neighbouring bands."""

    ground: float
    bands: float | None

    @property
    def least(self) -> float:
        """The worse of both."""
        return self.ground if self.bands is None else min(self.ground, self.bands)


def probably_other_layout(paths: Iterable[str]) -> str | None:
    """Say which header of the images ``paths`` probably describes another layout than its file has.

    None where they are of other formats than ENVI, small, or where anything else leaves it open. No more than
    ``MOST_FILES`` of ``paths`` are asked for.
    """
    found = [layout for layout in map(layout_of, islice(paths, MOST_FILES)) if layout is not None]
    for layout in found[:MOST_IMAGES]:
        better = better_layout(layout)
        if better is not None:
            return (
                f"neighbouring pixels are far more alike with {better} in the header of"
                f" {Path(layout.path).name}: probably it is wrong; correct it, or save the file anew"
            )
    return None


def layout_of(path: str) -> Layout | None:
    """Return what the header of an ENVI file says of its layout; None for others, and compressed ones."""
    try:
        image = dataset_of(path)
        header = header_entries(image.files) if image.driver == "ENVI" else None
    except (RasterioError, InputError, UnicodeDecodeError):
        return None
    if header is None or whole_number(header.get("file_compression", "")):
        return None
    interleave = interleave_of(header)
    dtype = np.dtype(image.dtypes[0])
    if interleave is None or dtype.kind not in "iuf":
        return None
    order = ">" if whole_number(header.get("byte_order", "")) else "<"
    sizes = (image.count, image.height, image.width)
    offset = whole_number(header.get("header_offset", ""))
    return Layout(path, dtype.newbyteorder(order), offset, sizes, interleave)


def better_layout(layout: Layout) -> str | None:
    """Name entries as the header should have them, with which pixels are far more alike; None: as it is."""
    try:
        rhythms = rhythms_of(layout.numbers, layout.sizes)
        sure, own = order_of(rhythms), likeness_of(layout, LEAST_SIDE)
        if own is None or (own.bands is not None and own.bands >= SAME):
            return None
        if sure is not None and sure != layout.interleave:
            other = likeness_of(replace(layout, interleave=sure))
            if other is not None and other.ground > max(own.ground, ALIKE):
                return f"interleave = {sure}"
        if own.least >= CLEAR:
            return None
        found = [
            (words, other, likeness_of(other))
            for words, other in _others(layout)
            if other.sizes != layout.sizes or _may_lie(other.interleave, rhythms)
        ]
    except (OSError, ValueError):  # who reads the pixels says what is wrong
        return None
    better = [
        (other.sizes == layout.sizes, like.least, words)  # the numbers are written wrong less often
        for words, other, like in found
        if like is not None and _is_better(like, own, layout)
    ]
    return max(better)[-1] if better else None


def _may_lie(order: Interleave, rhythms: Mapping[Interleave, Rhythm] | None) -> bool:
    """Tell whether bands may follow each other in this order: with neighbours for bands, all are alike."""
    return rhythms is None or order not in rhythms or rhythms[order].size >= LEAST


def likeness_of(layout: Layout, least: int = SIDE) -> Likeness | None:
    """Measure how alike neighbours are in ``layout``.

    None where it has less than ``least`` lines or samples, or its bands do not vary.
    """
    bands, lines, samples = layout.sizes
    if min(lines, samples) < least:
        return None
    looked_at = np.unique(np.linspace(0, bands - 1, MOST_BANDS).round().astype(int)).tolist()
    corners = np.linspace((0, 0), (max(0, lines - SIDE), max(0, samples - SIDE)), PLACES).round().astype(int)
    ground, between = list[float](), list[float]()
    for band in looked_at:
        windows = [_clipped(layout.read(band, row, col)) for row, col in corners.tolist()]
        centred = [one for one in map(_centred, windows) if one is not None]
        if centred:
            ground.append(min(_down(centred), _down([one.T for one in centred])))
        if bands > 1:
            row, col = corners[PLACES // 2].tolist()
            other = _clipped(layout.read(band + 1 if band + 1 < bands else band - 1, row, col))
            own = windows[PLACES // 2]
            if np.ptp(own) and np.ptp(other):
                between.append(float(np.corrcoef(own.ravel(), other.ravel())[0, 1]))
    if not ground:
        return None
    return Likeness(float(np.median(ground)), float(np.median(between)) if between else None)


def _is_better(other: Likeness, own: Likeness, layout: Layout) -> bool:
    if other.ground < ALIKE:
        return False
    if own.ground <= UNLIKE * other.ground:
        return True
    if other.bands is None or own.bands is None:
        return False
    many = layout.sizes[0] >= MANY_BANDS and other.least >= ALIKE
    if many and own.least <= UNLIKE_OF_MANY * other.least:
        return True
    rougher = 1 - own.ground >= ROUGHER * (1 - other.ground)
    return other.bands >= ALIKE_BANDS and rougher and 1 - other.bands <= SMOOTHER_BANDS * (1 - own.bands)


def _others(layout: Layout) -> Iterator[tuple[str, Layout]]:
    """Other readings of a file that differ in the interleave, or in two numbers exchanged."""
    found = {layout.stored}
    for interleave in _STORED:
        other = replace(layout, interleave=interleave)
        if other.stored not in found:
            yield f"interleave = {interleave}", other
    for first, second in combinations((2, 1, 0), 2):  # samples and lines are exchanged most often
        sizes = list(layout.sizes)
        sizes[first], sizes[second] = sizes[second], sizes[first]
        other = replace(layout, sizes=(sizes[0], sizes[1], sizes[2]))
        if other.stored not in found:
            said = (f"{_WORDS['bls'[axis]]} = {sizes[axis]}" for axis in (first, second))
            yield " and ".join(said), other


def _clipped(window: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "h w"]:
    """``window`` without its few largest and least values, which would hide how alike the others are."""
    known = np.nan_to_num(window, posinf=0.0, neginf=0.0)
    return np.asarray(known.clip(*np.percentile(known, (2, 98))))


def _centred(window: Float64[np.ndarray, "h w"]) -> Float64[np.ndarray, "h w"] | None:
    """``window`` as it differs from the means of its rows and columns; None where it does not.

    Where one axis holds bands the spectrum that all pixels share would else make them alike.
    """
    own = window - window.mean(axis=0) - window.mean(axis=1, keepdims=True) + window.mean()
    spread = float(own.std())
    return own / spread if spread > CENTRED * max(1.0, float(np.abs(window).max())) else None


def _down(windows: Sequence[Float64[np.ndarray, "h w"]]) -> float:
    """How alike values are to those in the next row."""
    products = sum(float((one[:-1] * one[1:]).sum()) for one in windows)
    squares = sum(float((one[:-1] ** 2).sum() + (one[1:] ** 2).sum()) for one in windows)
    return 2 * products / squares if squares else 0.0
