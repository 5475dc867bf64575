"""PRISMA scenes, level 2D (HDF-EOS5): the cubes of both spectrometers as one scene of reflectances.

Each cube lies as rows x bands x columns, north up, its bands by falling wavelength. Values are 16-bit numbers
between the least and the largest reflectance of the cube: reflectance = min + number * (max - min) / 65535.
Bands of wavelength 0, or with a flag 0, were not recorded. Where the spectrometers overlap (about 920 to
1010 nm), the bands of the short-wave infrared one are kept: the visible one sees little light there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import h5py
import numpy as np
import rasterio
from affine import Affine
from jaxtyping import Bool, Float32
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.format_record import Format, hdf5
from terramamba.raster.readers.hdf5 import holds, numbers, opened
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, evenly_spaced

NAME = "PRISMA L2D"
PIXEL_METRES = 30.0
FULL_SCALE = 65535.0
PROBES = 4
"""A pixel that is 0 in this many bands, spread over the visible cube, lies outside the scene."""

_SWATHS = "HDFEOS/SWATHS"
_FIELDS = f"{_SWATHS}/PRS_L2D_HCO/Data Fields"
_SPECTROMETERS = ("Vnir", "Swir")


def is_prisma(path: str) -> bool:
    """Tell whether a file is a PRISMA product of any level."""
    if not holds(path, _SWATHS):
        return False
    with opened(path, "HDF-EOS5") as file:
        return any(name.startswith("PRS_") for name in file[_SWATHS])


@dataclass(frozen=True)
class Channel:
    """One band of the scene: its place in a cube, and its centre and width in nm."""

    cube: str
    index: int
    wavelength: float
    fwhm: float
    minimum: float
    maximum: float


def open_prisma(path: str) -> Scene:
    """Open a PRISMA L2D product as one scene of reflectances by rising wavelength, with its UTM grid.

    Raises:
        InputError: another level, which lies in the sensor's geometry, or a damaged file.
    """
    with opened(path, NAME) as file:
        if _FIELDS not in file:
            levels = ", ".join(sorted(name for name in file[_SWATHS] if name.startswith("PRS_")))
            raise InputError(f"{path}: holds {levels}, which has no map grid; give the L2D product")
        by_name = {name: _channels(file, name, path) for name in _SPECTROMETERS}
        shapes = {file[f"{_FIELDS}/{_cube(name)}"].shape[::2] for name in _SPECTROMETERS}
        if len(shapes) != 1 or not all(by_name.values()):
            raise InputError(f"{path}: its two cubes differ in size or have no bands; fetch the file again")
        height, width = shapes.pop()
        grid = _grid(file.attrs, height, width, path)
    start = min(channel.wavelength for channel in by_name["Swir"])
    visible = [channel for channel in by_name["Vnir"] if channel.wavelength < start]
    channels = sorted(visible + by_name["Swir"], key=lambda channel: channel.wavelength)
    dropped = len(by_name["Vnir"]) - len(visible)
    probes = tuple(by_name["Vnir"][i].index for i in evenly_spaced(0, len(by_name["Vnir"]), PROBES))
    return Scene(
        path=path,
        format="",
        bands=len(channels),
        dtype="float32",
        grid=grid,
        source=PrismaSource(path, tuple(channels), probes),
        nodata=float("nan"),
        band_names=tuple(f"{c.wavelength:.2f} nm" for c in channels),
        wavelengths=tuple(c.wavelength for c in channels),
        fwhm=tuple(c.fwhm for c in channels),
        notes=(
            "reflectance, computed from the stored numbers",
            f"{dropped} bands of the visible spectrometer beyond {start:.6g} nm left out: the other has them",
        ),
    )


@dataclass(frozen=True)
class PrismaSource:
    """Reflectances of ``channels``; ``probes`` are the visible bands that tell where the scene ends."""

    path: str
    channels: tuple[Channel, ...]
    probes: tuple[int, ...]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values = np.empty((len(bands), *shape), np.float32)
        if not values.size:
            return values, np.empty(values.shape, dtype=bool)
        chosen = [self.channels[band] for band in bands]
        with opened(self.path, NAME) as file:
            for cube in {channel.cube for channel in chosen}:
                own = [i for i, channel in enumerate(chosen) if channel.cube == cube]
                stored = _cut(file[f"{_FIELDS}/{cube}"], [chosen[i].index for i in own], window, shape)
                for i, layer in zip(own, stored, strict=True):
                    low, high = chosen[i].minimum, chosen[i].maximum
                    values[i] = low + layer * ((high - low) / FULL_SCALE)
            probes = file[f"{_FIELDS}/{_cube('Vnir')}"]
            inside = np.zeros(shape, dtype=bool)
            for probe in self.probes:
                inside |= _cut(probes, [probe], window, shape)[0] != 0
        values[:, ~inside] = np.nan
        return values, np.broadcast_to(inside, values.shape).copy()


def _cut(
    cube: Any, indexes: list[int], window: Window, shape: tuple[int, int]
) -> Float32[np.ndarray, "c h w"]:
    first = min(indexes)
    # Whole steps are skipped while reading, so that a preview stays small.
    rows = slice(window.row, window.bottom, max(1, window.height // shape[0]))
    cols = slice(window.col, window.right, max(1, window.width // shape[1]))
    block = cube[rows, first : max(indexes) + 1, cols]
    block = block[evenly_spaced(0, block.shape[0], shape[0])][..., evenly_spaced(0, block.shape[2], shape[1])]
    return block.transpose(1, 0, 2)[[index - first for index in indexes]].astype(np.float32)


def _cube(spectrometer: str) -> str:
    return f"{spectrometer.upper()}_Cube"


def _channels(file: h5py.File, spectrometer: str, path: str) -> list[Channel]:
    """List the recorded bands of one cube, in its order."""
    attributes, cube = file.attrs, _cube(spectrometer)
    centres = numbers(attributes[f"List_Cw_{spectrometer}"])
    widths = numbers(attributes[f"List_Fwhm_{spectrometer}"])
    low, high = (float(numbers(attributes[f"L2Scale{spectrometer}{end}"])[0]) for end in ("Min", "Max"))
    bands = file[f"{_FIELDS}/{cube}"].shape[1]
    flags = numbers(attributes.get(f"List_Cw_{spectrometer}_Flags", ()))
    recorded = flags != 0 if len(flags) == len(centres) else np.ones(len(centres), bool)
    if not bands == len(centres) == len(widths):
        raise InputError(
            f"{path}: {cube} has {bands} bands, its header lists {len(centres)}; fetch the file again"
        )
    return [
        Channel(cube, i, float(centre), float(width), low, high)
        for i, (centre, width) in enumerate(zip(centres, widths, strict=True))
        if centre > 0 and recorded[i]
    ]


def _grid(attributes: Any, height: int, width: int, path: str) -> Grid:
    east, south, west, north = (
        float(numbers(attributes[f"Product_{corner}"])[0])
        for corner in ("LRcorner_easting", "LRcorner_northing", "ULcorner_easting", "ULcorner_northing")
    )
    # Corners are the centres of the corner pixels where they are one pixel less apart than the image is wide.
    spans = (east - west, north - south)
    between_centres = spans[0] < (width - 0.5) * PIXEL_METRES
    pixels = (width - 1, height - 1) if between_centres else (width, height)
    margin = PIXEL_METRES / 2 if between_centres else 0.0
    if any(abs(s - n * PIXEL_METRES) > PIXEL_METRES for s, n in zip(spans, pixels, strict=True)):
        raise InputError(
            f"{path}: corners {spans[0]:.6g} x {spans[1]:.6g} m apart do not fit {width} x {height} pixels "
            f"of {PIXEL_METRES:g} m; fetch the file again"
        )
    code = int(numbers(attributes["Epsg_Code"])[0])
    try:
        with rasterio.Env():  # else GDAL prints its own message, too
            crs = CRS.from_epsg(code)
    except CRSError as error:
        raise InputError(f"{path}: unknown Epsg_Code {code}; fetch the file again") from error
    transform = Affine(PIXEL_METRES, 0.0, west - margin, 0.0, -PIXEL_METRES, north + margin)
    return Grid(height, width, crs, transform)


FORMAT = Format(
    name=NAME,
    known_by="HDF-EOS5 with swaths `PRS_...`",
    reads="both cubes as one, by rising wavelength, as reflectance; band widths; the UTM grid",
    notes="By windows. Where the spectrometers overlap, the short-wave infrared one counts. Other levels "
    "than L2D have no map grid and are refused.",
    matches=hdf5(is_prisma),
    reader=lambda path, options: open_prisma(path),
)
