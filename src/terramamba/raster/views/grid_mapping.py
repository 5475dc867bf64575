"""Where the pixels of one grid lie on another: in another place, pixel size, direction or reference system.

Places are rows and columns with fractions, counted from the upper-left corner: the centre of the first pixel
is at (0.5, 0.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Shaped
from rasterio import warp
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, compose, same_crs
from terramamba.raster.rasterio_errors import is_from_rasterio
from terramamba.raster.scene import Source
from terramamba.raster.windows import Window

SAME_PLACE = 0.05
"""Pixels at most this share of a pixel apart are the same."""


def same_pixels(first: Grid, second: Grid) -> bool:
    """Whether two grids have the same pixels: the same size, and corners at the same places."""
    if first.window != second.window:
        return False
    if first.transform is None or second.transform is None:
        return first.transform is second.transform
    if first.crs is not None and second.crs is not None and not same_crs(first.crs, second.crs):
        return False
    steps = compose(~first.transform, second.transform)
    for right, down in ((0, 0), (first.width, 0), (0, first.height)):
        there = steps.a * right + steps.b * down + steps.c, steps.d * right + steps.e * down + steps.f
        if max(abs(there[0] - right), abs(there[1] - down)) > SAME_PLACE:
            return False
    return True


@dataclass(frozen=True)
class Passage:
    """The way from places of ``onto`` to places of ``grid``; both have a transform.

    Where one of them has no reference system, it is taken to be in the other's.
    """

    onto: Grid
    grid: Grid

    def centres(
        self, rows: Shaped[np.ndarray, " h"], cols: Shaped[np.ndarray, " w"]
    ) -> tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]]:
        """Rows and columns of ``grid`` at the centres of the pixels ``rows`` x ``cols`` of ``onto``."""
        down, right = np.meshgrid(rows + 0.5, cols + 0.5, indexing="ij")
        return self.places(down, right)

    def places(
        self, down: Float64[np.ndarray, "h w"], right: Float64[np.ndarray, "h w"]
    ) -> tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]]:
        """Rows and columns of ``grid`` at the places ``down``, ``right`` of ``onto``."""
        own, other = self.onto.transform, self.grid.transform
        assert own is not None
        assert other is not None
        if self._systems is None:
            t = compose(~other, own)
            return t.d * right + t.e * down + t.f, t.a * right + t.b * down + t.c
        x, y = own.a * right + own.b * down + own.c, own.d * right + own.e * down + own.f
        try:
            moved = warp.transform(*self._systems, x.ravel(), y.ravel())
        except Exception as error:
            if not is_from_rasterio(error):
                raise
            systems = " to ".join(system.to_string() for system in self._systems)
            raise InputError(
                f"places cannot be brought from {systems} ({error}); crop the first image to its own area"
            ) from error
        x, y = (np.array(axis, np.float64).reshape(down.shape) for axis in moved)
        t = ~other
        return t.d * x + t.e * y + t.f, t.a * x + t.b * y + t.c

    def inside(
        self, down: Float64[np.ndarray, "h w"], right: Float64[np.ndarray, "h w"]
    ) -> Bool[np.ndarray, "h w"]:
        """Which places are on a pixel of ``grid``."""
        return (down >= 0) & (down <= self.grid.height) & (right >= 0) & (right <= self.grid.width)

    def take_nearest(
        self,
        source: Source,
        places: tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]],
        bands: Sequence[int],
        values: Shaped[np.ndarray, "c h w"],
        valid: Bool[np.ndarray, "c h w"],
        *,
        thinned: bool,
    ) -> None:
        """Fill ``values`` and ``valid`` with the pixels of ``source``, on ``grid``, that ``places`` lie on.

        Outside the grid they stay as they are. ``thinned``: the source is read thinned out to about as many
        pixels as there are places, so that neighbours may stand in for the nearest pixels.
        """
        inside = self.inside(*places)
        if not inside.any():
            return
        rows, cols = (
            np.floor(axis[inside]).astype(np.int64).clip(0, length - 1)
            for axis, length in zip(places, self.grid.window.shape, strict=True)
        )
        top, left = int(rows.min()), int(cols.min())
        here = Window(top, left, int(rows.max()) + 1 - top, int(cols.max()) + 1 - left)
        small = here.shape
        if thinned:
            side = max(inside.shape)
            small = min(here.height, side), min(here.width, side)
        known, known_valid = source.read(here, tuple(bands), small)
        place = (rows - top) * small[0] // here.height, (cols - left) * small[1] // here.width
        values[:, inside] = known[:, *place]
        valid[:, inside] = known_valid[:, *place]

    @property
    def _systems(self) -> tuple[CRS, CRS] | None:
        """The two reference systems; None where they are one."""
        own, other = self.onto.crs, self.grid.crs
        return None if own is None or other is None or same_crs(own, other) else (own, other)
