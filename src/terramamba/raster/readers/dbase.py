"""Tables of dBase, as they lie beside rasters: columns of text and of numbers.

The layout is that of dBase III: a header of 32 bytes, 32 bytes for each column, then rows of one length.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

from terramamba.core.errors import InputError

NUMBERS = "NFIBO"
"""Letters of the kinds of columns that hold numbers."""
COLUMNS_FROM, COLUMN_BYTES, LAST_COLUMN = 32, 32, 0x0D
DELETED = ord("*")
MOST_BYTES = 64 << 20
CODE_PAGES = {0x01: "cp437", 0x02: "cp850", 0x64: "cp852", 0x65: "cp866", 0xC8: "cp1250", 0xC9: "cp1251"}
"""By the mark in the header; without one text is in Windows' Latin-1."""
LATIN = "cp1252"
NAMES_OF_PAGES = {"utf8": "utf-8", "65001": "utf-8", "88591": "latin-1", "iso88591": "latin-1"}


@dataclass(frozen=True)
class Column:
    """The cells of a column as text, in the order of the rows."""

    name: str
    is_number: bool
    cells: tuple[str, ...]


def read_dbase(path: str | Path) -> tuple[Column, ...]:
    """Read the columns of the table at ``path``, without deleted rows.

    Text is in the code page that a file ``.cpg`` beside it names, else in UTF-8 where all of it can be, else
    in the code page of its header, else in Latin-1.

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
    page = code_page(data, next((_text(beside) for beside in _beside(file) if beside.is_file()), ""))
    columns, start = [], 1
    for name, kind, width in fields:
        cells = tuple(
            record[start : start + width].decode(page, "replace").replace("\0", " ").strip()
            for record in records
        )
        columns.append(Column(name.decode(page, "replace").strip(), kind in NUMBERS, cells))
        start += width
    return tuple(columns)


def code_page(data: bytes, named: str = "") -> str:
    """Tell the code page of the text in the table ``data``; ``named`` is what a file ``.cpg`` says."""
    plain = "".join(letter for letter in named.lower() if letter.isalnum())
    page = NAMES_OF_PAGES.get(plain) or (f"cp{plain}" if plain.isdecimal() else named.strip())
    begin = struct.unpack("<H", data[8:10])[0] if len(data) >= COLUMNS_FROM else 0
    for wanted in (page, "utf-8", CODE_PAGES.get(data[29] if begin else 0, LATIN)):
        try:
            data[begin:].decode(wanted)
        except (UnicodeDecodeError, LookupError):
            continue
        return wanted
    return "latin-1"


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
