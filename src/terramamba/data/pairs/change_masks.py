"""Change masks of any convention, read as 0 (unchanged), 1 (changed) and 255 (no reference)."""

import warnings
from collections.abc import Callable, Iterable
from enum import Enum

import numpy as np
from jaxtyping import Bool, Shaped, UInt8

from terramamba.core.errors import InputError
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips

IGNORE = 255
CUT = 128
"""Grey masks are cut here: this and above is changed."""

VALUES_PER_READ = 4_000_000


class MaskRule(Enum):
    """What the numbers in the masks of a data set mean."""

    NON_ZERO = "non-zero is changed"
    IGNORE_255 = "0 unchanged, 1 changed, 255 no reference"
    GREY = "128 and above is changed"


def find_rule(paths: Iterable[str], values_in: Callable[[str], Iterable[float]]) -> MaskRule:
    """Find the rule that fits all of the masks ``paths``; ``values_in`` says which values there are in one.

    One rule serves a whole data set, because a mask with only 0 and 255 can be of either kind. Masks with 0
    and one other value, and masks with several small codes: non-zero is changed. With 0, 1 and 255 somewhere:
    255 has no reference. With greys up to 255: 128 and above is changed, and a warning says so.

    Raises:
        InputError: a mask that cannot be read, has unequal bands, or holds fractions or negative numbers.
    """
    values: set[float] = set()
    first_grey = ""
    for path in dict.fromkeys(paths):
        found = set(values_in(path))
        odd = next((value for value in found if value < 0 or value != int(value)), None)
        if odd is not None:
            raise InputError(
                f"{path}: holds {odd:g}; a mask has whole numbers from 0, or declares its nodata"
            )
        values |= found
        if not first_grey and found - {0, 1, IGNORE}:
            first_grey = path
    if values <= {0, 1, IGNORE}:
        return MaskRule.IGNORE_255 if 1 in values and IGNORE in values else MaskRule.NON_ZERO
    if len(values - {0}) == 1 or max(values) < CUT:
        return MaskRule.NON_ZERO
    warnings.warn(
        f"{first_grey}: a grey mask with {len(values)} values; {CUT} and above counts as changed",
        stacklevel=2,
    )
    return MaskRule.GREY


def read_mask(
    label: Scene, rule: MaskRule, window: Window | None = None, unchanged: Scene | None = None
) -> UInt8[np.ndarray, "h w"]:
    """Read ``window`` of ``label``: 0 unchanged, 1 changed, 255 without reference (also the file's nodata).

    With a second mask ``unchanged``, whose non-zero pixels are unchanged for certain, all pixels in neither
    are without reference; pixels in both are changed.

    Raises:
        InputError: a mask that cannot be read or has unequal bands.
    """
    values, valid = _read(label, window)
    changed = values >= CUT if rule is MaskRule.GREY else values != 0
    mask = changed.astype(np.uint8)
    if rule is MaskRule.IGNORE_255:
        mask[values == IGNORE] = IGNORE
    mask[~valid] = IGNORE
    if unchanged is not None:
        certain, certain_valid = _read(unchanged, window)
        mask[(mask == 0) & ~((certain != 0) & certain_valid)] = IGNORE
    return mask


def mask_values(mask: Scene) -> frozenset[float]:
    """List the different values of the pixels of ``mask`` that have data; one pass over all of it.

    Raises:
        InputError: a mask that cannot be read or has unequal bands.
    """
    found: set[float] = set()
    for window in strips(mask.height, mask.width, max(1, VALUES_PER_READ // (mask.width * mask.bands))):
        values, valid = _read(mask, window)
        known = values.ravel() if valid.all() else values[valid]
        # counting is many times faster than sorting, where there are few numbers to count
        unique = np.flatnonzero(np.bincount(known)) if known.dtype == np.uint8 else np.unique(known)
        found.update(unique.astype(np.float64).tolist())
    return frozenset(found)


def _read(scene: Scene, window: Window | None) -> tuple[Shaped[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Values and where they mean something; colour images count when their bands are equal."""
    values, valid = scene.read(window)
    if scene.bands > 1 and (values != values[:1]).any():
        raise InputError(f"{scene.path}: its {scene.bands} bands differ; a mask has one band, or equal ones")
    return values[0], valid[0] & (values[0] == values[0])
