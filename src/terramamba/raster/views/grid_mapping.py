"""Where the pixels of one grid lie on another: in another place, pixel size, direction or reference system.

Pixel coordinates are rows and columns with fractions, counted from the upper-left corner: the centre of the
first pixel is at (0.5, 0.5).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Shaped
from rasterio import warp
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, compose, crs_in_brief, same_crs
from terramamba.raster.rasterio_errors import is_from_rasterio
from terramamba.raster.scene import Source
from terramamba.raster.windows import Window

SAME_PLACE = 0.05
"""Pixels at most this share of a pixel apart are the same."""
TOUCHES = 0.01
"""Grids that share no more than this part of a pixel lie beside each other."""
PROBES_A_SIDE = 33
"""Points a side of one grid at which the other is looked for."""


def same_pixels(first: Grid, second: Grid) -> bool:
    """Tell whether two grids have the same pixels: the same size, and corners at the same places."""
    if first.window != second.window:
        return False
    if first.transform is None or second.transform is None:
        return first.transform is second.transform
    if first.crs is not None and second.crs is not None and not same_crs(first.crs, second.crs):
        return False
    steps = compose(~first.transform, second.transform)
    for col, row in ((0, 0), (first.width, 0), (0, first.height)):
        there = steps.a * col + steps.b * row + steps.c, steps.d * col + steps.e * row + steps.f
        if max(abs(there[0] - col), abs(there[1] - row)) > SAME_PLACE:
            return False
    return True


@dataclass(frozen=True)
class GridMapping:
    """The way from pixel coordinates of ``target`` to those of ``source``; both grids have a transform.

    Where one of them has no reference system, it is taken to be in the other's.
    """

    target: Grid
    source: Grid

    def centre_coordinates(
        self, rows: Shaped[np.ndarray, " h"], cols: Shaped[np.ndarray, " w"]
    ) -> tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]]:
        """Return rows and columns in ``source`` of the pixel centres ``rows`` x ``cols`` of ``target``."""
        down, right = np.meshgrid(rows + 0.5, cols + 0.5, indexing="ij")
        return self.source_coordinates(down, right)

    def source_coordinates(
        self, rows: Float64[np.ndarray, "h w"], cols: Float64[np.ndarray, "h w"]
    ) -> tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]]:
        """Return rows and columns in ``source`` of the pixel coordinates ``rows``, ``cols`` of ``target``.

        Raises:
            InputError: some of them have no place in the reference system of ``source``.
        """
        own, other = self.target.transform, self.source.transform
        assert own is not None
        assert other is not None
        if self._systems is None:
            t = compose(~other, own)
            return t.d * cols + t.e * rows + t.f, t.a * cols + t.b * rows + t.c
        x, y = own.a * cols + own.b * rows + own.c, own.d * cols + own.e * rows + own.f
        try:
            moved = warp.transform(*self._systems, x.ravel(), y.ravel())
        except Exception as error:
            if not is_from_rasterio(error):
                raise
            systems = " to ".join(crs_in_brief(system) for system in self._systems)
            raise InputError(
                f"places cannot be brought from {systems} ({error}); crop the first image to its own area"
            ) from error
        x, y = (np.array(axis, np.float64).reshape(rows.shape) for axis in moved)
        t = ~other
        return t.d * x + t.e * y + t.f, t.a * x + t.b * y + t.c

    def meets(self) -> bool:
        """Tell whether the bounds of ``target``, seen in pixels of ``source``, touch it."""
        down, right = np.meshgrid(
            np.linspace(0, self.target.height, PROBES_A_SIDE),
            np.linspace(0, self.target.width, PROBES_A_SIDE),
            indexing="ij",
        )
        rows, cols = self.source_coordinates(down, right)
        return bool(
            rows.max() > TOUCHES
            and cols.max() > TOUCHES
            and rows.min() < self.source.height - TOUCHES
            and cols.min() < self.source.width - TOUCHES
        )

    def covered(self) -> float:
        """Return the share of ``target`` that lies on ``source``, of some points all over it."""
        rows, cols = (
            np.linspace(0, length - 1, min(length, PROBES_A_SIDE)) for length in self.target.window.shape
        )
        return float(self.inside(*self.centre_coordinates(rows, cols)).mean())

    def inside(
        self, rows: Float64[np.ndarray, "h w"], cols: Float64[np.ndarray, "h w"]
    ) -> Bool[np.ndarray, "h w"]:
        """Tell which pixel coordinates of ``source`` are on one of its pixels."""
        return (rows >= 0) & (rows <= self.source.height) & (cols >= 0) & (cols <= self.source.width)

    def take_nearest(
        self,
        pixels: Source,
        coordinates: tuple[Float64[np.ndarray, "h w"], Float64[np.ndarray, "h w"]],
        bands: Sequence[int],
        values: Shaped[np.ndarray, "c h w"],
        valid: Bool[np.ndarray, "c h w"],
        *,
        thinned: bool,
    ) -> None:
        """Fill ``values`` and ``valid`` with the pixels that ``coordinates`` (rows, columns) lie on.

        Outside ``source`` they stay as they are.

        Args:
            pixels: Those of ``source``.
            coordinates: Rows and columns in ``source``.
            bands: Bands to read, 0-based.
            values: Filled in place.
            valid: Filled in place.
            thinned: Read about as many pixels as there are coordinates, so that neighbours may stand in for
                the nearest pixels.
        """
        inside = self.inside(*coordinates)
        if not inside.any():
            return
        rows, cols = (
            np.floor(axis[inside]).astype(np.int64).clip(0, length - 1)
            for axis, length in zip(coordinates, self.source.window.shape, strict=True)
        )
        top, left = int(rows.min()), int(cols.min())
        here = Window(top, left, int(rows.max()) + 1 - top, int(cols.max()) + 1 - left)
        small = here.shape
        if thinned:
            side = max(inside.shape)
            small = min(here.height, side), min(here.width, side)
        known, known_valid = pixels.read(here, tuple(bands), small)
        index = (rows - top) * small[0] // here.height, (cols - left) * small[1] // here.width
        values[:, inside] = known[:, *index]
        valid[:, inside] = known_valid[:, *index]

    @property
    def _systems(self) -> tuple[CRS, CRS] | None:
        """The two reference systems; None where they are one."""
        own, other = self.target.crs, self.source.crs
        return None if own is None or other is None or same_crs(own, other) else (own, other)
