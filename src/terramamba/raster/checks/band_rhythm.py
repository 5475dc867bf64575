"""In which rhythm do bands follow each other in a file? Each has its own mean and spread, which come back.

Where bands are interleaved by pixel, every b-th number is of one band, where by line, every b-th line; where
they are not, nothing comes back. b bands   n pixels or lines
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Shaped

from terramamba.raster.readers.envi_header import Interleave

PARTS, PIXELS = 24, 64
"""Parts of the file that are looked at, and pixels of one, where numbers are by pixel."""
CERTAIN, LEAST = 3.5, 0.05
"""A rhythm is so many standard errors large, and this part of the spread. Of 81 photographs of three bands it
is 9 and 0.3 in the median where there is one, where there is none 2 and 0.04 at most."""

FLAT = 0.1
"""Is added to spreads, of which constant bands and pixels without data would else outweigh all."""
LEAST_MIXED = 8
"""Where an image is a few times so many lines or columns as there are bands, it comes back itself."""

Flat = Callable[[int, int], Shaped[np.ndarray, " n"]]
"""Reads numbers of a file as they follow each other, from one place to another."""


@dataclass(frozen=True)
class Rhythm:
    """How large a rhythm is that all parts have in common, and how many standard errors that is."""

    size: float
    certain: float

    @property
    def is_sure(self) -> bool:
        """Whether bands follow each other so."""
        return self.certain >= CERTAIN and self.size >= LEAST


def rhythms_of(read: Flat, sizes: tuple[int, int, int]) -> Mapping[Interleave, Rhythm] | None:
    """Return the rhythm by pixel (bip) and by line (bil); None where lines or pixels are too few for any."""
    bands, lines, samples = sizes
    if bands < 2 or min(length // math.gcd(length, bands) for length in (lines, samples)) < LEAST_MIXED:
        return None
    wide = bands * samples
    return {
        "bip": _rhythm(
            lambda first: read(first * bands, (first + PIXELS) * bands).reshape(-1, bands),
            lines * samples - PIXELS,
        ),
        "bil": _rhythm(lambda first: read(first * wide, (first + 1) * wide).reshape(bands, -1).T, lines - 1),
    }


def order_of(rhythms: Mapping[Interleave, Rhythm] | None) -> Interleave | None:
    """Say in which order bands surely follow each other; None: nothing is sure."""
    # of what lies by pixel thirds of a line may come back, too, but not the other way round
    return next((order for order, rhythm in (rhythms or {}).items() if rhythm.is_sure), None)


def _rhythm(part: Callable[[int], Shaped[np.ndarray, "n b"]], last: int) -> Rhythm:
    found = list[Float64[np.ndarray, " _"]]()
    # at places without order: at even ones every band may be read where the image is the same
    for first in np.random.default_rng(0).integers(0, max(0, last) + 1, PARTS).tolist():
        values = np.nan_to_num(np.asarray(part(first), np.float64), posinf=0.0, neginf=0.0)
        spread = float(values.std())
        if spread > 0:
            logs = np.log(values.std(axis=0) / spread + FLAT)
            found.append(np.concatenate([(values.mean(axis=0) - values.mean()) / spread, logs - logs.mean()]))
    if len(found) < PARTS // 2:
        return Rhythm(0.0, 0.0)
    each = np.array(found)
    size = float(np.linalg.norm(each.mean(axis=0)))
    error = float(np.linalg.norm(each.std(axis=0)) / np.sqrt(len(each)))
    return Rhythm(size / math.sqrt(each.shape[1] / 2), size / max(error, 1e-9))
