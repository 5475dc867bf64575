"""EMIT scenes (NetCDF): pixels of the sensor, put in their places on the ground as they are read.

A granule keeps its spectra as the sensor saw them, lines x samples x bands, and beside them a geometry lookup
table (GLT): for each pixel of a grid in degrees the 1-based sample (``glt_x``) and line (``glt_y``) that it
shows, 0 where it shows none. A window is read through the table: of the spectra only the lines and samples
that it names, a few lines at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import rasterio
from affine import Affine
from jaxtyping import Bool, Shaped
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.array_path import SCENE_VARIABLE
from terramamba.raster.readers.format_record import Format, hdf5
from terramamba.raster.readers.hdf5 import holds, numbers, opened, text
from terramamba.raster.readers.netcdf import NetcdfSource
from terramamba.raster.readers.packing import Packing
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, evenly_spaced

NAME = "EMIT"
CUBES = ("reflectance", "radiance")
"""Variables that are taken when none is named: of a level 2A and of a level 1B granule."""
MASK = "mask"
"""Variable of the mask product: one band a flag, whose names are in ``mask_bands``."""
FILL = -9999.0
BLOCK_BYTES = 32 << 20
"""Spectra are read in blocks of lines of about this size."""

_GLT_X, _GLT_Y = "location/glt_x", "location/glt_y"
_BANDS = "sensor_band_parameters"


def is_emit(path: str) -> bool:
    """Tell whether a file has EMIT's geometry lookup table."""
    return holds(path, _GLT_X, _GLT_Y)


def open_emit(path: str, variable: str | None = None, flag: str = SCENE_VARIABLE) -> Scene:
    """Open an EMIT granule as a scene on its grid in degrees.

    ``variable`` names the spectra (default: ``reflectance``, else ``radiance``, else the flags ``mask`` of
    the mask product). Bands that ``good_wavelengths`` excludes are bad bands.

    Raises:
        InputError: the file is damaged or not whole.
    """
    names: tuple[str, ...]
    wavelengths: tuple[float, ...] | None
    fwhm: tuple[float, ...] | None
    with opened(path, NAME) as file:
        cubes = [name for name, item in file.items() if getattr(item, "ndim", 0) == 3]
        name = variable or next((cube for cube in (*CUBES, MASK) if cube in cubes), "")
        if name not in cubes:
            there = ", ".join(cubes) or "none"
            wanted = " or ".join(CUBES) if variable is None else variable
            raise InputError(f"{path}: no variable {wanted}; its cubes are {there}; choose one with {flag}")
        cube, bands = file[name], file[_BANDS]
        count = cube.shape[2]
        if name == MASK:
            names, wavelengths, fwhm = _texts(bands["mask_bands"]), None, None
            listed = {len(names)}
            bad_bands = (False,) * count
        else:
            wavelengths, fwhm = (tuple(numbers(bands[which]).tolist()) for which in ("wavelengths", "fwhm"))
            names = tuple(f"{w:.2f} nm" for w in wavelengths)
            good = numbers(bands["good_wavelengths"]) if "good_wavelengths" in bands else np.ones(len(fwhm))
            listed = {len(names), len(fwhm), len(good)}
            bad_bands = tuple(bool(g == 0) for g in good)
        if listed != {count}:
            raise InputError(
                f"{path}: {name} has {count} bands, {_BANDS} lists {len(names)}; fetch the file again"
            )
        try:
            with rasterio.Env():  # else GDAL prints its own message, too
                crs = CRS.from_wkt(text(file.attrs["spatial_ref"]))
        except CRSError as error:
            raise InputError(
                f"{path}: attribute spatial_ref is no coordinate reference system; fetch the file again"
            ) from error
        transform = Affine.from_gdal(*numbers(file.attrs["geotransform"]))
        height, width = file[_GLT_X].shape
        fill = float(numbers(cube.attrs.get("_FillValue", FILL))[0])
        dtype = str(cube.dtype.newbyteorder("="))
    return Scene(
        path=path,
        format="",
        bands=count,
        dtype=dtype,
        grid=Grid(height, width, crs, transform),
        source=EmitSource(path, name, dtype, fill),
        nodata=fill,
        band_names=names,
        wavelengths=wavelengths,
        fwhm=fwhm,
        bad_bands=bad_bands,
        notes=(f"{name}, put on the ground by the file's geometry lookup table (nearest pixel)",),
    )


def as_the_sensor_saw(scene: Scene) -> Scene | None:
    """Return an EMIT scene before it is put on the ground: lines x samples; None for other scenes."""
    source = scene.source
    if not isinstance(source, EmitSource):
        return None
    with opened(source.path, NAME) as file:
        lines, samples, _ = file[source.name].shape
    packing = Packing(source.dtype, (source.fill,))
    raw = NetcdfSource(source.path, source.name, (0, 1, 2), False, False, packing)
    return replace(scene, grid=Grid(lines, samples), source=raw)


def _texts(item: Any) -> tuple[str, ...]:
    return tuple(text(value) for value in np.asarray(item).ravel())


@dataclass(frozen=True)
class EmitSource:
    """Pixels of the variable ``name``, seen through the geometry lookup table."""

    path: str
    name: str
    dtype: str
    fill: float

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values = np.full((len(bands), *shape), self.fill, dtype=self.dtype)
        if values.size:
            with opened(self.path, NAME) as file:
                rows, cols = (
                    evenly_spaced(0, window.height, shape[0]),
                    evenly_spaced(0, window.width, shape[1]),
                )
                # Some granules mark interpolated places by a negative number.
                sample, line = (
                    np.abs(file[name][window.slices][np.ix_(rows, cols)].astype(np.int64)) - 1
                    for name in (_GLT_X, _GLT_Y)
                )
                self._gather(file[self.name], line, sample, list(bands), values)
        return values, values != values.dtype.type(self.fill)

    def _gather(
        self,
        cube: Any,
        line: Shaped[np.ndarray, "h w"],
        sample: Shaped[np.ndarray, "h w"],
        bands: list[int],
        values: Shaped[np.ndarray, "c h w"],
    ) -> None:
        seen = (line >= 0) & (sample >= 0)
        if not seen.any():
            return
        lines, samples, _ = cube.shape
        if line[seen].max() >= lines or sample[seen].max() >= samples:
            raise InputError(
                f"{self.path}: its lookup table points outside the {lines} lines and {samples} samples of "
                f"{self.name}; fetch the file again"
            )
        first, last = min(bands), max(bands) + 1
        wanted = [band - first for band in bands]
        step = max(1, BLOCK_BYTES // (samples * (last - first) * cube.dtype.itemsize))
        for top in range(int(line[seen].min()), int(line[seen].max()) + 1, step):
            here = seen & (line >= top) & (line < top + step)
            if not here.any():
                continue
            y, x = line[here], sample[here]
            left = int(x.min())
            block = cube[top : int(y.max()) + 1, left : int(x.max()) + 1, first:last]
            values[:, here] = block[y - top, x - left][:, wanted].T


FORMAT = Format(
    name=NAME,
    known_by="NetCDF with a geometry lookup table (`location/glt_x`, `location/glt_y`)",
    reads="`reflectance` (L2A) or `radiance` (L1B), put on the ground by the lookup table as it is read; "
    "wavelengths and band widths",
    notes="By windows. Bands that `good_wavelengths` excludes are bad bands; pixels outside the swath "
    "have no data. The mask product is for `--mask`: its flags of clouds, cirrus and the spacecraft "
    "count.",
    matches=hdf5(is_emit),
    reader=lambda path, options: open_emit(path, options.variable, options.variable_flag),
    named=True,
)
