"""Do values look like surface reflectance, and how large is one that stands for all light?

Products store it as 0 to 1, in per cent, or times 10,000, and most files do not say so. Where the atmosphere
still shows it is radiance, or was measured above: water vapour takes most of the light at 940 and 1,130 nm
away, and leaves of plants some per cent there.

c band   n pixels
"""

import numpy as np
from jaxtyping import Bool, Float

from terramamba.core.errors import InputError
from terramamba.raster.checks.scales import PROCESSING_OFFSET

SCALES = {1.0: 1.6, 100.0: 160.0, 10_000.0: 16_000.0}
"""Stored value of a reflectance of 1, and what bright pixels are below: snow, glint and clouds exceed 1."""
PER_CENT = 100.0
BRIGHT = 99.0
"""Percentile of all values that is called bright."""
DARKEST_BRIGHT = 0.04
"""A scene whose bright values are reflectances below this shows water alone, or is stored in other units."""
DARKEST_DECLARED = 0.001
"""Where a file says what a reflectance of 1 is, bright values are no less than this: water has more."""
NEGATIVE = -0.02
"""Reflectances below this are no error of a correction, unless few."""
MOST_NEGATIVE = 0.05
"""Fraction of the values; components of a rotation are negative at half of them."""
VAPOUR = (
    (915.0, 965.0, (840.0, 900.0), (985.0, 1060.0)),
    (1110.0, 1160.0, (1030.0, 1090.0), (1210.0, 1290.0)),
)
"""First and last wavelength in nm of an absorption by water vapour, and of what lies on both sides of it."""
DEEPEST = 0.15
"""Part of the light that is missing there at the median pixel: 0.33 to 0.56 in radiance of AVIRIS (Indian
Pines, Salinas), at most 0.02 in four scenes of reflectance."""
LIT = 0.05
"""Fraction of the brightest pixels' light that a pixel must have to be looked at; others are noise there."""

DARKEST = 0.1
"""Percentile of the values of a band that are called its darkest."""

SETTLE = "give --reflectance-scale, the stored value of a reflectance of 1"


def reflectance_scale(
    path: str,
    values: Float[np.ndarray, "c n"],
    known: Bool[np.ndarray, "c n"],
    declared: float | None,
    given: float | None,
    *,
    whole_numbers: bool = False,
) -> float:
    """Say which stored value is a reflectance of 1: as ``given``, else by the file, else by the values.

    Args:
        path: Of the scene, for messages.
        values: A sample of its pixels.
        known: Which of them are data.
        declared: What the file says that stored values are to be multiplied by; None: nothing.
        given: What a user says; None: nothing.
        whole_numbers: The file stores whole numbers: those of 0 to 255 are a picture's far more often than
            per cent, and are not taken for it unasked.

    Raises:
        InputError: values of which many are negative, or of a size that no reflectance has.
    """
    found = values[known]
    bright = float(np.percentile(found, BRIGHT))
    scale = given
    if scale is None and declared is not None and declared != 1:
        scale = 1 / declared
        if bright < DARKEST_DECLARED * scale:
            raise InputError(
                f"{path}: declares that {scale:g} is a reflectance of 1, but bright values are {bright:,.4g}:"
                f" probably they were divided already; {SETTLE}"
            )
    if scale is None:
        fitting = (one for one, most in SCALES.items() if DARKEST_BRIGHT * one <= bright <= most)
        scale = next((one for one in fitting if not (whole_numbers and one == PER_CENT)), None)
    if scale is None or bright / scale > SCALES[1.0]:
        raise InputError(
            f"{path}: bright values are {bright:,.4g}, which is no reflectance as it is stored (0 to 1, per"
            f" cent, times 10,000); {SETTLE}"
        )
    negative = float((found < NEGATIVE * scale).mean())
    if negative > MOST_NEGATIVE:
        raise InputError(
            f"{path}: {100 * negative:.0f} % of the values are negative, so it is no reflectance but"
            " components or anomalies; give a scene of surface reflectance"
        )
    return scale


def holds_offset(values: Float[np.ndarray, "c n"]) -> bool:
    """Tell whether reflectance times 10,000 is nowhere below the offset that Sentinel-2's values may have.

    Water, shadow and plants are, in some band; of snow and deserts alone it says nothing.
    """
    return bool((np.percentile(values, DARKEST, axis=1) >= PROCESSING_OFFSET).all())


def refuse_radiance(
    path: str, values: Float[np.ndarray, "c n"], wavelengths: Float[np.ndarray, " c"]
) -> bool:
    """Refuse a scene in which the atmosphere still shows.

    Args:
        path: Of the scene, for the message.
        values: Pixels that have data in all bands.
        wavelengths: Of the bands, in nm.

    Returns:
        Whether it could be seen: it takes bands in and beside 940 or 1,130 nm.

    Raises:
        InputError: water vapour takes more light away than it does in surface reflectance.
    """
    seen = False
    for first, last, before, after in VAPOUR:
        inside, left, right = (
            (wavelengths >= low) & (wavelengths <= high) for low, high in ((first, last), before, after)
        )
        if not (inside.any() and left.any() and right.any()):
            continue
        around = (values[left].mean(axis=0) + values[right].mean(axis=0)) / 2
        lit = around > LIT * np.percentile(around, BRIGHT)
        if not lit.any():
            continue
        seen = True
        depth = float(np.median(1 - values[inside].mean(axis=0)[lit] / around[lit]))
        if depth > DEEPEST:
            raise InputError(
                f"{path}: {100 * depth:.0f} % of the light is missing at {(first + last) / 2:.0f} nm, where"
                " water vapour absorbs it, so it is radiance or was measured above the atmosphere; give"
                " surface reflectance"
            )
    return seen
