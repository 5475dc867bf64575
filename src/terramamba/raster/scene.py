"""A scene: an image of any format with what is known about it, read window by window.

``open_scene`` looks at what it is given and hands over to the reader that ``readers`` lists for it.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from affine import Affine
from jaxtyping import Bool, Shaped
from rasterio.crs import CRS

from terramamba.raster.grid import Window
from terramamba.raster.ties import Ties

ARRAY_SUFFIXES = (".mat", ".npy", ".npz")
PREVIEW_PIXELS = 512


@dataclass(frozen=True)
class Grid:
    """The pixels of a scene on the ground.

    ``transform`` maps (column, row) of a pixel's corner to coordinates of ``crs``; it may be rotated. Either
    may be None: an image without georeferencing has neither. ``ties`` are what places an image without a
    grid on the ground.
    """

    height: int
    width: int
    crs: CRS | None = None
    transform: Affine | None = None
    ties: Ties | None = field(default=None, compare=False, repr=False)

    @property
    def window(self) -> Window:
        """All pixels."""
        return Window.whole(self.height, self.width)

    def crop(self, window: Window) -> "Grid":
        """The grid of the pixels in ``window``."""
        transform = None
        if self.transform is not None:
            transform = compose(self.transform, Affine.translation(window.col, window.row))
        ties = None if self.ties is None else self.ties.crop(window)
        return Grid(window.height, window.width, self.crs, transform, ties)

    @property
    def corners(self) -> tuple[tuple[float, float], ...] | None:
        """Coordinates of the corners, clockwise from the upper left; None without a transform."""
        if self.transform is None:
            return None
        places = ((0, 0), (self.width, 0), (self.width, self.height), (0, self.height))
        return tuple(apply(self.transform, *place) for place in places)


def compose(outer: Affine, inner: Affine) -> Affine:
    """The transform that applies ``inner`` and then ``outer``; releases of affine differ in its operator."""
    first, second = (np.array(tuple(t), dtype=np.float64).reshape(3, 3) for t in (inner, outer))
    return Affine(*(float(v) for v in (second @ first).ravel()[:6]))


def apply(transform: Affine, x: float | int, y: float | int) -> tuple[float, float]:
    """Where ``transform`` maps the point (``x``, ``y``)."""
    return (
        float(transform.a * x + transform.b * y + transform.c),
        float(transform.d * x + transform.e * y + transform.f),
    )


def same_crs(first: CRS | None, second: CRS | None) -> bool:
    """Whether two coordinate reference systems are the same, spelled alike or not; None equals only None."""
    if first is None or second is None:
        return first is second
    if first == second:
        return True
    authority = first.to_authority()
    return authority is not None and authority == second.to_authority()


@runtime_checkable
class Source(Protocol):
    """Where pixels come from. Sources can be pickled and used by many threads and processes."""

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Values and validity of ``bands`` (0-based) in ``window``, thinned out to ``shape``."""
        ...


@dataclass(frozen=True)
class Scene:
    """An image and what is known about it; opening reads no pixels.

    ``wavelengths``, and the bands' full widths at half maximum ``fwhm``, are in nanometres. ``bad_bands``
    marks the bands that a header's bad-band list excludes. ``scale`` is information from the file, never
    applied: physical value = stored value * scale. ``overviews`` says that the file holds thinned-out copies
    of itself. ``notes`` are sentences for people about what was assumed or left out.
    """

    path: str
    format: str
    bands: int
    dtype: str
    grid: Grid
    source: Source = field(repr=False, compare=False)
    nodata: float | None = None
    band_names: tuple[str, ...] = field(default=(), repr=False)
    wavelengths: tuple[float, ...] | None = field(default=None, repr=False)
    fwhm: tuple[float, ...] | None = field(default=None, repr=False)
    bad_bands: tuple[bool, ...] = field(default=(), repr=False)
    scale: float | None = None
    overviews: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.band_names:
            object.__setattr__(self, "band_names", tuple(f"band {i + 1}" for i in range(self.bands)))
        if not self.bad_bands:
            object.__setattr__(self, "bad_bands", (False,) * self.bands)

    @property
    def height(self) -> int:
        """Rows."""
        return self.grid.height

    @property
    def width(self) -> int:
        """Columns."""
        return self.grid.width

    @property
    def crs(self) -> CRS | None:
        """Coordinate reference system; None where the file has none."""
        return self.grid.crs

    @property
    def transform(self) -> Affine | None:
        """Pixel corner to coordinates; None where the file has none."""
        return self.grid.transform

    def read(
        self, window: Window | None = None, bands: Sequence[int] | None = None
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Values in the file's own type, and which of them are data.

        ``window`` must lie inside the scene (default: all of it); ``bands`` are 0-based, in the order wanted
        (default: all). Not valid are: nodata, masked and fully transparent pixels, and pixels outside every
        tile of a mosaic. Raises ``InputError`` naming file and window where the file is damaged.
        """
        window = self.grid.window if window is None else window
        return self.source.read(self._inside(window), self._chosen(bands), window.shape)

    def preview(
        self, size: int = PREVIEW_PIXELS, bands: Sequence[int] | None = None
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """The whole scene thinned out to at most ``size`` pixels a side: a quick look at huge files."""
        shape = (min(size, self.height), min(size, self.width))
        return self.source.read(self.grid.window, self._chosen(bands), shape)

    def _inside(self, window: Window) -> Window:
        if not self.grid.window.contains(window):
            raise ValueError(f"{window} is not inside {self.path} of {self.height} x {self.width} pixels")
        return window

    def _chosen(self, bands: Sequence[int] | None) -> tuple[int, ...]:
        if bands is None:
            return tuple(range(self.bands))
        outside = [band for band in bands if not 0 <= band < self.bands]
        if outside:
            raise ValueError(f"{self.path} has bands 0 to {self.bands - 1}, not {outside}")
        return tuple(int(band) for band in bands)


def open_scene(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    *,
    variable: str | None = None,
    shape: tuple[int, int] | None = None,
    column: str = "image",
) -> Scene:
    """Open a file, product, folder or list of any format in ``readers.FORMATS`` as one scene.

    ``path`` may be an address that GDAL opens. ``variable`` names one array or image of a file that holds
    several; ``shape`` (rows, columns; those of the labels) settles which axis of a bare array holds the
    bands; ``column`` is that of a CSV table in which tiles' paths stand, relative to it. Raises
    ``InputError`` where it cannot be read.
    """
    # The readers build Scene objects, so they import this file and not the other way round.
    from terramamba.raster import mosaic, readers

    if not isinstance(path, str | os.PathLike):
        return mosaic.open_tiles([os.fspath(p) for p in path])
    return readers.open_any(os.fspath(path), readers.Wanted(variable, shape, column))
