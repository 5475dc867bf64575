"""Whether two images show one place at all, by the directions of their edges.

The direction of the brightness gradient is a complex number of length 1 at each pixel. Where two dates show
the same edges, these agree (their correlation, over small shifts, is well above 0), or stand opposite, where
what was brighter is darker now (then the correlation of their squares is). Of images of two places both are
small.
"""

from collections.abc import Callable, Mapping

import numpy as np
from jaxtyping import Complex, Float, Shaped
from scipy import fft
from scipy.ndimage import gaussian_filter

from terramamba.raster.checks.shift import SIDE, Dates, compared_windows, with_data
from terramamba.raster.sample_statistics import some_bands
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

BLUR, FARTHEST = 1.5, 8
"""Pixels that edges are smoothed over, and that the dates may lie apart."""
COLOURS = 3
"""At most so many bands are looked at in the middle of two dates."""
WINDOWS = 4
"""At most so many windows are looked at; only those of full size, for which LEAST was measured."""
LEAST = 0.06
"""Sum of both correlations, at the median window, below which dates share hardly anything. In single windows
of the test images of CLCD, LEVIR-CD and DSIFN-CD: 2 of 59 pairs (3 %) and 49 of 59 pairs put together
wrongly (83 %) lie below; wrong ones reached 0.09, pairs have 0.28 at the median of CLCD."""

TURNED, TIMES_BETTER = 0.15, 2.0
"""A date fits turned where it agrees so much, and so many times better than as it lies. Of 230 real pairs
none does; turned on purpose, 3 of 4."""
Turn = Callable[[Shaped[np.ndarray, "... s s"]], Shaped[np.ndarray, "... s s"]]
TURNS: Mapping[str, Turn] = {
    "upside down": lambda image: image[..., ::-1, :],
    "mirrored from left to right": lambda image: image[..., ::-1],
    "turned by half a circle": lambda image: image[..., ::-1, ::-1],
    "with rows and columns exchanged": lambda image: image.swapaxes(-1, -2),
    "turned by a quarter to the left": lambda image: np.rot90(image, 1, (-2, -1)),
    "turned by a quarter to the right": lambda image: np.rot90(image, -1, (-2, -1)),
    "with rows and columns exchanged, upside down": lambda image: np.rot90(
        image.swapaxes(-1, -2), 2, (-2, -1)
    ),
}


def shared_edges(first: Scene, second: Scene) -> float | None:
    """Measure how much the edges of two scenes of one size agree; None where they are too small to tell.

    Raises:
        InputError: a file is damaged.
    """
    found: list[float] = []
    for dates in compared_windows(first, second):
        if dates[0].shape[1:] == (SIDE, SIDE):
            found.append(_agreement(dates))
        if len(found) == WINDOWS:
            break
    return float(np.median(found)) if found else None


def turned_date(first: Scene, second: Scene) -> str | None:
    """Say how the second of two scenes of one size is turned, where its edges fit the first's so alone.

    Judged on the middle of both, where each turn leaves it; None also where they are too small to tell.

    Raises:
        InputError: a file is damaged.
    """
    height, width = first.height, first.width
    if min(height, width) < SIDE:
        return None
    middle = Window((height - SIDE) // 2, (width - SIDE) // 2, SIDE, SIDE)
    bands = some_bands(first)[:COLOURS]
    (before, known), (after, also_known) = (scene.read(middle, bands) for scene in (first, second))
    valid, also_valid = with_data(before, known), with_data(after, also_known)
    as_it_lies = _agreement((before, after, valid, also_valid))
    turns = {
        way: _agreement((before, turn(after), valid, turn(also_valid)))
        for way, turn in TURNS.items()
        if height == width or not way.startswith(("with", "turned by a quarter"))
    }
    way = max(turns, key=lambda one: turns[one])
    return way if turns[way] >= max(TURNED, TIMES_BETTER * as_it_lies) else None


def _agreement(dates: Dates) -> float:
    before, after, *known = dates
    one, other = (
        _directions(np.where(valid, image, 0).astype(np.float32).mean(axis=0), valid)
        for image, valid in zip((before, after), known, strict=True)
    )
    return _peak(one, other) + _peak(one**2, other**2)


def _directions(grey: Float[np.ndarray, "h w"], valid: np.ndarray) -> Complex[np.ndarray, "h w"]:
    down, right = np.gradient(gaussian_filter(grey, BLUR))
    length = np.hypot(down, right)
    return np.where(valid & (length > 0), (right + 1j * down) / np.maximum(length, 1e-12), 0)


def _peak(one: Complex[np.ndarray, "h w"], other: Complex[np.ndarray, "h w"]) -> float:
    """The largest correlation over small shifts."""
    over = fft.ifft2(fft.fft2(one) * np.conj(fft.fft2(other))).real / one.size
    near = np.r_[: FARTHEST + 1, -FARTHEST:0]
    return float(over[np.ix_(near, near)].max())
