"""What the parts of a virtual raster (VRT) declare, and it does not: GDAL reads them without it."""

from collections.abc import Iterator
from contextlib import suppress
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


def unsaid_of_parts(image: Any) -> list[str]:
    """Note where files of the open dataset ``image`` declare no data, or a scale, that it does not.

    Of other datasets than virtual rasters nothing is noted.
    """
    nodata, scale = image.nodatavals[0], (image.scales[0], image.offsets[0])
    if image.driver != "VRT" or (nodata is not None and scale != PLAIN):
        return []
    text = image.tags(ns="xml:VRT").get("xml:VRT", "")
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


def _parts(image: Any) -> Iterator[tuple[str, Any]]:
    for name in [name for name in image.files if name != image.name][:MOST_PARTS]:
        with suppress(RasterioError, InputError):  # reading its pixels says so
            yield name, dataset_of(name)
