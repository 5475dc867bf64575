"""Attribute tables of rasters: what each value is called and its colour, in GDAL's XML or in ESRI's dBase."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

from terramamba.data.labels.palette import Colour, colour_of
from terramamba.raster.readers.dbase import read_dbase

VALUE_USAGE, NAME_USAGE, COLOUR_USAGES = 5, 2, (6, 7, 8)
"""What columns of GDAL's attribute tables are for (GDALRATFieldUsage): value, name; red, green, blue."""
COUNT_USAGE, LEAST_USAGE, MOST_USAGE = 1, 3, 4
"""Pixels of a row; the least and the largest of its values, which then are more than one."""
MOST_CODES_OF_A_ROW = 1000

VALUE_COLUMNS = (
    "value",
    "values",
    "code",
    "class_code",
    "class_value",
    "classvalue",
    "class_id",
    "classid",
    "gridcode",
)
NAME_COLUMNS = (
    "class_name",
    "class_names",
    "classname",
    "class name",
    "name",
    "label",
    "category",
    "class",
    "land_cover",
    "landcover",
    "legend",
    "descriptio",
    "description",
)
COLOUR_COLUMNS = ("red", "green", "blue")
COUNTS = re.compile(r"(row|object)_?id|o?fid|oid|count|histogram|pixels|pixel_?count|area|opacity|alpha")
"""Whole numbers that are no values of the raster."""
TEXT_COLUMN = 2
ESRI_SUFFIXES = (".vat.dbf", ".VAT.DBF", ".vat.DBF")

Told = tuple[dict[int, str], dict[int, Colour]]
"""Names and colours by code."""


@dataclass(frozen=True)
class TableColumn:
    """Name in lower case, whether it holds text, what GDAL says that it is for (0: nothing), its cells."""

    name: str
    is_text: bool
    usage: int
    cells: Sequence[str]


def read_gdal_table(table: ElementTree.Element) -> Told:
    """Read an attribute table as GDAL writes it.

    Where no column has the values, a row's are those from its least to its largest; else those of its bin,
    which may begin between two (at -0.5); else rows count from 0.
    """
    rows = [[cell.text or "" for cell in row.iterfind("F")] for row in table.iterfind("Row")]
    columns = [
        TableColumn(
            (column.findtext("Name") or "").strip().lower(),
            int(column.findtext("Type") or 0) == TEXT_COLUMN,
            int(column.findtext("Usage") or 0),
            [row[place] if place < len(row) else "" for row in rows],
        )
        for place, column in enumerate(table.iterfind("FieldDefn"))
    ]
    if _column(columns, VALUE_USAGE, VALUE_COLUMNS) is not None:
        return _told(columns, None)
    binned = table.get("Row0Min") is not None
    first, step = float(table.get("Row0Min") or 0), float(table.get("BinSize") or 1)
    least = _column(columns, LEAST_USAGE, ())
    if least is not None and not binned:
        most = _column(columns, MOST_USAGE, ()) or least
        return _told(columns, [_codes_between(*ends) for ends in zip(least.cells, most.cells, strict=True)])
    unknown = [] if binned else [column for column in columns if _may_be_values(column)]
    if len(unknown) > 1:
        return {}, {}
    if unknown:
        return _told([replace(unknown[0], usage=VALUE_USAGE), *columns], None)
    starts = [math.ceil(first + number * step) for number in range(len(rows) + 1)]
    return _told(columns, [range(*ends) for ends in pairwise(starts)])


def esri_table_of(path: str) -> Path | None:
    """Find the table that ESRI's programs write beside the raster ``path``; None where there is none."""
    image = Path(path)
    names = [name + end for name in (image.name, image.stem) for end in ESRI_SUFFIXES]
    return next((table for name in names if (table := image.with_name(name)).is_file()), None)


def read_esri_table(table: Path) -> Told:
    """Read an attribute table ``.vat.dbf``; raises ``InputError`` where it is damaged."""
    columns = [
        TableColumn(column.name.lower(), not column.is_number, 0, column.cells)
        for column in read_dbase(table)
    ]
    return _told(columns, None)


def _may_be_values(column: TableColumn) -> bool:
    """Tell whether a column that nothing says anything of may have the values: whole, none twice."""
    numbers = [_number(text) for text in column.cells]
    return (
        not column.is_text
        and column.usage == 0
        and column.name not in COLOUR_COLUMNS
        and COUNTS.fullmatch(column.name) is None
        and all(number is not None and number == int(number) for number in numbers)
        and len(set(numbers)) == len(numbers)
    )


def _codes_between(least: str, most: str) -> range:
    """The whole numbers from one to the other, ends included; none where there are far too many."""
    low, high = _number(least), _number(most)
    if low is None or high is None or not 0 <= high - low <= MOST_CODES_OF_A_ROW:
        return range(0)
    return range(math.ceil(low), math.floor(high) + 1)


def _told(columns: Sequence[TableColumn], by_row: Sequence[range] | None) -> Told:
    """Names and colours by value, those of the column of values, or else ``by_row``."""
    value = None if by_row is not None else _column(columns, VALUE_USAGE, VALUE_COLUMNS)
    if by_row is None:
        if value is None:
            return {}, {}
        numbers = [_number(text) for text in value.cells]
        # a row without a number says nothing
        by_row = [range(0) if number is None else range(int(number), int(number) + 1) for number in numbers]
    name = _names_in([column for column in columns if column.is_text and column is not value])
    parts = [
        part
        for usage, colour in zip(COLOUR_USAGES, COLOUR_COLUMNS, strict=True)
        if (part := _column(columns, usage, (colour,))) is not None
    ]
    names: dict[int, str] = {}
    levels: dict[int, list[float]] = {}
    for row, codes in enumerate(by_row):
        own = [level for part in parts if (level := _number(part.cells[row])) is not None]
        for code in codes:
            if name is not None:
                names.setdefault(code, name.cells[row])
            if len(own) == len(COLOUR_USAGES):
                levels.setdefault(code, own)
    highest = max((max(level) for level in levels.values()), default=0.0)
    fractions = highest <= 1 and any(part % 1 for level in levels.values() for part in level)
    shown = {
        code: colour_of([part * 255 if fractions else part for part in own]) for code, own in levels.items()
    }
    return names, {code: colour for code, colour in shown.items() if colour is not None}


def _names_in(texts: Sequence[TableColumn]) -> TableColumn | None:
    """The column of names: by what it is for, by its name, else the first that tells all rows apart."""
    known = _column(texts, NAME_USAGE, NAME_COLUMNS)
    if known is not None or not texts:
        return known
    telling = [column for column in texts if len(set(column.cells) - {""}) == len(column.cells)]
    return (telling or texts)[0]


def _column(columns: Sequence[TableColumn], usage: int, names: Sequence[str]) -> TableColumn | None:
    """The column for ``usage``, else the first of ``names``."""
    for column in columns:
        if column.usage == usage:
            return column
    called = {column.name: column for column in reversed(columns)}
    return next((called[name] for name in names if name in called), None)


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) < 2**53 else None
