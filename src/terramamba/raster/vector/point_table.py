"""Tables of points: a CSV file with a column for each coordinate, and others of what is known of each point.

In place of both there may be one column of shapes as text: ``wkt``, as QGIS writes it, or ``.geo``, GeoJSON
as Google Earth Engine does.

n points
"""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
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
    ("coord_x", "coord_y"),
    ("utm_x", "utm_y"),
    ("x_utm", "y_utm"),
    ("utm_e", "utm_n"),
    ("east", "north"),
    ("e", "n"),
    ("rechtswert", "hochwert"),
    ("ostwert", "nordwert"),
    ("x_koordinate", "y_koordinate"),
)
"""Names of columns of coordinates, in lower case, across before up."""

DEGREES = (
    ("lon", "lat"),
    ("longitude", "latitude"),
    ("long", "lat"),
    ("lng", "lat"),
    ("decimallongitude", "decimallatitude"),
    ("decimal_longitude", "decimal_latitude"),
)
"""Names of columns that can hold nothing but degrees."""

WKT = ("wkt", "wkt_geom")
GEOJSON = (".geo",)
"""Names of columns of shapes as text; GeoJSON is in degrees."""
LISTS = ("image", "before", "label", "mask")
"""Columns of tables that list files, whatever else they tell of each."""

WGS84 = "EPSG:4326"
LONGEST_HEADER = 100_000
"""Characters of a first line beyond which a file is no table."""


@dataclass(frozen=True, eq=False)
class PointTable:
    """Shapes, in most tables points, and the other columns; ``crs`` where the columns' names tell it."""

    shapes: Shaped[np.ndarray, " n"]
    attributes: Mapping[str, Shaped[np.ndarray, " n"]]
    crs: str | None


def is_point_table(path: str | Path) -> bool:
    """Tell whether ``path`` is a table whose first line names columns of coordinates, or one of shapes."""
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
    plain = [plain_name(name) for name in names]
    return _coordinates(plain) is not None or _of_shapes(plain) is not None


def read_point_table(path: str | Path) -> PointTable:
    """Read the points of a table with commas, semicolons or tabs between its columns.

    A column that holds nothing but numbers and gaps becomes numbers, others text. Where no commas stand
    between the columns, they may stand before the decimals.

    Raises:
        InputError: the file cannot be read, a row has too few or too many cells, or a coordinate is no
            number, or a text no shape.
    """
    table = read_table(Path(path), "save it as a table in UTF-8 (in Excel: CSV UTF-8)")
    names = list(table.titles)
    found: tuple[str, ...] | None = _coordinates(names)
    written = _of_shapes(names)
    if found is None and written is None:
        raise InputError(f"{path}: names no two columns of coordinates; call them x and y, or lon and lat")
    columns = {name: [row.cells[name] for row in table.rows] for name in names}
    lines = [row.line for row in table.rows]
    if found is not None:
        shapes = shapely.points(
            np.stack([_numbers(path, table, lines, columns[name], name) for name in found], axis=1)
        )
    else:
        assert written is not None
        told = zip(lines, columns[written], strict=True)
        shapes = np.array([_shape(path, line, text) for line, text in told], object)
        found = (written,)
    attributes = {table.titles[name]: _values(columns[name]) for name in names if name not in found}
    return PointTable(shapes, attributes, WGS84 if found in (*DEGREES, GEOJSON) else None)


def _coordinates(names: Sequence[str]) -> tuple[str, str] | None:
    """The names of the columns of x and y, or of longitude and latitude; None without such."""
    return next((pair for pair in (*DEGREES, *PLANE) if pair[0] in names and pair[1] in names), None)


def _of_shapes(names: Sequence[str]) -> str | None:
    """The name of the column of shapes as text; None without such, and in tables that list files."""
    if any(name in LISTS for name in names):
        return None
    return next((name for name in (*WKT, *GEOJSON) if name in names), None)


def _shape(path: str | Path, line: int, text: str) -> shapely.Geometry | None:
    """A shape written as WKT or GeoJSON, without heights; None where nothing is written."""
    if not text:
        return None
    read = shapely.from_geojson if text.startswith("{") else shapely.from_wkt
    shape = read(text, on_invalid="ignore")
    if shape is None:
        raise InputError(
            f"{path}: line {line}: {text[:40]!r} is no shape; give WKT, such as POINT (400005 5799995), or "
            "columns of coordinates x and y"
        )
    return shapely.force_2d(shape)


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
