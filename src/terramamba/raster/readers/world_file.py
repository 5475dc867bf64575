"""A world file that puts an image elsewhere than its own tags do, as one does that a warp left behind."""

from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from terramamba.raster.geogrid import apply
from terramamba.raster.readers.datasets import is_address

SUFFIXES = (".tfw", ".tifw", ".wld", ".TFW")
OF_PICTURES = (".png", ".jpg", ".jpeg", ".bmp", ".gif")
"""Images beside which a file ``.wld`` may be theirs, such as a smaller picture of the same place."""
LONGEST = 1000
OFF = 0.8
"""Pixels by which corners differ at least; some programs write the corner where the middle is meant."""


def contradicting_world_file(path: str, image: Any) -> list[str]:
    """Note a world file beside a GeoTIFF, the open dataset ``image``, that contradicts its tags."""
    own = image.transform
    if image.driver != "GTiff" or is_address(path) or own == Affine.identity():
        return []
    beside = next((file for suffix in SUFFIXES if (file := Path(path).with_suffix(suffix)).is_file()), None)
    told = None if beside is None else _read(beside)
    if beside is None or told is None or not own.determinant:
        return []
    if beside.suffix == ".wld" and any(beside.with_suffix(suffix).exists() for suffix in OF_PICTURES):
        return []
    corners = ((0, 0), (image.width, 0), (0, image.height))
    off = max(
        float(np.hypot(x - col, y - row))
        for col, row in corners
        for x, y in [apply(~own, *apply(told, col, row))]
    )
    if off <= OFF:
        return []
    what = ("its first corner at", (told.c, told.f), (own.c, own.f))
    if what[1] == what[2]:
        what = ("a step of one pixel at", (told.a + told.b, told.d + told.e), (own.a + own.b, own.d + own.e))
    words, theirs, ours = what
    return [
        f"{beside.name} beside it puts {words} {theirs[0]:.10g}, {theirs[1]:.10g}, its own tags at"
        f" {ours[0]:.10g}, {ours[1]:.10g}: these count, as in GDAL and QGIS; delete the one that is wrong"
    ]


def _read(beside: Path) -> Affine | None:
    """The transform that a world file says, which names the middle of the first pixel; None for others."""
    try:
        with beside.open(encoding="ascii", errors="replace") as lines:
            words = lines.read(LONGEST).replace(",", ".").split()
        a, d, b, e, x, y = (float(word) for word in words)
    except (OSError, ValueError):
        return None
    return (
        Affine(a, b, x - (a + b) / 2, d, e, y - (d + e) / 2)
        if np.isfinite((a, b, d, e, x, y)).all()
        else None
    )
