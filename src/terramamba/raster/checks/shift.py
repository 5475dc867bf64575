"""How far two dates are apart, to a part of a pixel, by phase correlation.

Both dates become maps of the direction of their brightness gradient, band by band, as orientation correlation
does (Fitch et al. 2002): light, haze and contrast drop out, and an area that changed weighs no more than
others. The phase of their cross-power spectrum has a peak at the shift, which is looked for at whole pixels,
then, with both dates cut to their common ground, between pixels by a matrix Fourier transform
(Guizar-Sicairos et al. 2008). Frequencies near the limit of sampling, which are aliased, weigh little.

c band   h, w rows and columns   u, v steps between pixels
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Complex64, Float, Shaped
from scipy import fft

from terramamba.raster.scene import Scene
from terramamba.raster.windows import MOST_DECODED, Storage, Window

SIDE = 256
"""Side of the windows that are compared."""
LEAST_SIDE = 32
WINDOWS_PER_AXIS = 4
BANDS = 6
"""At most this many bands are compared, evenly chosen."""

LEAST_DATA = 0.3
"""Windows with data of both dates at a smaller share of their pixels are passed over."""
LEAST_PEAK = 9.0
"""A peak counts from this many times the root mean square of its surroundings. Unrelated real images (CLCD,
LEVIR-CD, DSIFN, WHU, 256 x 256 pixels) reached 7.8 at most."""
AGREEMENT = 1.0
"""Windows agree with their median when they are at most this many pixels off it."""

BLUR = 0.15
"""Weight of a frequency f (cycles a pixel): exp(-f^2 / (2 BLUR^2))."""
SEARCHES = ((1.0, 0.1), (0.1, 0.01))
"""Half width and step, in pixels, of the searches between pixels."""

Dates = tuple[
    Shaped[np.ndarray, "c h w"],
    Shaped[np.ndarray, "c h w"],
    Bool[np.ndarray, "h w"],
    Bool[np.ndarray, "h w"],
]
"""Both dates in a window, and where each is valid."""


@dataclass(frozen=True)
class Shift:
    """Where the second date shows what the first shows: so many rows further down, columns further right.

    The medians over the windows that agree; ``deviation`` is the median distance from them, all in pixels of
    the first. ``windows`` were compared and ``agreeing`` count; where none do, there is no estimate and the
    numbers are 0.
    """

    down: float
    right: float
    deviation: float
    windows: int
    agreeing: int

    @property
    def known(self) -> bool:
        """True where there is an estimate."""
        return self.agreeing > 0

    @property
    def pixels(self) -> float:
        """Length of the shift in pixels."""
        return float(np.hypot(self.down, self.right))


def estimate_shift(first: Scene, second: Scene) -> Shift:
    """Estimate the shift between two scenes of one size, from up to 16 windows at full resolution.

    There is no estimate where fewer than half of the windows with a clear peak agree.

    Raises:
        InputError: a file is damaged.
    """
    shifts, compared = [], 0
    for before, after, before_valid, after_valid in compared_windows(first, second):
        compared += 1
        shift = window_shift(before, after, before_valid, after_valid)
        if shift is not None:
            shifts.append(shift)
    if not shifts:
        return Shift(0.0, 0.0, 0.0, compared, 0)
    each = np.array(shifts)
    away = np.abs(each - np.median(each, axis=0)).max(axis=1)
    agreeing = each[away <= AGREEMENT]
    if 2 * len(agreeing) < len(each):
        return Shift(0.0, 0.0, 0.0, compared, 0)
    down, right = np.median(agreeing, axis=0)
    deviation = np.median(np.abs(agreeing - (down, right)).max(axis=1))
    return Shift(float(down), float(right), float(deviation), compared, len(agreeing))


def compared_windows(first: Scene, second: Scene) -> Iterator[Dates]:
    """Yield what two scenes of one size hold in up to 16 windows, spread over them, and where it is valid.

    Windows with too little data of both are passed over.

    Raises:
        InputError: a file is damaged.
    """
    assert first.grid.window == second.grid.window
    bands = _bands(first, second)
    storage = max((date.storage.times(len(bands)) for date in (first, second)), key=Storage.block_bytes)
    for window in _windows(first.height, first.width, storage):
        (before, known), (after, also_known) = (scene.read(window, bands) for scene in (first, second))
        before_valid, after_valid = with_data(before, known), with_data(after, also_known)
        if (before_valid & after_valid).mean() >= LEAST_DATA:
            yield before, after, before_valid, after_valid


def with_data(
    values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "c h w"]
) -> Bool[np.ndarray, "h w"]:
    """Tell which pixels are valid, and no NaN, in all bands."""
    return np.asarray((valid & np.isfinite(values)).all(axis=0))


def window_shift(
    first: Shaped[np.ndarray, "c h w"],
    second: Shaped[np.ndarray, "c h w"],
    first_valid: Bool[np.ndarray, "h w"],
    second_valid: Bool[np.ndarray, "h w"],
) -> tuple[float, float] | None:
    """Estimate how many rows down and columns right ``second`` shows what ``first`` shows.

    Phase correlation of the directions of gradients, over all bands: see the module. Shifts above half a side
    are not seen.

    Returns:
        Rows down and columns right, in pixels; None where no peak stands out: nothing in common, or no
        texture.
    """
    return pooled_shift([(first, second, first_valid, second_valid)])


def pooled_shift(windows: Sequence[Dates]) -> tuple[float, float] | None:
    """Estimate the shift that windows of one size have in common, as ``window_shift`` does.

    What is too small to tell it alone tells it together: 24 pairs of 64 x 64 pixels do, of which 2 do alone.
    """
    dates = [
        (_directions(first, first_valid), _directions(second, second_valid))
        for first, second, first_valid, second_valid in windows
    ]
    spectrum = _blurred(np.sum([_cross_power(*pair, whitening=1.0) for pair in dates], axis=0))
    surface = fft.ifft2(spectrum).real
    level = float(np.sqrt(np.mean(surface**2)))
    if not level or surface.max() < LEAST_PEAK * level:
        return None
    peak = np.unravel_index(surface.argmax(), surface.shape)
    down, right = (int(fft.fftfreq(n, 1 / n)[i]) for n, i in zip(surface.shape, peak, strict=True))
    (own_rows, other_rows), (own_cols, other_cols) = (
        _common(length, moved) for length, moved in zip(surface.shape, (down, right), strict=True)
    )
    cut = [(one[:, own_rows, own_cols], other[:, other_rows, other_cols]) for one, other in dates]
    # Half whitened, frequencies that both dates show well weigh more, which makes the place surer.
    spectrum = _blurred(np.sum([_cross_power(*pair, whitening=0.5) for pair in cut], axis=0))
    rest_down, rest_right = _between_pixels(spectrum)
    return down + rest_down, right + rest_right


def _directions(
    values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "h w"]
) -> Complex64[np.ndarray, "c h w"]:
    """Return the gradient's direction as a complex number, short where weak, 0 beside missing pixels."""
    image = values.astype(np.float32)
    valid = valid & np.isfinite(image).all(axis=0)
    image = np.where(valid, image, np.float32(0))
    inner = valid.copy()
    inner[1:] &= valid[:-1]
    inner[:-1] &= valid[1:]
    inner[:, 1:] &= valid[:, :-1]
    inner[:, :-1] &= valid[:, 1:]
    down, right = (np.asarray(part) for part in np.gradient(image, axis=(1, 2)))
    steep = np.sqrt(down**2 + right**2)
    result = np.zeros(image.shape, np.complex64)
    for band in range(len(image)):
        seen = steep[band][inner]
        typical = np.median(seen) if seen.size else 0.0
        typical = typical or (seen.mean() if seen.size else 0.0)
        if typical > 0:
            strength = np.hypot(steep[band], typical)
            result[band] = np.where(inner, (right[band] + 1j * down[band]) / strength, 0)
    return result


def _cross_power(
    first: Complex64[np.ndarray, "c h w"], second: Complex64[np.ndarray, "c h w"], whitening: float
) -> Complex[np.ndarray, "h w"]:
    """Sum the bands' cross-power spectra, each divided by its amplitude to the power ``whitening``."""
    height, width = first.shape[1:]
    edge = np.outer(np.hanning(height), np.hanning(width)).astype(np.float32)
    spectra = []
    for date in (first, second):
        seen = date != 0
        mean = date.sum(axis=(1, 2), keepdims=True) / np.maximum(seen.sum(axis=(1, 2), keepdims=True), 1)
        spectra.append(fft.fft2(np.where(seen, date - mean, 0) * edge))
    cross = spectra[1] * np.conj(spectra[0])
    return np.asarray((cross / np.maximum(np.abs(cross), 1e-12) ** whitening).sum(axis=0))


def _blurred(spectrum: Complex[np.ndarray, "h w"]) -> Complex[np.ndarray, "h w"]:
    down, right = _frequencies(spectrum.shape)
    weights = np.outer(*(np.exp(-0.5 * (axis / BLUR) ** 2) for axis in (down, right)))
    return np.asarray(spectrum * weights)


def _between_pixels(spectrum: Complex[np.ndarray, "h w"]) -> tuple[float, float]:
    """Find the highest value of the correlation surface within a pixel of its origin."""
    frequencies = _frequencies(spectrum.shape)
    peak = np.zeros(2)
    for half, step in SEARCHES:
        steps = np.arange(-round(half / step), round(half / step) + 1) * step
        down, right = (
            np.exp(2j * np.pi * np.outer(axis, start + steps))
            for axis, start in zip(frequencies, peak, strict=True)
        )
        surface: Float[np.ndarray, "u v"] = (down.T @ spectrum @ right).real
        highest = np.unravel_index(surface.argmax(), surface.shape)
        peak = peak + steps[list(highest)]
    return float(peak[0]), float(peak[1])


def _frequencies(shape: Sequence[int]) -> tuple[Float[np.ndarray, " h"], Float[np.ndarray, " w"]]:
    return np.asarray(fft.fftfreq(shape[0])), np.asarray(fft.fftfreq(shape[1]))


def _common(length: int, moved: int) -> tuple[slice, slice]:
    """Return the parts of two rows of pixels that show the same where the second's is ``moved`` ahead."""
    return slice(max(0, -moved), length - max(0, moved)), slice(max(0, moved), length - max(0, -moved))


def _bands(first: Scene, second: Scene) -> tuple[int, ...]:
    good = [i for i in range(first.bands) if not (first.bad_bands[i] or second.bad_bands[i])]
    good = good or list(range(first.bands))
    chosen = np.linspace(0, len(good) - 1, min(BANDS, len(good))).round().astype(int)
    return tuple(good[i] for i in chosen)


def _windows(height: int, width: int, storage: Storage) -> list[Window]:
    """Place windows over the image, evenly; none where it is too small, fewer where blocks are large."""
    if min(height, width) < LEAST_SIDE:
        return []
    for number in range(WINDOWS_PER_AXIS, 0, -1):
        down, right = _spans(height, number), _spans(width, WINDOWS_PER_AXIS)
        if storage.decoded(down, right) <= MOST_DECODED:
            return [Window(row.start, col.start, len(row), len(col)) for row in down for col in right]
    return []


def _spans(length: int, most: int) -> list[range]:
    count = min(most, -(-length // SIDE))
    starts = np.linspace(0, max(0, length - SIDE), count).round().astype(int).tolist()
    return [range(start, start + min(SIDE, length)) for start in starts]
