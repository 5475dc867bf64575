"""Tables of points: a CSV file with a column for each coordinate, and others of what is known of each point.

n points
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float64, Shaped

from terramamba.core.errors import InputError, reason_of

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
    except (OSError, UnicodeDecodeError):
        return False
    return _coordinates(_split(header)) is not None


def read_point_table(path: str | Path) -> PointTable:
    """Read the points of a table with commas, semicolons or tabs between its columns.

    A column that holds nothing but numbers and gaps becomes numbers, others text.

    Raises:
        InputError: the file cannot be read, a line has too few columns, or a coordinate is no number.
    """
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path}: cannot be read as a table of points ({reason_of(error)}); save it as UTF-8"
        ) from error
    lines = text.splitlines()
    header = _split(lines[0] if lines else "")
    found = _coordinates(header)
    if found is None:
        raise InputError(f"{path}: names no two columns of coordinates; call them x and y, or lon and lat")
    rows = [row for row in csv.reader(lines[1:], delimiter=_delimiter(lines[0])) if any(row)]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(header):
            raise InputError(
                f"{path}: point {number} has {len(row)} columns, but the first line names {len(header)}; "
                "give each point all of them"
            )
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(header)
    points = np.stack([_numbers(path, header[place], columns[place]) for place in found], axis=1)
    attributes = {
        name: _values(column)
        for place, (name, column) in enumerate(zip(header, columns, strict=True))
        if place not in found
    }
    degrees = tuple(header[place].lower() for place in found) in DEGREES
    return PointTable(points, attributes, WGS84 if degrees else None)


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _split(header: str) -> list[str]:
    return [
        name.strip() for name in next(csv.reader([header.rstrip("\r\n")], delimiter=_delimiter(header)), [])
    ]


def _coordinates(header: Sequence[str]) -> tuple[int, int] | None:
    """The columns of x and y, or of longitude and latitude; None without such, or with two of a name."""
    names = [name.lower() for name in header]
    if len(set(names)) < len(names):
        return None
    for across, up in (*DEGREES, *PLANE):
        if across in names and up in names:
            return names.index(across), names.index(up)
    return None


def _numbers(path: str | Path, name: str, column: Sequence[str]) -> Float64[np.ndarray, " n"]:
    numbers = np.empty(len(column))
    for number, value in enumerate(column, start=1):
        try:
            numbers[number - 1] = float(value)
        except ValueError:
            numbers[number - 1] = np.nan
        if not np.isfinite(numbers[number - 1]):
            raise InputError(
                f"{path}: {name} of point {number} is {value!r}; give numbers with a point for the decimals"
            )
    return numbers


def _values(column: Sequence[str]) -> Shaped[np.ndarray, " n"]:
    texts = [value.strip() for value in column]
    try:
        return np.array([float(text) if text else np.nan for text in texts])
    except ValueError:
        return np.array([text or None for text in texts], object)
