"""Tables of points: a CSV file with a column for each coordinate, and others of what is known of each point.

n points
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Shaped

from terramamba.core.errors import InputError
from terramamba.core.tables import Table, plain_name, read_table, separator_of

SUFFIXES = (".csv", ".tsv", ".txt")

PLANE = (
    ("x", "y"),
    ("easting", "northing"),
    ("point_x", "point_y"),
    ("x_coord", "y_coord"),
    ("xcoord", "ycoord"),
)
"""Names of columns of coordinates, in lower case, across before up."""

DEGREES = (("lon", "lat"), ("longitude", "latitude"), ("long", "lat"), ("lng", "lat"))
"""Names of columns that can hold nothing but degrees."""

WGS84 = "EPSG:4326"
LONGEST_HEADER = 100_000
"""Characters of a first line beyond which a file is no table."""


@dataclass(frozen=True, eq=False)
class PointTable:
    """Places of points, x before y, and the other columns; ``crs`` where the columns' names tell it."""

    points: Float64[np.ndarray, "n 2"]
    attributes: Mapping[str, Shaped[np.ndarray, " n"]]
    crs: str | None


def is_point_table(path: str | Path) -> bool:
    """Tell whether ``path`` is a table whose first line names two columns of coordinates."""
    file = Path(path)
    if file.suffix.lower() not in SUFFIXES or not file.is_file():
        return False
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            header = lines.readline(LONGEST_HEADER)
            if header.lower().startswith("sep="):
                header = lines.readline(LONGEST_HEADER)
    except (OSError, UnicodeDecodeError):
        return False
    names = next(csv.reader([header.rstrip("\r\n")], delimiter=separator_of(header)), [])
    return _coordinates([plain_name(name) for name in names]) is not None


def read_point_table(path: str | Path) -> PointTable:
    """Read the points of a table with commas, semicolons or tabs between its columns.

    A column that holds nothing but numbers and gaps becomes numbers, others text. Where no commas stand
    between the columns, they may stand before the decimals.

    Raises:
        InputError: the file cannot be read, a row has too few or too many cells, or a coordinate is no
            number.
    """
    table = read_table(Path(path), "save it as a table in UTF-8")
    names = list(table.titles)
    found = _coordinates(names)
    if found is None:
        raise InputError(f"{path}: names no two columns of coordinates; call them x and y, or lon and lat")
    columns = {name: [row.cells[name] for row in table.rows] for name in names}
    lines = [row.line for row in table.rows]
    points = np.stack([_numbers(path, table, lines, columns[name], name) for name in found], axis=1)
    attributes = {table.titles[name]: _values(columns[name]) for name in names if name not in found}
    return PointTable(points, attributes, WGS84 if found in DEGREES else None)


def _coordinates(names: Sequence[str]) -> tuple[str, str] | None:
    """The names of the columns of x and y, or of longitude and latitude; None without such."""
    return next((pair for pair in (*DEGREES, *PLANE) if pair[0] in names and pair[1] in names), None)


def _numbers(
    path: str | Path, table: Table, lines: Sequence[int], column: Sequence[str], name: str
) -> Float64[np.ndarray, " n"]:
    numbers = np.empty(len(column))
    for place, (line, value) in enumerate(zip(lines, column, strict=True)):
        numbers[place] = _number(value)
        if not np.isfinite(numbers[place]):
            raise InputError(
                f"{path}: line {line}: {table.titles[name]} is {value!r}; give numbers with a point (or, "
                "between semicolons or tabs, a comma) for the decimals and nothing for thousands"
            )
    return numbers


def _number(text: str) -> float:
    """A number with a point or a comma for the decimals; NaN for anything else."""
    decimal = text.replace(",", ".") if text.count(",") == 1 and "." not in text else text
    try:
        return float(decimal)
    except ValueError:
        return float("nan")


def _values(column: Sequence[str]) -> Shaped[np.ndarray, " n"]:
    numbers = np.array([_number(text) if text else np.nan for text in column])
    if all(np.isfinite(number) for number, text in zip(numbers, column, strict=True) if text):
        return numbers
    return np.array([text or None for text in column], object)
