"""One scaling for both dates of all training pairs."""

import hashlib
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
    """Of those of the dates: of the values that were read, and of which are there."""

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
    chosen = tuple(range(bands)) if used is None else tuple(used)
    for pair in pairs:
        for scene in pair.open():
            require_bands(scene, bands)
    seen = (date for pair in pairs for date in values_of(pair, chosen, len(pairs)))
    return _fitted(seen, chosen, pairs[0].before, f"the {len(pairs)} training pairs")


def fit_dates(dates: Sequence[Scene], used: Sequence[int], first: str, among: str) -> FittedPairs:
    """Fit as ``fit_pairs`` to the ``used`` bands of images.

    Raises:
        InputError: as ``fit_pairs``, in words: ``first`` is one of the images, ``among`` are all.
    """
    for date in dates:
        require_bands(date, dates[0].bands)
    seen = (_values_in(date, date.grid.window, used, _sampled_of(len(dates))) for date in dates)
    return _fitted(seen, used, first, among)


def values_of(
    pair: PairFiles, used: Sequence[int], number: int, dates: Sequence[Scene] | None = None
) -> "tuple[DateValues, ...]":
    """Sum up ``used`` bands of both dates of one of ``number`` training pairs; ``dates`` are those, if open.

    Raises ``InputError`` where a file is damaged.
    """
    most = _sampled_of(2 * number)

    def look() -> tuple[DateValues, ...]:
        opened = pair.open() if dates is None else dates
        return tuple(_values_in(date, pair.window or date.grid.window, used, most) for date in opened)

    return pair.facts.once(("sums", *pair.reading, pair.window, pair.exchanged, tuple(used), most), look)


def _sampled_of(dates: int) -> int:
    return max(LEAST_SAMPLE, SAMPLED_PIXELS // dates)


@dataclass(frozen=True, eq=False)
class DateValues:
    """What the values of one date come to; pixels with NaN or infinity are ``not_finite``."""

    moments: "_Moments"
    not_finite: int
    low: Float64[np.ndarray, " c"]
    high: Float64[np.ndarray, " c"]
    sample: Shaped[np.ndarray, "c n"]
    """Values of some pixels that have data in all bands."""
    digest: str


def _values_in(scene: Scene, area: Window, chosen: Sequence[int], most: int) -> DateValues:
    """Sum up bands of a date in ``area``, and sample about ``most`` of its pixels."""
    sums = _Moments(*np.zeros((3, len(chosen))))
    not_finite, digest = 0, ArrayDigest()
    low, high = np.full(len(chosen), np.inf), np.full(len(chosen), -np.inf)
    sample: list[Shaped[np.ndarray, "c n"]] = []
    step = max(1, area.pixels // most)
    rows = max(1, VALUES_PER_READ // (area.width * len(chosen)))
    for strip in strips(area.height, area.width, rows):
        inside = Window(area.row + strip.row, area.col + strip.col, *strip.shape)
        values, valid = scene.read(inside, chosen)
        digest.add(values, valid)
        finite = np.isfinite(values)
        not_finite += int(np.count_nonzero((valid & ~finite).any(axis=0)))
        known = valid & finite
        sums = sums.joined(_Moments.of(values, known))
        for ends, empty, least in ((low, np.inf, np.minimum), (high, -np.inf, np.maximum)):
            flat = (values if known.all() else np.where(known, values, empty)).reshape(len(chosen), -1)
            least(ends, least.reduce(flat, axis=1), out=ends)
        sample.append(values[:, known.all(axis=0)][:, ::step])
    return DateValues(sums, not_finite, low, high, np.concatenate(sample, axis=1), digest.text)


def _fitted(seen: Iterable[DateValues], chosen: Sequence[int], first: str, among: str) -> FittedPairs:
    sums, not_finite, digest = _Moments(*np.zeros((3, len(chosen)))), 0, hashlib.sha256()
    ends = np.full(len(chosen), np.inf), np.full(len(chosen), -np.inf)
    samples: list[Float64[np.ndarray, "c n"]] = []
    for date in seen:
        sums, not_finite = sums.joined(date.moments), not_finite + date.not_finite
        ends = np.minimum(ends[0], date.low), np.maximum(ends[1], date.high)
        samples.append(date.sample.astype(np.float64))
        digest.update(date.digest.encode())
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
    scaling = Scaling.from_moments(sums.mean, deviation, tuple(chosen))
    sample = np.concatenate(samples, axis=1)
    if not sample.shape[1]:  # no pixel with data in all bands
        sample = np.stack([sums.mean, sums.mean], axis=1)
    scales = Scales.of(sample)
    far = scales.far_value(*ends)
    most_far = None if far is None else (chosen[far[0]], far[1])
    return FittedPairs(scaling, not_finite, scales, most_far, digest.hexdigest())


@dataclass(frozen=True)
class _Moments:
    """Number, mean and sum of squared deviations of each band's values; joined as Chan et al. (1979) do."""

    count: Float64[np.ndarray, " c"]
    mean: Float64[np.ndarray, " c"]
    squares: Float64[np.ndarray, " c"]

    @classmethod
    def of(cls, values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "c h w"]) -> "_Moments":
        whole = bool(valid.all())
        wide = (values if whole else np.where(valid, values, 0)).astype(np.float64)
        count = valid.sum(axis=(1, 2), dtype=np.float64)
        mean = wide.sum(axis=(1, 2)) / np.maximum(count, 1)
        apart = wide - mean[:, None, None]
        squares = ((apart if whole else np.where(valid, apart, 0)) ** 2).sum(axis=(1, 2))
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
