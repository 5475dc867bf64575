"""Files that lack a part without a word from GDAL, which makes up the rest of them or leaves it out."""

import struct
from os import SEEK_CUR
from pathlib import Path
from typing import Any

import numpy as np

from terramamba.core.errors import InputError
from terramamba.raster.readers.band_metadata import whole_number
from terramamba.raster.readers.envi_header import INTERLEAVES, interleave_of
from terramamba.raster.readers.wavelengths import header_list

PNG_START, PNG_END = 8, b"IEND"
"""Where the first chunk of a PNG file begins, and the name of the last one."""


def require_whole_image(path: str, image: Any, header: dict[str, str]) -> list[str]:
    """Note where an ENVI file, an open dataset with the entries ``header`` of its header, is too large.

    Raises:
        InputError: an ENVI file that ends early, has bytes between its lines or an interleave that is none,
            or a PNG file that lacks bytes anywhere.
    """
    if image.driver == "PNG":
        _require_chunks(path)
    elif image.driver == "ENVI":
        _require_no_frames(path, header)
        _require_interleave(path, header)
    if image.driver == "ENVI" and whole_number(header.get("file_compression", "")) == 0:
        pixel = sum(np.dtype(dtype).itemsize for dtype in image.dtypes)
        wanted = pixel * image.height * image.width + whole_number(header.get("header_offset", ""))
        size = _require_size(path, wanted)
        if size > wanted:
            return [f"{_sizes(size, wanted)}: check its samples, lines, bands and data type"]
    return []


def _require_no_frames(path: str, header: dict[str, str]) -> None:
    """Raise ``InputError`` where a header tells of bytes around each line or band, which GDAL would read."""
    for entry in ("major_frame_offsets", "minor_frame_offsets"):
        if any(whole_number(length) for length in header_list(header.get(entry, ""))):
            raise InputError(
                f"{path}: its header has {entry.replace('_', ' ')} {header[entry]}, which are not read; save"
                " the file without them (in ENVI: Save As)"
            )


def _require_interleave(path: str, header: dict[str, str]) -> None:
    """Raise ``InputError`` for an interleave that is none, which GDAL takes for bsq without a word."""
    if interleave_of(header) is None:
        raise InputError(
            f"{path}: its header's interleave is {header['interleave'].strip()[:40]!r}, which is none of"
            f" {', '.join(INTERLEAVES)};"
            " correct it"
        )


def require_whole_shapefile(path: str) -> None:
    """Raise ``InputError`` where a shapefile, or the table beside it, ends early, or its index is missing.

    Other files pass.
    """
    shapes = Path(path)
    if shapes.suffix.lower() != ".shp":
        return
    _require_size(path, 2 * int.from_bytes(_first_bytes(shapes, 28)[24:], "big"))
    if not any(shapes.with_suffix(index).is_file() for index in (".shx", ".SHX")):
        raise InputError(f"{path}: needs {shapes.stem}.shx beside it; fetch all files of this name")
    for table in (shapes.with_suffix(".dbf"), shapes.with_suffix(".DBF")):
        if table.is_file():
            records, first, length = struct.unpack("<4xIHH", _first_bytes(table, 12))
            _require_size(str(table), first + records * length)


def _first_bytes(path: Path, count: int) -> bytes:
    with path.open("rb") as file:
        return file.read(count).ljust(count, b"\0")


def _require_chunks(path: str) -> None:
    """Raise ``InputError`` where the chunks of a PNG file do not lead from one to the next up to its end."""
    with Path(path).open("rb") as file:
        file.seek(PNG_START)
        name = b""
        while name != PNG_END:
            length, name = struct.unpack(">I4s", file.read(8).ljust(8, b"\0"))
            if not name.isalpha():
                raise _damaged(path, "has no end, or lost some bytes before")
            file.seek(length + 4, SEEK_CUR)  # a checksum follows, which GDAL looks at


def _require_size(path: str, wanted: int) -> int:
    size = Path(path).stat().st_size
    if size < wanted:
        raise _damaged(path, _sizes(size, wanted))
    return size


def _sizes(size: int, wanted: int) -> str:
    return f"holds {size:,} bytes, its header describes {wanted:,}"


def _damaged(path: str, how: str) -> InputError:
    return InputError(f"{path}: {how}; the file is damaged or incomplete, fetch it again")
