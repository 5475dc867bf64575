"""Grids whose longitudes run from 0 to 360, as climate data have them, brought to -180 to 180."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from affine import Affine
from jaxtyping import Bool, Shaped

from terramamba.raster.geogrid import Grid
from terramamba.raster.scene import Source
from terramamba.raster.windows import Window, evenly_spaced

CIRCLE = 360.0
ROUNDING = 1e-3
"""Share of a pixel by which edges may miss 180 and 360 degrees."""


def west_of_180(grid: Grid) -> tuple[Grid, int, str | None]:
    """Return ``grid`` with longitudes up to 180, the stored column that comes first then, and a note.

    A grid of the whole circle is cut at 180 degrees; one that reaches over them otherwise stays as it is.
    """
    crs, transform = grid.crs, grid.transform
    if crs is None or not crs.is_geographic or transform is None or transform.b or transform.d:
        return grid, 0, None
    step, west = transform.a, transform.c
    east, near = west + step * grid.width, ROUNDING * abs(step)
    if step <= 0 or east <= 180 + near:
        return grid, 0, None
    said = f"longitudes {west:.6g} to {east:.6g}"
    if west >= 180 - near:
        return _moved(grid, west - CIRCLE), 0, f"{said} read as {west - CIRCLE:.6g} to {east - CIRCLE:.6g}"
    seam = round((180 - west) / step)
    whole = abs(east - west - CIRCLE) <= near * grid.width
    if whole and abs(west + seam * step - 180) <= near * grid.width and 0 < seam < grid.width:
        begin = west + seam * step - CIRCLE
        return _moved(grid, begin), seam, f"{said} read as {begin:.6g} to {begin + CIRCLE:.6g}, cut at 180"
    return grid, 0, f"{said} reach beyond 180: what lies there in longitudes below 0 will not meet it"


def _moved(grid: Grid, west: float) -> Grid:
    assert grid.transform is not None
    a, b, _, d, e, f = tuple(grid.transform)[:6]
    return replace(grid, transform=Affine(a, b, west, d, e, f))


@dataclass(frozen=True)
class RolledSource:
    """Pixels of ``source``, ``width`` columns wide, from its column ``seam`` on and round to it again."""

    source: Source
    seam: int
    width: int

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        before = self.width - self.seam
        cols = evenly_spaced(window.col, window.width, shape[1])
        cut = int(np.searchsorted(cols, before))
        edge = min(max(before, window.col), window.right)
        parts = (
            (Window(window.row, window.col + self.seam, window.height, edge - window.col), cut),
            (Window(window.row, edge - before, window.height, window.right - edge), shape[1] - cut),
        )
        read = [self.source.read(part, bands, (shape[0], count)) for part, count in parts if count]
        if len(read) == 1:
            return read[0]
        return np.concatenate([v for v, _ in read], axis=2), np.concatenate([m for _, m in read], axis=2)
