"""Pictures of one date that are stored otherwise than as red, green and blue: negatives, HSV, Lab, YCbCr.

Brightness goes through all bands of a colour picture, so that they rise and fall together; hue, saturation
and differences of colours do not. In false colours with infrared two bands still do.

c band   n pixels of both dates
"""

import numpy as np
from jaxtyping import Float64

from terramamba.raster.checks.finding import Finding
from terramamba.raster.scene import Scene

NEGATIVE, ANOTHER = "inverted colours", "other colours at one date"
OTHER_COLOURS = {NEGATIVE, ANOTHER}
INVERTED = -0.3
"""Every band correlates less with itself at the other date; of 682 real pairs the least is -0.2 in its best
band, and of inverted ones half are below."""
APART, TOGETHER = 0.95, 0.8
"""The least correlation of two bands of one date is so much below that of the other, and no two of its bands
correlate so much. Of 682 real pairs none is so; of 228 whose second date was turned into HSV, YCbCr or Lab
96, 86 and 61 in 100 are."""


def unlike_colours(
    first: Scene, second: Scene, a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]
) -> Finding | None:
    """Find that one of two pictures in bytes holds other than the colours of the other; None: it does not."""
    if len(a) != 3 or not first.dtype == second.dtype == "uint8":
        return None
    if not (a.std(axis=1).all() and b.std(axis=1).all()):
        return None
    related = np.corrcoef(a, b)
    if (np.diag(related[:3, 3:]) < INVERTED).all():
        return Finding(
            NEGATIVE,
            f"what is bright in {first.path} is dark in {second.path} in all bands, as in a negative:"
            " probably one of the two is stored inverted, which would count as change; invert it back",
        )
    above = np.triu_indices(3, 1)
    of_date = related[:3, :3][above], related[3:, 3:][above]
    odd = int(of_date[1].min() < of_date[0].min())
    if of_date[1 - odd].min() - of_date[odd].min() < APART or of_date[odd].max() > TOGETHER:
        return None
    one, other = (second, first) if odd else (first, second)
    return Finding(
        ANOTHER,
        f"the bands of {one.path} rise and fall by themselves, those of {other.path} together, as red, green"
        " and blue do: probably one is stored as HSV, Lab or YCbCr, which would count as change; give both in"
        " the same colours",
    )
