"""Attribute tables of rasters: what each value is called and its colour, in GDAL's XML or in ESRI's dBase."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from terramamba.data.labels.palette import Colour, colour_of
from terramamba.raster.readers.dbase import read_dbase

VALUE_USAGE, NAME_USAGE, COLOUR_USAGES = 5, 2, (6, 7, 8)
"""What columns of GDAL's attribute tables are for (GDALRATFieldUsage): value, name; red, green, blue."""

VALUE_COLUMNS = ("value", "values", "code", "class_code", "class_value", "class_id", "classid", "gridcode")
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
    """Read an attribute table as GDAL writes it; rows without a value count the codes."""
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
    first, step = float(table.get("Row0Min") or 0), float(table.get("BinSize") or 1)
    return _told(columns, [str(first + number * step) for number in range(len(rows))])


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


def _told(columns: Sequence[TableColumn], counted: Sequence[str] | None) -> Told:
    """Names and colours by value; where no column has the values they are ``counted``."""
    value = _column(columns, VALUE_USAGE, VALUE_COLUMNS)
    values = counted if value is None else value.cells
    if values is None:
        return {}, {}
    name = _names_in([column for column in columns if column.is_text and column is not value])
    parts = [
        part
        for usage, colour in zip(COLOUR_USAGES, COLOUR_COLUMNS, strict=True)
        if (part := _column(columns, usage, (colour,))) is not None
    ]
    names: dict[int, str] = {}
    levels: dict[int, list[float]] = {}
    for row, text in enumerate(values):
        number = _number(text)
        if number is None:  # a row without a number says nothing
            continue
        code = int(number)
        if name is not None:
            names.setdefault(code, name.cells[row])
        own = [level for part in parts if (level := _number(part.cells[row])) is not None]
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
