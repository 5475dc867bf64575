"""Scenes in memory: arrays of NumPy, and what NumPy reads as one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from affine import Affine
from jaxtyping import Bool, Shaped
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.arguments import checked
from terramamba.core.errors import InputError, reason_of
from terramamba.raster.geogrid import Grid, place_doubts
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import without_unrecorded
from terramamba.raster.windows import Window, evenly_spaced


@runtime_checkable
class Tensor(Protocol):
    """What NumPy reads as an array, as tensors of torch are."""

    def __array__(self, dtype: Any = None) -> np.ndarray:
        """Give the values."""


@dataclass(frozen=True, eq=False)
class MemorySource:
    """Pixels of ``values`` (c, h, w); not data are NaN and ``nodata``."""

    values: Shaped[np.ndarray, "c h w"]
    nodata: float | None

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        rows = evenly_spaced(window.row, window.height, shape[0])
        cols = evenly_spaced(window.col, window.width, shape[1])
        found = self.values[np.ix_(np.array(bands, np.int64), rows, cols)]
        valid = ~np.isnan(found) if found.dtype.kind == "f" else np.ones(found.shape, bool)
        return found, valid if self.nodata is None else valid & (found != self.nodata)


@checked
def scene_from_array(
    array: Shaped[np.ndarray, "..."] | Tensor,
    *,
    wavelengths: Sequence[float | int] | None = None,
    crs: Any = None,
    transform: Any = None,
    nodata: int | float | None = None,
    names: Sequence[str] | None = None,
) -> Scene:
    """Make a scene of an array (bands, rows, columns), which stays in memory and is not copied.

    Args:
        array: Real numbers, also as a tensor of torch; masked values and NaN are no data.
        wavelengths: Of the bands, in nanometres.
        crs: Coordinate reference system, as rasterio understands it: "EPSG:32633", 32633, WKT.
        transform: From (column, row) of a pixel's corner to coordinates: six numbers a, b, c, d, e, f or an
            ``Affine``.
        nodata: Value that stands for no data.
        names: Of the bands.

    Raises:
        InputError: another number of axes, values that are no real numbers, or what does not fit the bands.
    """
    values = _numbers_of(array)
    if values.ndim != 3 or 0 in values.shape:
        raise InputError(
            f"array: has the shape {values.shape}; give (bands, rows, columns), also for one band"
        )
    if values.dtype.kind not in "biuf":
        raise InputError(f"array: holds {values.dtype} values; give real numbers")
    if nodata is None and np.ma.is_masked(values) and values.dtype.kind != "f":
        raise InputError(
            "array: is masked and holds whole numbers; say with nodata which one stands for no data"
        )
    for what, given in (("wavelengths", wavelengths), ("names", names)):
        if given is not None and len(given) != len(values):
            raise InputError(f"{what}: {len(given)} for {len(values)} bands; give one for each band")
    if np.ma.isMaskedArray(values):
        values = np.ma.filled(values, np.nan if nodata is None else nodata)
    if values.dtype.kind == "b":
        values = values.astype(np.uint8)
    grid = Grid(values.shape[1], values.shape[2], crs_from(crs), transform_from(transform))
    scene = Scene(
        "array",
        "array in memory",
        len(values),
        values.dtype.name,
        grid,
        MemorySource(values, None if nodata is None else float(nodata)),
        nodata=None if nodata is None else float(nodata),
        band_names=tuple(names or ()),
        wavelengths=None if wavelengths is None else tuple(map(float, wavelengths)),
        notes=place_doubts(grid),
    )
    return without_unrecorded(scene)


def _numbers_of(array: Any) -> Shaped[np.ndarray, "..."]:
    """The values of an array, or of a tensor of torch wherever it lies and whatever learns from it."""
    try:
        return np.asanyarray(array.detach().cpu() if hasattr(array, "detach") else array)
    except (TypeError, RuntimeError, ValueError) as error:
        raise InputError(
            f"array: holds no numbers that NumPy knows ({reason_of(error)}); give it dense, in float32"
        ) from error


def crs_from(given: Any) -> CRS | None:
    """Read a coordinate reference system as rasterio understands it.

    Raises:
        InputError: it does not.
    """
    if given is None:
        return None
    try:
        return CRS.from_user_input(given if isinstance(given, CRS | int | str) else str(given))
    except (CRSError, ValueError) as error:
        raise InputError(
            f"crs {given}: is not understood ({reason_of(error)}); give such as EPSG:32633"
        ) from error


def transform_from(given: Any) -> Affine | None:
    """Read six numbers a, b, c, d, e, f, or what begins with them, as an ``Affine``.

    Raises:
        InputError: they are fewer.
    """
    if given is None:
        return None
    numbers = tuple(given)[:6]
    if len(numbers) != 6:
        raise InputError(f"transform {tuple(given)}: has {len(numbers)} numbers; give a, b, c, d, e, f")
    return Affine(*map(float, numbers))
