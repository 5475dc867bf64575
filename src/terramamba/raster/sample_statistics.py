"""Range of values and fraction without data, from a sample of a scene's pixels."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.checks.fill import Fill, Part, probable_fill
from terramamba.raster.scene import Scene
from terramamba.raster.windows import sample_windows

MOST_VALUES = 8_000_000
"""At most this many values are read for the range and the fraction without data."""


@dataclass(frozen=True)
class Statistics:
    """Range of valid values, fraction of pixels without data in some or in all bands.

    ``minimum`` and ``maximum`` are None where no value is valid. Bands without any data do not count for
    ``some_missing`` and are listed (0-based) in ``empty_bands``. ``sampled`` is the fraction of the pixels
    that were read; the others are taken to be like them. ``fill`` are values that probably stand for no data.
    """

    minimum: float | None
    maximum: float | None
    all_missing: float
    some_missing: float
    empty_bands: tuple[int, ...]
    not_finite: float
    sampled: float
    fill: tuple[Fill, ...]


def sample_statistics(scene: Scene) -> Statistics:
    """Estimate range and missing data from at most ``MOST_VALUES`` values; exact for scenes with no more."""
    samples = _samples(scene, tuple(range(scene.bands)), MOST_VALUES)
    values, valid = _joined(samples)
    return _statistics(values, valid, values.shape[1] / scene.grid.window.pixels, _fill(scene, samples))


def _fill(scene: Scene, samples: Sequence[Part]) -> tuple[Fill, ...]:
    """What probably stands for no data, which is told by the values as they are stored."""
    declared, bands = scene.declared, range(scene.bands)
    if declared is None:
        return probable_fill(samples)
    return probable_fill([(declared.as_stored(values, bands), valid) for values, valid in samples])


def sample_values(
    scene: Scene, bands: Sequence[int], most: int
) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
    """Read at most ``most`` values of ``bands`` from all over the scene, or all, and tell which are data.

    Of larger scenes, overviews are read where the file has them, and else windows spread over the scene.
    """
    return _joined(_samples(scene, bands, most))


def _samples(scene: Scene, bands: Sequence[int], most: int) -> list[Part]:
    pixels = most // max(len(bands), 1)
    if scene.overviews:
        return [scene.preview(max(1, isqrt(pixels)), bands)]
    return [scene.read(window, bands) for window in sample_windows(scene.height, scene.width, pixels)]


def _joined(samples: Sequence[Part]) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
    values, valid = (
        np.concatenate([sample[i].reshape(len(sample[i]), -1) for sample in samples], 1) for i in (0, 1)
    )
    return values, valid


def _statistics(
    values: Shaped[np.ndarray, "c n"],
    valid: Bool[np.ndarray, "c n"],
    sampled: float,
    fill: tuple[Fill, ...],
) -> Statistics:
    data = values[valid]
    finite = data[np.isfinite(data)]
    filled = valid.any(axis=1)
    present = valid[filled] if filled.any() else valid
    return Statistics(
        minimum=float(finite.min()) if finite.size else None,
        maximum=float(finite.max()) if finite.size else None,
        all_missing=float(1 - valid.any(axis=0).mean()),
        some_missing=float(1 - present.all(axis=0).mean()),
        empty_bands=tuple(int(band) for band in np.flatnonzero(~filled)),
        not_finite=float(1 - finite.size / data.size) if data.size else 0.0,
        sampled=sampled,
        fill=fill,
    )
