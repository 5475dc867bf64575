"""The day on which an image was taken, where its metadata say so in as many words.

Names of files are not looked at: numbers in them may be anything.
"""

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path

import h5py
from rasterio.errors import RasterioError

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError
from terramamba.raster.readers.datasets import is_address, open_raster
from terramamba.raster.readers.envi_header import image_of_header
from terramamba.raster.readers.stac import is_stac, read_item
from terramamba.raster.scene import Scene

TAGS = (
    "acquisition_time",  # ENVI headers
    "acquisitiondatetime",  # what GDAL finds beside images of many satellites
    "acquisition_date",
    "acquisition_datetime",
    "date_acquired",  # Landsat
    "product_start_time",  # Sentinel-2
    "time_coverage_start",  # NetCDF, EMIT
    "starttime",
    "tifftag_datetime",
)
"""Metadata that hold the day, in small letters, without what stands before; the first one counts."""

HDF5_ATTRIBUTES = ("time_coverage_start", "Product_StartTime")
BESIDE = ("*MTL.txt", "MTD_MSIL*.xml", "*-METADATA.XML")
"""Metadata files in folders of Landsat, Sentinel-2 and EnMAP."""

_IN_TEXT = re.compile(
    r"\bDATE_ACQUIRED\s*=\s*\"?(?P<landsat>[0-9-]+)"
    r"|<PRODUCT_START_TIME>(?P<sentinel>[^<]+)<"
    r"|<startTime>(?P<enmap>[^<]+)<"
)
_DAY = re.compile(r"\s*(\d{4})[-:/]?(\d{2})[-:/]?(\d{2})(?!\d)")


def acquisition_date(path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]]) -> date | None:
    """Find the day (UTC where the metadata are) on which an image was taken; None where none is told.

    Takes what ``open_scene`` takes. Of several files, or of a folder, the day on which all that tell one
    agree. ``TIFFTAG_DATETIME`` counts where nothing else is told: some programs write into it when they
    wrote the file.
    """
    if not isinstance(path, str | os.PathLike):
        return _common(acquisition_date(one) for one in path)
    name = os.fspath(path)
    if is_stac(name):
        return _of_item(name)
    if is_address(name):
        return _of_raster(name)
    given = Path(name)
    if given.is_dir():
        return _of_folder(given)
    if not given.is_file():
        return None
    return _of_text(given) or _of_hdf5(given) or _of_raster(name)


def day_of(scene: Scene) -> str | None:
    """Return the day (ISO) on which a scene was taken, where itself or what lies beside it says so."""
    day = acquisition_date(scene.path)
    return None if day is None else day.isoformat()


def day_in(text: str) -> date | None:
    """Return the day that ``text`` begins with: 2021-06-17, 2021:06:17 or 20210617, whatever follows."""
    match = _DAY.match(text)
    if match is None:
        return None
    try:
        return date(*map(int, match.groups()))
    except ValueError:
        return None


def _of_item(path: str) -> date | None:
    try:
        item = read_item(path)
    except InputError:  # a catalogue, or no extra: whoever opens the scene is told
        return None
    start = item.datetime or item.common_metadata.start_datetime
    return None if start is None else start.date()


def _of_folder(folder: Path) -> date | None:
    told = [_of_text(file) for pattern in BESIDE for file in sorted(folder.glob(pattern))]
    if any(told):
        return _common(told)
    images = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in (".tif", ".tiff", ".hdr")]
    return _common(_of_raster(str(image)) for image in images)


def _of_text(file: Path) -> date | None:
    if not any(file.match(pattern) for pattern in BESIDE):
        return None
    try:
        match = _IN_TEXT.search(read_text(file, "fetch it again", errors="replace"))
    except InputError:
        return None
    return None if match is None else day_in(next(text for text in match.groups() if text))


def _of_hdf5(file: Path) -> date | None:
    try:
        if not h5py.is_hdf5(file):
            return None
        with h5py.File(file) as opened:
            told = [opened.attrs.get(name) for name in HDF5_ATTRIBUTES]
    except OSError:
        return None
    texts = [text.decode() if isinstance(text, bytes) else text for text in told if text is not None]
    return day_in(str(texts[0])) if texts else None


def _of_raster(path: str) -> date | None:
    try:
        with open_raster(image_of_header(path)) as image:
            domains = [image.tags(), *(image.tags(ns=ns) for ns in ("IMAGERY", "ENVI", "IMD"))]
    except (RasterioError, InputError):
        return None
    tags = {key: text for domain in reversed(domains) for key, text in _short(domain)}
    days = (day_in(tags[name]) for name in TAGS if name in tags)
    return next((day for day in days if day is not None), None)


def _short(tags: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield names in small letters without the groups that they stand in: ``NC_GLOBAL#``, ``METADATA.``."""
    for name, text in tags.items():
        yield re.split(r"[.#]", name.lower())[-1].replace(" ", "_"), text


def _common(days: Sequence[date | None] | Iterator[date | None]) -> date | None:
    told = {day for day in days if day is not None}
    return told.pop() if len(told) == 1 else None
