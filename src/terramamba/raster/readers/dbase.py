"""Tables of dBase, as they lie beside rasters: columns of text and of numbers.

The layout is that of dBase III: a header of 32 bytes, 32 bytes for each column, then rows of one length.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.raster.readers.code_pages import CodePage, code_page

NUMBERS = "NFIBO"
"""Letters of the kinds of columns that hold numbers."""
COLUMNS_FROM, COLUMN_BYTES, LAST_COLUMN = 32, 32, 0x0D
DELETED = ord("*")
MOST_BYTES = 64 << 20
MARK = 29
"""Place of the byte in the header that marks the code page."""


@dataclass(frozen=True)
class Column:
    """The cells of a column as text, in the order of the rows."""

    name: str
    is_number: bool
    cells: tuple[str, ...]


def read_dbase(path: str | Path) -> tuple[Column, ...]:
    """Read the columns of the table at ``path``, without deleted rows.

    Text is in the code page that ``code_page`` tells by it, its header and a file ``.cpg`` beside it.

    Raises:
        InputError: it cannot be read, is no such table, or ends early.
    """
    file = Path(path)
    try:
        with file.open("rb") as opened:
            data = opened.read(MOST_BYTES)
    except OSError as error:
        raise _damaged(file, f"cannot be read ({error.strerror or error})") from error
    fields, records = _parts(file, data)
    page = page_of_table(data, next((_text(beside) for beside in _beside(file) if beside.is_file()), "")).name
    columns, start = [], 1
    for name, kind, width in fields:
        cells = tuple(
            record[start : start + width].decode(page, "replace").replace("\0", " ").strip()
            for record in records
        )
        columns.append(Column(name.decode(page, "replace").strip(), kind in NUMBERS, cells))
        start += width
    return tuple(columns)


def page_of_table(data: bytes, named: str = "") -> CodePage:
    """Tell the code page of the text in the table ``data``; ``named`` is what a file ``.cpg`` says."""
    begin = struct.unpack("<H", data[8:10])[0] if len(data) >= COLUMNS_FROM else 0
    return code_page(data[begin:], data[MARK] if begin else 0, named)


def _parts(file: Path, data: bytes) -> tuple[list[tuple[bytes, str, int]], list[bytes]]:
    """The columns, and the rows that are not deleted."""
    if len(data) < COLUMNS_FROM:
        raise _damaged(file, "is no table of dBase")
    rows, first, length = struct.unpack("<4xIHH", data[:12])
    if len(data) < first + rows * length or first <= COLUMNS_FROM:
        raise _damaged(file, f"holds {len(data):,} bytes, its header describes {first + rows * length:,}")
    fields = _fields(data[COLUMNS_FROM:first])
    if not fields or 1 + sum(width for _, _, width in fields) > length:
        raise _damaged(file, "is no table of dBase")
    records = [data[first + i * length : first + (i + 1) * length] for i in range(rows)]
    return fields, [record for record in records if record[0] != DELETED]


def _fields(header: bytes) -> list[tuple[bytes, str, int]]:
    """Name, letter of the kind and width of each column."""
    found = []
    for start in range(0, len(header) - COLUMN_BYTES + 1, COLUMN_BYTES):
        field = header[start : start + COLUMN_BYTES]
        if field[0] == LAST_COLUMN:
            break
        found.append((field[:11].split(b"\0")[0], chr(field[11]), field[16]))
    return found


def _beside(file: Path) -> tuple[Path, ...]:
    return tuple(file.with_suffix(end) for end in (".cpg", ".CPG"))


def _text(file: Path) -> str:
    return file.read_bytes()[:64].decode("ascii", "replace")


def _damaged(file: Path, how: str) -> InputError:
    return InputError(f"{file}: {how}; remove it, or fetch it again")
