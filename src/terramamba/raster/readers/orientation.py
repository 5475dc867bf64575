"""How viewers turn or mirror a picture: the orientation that JPEG, PNG, WebP and TIFF may carry, 1 to 8.

GDAL tells that of JPEG alone. All four keep it in a directory of TIFF.
"""

import struct
from io import BufferedIOBase, BytesIO
from pathlib import Path
from typing import Any

from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.datasets import is_address
from terramamba.raster.readers.tiff_entries import entries_of_tiff

SHOWN_OTHERWISE = "its EXIF says that it is shown turned or mirrored"
"""How a note begins on files of which the same turned may have been meant."""
_ORIENTATION, _SHORT = 274, 3
_MOST_CHUNKS, _MOST_BYTES = 4096, 1 << 20
_UPRIGHT = 1


def shown_otherwise(path: str, image: Any, grid: Grid) -> list[str]:
    """Say that viewers turn or mirror a picture, an open dataset ``image``, which is read as it is stored."""
    orientation = orientation_of(path, image)
    if orientation == _UPRIGHT:
        return []
    if grid.transform is None:
        return [
            f"{SHOWN_OTHERWISE} (orientation {orientation}), it is read as it is"
            " stored: what was drawn on it as shown does not fit; save both upright (ImageMagick: mogrify"
            " -auto-orient)"
        ]
    if image.driver == "GTiff":
        return [
            f"its orientation of {orientation} (a tag of TIFF) is not applied: pixels lie as its georeference"
            " has them, as in GDAL and QGIS"
        ]
    return []


def orientation_of(path: str, image: Any) -> int:
    """Return the orientation of the file of an open dataset, 1 where it says none."""
    if image.driver == "JPEG":
        told = image.tags().get("EXIF_Orientation", "").strip()
        found = int(told) if told.isdecimal() else _UPRIGHT
    elif image.driver in _DIRECTORIES and not is_address(path):
        try:
            with Path(path).open("rb") as file:
                found = _DIRECTORIES[image.driver](file)
        except (OSError, struct.error, OverflowError, ValueError):  # damage elsewhere is told by who reads it
            return _UPRIGHT
    else:
        return _UPRIGHT
    return found if 1 <= found <= 8 else _UPRIGHT


def _of_directory(file: BufferedIOBase) -> int:
    for entry in entries_of_tiff(file):
        if (entry.tag, entry.kind) == (_ORIENTATION, _SHORT):
            return int(struct.unpack_from(entry.order + "H", entry.value)[0])
    return _UPRIGHT


def _of_png(file: BufferedIOBase) -> int:
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        length, name = struct.unpack(">I4s", file.read(8))
        if name == b"eXIf":
            return _of_directory(BytesIO(file.read(min(length, _MOST_BYTES))))
        if name == b"IEND":
            break
        file.seek(length + 4, 1)
    return _UPRIGHT


def _of_webp(file: BufferedIOBase) -> int:
    file.seek(12)
    for _ in range(_MOST_CHUNKS):
        begin = file.read(8)
        if len(begin) < 8:
            break
        name, length = struct.unpack("<4sI", begin)
        if name == b"EXIF":
            return _of_directory(BytesIO(file.read(min(length, _MOST_BYTES)).removeprefix(b"Exif\0\0")))
        file.seek(length + length % 2, 1)
    return _UPRIGHT


_DIRECTORIES = {"GTiff": _of_directory, "PNG": _of_png, "WEBP": _of_webp}
"""What finds the orientation in a file that one of GDAL's drivers opens."""
