"""Dates made comparable before they are compared: the later one moved onto the earlier, and as bright.

c band   m pixels
"""

import numpy as np
import torch
from jaxtyping import Float64

from terramamba.core.errors import InputError
from terramamba.models.baselines.ir_mad import reweighted_chi2
from terramamba.raster.checks.pair import shift_in_words
from terramamba.raster.checks.shift import estimate_shift
from terramamba.raster.scene import Scene
from terramamba.raster.views.linear import MATCHED, in_float32, with_brightness
from terramamba.raster.views.shifted import MOVED, shifted
from terramamba.raster.windows import sample_windows

PIXELS_AT_MOST = 1_000_000
"""Pixels that brightness is fitted on, in windows all over the pair."""

LEAST_SHIFT = 0.05
"""Dates less than this many pixels apart are not resampled, which would blur the later one for nothing."""

ITERATIONS = 30
UNCHANGED = 0.95
"""From which probability of no change on a pixel is fitted to (Canty and Nielsen 2008)."""

LEAST_UNCHANGED = 100


def make_comparable(
    before: Scene, after: Scene, *, correct_shift: bool = False, match_radiometry: bool = False
) -> tuple[Scene, Scene]:
    """Return both dates, ``after`` moved onto ``before`` and as bright where that is asked for.

    Notes of the later say how.

    Raises:
        InputError: the shift cannot be estimated, or too little stayed the same to fit brightness on.
    """
    if correct_shift:
        after = _moved(before, after)
    return (in_float32(before), _matched(before, after)) if match_radiometry else (before, after)


def changes_in_words(after: Scene) -> list[str]:
    """Say what ``make_comparable`` did to a date."""
    return [f"{after.path} was {note}" for note in after.notes if note.startswith(MOVED)] + [
        f"{after.path}: {note}" for note in after.notes if note.startswith(MATCHED)
    ]


def _moved(before: Scene, after: Scene) -> Scene:
    found = estimate_shift(before, after)
    if not found.known:
        raise InputError(f"--correct-shift: the shift {shift_in_words(found)}; leave it out")
    return after if found.pixels < LEAST_SHIFT else shifted(after, found.down, found.right)


def _matched(before: Scene, after: Scene) -> Scene:
    first, second = _sampled(before, after)
    bands = len(first)
    if first.shape[1] <= 2 * bands:
        raise InputError("--match-radiometry: the dates have too little data in common; leave it out")
    chi2 = reweighted_chi2(torch.from_numpy(first), torch.from_numpy(second), ITERATIONS)
    same = torch.special.gammaincc(torch.full_like(chi2, bands / 2), chi2 / 2).numpy() >= UNCHANGED
    if np.count_nonzero(same) < LEAST_UNCHANGED:
        raise InputError(
            f"--match-radiometry: only {np.count_nonzero(same)} of {len(same)} pixels look unchanged, too few"
            " to fit brightness on; leave it out"
        )
    lines = [_line(x, y) for x, y in zip(second[:, same], first[:, same], strict=True)]
    unlike = [str(band + 1) for band, line in enumerate(lines) if line is None]
    if unlike:
        raise InputError(
            f"--match-radiometry: band {', '.join(unlike)} of the unchanged pixels does not vary alike at"
            " both dates; leave it out, or that band with --bands"
        )
    gains, offsets = zip(*(line for line in lines if line is not None), strict=True)
    return with_brightness(after, gains, offsets)


def _sampled(before: Scene, after: Scene) -> tuple[Float64[np.ndarray, "c m"], Float64[np.ndarray, "c m"]]:
    """The pixels with data at both dates, of windows all over the pair."""
    bands = tuple(range(before.bands))
    found = []
    for window in sample_windows(before.height, before.width, PIXELS_AT_MOST):
        dates = [scene.read(window, bands) for scene in (before, after)]
        usable = np.logical_and.reduce([(valid & np.isfinite(values)).all(axis=0) for values, valid in dates])
        found.append(np.stack([values[:, usable].astype(np.float64) for values, _ in dates]))
    first, second = np.concatenate(found, axis=2)
    return first, second


def _line(x: Float64[np.ndarray, " m"], y: Float64[np.ndarray, " m"]) -> tuple[float, float] | None:
    """Gain and offset that bring ``x`` to ``y``, by orthogonal regression: both have noise."""
    (xx, xy), (_, yy) = np.cov(x, y)
    if xy <= 0:
        return None
    gain = (yy - xx + np.hypot(yy - xx, 2 * xy)) / (2 * xy)
    return float(gain), float(y.mean() - gain * x.mean())
