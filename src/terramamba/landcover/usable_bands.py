"""Which bands of a scene can be learnt from, and which labelled pixels have data in all of them.

Judged on all labelled pixels before they are split, so that the answer is the same whatever the seed. NaN and
infinity are never data.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped, UInt8

from terramamba.core.errors import InputError
from terramamba.core.words import ranges
from terramamba.data.labels.labels import Labels
from terramamba.data.patch_store import window_size
from terramamba.data.pixel_list import PixelList
from terramamba.raster.checks.code_bands import notes_on_codes
from terramamba.raster.checks.scales import Ends
from terramamba.raster.scene import Scene

MIN_VALID_FRACTION = 0.5
"""A band with data at a smaller fraction of the labelled pixels than this is left out."""


@dataclass(frozen=True, eq=False)
class Usable:
    """Labelled pixels with data in all of ``bands`` (0-based), and what was left out, in words.

    ``lost`` is the number of labelled pixels without data in one of ``bands``, ``ends`` the least and the
    largest value of each band at labelled pixels.
    """

    labels: Labels
    bands: tuple[int, ...]
    lost: int
    ends: Ends
    notes: tuple[str, ...]


def usable(scene: Scene, labels: Labels, offered: Sequence[int] | None = None) -> Usable:
    """Choose bands of ``scene``, of those ``offered`` (None: all), and keep the labels where all have data.

    Left out are bands that the header calls bad, bands with data at half of the labelled pixels or less, and
    bands with one single value; then pixels that lack one of the others. Reads all labelled pixels, window by
    window.

    Raises:
        InputError: no band is left, or no pixel of a class.
    """
    found = _survey(scene, labels.pixels)
    bands, left_out = choose_bands(scene, found, offered)
    left_out = (*left_out, *notes_on_codes(scene, bands))
    ends = found.low[list(bands)], found.high[list(bands)]
    kept, infinite = found.whole(bands), found.infinite(bands)
    lost = int(np.count_nonzero(~kept))
    if not lost:
        return Usable(labels, bands, 0, ends, left_out)
    gone = set(np.unique(labels.targets).tolist()) - set(np.unique(labels.targets[kept]).tolist())
    if gone:
        names = ", ".join(repr(labels.classes.names[target]) for target in sorted(gone))
        raise InputError(
            f"{scene.path}: no labelled pixel of {names} has data in all {len(bands)} used bands; label more"
            " of it, leave the class out (--ignore-classes), or correct the nodata value"
        )
    why = f" ({np.count_nonzero(infinite):,} of them NaN or infinite)" if infinite.any() else ""
    said = f"{lost:,} of {len(kept):,} labelled pixels lack data in a used band{why} and are left out"
    only = replace(labels.only(kept, said), notes=labels.notes)
    return Usable(only, bands, lost, ends, (*left_out, said))


@dataclass(frozen=True, eq=False)
class Survey:
    """What the bands hold at m pixels; ``known`` and ``not_finite`` have the bands of a pixel as bits."""

    known: UInt8[np.ndarray, "m bytes"]
    not_finite: UInt8[np.ndarray, "m bytes"]
    counts: Int64[np.ndarray, " c"]
    low: Float64[np.ndarray, " c"]
    high: Float64[np.ndarray, " c"]

    def whole(self, bands: tuple[int, ...]) -> Bool[np.ndarray, " m"]:
        """Tell which pixels have data in all of ``bands``."""
        wanted = self._bits(bands)
        return np.asarray(((self.known & wanted) == wanted).all(axis=1))

    def infinite(self, bands: tuple[int, ...]) -> Bool[np.ndarray, " m"]:
        """Tell which pixels hold NaN or infinity in one of ``bands``."""
        return np.asarray((self.not_finite & self._bits(bands)).any(axis=1))

    def _bits(self, bands: tuple[int, ...]) -> UInt8[np.ndarray, " bytes"]:
        marked = np.zeros(len(self.counts), bool)
        marked[list(bands)] = True
        return np.packbits(marked)


def _survey(scene: Scene, pixels: PixelList) -> Survey:
    if not len(pixels):
        raise InputError(f"{scene.path}: not one labelled pixel to read; give labels that lie on it")
    bits = (len(pixels), (scene.bands + 7) // 8)
    known, not_finite = np.zeros(bits, np.uint8), np.zeros(bits, np.uint8)
    counts = np.zeros(scene.bands, np.int64)
    low, high = np.full(scene.bands, np.inf), np.full(scene.bands, -np.inf)
    for window, indices in pixels.windows(*window_size(scene, scene.bands)):
        inside = (slice(None), *pixels.inside(window, indices))
        values, valid = (array[inside].T for array in scene.read(window))
        finite = finite_in_float32(values)
        data = valid & finite
        known[indices], not_finite[indices] = np.packbits(data, axis=1), np.packbits(valid & ~finite, axis=1)
        counts += data.sum(axis=0)
        low = np.minimum(low, np.where(data, values, np.inf).min(axis=0))
        high = np.maximum(high, np.where(data, values, -np.inf).max(axis=0))
    return Survey(known, not_finite, counts, low, high)


def finite_in_float32(values: Shaped[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """Tell which values are finite as a model sees them, in float32."""
    if values.dtype.kind != "f":
        return np.ones(values.shape, bool)
    with np.errstate(over="ignore"):
        return np.isfinite(values.astype(np.float32))


def choose_bands(
    scene: Scene, found: Survey, offered: Sequence[int] | None = None
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Choose the bands worth learning from of those ``offered`` (None: all), and note those left out from 1.

    Raises:
        InputError: no band is left.
    """
    reasons: dict[str, list[int]] = {"bad by its header": [], "no data": [], "constant": []}
    kept: list[int] = []
    for band in range(scene.bands) if offered is None else offered:
        if scene.bad_bands[band]:
            reasons["bad by its header"].append(band)
        elif found.counts[band] <= MIN_VALID_FRACTION * len(found.known):
            reasons["no data"].append(band)
        elif found.low[band] == found.high[band]:
            reasons["constant"].append(band)
        else:
            kept.append(band)
    if not kept and not (reasons["no data"] or reasons["constant"]):
        raise InputError(f"{scene.path}: all bands that may be used are bad by its header; correct the list")
    if not kept:
        raise InputError(
            f"{scene.path}: no band has usable data at the labelled pixels; check its nodata value"
        )
    notes = tuple(
        f"{len(left_out)} of {scene.bands} bands left out ({reason}): {ranges(sorted(left_out))}"
        for reason, left_out in reasons.items()
        if left_out
    )
    return tuple(kept), notes
