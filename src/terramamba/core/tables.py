"""CSV tables: our own, and those that people write with commas, semicolons or tabs and columns as they like.

before;After ;label        the columns are before, after and label
a.tif;b.tif;m.tif
"""

import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from terramamba.core.documents import read_text
from terramamba.core.errors import InputError, reason_of
from terramamba.core.words import count

SUFFIXES = (".csv", ".tsv")
SEPARATORS = (",", ";", "\t")
IN_WORDS = {",": "commas", ";": "semicolons", "\t": "tabs"}
MOST_COLUMNS = 20_000
"""Columns of a table; spreadsheets have 16,384."""
LONGEST_LINE = 5_000_000
_TOO_LONG = re.compile(rf"[^\r\n]{{{LONGEST_LINE + 1}}}")
FORMULA = "=+-@\t\r"
"""How a text begins that a spreadsheet takes for a formula, which may call programs or addresses."""


def as_cell(value: Any) -> Any:
    """Return ``value`` as a table has it: a text that is no number and looks like a formula behind a quote.

    >>> as_cell("=1+1"), as_cell("-9999"), as_cell("wheat")
    ("'=1+1", '-9999', 'wheat')
    """
    return f"'{value}" if isinstance(value, str) and _is_formula(value) else value


def _of_cell(cell: str) -> str:
    """What ``as_cell`` was given."""
    return cell[1:] if cell.startswith("'") and _is_formula(cell[1:]) else cell


def _is_formula(text: str) -> bool:
    if len(text) < 2 or text[0] not in FORMULA:
        return False
    try:
        float(text)
    except ValueError:
        return True
    return False


@dataclass(frozen=True)
class Row:
    """The cells of a row, without spaces around them, by the plain names of their columns."""

    line: int
    """Number of its last line in the file, from 1."""
    cells: Mapping[str, str]


@dataclass(frozen=True)
class Table:
    """The rows of a table that are not empty; ``titles`` are its columns as written, by plain name."""

    titles: Mapping[str, str]
    rows: tuple[Row, ...]
    separator: str


def plain_name(title: str) -> str:
    """Return what is equal for two ways to write the name of a column.

    >>> plain_name(" Changed values"), plain_name("CHANGED_VALUES")
    ('changed_values', 'changed_values')
    """
    return "_".join(title.replace("-", " ").replace("_", " ").split()).lower()


def separator_of(header: str) -> str:
    """Tell what stands between the columns that the line ``header`` names: what is most often in it."""
    return max(SEPARATORS, key=header.count)


def read_rows(path: Path, remedy: str) -> list[list[str]]:
    """Read the rows of a table of our own at ``path`` that are not empty, its header first.

    Raises:
        InputError: it cannot be read, or is no table.
    """
    text = read_text(path, remedy, kind="table in UTF-8")
    return [row for _, row in _numbered_rows(path, text, ",", remedy)]


def read_table(path: Path, remedy: str) -> Table:
    """Read the table at ``path``, whose first line names its columns; a column without a name is left out.

    Raises:
        InputError: it cannot be read, two columns have one name, or a row has more or fewer cells than
            the first line; empty cells at its end may be too many.
    """
    text = read_text(path, remedy, kind="table in UTF-8")
    if _TOO_LONG.search(text) is not None:
        raise InputError(f"{path}: has a line of more than {LONGEST_LINE:,} letters; {remedy}")
    first = next((line for line in StringIO(text) if line.strip()), "")
    told = first.strip().lower()
    separator = first.strip()[4:5] if told.startswith("sep=") else separator_of(first)  # as Excel writes it
    lines = [
        (line, [cell.strip() for cell in row])
        for line, row in _numbered_rows(path, text, separator or "\t", remedy)
        if any(cell.strip() for cell in row)
    ]
    if told.startswith("sep="):
        lines = lines[1:]
    (_, titles), *rows = lines or [(1, [])]
    if len(titles) > MOST_COLUMNS:
        raise InputError(f"{path}: has {len(titles):,} columns, more than {MOST_COLUMNS:,}; {remedy}")
    names = [plain_name(title) for title in titles]
    seen: set[str] = set()
    for title, name in zip(titles, names, strict=True):
        if name in seen:
            raise InputError(f"{path}: two columns are called {title!r}; rename or remove one")
        seen |= {name} - {""}
    found = []
    for number, row in rows:
        if len(row) < len(names) or any(row[len(names) :]):
            between = IN_WORDS.get(separator, repr(separator))
            raise InputError(
                f"{path}: line {number} has {count(len(row), 'cell')}, but the first line names {len(names)} "
                f"columns with {between} between; correct it, texts that hold {between} stand in quotes"
            )
        found.append(Row(number, {name: cell for name, cell in zip(names, row, strict=False) if name}))
    shown = {name: title for name, title in zip(names, titles, strict=True) if name}
    return Table(shown, tuple(found), separator)


def _numbered_rows(path: Path, text: str, separator: str, remedy: str) -> list[tuple[int, list[str]]]:
    """Rows with a cell, each with the number of its last line in the file."""
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
    try:
        return [(reader.line_num, [_of_cell(cell) for cell in row]) for row in reader if row]
    except csv.Error as error:
        raise InputError(f"{path}: is no table ({reason_of(error)}); {remedy}") from error
