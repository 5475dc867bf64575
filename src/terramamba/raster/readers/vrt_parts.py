"""What the parts of a virtual raster (VRT) declare, and it does not: GDAL reads them without it."""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any

from rasterio.errors import RasterioError

from terramamba.core.errors import InputError
from terramamba.raster.readers.datasets import dataset_of

MOST_PARTS = 16
"""Files that are looked at; tiles of one kind declare the same."""
_HANDLED = ("<NODATA>", "<UseMaskBand>", "<ScaleRatio>", "<ScaleOffset>", "<LUT>", "VRTWarpedDataset")
"""What is in a virtual raster that does something about it, or works by other rules."""
PLAIN = (1.0, 0.0)
"""A scale and an offset that change nothing."""
_BAND = re.compile(r"<VRTRasterBand\b.*?</VRTRasterBand>", re.S)
_SOURCE = re.compile(r"<SourceFilename\b[^>]*>([^<]*)</SourceFilename>\s*(?:<SourceBand>(\d+)</SourceBand>)?")


def unsaid_of_parts(image: Any) -> list[str]:
    """Note where files of the open dataset ``image`` declare no data, or a scale, that it does not.

    Of other datasets than virtual rasters nothing is noted.
    """
    nodata, scale = image.nodatavals[0], (image.scales[0], image.offsets[0])
    if image.driver != "VRT" or (nodata is not None and scale != PLAIN):
        return []
    text = _text(image)
    if any(word in text for word in _HANDLED):
        return []
    ignored: dict[float, str] = {}
    scaled: list[str] = []
    for name, part in _parts(image):
        if nodata is None and part.nodatavals[0] is not None:
            ignored.setdefault(part.nodatavals[0], name)
        if scale == PLAIN and (part.scales[0], part.offsets[0]) != PLAIN:
            scaled.append(name)
    notes = []
    if ignored:
        found = ", ".join(f"{value:g} ({name})" for value, name in ignored.items())
        given = ",".join(f"{value:g}" for value in ignored)
        notes.append(
            f"its parts declare values of no data, which it does not: {found}; --nodata {given} leaves them"
            " out"
        )
    if scaled:
        notes.append(
            f"its part {scaled[0]} declares a scale, which it does not: values are taken as they are stored;"
            " declare it there too (gdal_edit.py -scale -offset)"
        )
    return notes


def files_of_bands(image: Any, indexes: Sequence[int]) -> list[str]:
    """Return the file that each band of a virtual raster shows, where each shows one and none another's.

    `gdalbuildvrt -separate` gives no names to the bands, of which the names of such files tell what they are.
    """
    found = _sources(image)
    files = [{file for file, _ in found[i - 1]} if i <= len(found) else set() for i in indexes]
    alone = [file for one in files if len(one) == 1 for file in one]
    return alone if len(set(alone)) == len(indexes) > 1 else []


def tags_and_names_of_parts(
    image: Any, indexes: Sequence[int]
) -> tuple[list[dict[str, str]], list[str]] | None:
    """Return tags and names of the bands of the only file that a virtual raster shows; None: of several."""
    found = _sources(image)
    first = [found[i - 1][0] for i in indexes if i <= len(found) and found[i - 1]]
    if len(first) < len(indexes) or len({file for file, _ in first}) > 1:
        return None
    part = next((part for name, part in _parts(image) if Path(name).name == Path(first[0][0]).name), None)
    if part is None or max(band for _, band in first) > part.count:
        return None
    names = part.descriptions
    return [part.tags(band) for _, band in first], [names[band - 1] or "" for _, band in first]


def _sources(image: Any) -> list[list[tuple[str, int]]]:
    """The files, and bands of these, that each band of a virtual raster shows."""
    if image.driver != "VRT":
        return []
    return [
        [(unescape(name.strip()), int(band or 1)) for name, band in _SOURCE.findall(written)]
        for written in _BAND.findall(_text(image))
    ]


def _text(image: Any) -> str:
    return str(image.tags(ns="xml:VRT").get("xml:VRT", ""))


def _parts(image: Any) -> Iterator[tuple[str, Any]]:
    for name in [name for name in image.files if name != image.name][:MOST_PARTS]:
        with suppress(RasterioError, InputError):  # reading its pixels says so
            yield name, dataset_of(name)
