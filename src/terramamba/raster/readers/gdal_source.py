"""The pixels of an image that GDAL opens, window by window, and which of them are data."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Shaped
from rasterio import windows
from rasterio.errors import RasterioError

from terramamba.core.errors import InputError, reason_of
from terramamba.core.network import TRIES
from terramamba.raster.readers.datasets import dataset_of, is_on_web
from terramamba.raster.windows import Window

GDAL_CACHE_BYTES = 256 << 20
"""Blocks that GDAL keeps decoded; left alone it would take 5 % of the memory of the machine."""

TOO_MANY = "Too many open files"


@dataclass(frozen=True)
class GdalSource:
    """Pixels of a dataset's bands ``indexes`` (1-based), with each band's nodata value.

    ``alpha`` is the 1-based transparency band; ``mask`` says whether the dataset, or each band, has a mask of
    another kind.
    """

    path: str
    indexes: tuple[int, ...]
    nodata: tuple[float | None, ...]
    alpha: int | None
    mask: Literal["none", "dataset", "bands"]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        indexes = [self.indexes[band] for band in bands]
        where = {
            "window": windows.Window(window.col, window.row, window.width, window.height),
            "out_shape": (len(indexes), *shape),
        }
        image = None
        try:
            image = dataset_of(self.path)
            if not indexes or not window.pixels:
                dtype = image.dtypes[self.indexes[0] - 1]
                return np.empty(where["out_shape"], dtype), np.empty(where["out_shape"], dtype=bool)
            values = image.read(indexes, **where)
            valid = np.ones(values.shape, dtype=bool)
            for i, band in enumerate(bands):
                if self.nodata[band] is not None:
                    valid[i] = is_data(values[i], self.nodata[band])
            if self.mask == "bands":
                valid &= image.read_masks(indexes, **where) != 0
            if self.mask == "dataset":
                valid &= image.read_masks(indexes[:1], window=where["window"], out_shape=(1, *shape)) != 0
            if self.alpha is not None:
                valid &= image.read([self.alpha], window=where["window"], out_shape=(1, *shape)) != 0
        except RasterioError as error:
            forget_errors(image)
            remedy = "the file is damaged or incomplete, fetch it again"
            if TOO_MANY in str(error) + str(error.__cause__):
                remedy = "allow more of them (ulimit -n), or read in fewer threads"
            if is_on_web(self.path):
                remedy = (
                    f"the server broke off, though it was asked {TRIES} times; give the same command again"
                )
            raise InputError(
                f"{self.path}: rows {window.row} to {window.bottom - 1}, columns {window.col} to "
                f"{window.right - 1} cannot be read ({reason_of(error)}); {remedy}"
            ) from error
        return values, valid


def is_data(values: Shaped[np.ndarray, "..."], nodata: float | None) -> Bool[np.ndarray, "..."]:
    """Tell where ``values`` are not the nodata value, compared in their own type."""
    if nodata is None:
        return np.ones(values.shape, dtype=bool)
    if values.dtype.kind == "f":
        if np.isnan(nodata):
            return ~np.isnan(values)
        with np.errstate(over="ignore"):
            return values != values.dtype.type(nodata)
    limits = np.iinfo(values.dtype)
    if not (float(nodata).is_integer() and limits.min <= nodata <= limits.max):
        return np.ones(values.shape, dtype=bool)
    return values != values.dtype.type(nodata)


def forget_errors(image: Any) -> None:
    """Have GDAL forget its last error, which rasterio would else raise while it looks at another file."""
    with suppress(Exception):  # whatever it raises is what is to be cleared
        _ = image.colorinterp
