"""Directories of a TIFF file, classic or BigTIFF: where they are, and entries of the first.

GDAL hands on some of the entries alone.
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from io import SEEK_CUR, BufferedIOBase
from pathlib import Path

from terramamba.raster.readers.datasets import is_address

MOST_ENTRIES = 4096
MOST_TEXT = 1 << 22
_SNAP, _ASCII = 65000, 2
_BAND = re.compile(r"<Spectral_Band_Info>.*?</Spectral_Band_Info>", re.S)
_FIELD = r"<BAND_{0}>([^<]*)</BAND_{0}>"


@dataclass(frozen=True)
class Entry:
    """One entry; ``value`` are the bytes in it, of a longer value where that is, in byte ``order``."""

    tag: int
    kind: int
    count: int
    value: bytes
    order: str


def entries_of_tiff(file: BufferedIOBase) -> Iterator[Entry]:
    """Read the entries of the first directory; none where the file does not begin as TIFF.

    Raises:
        struct.error: it ends early.
    """
    known = _begun(file)
    if known is None:
        return
    order, big, first = known
    file.seek(first)
    number = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))[0]
    for _ in range(min(number, MOST_ENTRIES)):
        raw = file.read(20 if big else 12)
        tag, kind, count = struct.unpack_from(order + ("HHQ" if big else "HHI"), raw)
        yield Entry(tag, kind, count, raw[12 if big else 8 :], order)


def places_of_pages(path: str, most: int) -> tuple[int, ...]:
    """Return where in a file the directory of each of its pages begins, of ``most`` at most.

    Empty where it is no file on disk, or damaged.
    """
    if is_address(path):
        return ()
    found = list[int]()
    try:
        with Path(path).open("rb") as file:
            known = _begun(file)
            if known is None:
                return ()
            order, big, place = known
            while place and len(found) < most:
                found.append(place)
                file.seek(place)
                number = struct.unpack(order + ("Q" if big else "H"), file.read(8 if big else 2))[0]
                file.seek(number * (20 if big else 12), SEEK_CUR)
                place = struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))[0]
    except (OSError, struct.error, OverflowError, ValueError):  # damage is told by who reads it
        return ()
    return tuple(found)


def _begun(file: BufferedIOBase) -> tuple[str, bool, int] | None:
    """Byte order, whether it is BigTIFF, and where the first directory is; None where it is no TIFF."""
    begin = file.read(4)
    order = {b"II": "<", b"MM": ">"}.get(begin[:2])
    if order is None:
        return None
    big = struct.unpack(order + "H", begin[2:])[0] == 43
    file.seek(8 if big else 4)
    return order, big, struct.unpack(order + ("Q" if big else "I"), file.read(8 if big else 4))[0]


def bands_of_snap(path: str, bands: int) -> list[tuple[str, float]]:
    """Return name and wavelength (nm, 0 for none) of the bands, as SNAP writes them into its GeoTIFF.

    Empty where the file does not hold them for as many ``bands``.
    """
    if is_address(path):
        return []
    try:
        with Path(path).open("rb") as file:
            found = next((e for e in entries_of_tiff(file) if (e.tag, e.kind) == (_SNAP, _ASCII)), None)
            if found is None or not 8 < found.count < MOST_TEXT:
                return []
            file.seek(struct.unpack(found.order + {4: "I", 8: "Q"}[len(found.value)], found.value)[0])
            text = file.read(found.count).decode("utf-8", "replace")
        told = [
            (
                int(_of(one, "INDEX")),
                unescape(_of(one, "NAME")),
                float(_of(one, "WAVELEN") or 0),
            )
            for one in _BAND.findall(text)
        ]
    except (OSError, struct.error, OverflowError, ValueError):  # damage elsewhere is told by who reads it
        return []
    whole = sorted(index for index, _, _ in told) == list(range(bands))
    return [(name, length) for _, name, length in sorted(told)] if whole else []


def _of(text: str, field: str) -> str:
    found = re.search(_FIELD.format(field), text)
    return "" if found is None else found[1].strip()
