"""A scene: an image of any format with what is known about it, read window by window.

``readers.open.open_scene`` opens one: it looks at what it is given and hands over to the reader that
``readers.formats`` lists for it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from affine import Affine
from jaxtyping import Bool, Shaped, UInt8
from rasterio.crs import CRS

from terramamba.core.file_states import NO_FILES, FileStates
from terramamba.raster import notebook_pictures
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.geogrid import Grid, crs_name, pixel_size
from terramamba.raster.readers.alpha import Alpha
from terramamba.raster.windows import BY_PIXEL, Storage, Window

ARRAY_SUFFIXES = (".mat", ".npy", ".npz")
PREVIEW_PIXELS = 512


@runtime_checkable
class Source(Protocol):
    """Where pixels come from. Sources can be pickled and used by many threads and processes."""

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read values of ``bands`` (0-based) in ``window``, thinned out to ``shape``, and which are data."""
        ...


@dataclass(frozen=True)
class Scene:
    """An image and what is known about it; opening reads no pixels, but for some of an alpha band.

    ``wavelengths``, and the bands' full widths at half maximum ``fwhm``, are in nanometres. ``bad_bands``
    marks the bands that a header's bad-band list excludes. ``scale`` is information from the file, never
    applied: physical value = stored value * scale. ``declared`` is what its bands declare, which the view
    ``physical`` applies. ``overviews`` says that the file holds thinned-out copies
    of itself. ``axes`` says what the stored axes of a bare array were taken for (rows, cols, bands).
    ``turned``: the file stores rows from south to north or columns from east to west, and they are read the
    other way round. ``alpha`` is the band that the file calls transparency, and what was made of it.
    ``palette`` has red, green, blue and opacity (0 to 255) of each value where values are numbers of colours.
    ``storage`` says what is decoded of the file to read a pixel of one band.
    ``notes`` are sentences for people about what was assumed or left out. ``opened`` is what the file that
    was named was like before anything of it was read.
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
    declared: DeclaredScale | None = field(default=None, repr=False)
    overviews: bool = False
    axes: tuple[str, ...] = ()
    turned: bool = False
    alpha: Alpha | None = None
    palette: tuple[tuple[int, int, int, int], ...] | None = field(default=None, repr=False)
    storage: Storage = BY_PIXEL
    notes: tuple[str, ...] = ()
    opened: FileStates = field(default=NO_FILES, repr=False, compare=False)

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
        """Read values in the file's own type, and which of them are data.

        Not data are: nodata, masked and fully transparent pixels, and pixels outside every tile of a mosaic.

        Args:
            window: Pixels to read, inside the scene; None: all of it.
            bands: Bands to read, 0-based, in the order wanted; None: all.

        Returns:
            Values (c, h, w) and whether each is data (c, h, w).

        Raises:
            InputError: the file is damaged; names file and window.
            ValueError: a window or a band that the scene does not have.
        """
        window = self.grid.window if window is None else window
        return self.source.read(self._inside(window), self._chosen(bands), window.shape)

    def preview(
        self, size: int = PREVIEW_PIXELS, bands: Sequence[int] | None = None
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read the whole scene thinned out to at most ``size`` pixels a side, quick for huge files too."""
        shape = (min(size, self.height), min(size, self.width))
        return self.source.read(self.grid.window, self._chosen(bands), shape)

    def plot(self, ax: Any = None) -> Any:
        """Draw the scene in false colour, thinned out, into ``ax`` or axes of its own; return the axes."""
        picture = self._picture(notebook_pictures.PLOT_SIDE)
        return notebook_pictures.plot_picture(picture, self.grid, title=self.path, ax=ax)

    def _repr_html_(self) -> str:
        """The scene in a notebook: what is known about it, and a small picture."""
        facts = [("size", f"{self.height:,} x {self.width:,} pixels, {self.bands} bands of {self.dtype}")]
        if self.wavelengths is not None:
            facts.append(("wavelengths", f"{min(self.wavelengths):.0f} to {max(self.wavelengths):.0f} nm"))
        if self.crs is not None:
            facts.append(("reference system", crs_name(self.crs)))
        if self.transform is not None:
            facts.append(("pixel size", pixel_size(self.transform, self.crs)))
        if self.nodata is not None:
            facts.append(("no data", f"{self.nodata:g}"))
        facts += [("note", note) for note in self.notes]
        picture = notebook_pictures.picture_html(self._picture(notebook_pictures.PICTURE_SIDE), self.path)
        rows = [("scene", f"{self.path} ({self.format})"), *facts]
        return notebook_pictures.table_html(rows) + picture

    def _picture(self, side: int) -> UInt8[np.ndarray, "h w rgb"]:
        shape = notebook_pictures.shape_within(side, self.height, self.width)
        bands = notebook_pictures.shown_bands(self.bands, self.wavelengths)
        values, valid = self.source.read(self.grid.window, bands, shape)
        valid = valid & np.isfinite(values)
        return notebook_pictures.stretched(values, valid, notebook_pictures.limits_of(values, valid))

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
