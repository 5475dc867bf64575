"""Range of values and fraction without data, from a sample of a scene's pixels."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.raster.checks import byte_order
from terramamba.raster.checks.file_layout import probably_other_layout
from terramamba.raster.checks.fill_values import Fill, Part, probable_fill
from terramamba.raster.checks.scaled_twice import probably_scaled_twice
from terramamba.raster.checks.stored_type import probably_other_type
from terramamba.raster.checks.unlike_tiles import unlike_tiles
from terramamba.raster.checks.wrapped_values import Wrapped, probably_wrapped
from terramamba.raster.scene import Scene
from terramamba.raster.scene_files import each_file
from terramamba.raster.windows import MOST_DECODED, Window, evenly_spaced, sample_windows

MOST_VALUES = 8_000_000
"""At most this many values are read for the range and the fraction without data."""
MOST_BANDS = 512
"""At most so many bands are looked at."""
MOST_BAND_READS = 1 << 18
"""Of scenes with more than 1,024 bands, fewer windows than 256 are read: each band takes its time."""


@dataclass(frozen=True)
class Statistics:
    """Range of valid values, fraction of pixels without data in some or in all bands.

    ``minimum`` and ``maximum`` are None where no value is valid. Bands without any data do not count for
    ``some_missing`` and are listed (0-based) in ``empty_bands``. ``sampled`` is the fraction of the pixels
    that were read, in ``bands``; the others are taken to be like them. ``fill`` are values that probably
    stand for no data, ``wrapped`` those that probably lost their sign. ``swapped``: all are probably read
    with their bytes in the wrong order. ``misread`` says that a header probably describes its file wrongly.
    ``unlike`` names tiles in other units than the others. ``scaled`` says that a declared scale was probably
    applied before.
    """

    minimum: float | None
    maximum: float | None
    all_missing: float
    some_missing: float
    empty_bands: tuple[int, ...]
    not_finite: float
    sampled: float
    bands: tuple[int, ...]
    fill: tuple[Fill, ...] = ()
    wrapped: Wrapped | None = None
    swapped: bool = False
    misread: str | None = None
    unlike: tuple[str, ...] = ()
    scaled: str | None = None

    @property
    def doubts(self) -> tuple[str, ...]:
        """Say which values are probably not what they stand for."""
        if self.swapped:
            return (byte_order.IN_WORDS,)
        filled = tuple(fill.in_words() for fill in self.fill)
        if self.misread is not None:
            return (self.misread, *filled)
        wrapped = () if self.wrapped is None else (self.wrapped.in_words(),)
        scaled = () if self.scaled is None else (self.scaled,)
        return (*filled, *wrapped, *self.unlike, *scaled)


def sample_statistics(scene: Scene) -> Statistics:
    """Estimate range and missing data from at most ``MOST_VALUES`` values; exact for scenes with no more."""
    bands = some_bands(scene)
    samples = _samples(scene, bands, MOST_VALUES)
    values, valid = _joined(samples)
    sampled = values.shape[1] / scene.grid.window.pixels
    stored = samples
    if (declared := scene.declared) is not None:
        stored = [(declared.as_stored(part, bands), known) for part, known in samples]
    wrapped = probably_wrapped(stored)
    fill = tuple(one for one in probable_fill(stored) if wrapped is None or not wrapped.holds(one.value))
    swapped = byte_order.probably_swapped(stored)
    misread = (
        None if swapped else probably_other_type(stored, fill) or probably_other_layout(each_file(scene))
    )
    found = _statistics(values, valid, bands, sampled)
    unlike = unlike_tiles(scene)
    scaled = None if declared is None else probably_scaled_twice(declared, stored)
    return replace(
        found, fill=fill, wrapped=wrapped, swapped=swapped, misread=misread, unlike=unlike, scaled=scaled
    )


def some_bands(scene: Scene) -> tuple[int, ...]:
    """Choose the bands of a sample: all of them but where they, or one block of each, are very many."""
    affordable = MOST_DECODED // scene.storage.decoded([range(1)], [range(1)])
    count = max(1, min(scene.bands, MOST_BANDS, affordable))
    return tuple(evenly_spaced(0, scene.bands, count).tolist())


def sample_values(
    scene: Scene, bands: Sequence[int], most: int
) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
    """Read at most ``most`` values of ``bands`` from all over the scene, or all, and tell which are data.

    Of larger scenes, overviews are read where the file has them, and else windows spread over the scene.
    """
    return _joined(_samples(scene, bands, most))


def spread_windows(scene: Scene, bands: Sequence[int], most: int) -> list[Window]:
    """Place windows over the scene, or one on all of it, that hold at most ``most`` values of ``bands``."""
    pixels = most // max(len(bands), 1)
    number = max(1, MOST_BAND_READS // scene.bands)
    return sample_windows(scene.height, scene.width, pixels, scene.storage.times(len(bands)), number)


def _samples(scene: Scene, bands: Sequence[int], most: int) -> list[Part]:
    if scene.overviews:
        return [scene.preview(max(1, isqrt(most // max(len(bands), 1))), bands)]
    return [scene.read(window, bands) for window in spread_windows(scene, bands, most)]


def _joined(samples: Sequence[Part]) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
    values, valid = (
        np.concatenate([sample[i].reshape(len(sample[i]), -1) for sample in samples], 1) for i in (0, 1)
    )
    return values, valid


def _statistics(
    values: Shaped[np.ndarray, "c n"],
    valid: Bool[np.ndarray, "c n"],
    bands: Sequence[int],
    sampled: float,
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
        empty_bands=tuple(bands[i] for i in np.flatnonzero(~filled).tolist()),
        not_finite=float(1 - finite.size / data.size) if data.size else 0.0,
        sampled=sampled,
        bands=tuple(bands),
    )
