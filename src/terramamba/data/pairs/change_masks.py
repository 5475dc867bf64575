"""Change masks of any convention, read as 0 (unchanged), 1 (changed) and 255 (no reference)."""

import numpy as np
from jaxtyping import Shaped, UInt8

from terramamba.core.errors import InputError
from terramamba.data.pairs.label_values import IGNORE, Coding, values_in_words
from terramamba.data.pairs.mask_facts import band_of
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

UNCHANGED, CHANGED, UNKNOWN = 0, 1, 254


def read_mask(
    label: Scene, coding: Coding, window: Window | None = None, unchanged: Scene | None = None
) -> UInt8[np.ndarray, "h w"]:
    """Read ``window`` of ``label`` as ``coding`` says: 0 unchanged, 1 changed, 255 without reference.

    ``label`` is opened with its nodata value like all others (``without_nodata``); where no meaning is given
    to that value, it has no reference, and so has what lies outside the label. With a second mask
    ``unchanged``, whose non-zero pixels are unchanged for certain, all pixels in neither are without
    reference; pixels in both are changed.

    Raises:
        InputError: a mask that cannot be read, has unequal bands, or holds a value without a meaning.
    """
    values, there = band_of(label, window)
    mask = _decoded(values, coding, label)
    mask[~there] = IGNORE
    if (mask == UNKNOWN).any():
        odd = values_in_words(np.unique(values[mask == UNKNOWN]).tolist())
        raise InputError(
            f"{label.path}: holds {odd}, and the masks of this set are read as {coding.in_words()}; say what "
            "it means with --changed-values, --unchanged-values or --ignore-values"
        )
    if unchanged is not None:
        certain, certain_there = band_of(unchanged, window)
        mask[(mask == UNCHANGED) & ~((certain != 0) & certain_there)] = IGNORE
    return mask


def _decoded(values: Shaped[np.ndarray, "h w"], coding: Coding, label: Scene) -> UInt8[np.ndarray, "h w"]:
    if values.dtype == np.uint8:
        return _meanings(np.arange(256), coding, label)[values]
    return _meanings(values, coding, label)


def _meanings(values: Shaped[np.ndarray, "..."], coding: Coding, label: Scene) -> UInt8[np.ndarray, "..."]:
    found = np.full(values.shape, UNKNOWN, np.uint8)
    if coding.cut is not None:
        found[(values >= 0) & (values < coding.cut)] = UNCHANGED
        found[(values >= coding.cut) & (values <= IGNORE)] = CHANGED
    if label.nodata is not None:
        with np.errstate(over="ignore"):
            found[values == label.nodata] = IGNORE
    groups = ((coding.unchanged, UNCHANGED), (coding.changed, CHANGED), (coding.ignored, IGNORE))
    for listed, meaning in groups:
        found[np.isin(values, listed)] = meaning
    return found
