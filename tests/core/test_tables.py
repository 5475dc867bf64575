"""Tables with any separator and any writing of their columns, and rows that are refused by their line."""

from pathlib import Path

import pytest

from terramamba.core.errors import InputError
from terramamba.core.files import write_table
from terramamba.core.tables import read_rows, read_table


def table(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    (folder / "a.csv").write_text(text, encoding=encoding, newline="")
    return folder / "a.csv"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_ends_of_lines_and_marks_of_order_are_seen_through(
    tmp_path: Path, separator: str, end: str
) -> None:
    lines = [
        ("Before ", "AFTER", "Changed-Values"),
        ("a b.tif", " b.tif ", '"3,4;5"'),
        ("c.tif", "d.tif", ""),
    ]
    text = end.join(separator.join(line) for line in lines) + end
    found = read_table(table(tmp_path, text, "utf-8-sig"), "")
    assert found.titles == {"before": "Before", "after": "AFTER", "changed_values": "Changed-Values"}
    assert [row.line for row in found.rows] == [2, 3]
    assert found.rows[0].cells == {"before": "a b.tif", "after": "b.tif", "changed_values": "3,4;5"}
    assert found.rows[1].cells["changed_values"] == ""


def test_what_programs_of_tables_add_is_passed_over(tmp_path: Path) -> None:
    excel = read_table(table(tmp_path, "sep=;\nbefore;after;;\n\na;b;;\n;;;\nc;d;;;;\n"), "")
    assert [row.cells for row in excel.rows] == [{"before": "a", "after": "b"}, {"before": "c", "after": "d"}]
    assert [row.line for row in excel.rows] == [4, 6]
    pandas = read_table(table(tmp_path, ",before,after\n0,a,b\n"), "")
    assert pandas.rows[0].cells == {"before": "a", "after": "b"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\n3\n", "line 3 has 1 cell, but the first line names 2 columns with commas between"),
        ("a,b\n1,2,3\n", "line 2 has 3 cells, but the first line names 2 columns with commas"),
        ("a;b\n1;2\n\n3,4\n", "line 4 has 1 cell, but the first line names 2 columns with semicolons"),
        ("a,A ,b\n1,2,3\n", "two columns are called 'A'; rename or remove one"),
        pytest.param(",".join(map(str, range(20_001))), "has 20,001 columns, more than 20,000; ", id="wide"),
        pytest.param(f"a,b\n1,{'2,' * 2_500_000}", "has a line of more than 5,000,000 letters; ", id="long"),
        ('a,"b\n', r"is no table \(.*\); save it anew"),
    ],
)
def test_rows_and_columns_that_do_not_fit_are_refused(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_table(table(tmp_path, text), "save it anew")


def test_an_empty_table_has_no_columns(tmp_path: Path) -> None:
    found = read_table(table(tmp_path, "\n\n"), "")
    assert (found.titles, found.rows) == ({}, ())


def test_rows_are_read_without_empty_lines(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('\ufeffa, b\n\n1,"two\nlines"\n3,4\n', encoding="utf-8")
    rows = [["a", "b"], ["1", "two\nlines"], ["3", "4"]]
    assert read_rows(tmp_path / "a.csv", "") == rows


@pytest.mark.parametrize("content", [b'a,"b\n', b'a,"b"c\n', b"x" * 200_000])
def test_tables_that_are_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(InputError, match=r"a\.csv: is no table \(.*\); save it anew"):
        read_rows(tmp_path / "a.csv", "save it anew")


def test_no_cell_is_a_formula_to_a_spreadsheet_and_ours_come_back_as_they_were(tmp_path: Path) -> None:
    rows = [["=cmd|'/C calc'!A0", "@SUM(1)"], ["- none -", "-9999"], ["+49 30", "'quoted'"], ["\ttab", "-"]]
    write_table(tmp_path / "a.csv", ["class", "=1+1"], rows)
    cells = [line.split(",") for line in (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()]
    assert [cell[0] for line in cells for cell in line if cell[0] in "=@+-\t"] == ["-", "-"]
    assert read_rows(tmp_path / "a.csv", "") == [["class", "=1+1"], *rows]
