"""Colours for classes that have none of their own."""

from collections.abc import Sequence
from functools import cache
from typing import Annotated

import numpy as np
from jaxtyping import Float

from terramamba.core.typed import between

Byte = Annotated[int, between(0, 255)]
Colour = tuple[Byte, Byte, Byte]
"""Red, green, blue."""

_FIRST: tuple[Colour, ...] = (
    # seven of Okabe and Ito, then three of Tol's muted scheme: told apart by colour-blind people too
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (51, 34, 136),
    (153, 153, 51),
    (136, 34, 85),
)
_STEPS = 12
"""Shades of each primary among which further colours are looked for."""


@cache
def default_colours(k: int) -> tuple[Colour, ...]:
    """Choose ``k`` distinct (red, green, blue) colours, 0..255; the first ones do not depend on ``k``.

    Beyond ten, each further colour is the one of a regular grid that is farthest, in CIELAB, from all before
    it and from black and white, which mean "no data" on most maps.
    """
    levels = np.linspace(0, 255, _STEPS).round()
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    grid_lab = _cielab(grid)
    chosen = list(_FIRST[:k])
    taken = _cielab(np.array([*_FIRST, (0, 0, 0), (255, 255, 255)], np.float64))
    nearest = np.linalg.norm(grid_lab[:, None] - taken[None], axis=-1).min(axis=1)
    while len(chosen) < k:
        farthest = int(nearest.argmax())
        red, green, blue = (int(level) for level in grid[farthest])
        chosen.append((red, green, blue))
        nearest = np.minimum(nearest, np.linalg.norm(grid_lab - grid_lab[farthest], axis=-1))
    return tuple(chosen)


def colour_of(levels: Sequence[float]) -> Colour | None:
    """Return red, green and blue as a colour; None where they are out of range."""
    red, green, blue = (round(level) for level in levels)
    return (red, green, blue) if all(0 <= level <= 255 for level in (red, green, blue)) else None


def _cielab(rgb: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """sRGB 0..255 in CIELAB under D65, where distance is about what the eye sees."""
    value = rgb / 255.0
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = linear @ to_xyz.T / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], axis=1)
