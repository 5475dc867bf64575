"""Tables of dBase: columns, deleted rows, code pages, and files that are damaged."""

import struct
from pathlib import Path

import pytest

from terramamba.core.errors import InputError
from terramamba.raster.readers.dbase import read_dbase


def dbase(
    path: Path, rows: list[tuple[str, ...]], page: str = "utf-8", mark: int = 0, kinds: str = "NC"
) -> Path:
    """Write a table of columns Value, Name, ...; a row that begins with * is deleted."""
    names = ("Value", "Name", "More")[: len(kinds)]
    width = 20
    fields = b"".join(
        struct.pack("<11sc4xBB14x", name.encode(), kind.encode(), width, 0)
        for name, kind in zip(names, kinds, strict=True)
    )
    first, length = 32 + len(fields) + 1, 1 + width * len(kinds)
    header = struct.pack("<4BIHH", 3, 124, 1, 1, len(rows), first, length).ljust(32, b"\0")
    header = header[:29] + bytes([mark]) + header[30:]
    body = b""
    for row in rows:
        deleted = row[0].startswith("*")
        cells = [cell.lstrip("*").encode(page).ljust(width) for cell in row]
        body += (b"*" if deleted else b" ") + b"".join(cells)
    path.write_bytes(header + fields + b"\r" + body + b"\x1a")
    return path


def test_columns_are_read_without_deleted_rows(tmp_path: Path) -> None:
    value, name = read_dbase(dbase(tmp_path / "a.dbf", [("1", "wood"), ("*2", "gone"), ("3", " corn ")]))
    assert (value.name, value.is_number, value.cells) == ("Value", True, ("1", "3"))
    assert (name.name, name.is_number, name.cells) == ("Name", False, ("wood", "corn"))


@pytest.mark.parametrize(
    ("page", "mark", "named"),
    [
        ("utf-8", 0, None),
        ("utf-8", 0x57, None),
        ("latin-1", 0, None),
        ("cp1252", 0x57, None),
        ("cp850", 0x02, None),
        ("cp850", 0, "850"),
        ("utf-8", 0, "UTF-8"),
        ("latin-1", 0, "ISO-8859-1"),
        ("cp1252", 0, "ANSI 1252"),
        ("latin-1", 0, "UTF-8"),
        ("utf-8", 0, "nothing known"),
    ],
)
def test_text_is_read_in_the_code_page_that_it_is_in(
    tmp_path: Path, page: str, mark: int, named: str | None
) -> None:
    path = dbase(tmp_path / "a.dbf", [("1", "Wälder"), ("2", "Straße")], page, mark)
    if named is not None:
        path.with_suffix(".cpg").write_text(named)
    assert read_dbase(path)[1].cells == ("Wälder", "Straße")


@pytest.mark.parametrize("cut", [10, 40, 110])
def test_a_table_that_is_cut_is_refused(tmp_path: Path, cut: int) -> None:
    path = dbase(tmp_path / "a.dbf", [("1", "wood"), ("2", "corn")])
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InputError, match=r"a\.dbf: .*; remove it, or fetch it again"):
        read_dbase(path)


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    for content in (b"", b"x" * 100, b"\0" * 100):
        (tmp_path / "a.dbf").write_bytes(content)
        with pytest.raises(InputError, match=r"a\.dbf: .*; remove it, or fetch it again"):
            read_dbase(tmp_path / "a.dbf")
    with pytest.raises(InputError, match=r"not\.dbf: cannot be read"):
        read_dbase(tmp_path / "not.dbf")
