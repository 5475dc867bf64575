"""Writing rasters window by window: a tiled GeoTIFF, finished as a cloud-optimised one (COG).

The file gets its name only when it is complete. Class names are written twice: as band tags ``CLASS_1``,
``CLASS_2``, ..., which travel inside the file, and as category names in GDAL's sidecar ``NAME.tif.aux.xml``,
which is where GDAL and the GIS programs on top of it look for them.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from xml.sax.saxutils import escape

import numpy as np
import rasterio
import rasterio.shutil
from jaxtyping import Shaped
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterioWindow

from terramamba.core.errors import InputError
from terramamba.core.unwritable import unwritable
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.staging import sidecar_of, staged
from terramamba.raster.output.styles import style_of
from terramamba.raster.rasterio_errors import is_from_rasterio
from terramamba.raster.windows import Window

SUFFIXES = (".tif", ".tiff")
BLOCK = 256
"""Side of a file's tiles in pixels."""

Colour = tuple[int, int, int]


def check_raster_name(path: str | Path) -> None:
    """Raise ``InputError`` where ``path`` does not end as a GeoTIFF does."""
    if Path(path).suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: maps are written as GeoTIFF; give the file a name that ends in .tif")


class RasterWriter:
    """A raster file to be filled window by window, inside a ``with`` block.

    After the block the file is a COG with statistics (GDAL 3.8 and newer) and overviews: the most frequent
    value where there are class names or colours, the mean otherwise. If the block ends with an exception,
    nothing is left and an older file stays.

    Args:
        path: File to write, ending in .tif.
        grid: Its size and place. Without a CRS or transform the file has none; ground control is
            written as it is.
        bands: Number of bands.
        dtype: Data type, such as ``uint8``.
        nodata: Value that stands for "no data".
        colours: Red, green and blue (0..255) of values; one-band uint8 or uint16 files only.
        class_names: Names of values.
        band_names: One description for each band.
        scale: Stored value times ``scale`` is the physical value.
        tags: Texts about the file.
        style: How a GIS is to show it (``styles``), written beside it.
        overwrite: Replace an existing file.

    Raises:
        InputError: the file exists already or cannot be written.
    """

    def __init__(
        self,
        path: str | Path,
        grid: Grid,
        *,
        bands: int,
        dtype: str,
        nodata: int | float | None = None,
        colours: Mapping[int, Colour] | None = None,
        class_names: Mapping[int, str] | None = None,
        band_names: Sequence[str] | None = None,
        scale: float | None = None,
        tags: Mapping[str, str] | None = None,
        style: str | None = None,
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.grid = grid
        self._overwrite = overwrite
        self._names = dict(class_names or {})
        self._categorical = bool(class_names or colours)
        self._colours = dict(colours or {})
        self._band_names = tuple(band_names or ())
        self._scale = scale
        self._tags = dict(tags or {})
        self._style = style
        self._profile: dict[str, Any] = {
            "driver": "GTiff",
            "height": grid.height,
            "width": grid.width,
            "count": bands,
            "dtype": dtype,
            "nodata": nodata,
            "crs": grid.crs,
            "transform": grid.transform,
            **({} if grid.ground_control is None else grid.ground_control.profile()),
            "tiled": True,
            "blockxsize": _side_of_tiles(grid.width),
            "blockysize": _side_of_tiles(grid.height),
            "compress": "deflate",
            "zlevel": 1,
            "bigtiff": "if_safer",
            # GDAL would take the last of four bands of bytes for transparency, and three for a picture, which
            # scaled values, such as probabilities of three classes, are not.
            **({"photometric": "minisblack"} if bands == 4 or scale is not None else {}),
        }

    def __enter__(self) -> "RasterWriter":
        with ExitStack() as opening:
            (self._target,) = opening.enter_context(staged(self.path, overwrite=self._overwrite))
            self._draft = self._target.with_name(f"draft{self._target.suffix}")
            with self._plain_errors():
                self._file = opening.enter_context(rasterio.open(self._draft, "w", **self._profile))
                self._describe()
            self._open = opening.pop_all()
        return self

    def write(self, array: Shaped[np.ndarray, "c h w"], window: Window | None = None) -> None:
        """Write ``array`` (all bands, in the file's type) to ``window``, or to the whole file."""
        window = self.grid.window if window is None else window
        with self._plain_errors():
            self._file.write(
                array, window=RasterioWindow(window.col, window.row, window.width, window.height)
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            with self._plain_errors():
                self._open.__exit__(kind, error, trace)
            return
        with self._open, self._plain_errors():
            self._file.close()
            self._finish()

    def _describe(self) -> None:
        if self._colours:
            nodata = self._profile["nodata"]
            clear = {} if nodata is None else {int(nodata): (0, 0, 0, 0)}
            self._file.write_colormap(1, {**clear, **self._colours})
        for band, name in enumerate(self._band_names, start=1):
            self._file.set_band_description(band, name)
        if self._scale is not None:
            self._file.scales = (self._scale,) * self._profile["count"]
        self._file.update_tags(**self._tags)
        self._file.update_tags(1, **{f"CLASS_{value}": name for value, name in self._names.items()})

    def _finish(self) -> None:
        # GDAL's COG driver takes a finished file only; writing into it directly would hold the whole raster
        # in memory.
        rasterio.shutil.copy(
            self._draft,
            self._target,
            driver="COG",
            compress="deflate",
            predictor="no" if self._categorical else "yes",
            overview_resampling="mode" if self._categorical else "average",
            blocksize=BLOCK,
            bigtiff="if_safer",
            statistics="YES",
        )
        # Full resolution lies at the end of a COG, so a file cut short by a full disk fails here.
        with rasterio.open(self._target) as written:
            last = RasterioWindow(written.width - 1, written.height - 1, 1, 1)
            written.read(window=last)
        self._draft.unlink()
        if self._names:
            sidecar_of(self._target).write_text(_category_names(self._names), encoding="utf-8")
        if self._style is not None:
            with suppress(OSError):  # a map without one is a map
                style_of(self._target).write_text(self._style, encoding="utf-8")

    @contextmanager
    def _plain_errors(self) -> Iterator[None]:
        with warnings.catch_warnings():
            # A scene without georeferencing gives a map without: that is no news.
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            try:
                yield
            except Exception as error:
                if not (isinstance(error, OSError) or is_from_rasterio(error)):
                    raise
                raise unwritable(self.path, error) from error


def write_geotiff(path: str | Path, array: Shaped[np.ndarray, "c h w"], grid: Grid, **options: Any) -> None:
    """Write a whole array (c, h, w) at once; ``options`` are those of ``RasterWriter``."""
    with RasterWriter(path, grid, bands=array.shape[0], dtype=array.dtype.name, **options) as writer:
        writer.write(array)


def _side_of_tiles(pixels: int) -> int:
    """Return one side of a draft's tiles: GDAL takes multiples of 16, and writes what lies outside, too."""
    return min(BLOCK, -(-pixels // 16) * 16)


def _category_names(names: Mapping[int, str]) -> str:
    """Write GDAL's sidecar with the name of every value from 0 to the largest named one."""
    categories = (
        f"      <Category>{escape(names.get(value, ''))}</Category>" for value in range(max(names) + 1)
    )
    return "\n".join(
        [
            "<PAMDataset>",
            '  <PAMRasterBand band="1">',
            "    <CategoryNames>",
            *categories,
            "    </CategoryNames>",
            "  </PAMRasterBand>",
            "</PAMDataset>",
            "",
        ]
    )
