"""One scaling for both dates of all training pairs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Shaped

from terramamba.core.array_digest import ArrayDigest
from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.scaling import Scaling
from terramamba.raster.checks.scales import Scales, far_in_words
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips

VALUES_PER_READ = 16_000_000
SAMPLED_PIXELS, LEAST_SAMPLE = 500_000, 200
"""Pixels whose values the quantiles are made of: of all pairs, and of each date at least."""


@dataclass(frozen=True)
class FittedPairs:
    """A scaling, and what was found on the way; ``not_finite`` pixels with NaN or infinity did not count."""

    scaling: Scaling
    not_finite: int
    scales: Scales
    far: tuple[int, float] | None
    """A band (0-based) and a value in it that is no measurement."""
    digest: str
    """Of the values that were read, and of which are there."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """Say which value is no measurement."""
        return () if self.far is None else (far_in_words("training pairs", *self.far),)

    @property
    def notes(self) -> tuple[str, ...]:
        """Say that, and how many pixels were passed over."""
        if not self.not_finite:
            return self.doubts
        return (
            *self.doubts,
            f"{self.not_finite:,} pixels of the training dates are NaN or infinite: no data, ignored at both"
            " dates of their pair",
        )


def fit_pair_scaling(pairs: Sequence[PairFiles], bands: int, used: Sequence[int] | None = None) -> Scaling:
    """Fit mean 0 and standard deviation 1 of ``used`` (None: all) of ``bands``; raises as ``fit_pairs``."""
    return fit_pairs(pairs, bands, used).scaling


def fit_pairs(pairs: Sequence[PairFiles], bands: int, used: Sequence[int] | None = None) -> FittedPairs:
    """Fit mean 0 and standard deviation 1 of ``used`` (None: all) of ``bands`` bands over both dates.

    Pixels without data, masked ones, NaN and infinity do not count. Read strip by strip, so that memory
    does not grow with the images.

    Raises:
        InputError: an image with another number of bands, or a band without data in all of them.
    """
    dates = ((scene, pair.window) for pair in pairs for scene in pair.open())
    return fit_dates(dates, 2 * len(pairs), bands, used, pairs[0].before, f"the {len(pairs)} training pairs")


def fit_dates(
    dates: Iterable[tuple[Scene, Window | None]],
    count: int,
    bands: int,
    used: Sequence[int] | None,
    first: str,
    among: str,
) -> FittedPairs:
    """Fit as ``fit_pairs`` to ``count`` images, each with the rectangle of it that counts (None: all).

    Raises:
        InputError: as ``fit_pairs``, in words: ``first`` is one of the images, ``among`` are all.
    """
    chosen = tuple(range(bands)) if used is None else tuple(used)
    sums = _Moments(*np.zeros((3, len(chosen))))
    not_finite, digest = 0, ArrayDigest()
    ends = np.full(len(chosen), np.inf), np.full(len(chosen), -np.inf)
    sample: list[Float64[np.ndarray, "c n"]] = []
    most = max(LEAST_SAMPLE, SAMPLED_PIXELS // count)
    for scene, window in dates:
        require_bands(scene, bands)
        area = window or scene.grid.window
        rows = max(1, VALUES_PER_READ // (area.width * len(chosen)))
        for strip in strips(area.height, area.width, rows):
            inside = Window(area.row + strip.row, area.col + strip.col, *strip.shape)
            values, valid = scene.read(inside, chosen)
            digest.add(values, valid)
            finite = np.isfinite(values)
            not_finite += int(np.count_nonzero((valid & ~finite).any(axis=0)))
            known = valid & finite
            sums = sums.joined(_Moments.of(values, known))
            for end, empty, least in ((0, np.inf, np.minimum), (1, -np.inf, np.maximum)):
                flat = np.where(known, values, empty).reshape(len(chosen), -1)
                least(ends[end], least.reduce(flat, axis=1), out=ends[end])
            whole = values[:, known.all(axis=0)]
            step = max(1, area.pixels // most)
            sample.append(whole[:, ::step].astype(np.float64))
    if not sums.count.any():
        raise InputError(
            f"{first}: no pixel of any of {among} has data; correct nodata values, or masks that leave out"
            " all of them"
        )
    if not sums.count.all():
        band = chosen[int(np.flatnonzero(sums.count == 0)[0])]
        raise InputError(
            f"{first}: band {band + 1} has no data in any of {among}; leave this band out of the files, or"
            " correct their nodata value"
        )
    deviation = np.sqrt(sums.squares / sums.count)
    scaling = Scaling.from_moments(sums.mean, deviation, chosen)
    seen = np.concatenate(sample, axis=1)
    if not seen.shape[1]:  # no pixel with data in all bands
        seen = np.stack([sums.mean, sums.mean], axis=1)
    scales = Scales.of(seen)
    far = scales.far_value(*ends)
    most_far = None if far is None else (chosen[far[0]], far[1])
    return FittedPairs(scaling, not_finite, scales, most_far, digest.text)


@dataclass(frozen=True)
class _Moments:
    """Number, mean and sum of squared deviations of each band's values; joined as Chan et al. (1979) do."""

    count: Float64[np.ndarray, " c"]
    mean: Float64[np.ndarray, " c"]
    squares: Float64[np.ndarray, " c"]

    @classmethod
    def of(cls, values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "c h w"]) -> "_Moments":
        wide = np.where(valid, values, 0).astype(np.float64)
        count = valid.sum(axis=(1, 2), dtype=np.float64)
        mean = wide.sum(axis=(1, 2)) / np.maximum(count, 1)
        squares = (np.where(valid, wide - mean[:, None, None], 0) ** 2).sum(axis=(1, 2))
        return cls(count, mean, squares)

    def joined(self, other: "_Moments") -> "_Moments":
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.count * share
        return _Moments(count, self.mean + apart * share, squares)


def require_bands(scene: Scene, bands: int) -> None:
    """Raise ``InputError`` where ``scene`` has another number of bands than ``bands``."""
    if scene.bands != bands:
        raise InputError(
            f"{scene.path}: has {scene.bands} bands, the others {bands}; give images of one kind"
        )
