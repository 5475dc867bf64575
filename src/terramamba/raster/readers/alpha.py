"""Is a band that a file calls transparency (alpha) really that, or a band such as near infrared?

GDAL calls the fourth of four 8-bit bands of a new GeoTIFF alpha unless it is told otherwise, so that red,
green, blue and near infrared look like a picture with transparency. Its values tell: transparency is 0 or
full nearly everywhere (compression and soft edges lie between), and a measured band is not.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Shaped

from terramamba.core.errors import InputError

AlphaUse = Literal["mask", "band"]
"""What is made of a band that the file calls transparency."""

OPAQUE = {"u1": (255.0,), "u2": (255.0, 65535.0), "i2": (255.0, 32767.0)}
"""Values of full opacity by type; other types have one of ``OPAQUE_ELSE``."""
OPAQUE_ELSE = (1.0, 255.0, 65535.0)
EDGE = 0.02
"""Lossy compression moves 0 and full by up to this share of full."""
SURE = 0.9
"""Of what is not transparent, at least this share is fully opaque in a true alpha band: in a JPEG-compressed
mosaic of which 1.5 % is opaque, all of that with its edges, 97 % is."""
SAMPLED_PIXELS = 1_000_000


@dataclass(frozen=True)
class Alpha:
    """Band ``number`` (from 1) of a file, which calls it transparency.

    ``name`` is its own, ``use`` what is made of it.
    ``seen`` is what its values speak for: None where all that were looked at are 0, which says nothing.
    """

    number: int
    name: str
    use: AlphaUse
    seen: AlphaUse | None

    @property
    def note(self) -> str:
        """What was decided, and why, in words."""
        band = f"band {self.number}"
        if self.use == "mask" and self.seen == "band":
            return f"{band} is called transparency in the file: used as a mask, though its values are graded"
        if self.use == "mask":
            return f"{band} is transparency: used as a mask, not as a band"
        if self.seen == "band":
            return (
                f"{band} is called transparency in the file, but most of its values are neither 0 nor full: "
                "used as a band"
            )
        return f"{band} is called transparency in the file: used as a band"


def judge_alpha(values: Shaped[np.ndarray, "..."]) -> AlphaUse | None:
    """Tell whether ``values`` are transparency ("mask") or measured ("band"); None where all are 0."""
    numbers = values[np.isfinite(values)] if values.dtype.kind == "f" else values
    if not numbers.any():
        return None
    largest = float(numbers.max())
    for full in OPAQUE.get(values.dtype.str[1:], OPAQUE_ELSE):
        shown = numbers[numbers > EDGE * full]
        if largest <= full and len(shown) and (shown >= (1 - EDGE) * full).mean() >= SURE:
            return "mask"
    return "band"


def one_use(alphas: Mapping[str, Alpha | None], what: str) -> AlphaUse | None:
    """Decide for all images of a set alike what their transparency is; None where none has such a band.

    Args:
        alphas: The alpha band of each image as its own values say, by path.
        what: Names the set in the message.

    Raises:
        InputError: it is a mask by the values of one image and a band by those of another.
    """
    known = {path: alpha for path, alpha in alphas.items() if alpha is not None}
    first: dict[AlphaUse, str] = {}
    for path, alpha in known.items():
        if alpha.seen is not None:
            first.setdefault(alpha.seen, path)
    if len(first) == 2:
        number = known[first["band"]].number
        raise InputError(
            f"{what}: band {number} is transparency in {first['mask']} and a measured band in "
            f"{first['band']}, by its values; say with --bands which bands are used, such as --bands "
            f"1-{number} or --bands 1-{number - 1}"
        )
    if first:
        return next(iter(first))
    return "mask" if known else None
