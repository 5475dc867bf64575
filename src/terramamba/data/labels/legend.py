"""Names and colours of the codes of a label image, wherever its file or the files beside it have them."""

import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning

from terramamba.data.labels.palette import Colour
from terramamba.raster.rasterio_errors import is_from_rasterio
from terramamba.raster.readers.gdal import GdalSource
from terramamba.raster.scene import Scene

CLASS_TAG = "CLASS_"
"""Band tags CLASS_1, CLASS_2, ... of a label image name its codes."""

VALUE_USAGE, NAME_USAGE, COLOUR_USAGES = 5, 2, (6, 7, 8)
"""What columns of GDAL's attribute tables are for (GDALRATFieldUsage): value, name; red, green, blue."""

VALUE_COLUMNS = ("value", "values", "code", "class_code", "class_value", "class_id", "classid", "gridcode")
NAME_COLUMNS = ("class_name", "class_names", "classname", "class name", "name", "label", "category", "class")
COLOUR_COLUMNS = ("red", "green", "blue")
TEXT_COLUMN = 2


@dataclass(frozen=True)
class Legend:
    """Names and colours by code, and what is to be said of where they come from."""

    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def legend_of(labels: Scene) -> Legend:
    """Read the names and colours of a label image; files that GDAL does not open, and tiles, have none."""
    return read_legend(labels.source.path) if isinstance(labels.source, GdalSource) else Legend()


def read_legend(path: str) -> Legend:
    """Read the names and colours that belong to the image at ``path``.

    In this order: band tags CLASS_1, ..., GDAL's category names (those of ENVI's headers among them), the
    raster attribute table, the colour table, and beside the image the style of QGIS (.qml) and a colour file
    (.clr). A name that only repeats the code is none. Where two of them call a code differently, the first
    one counts, and a note says so.
    """
    names: dict[int, str] = {}
    colours: dict[int, Colour] = {}
    notes: list[str] = []
    for source, named, coloured in _sources(path):
        told = {code: name.strip() for code, name in named.items() if name.strip() not in ("", str(code))}
        other = next((c for c, name in told.items() if names.get(c, name).lower() != name.lower()), None)
        if other is not None:
            notes.append(f"{path}: {source} calls {other} {told[other]!r}, which is {names[other]!r} here")
        names = told | names
        colours = {**coloured, **colours}
    return Legend(names, colours, tuple(notes))


def _sources(path: str) -> Iterator[tuple[str, Mapping[int, str], Mapping[int, Colour]]]:
    """Each place with names or colours: what it is, names, colours."""
    with warnings.catch_warnings():
        # labels without georeferencing are usual
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as image:
            tags = image.tags(1)
            table = image.colormap(1) if image.colorinterp[0] == ColorInterp.palette else {}
        band = _described_by_gdal(path)
    numbers = {key.removeprefix(CLASS_TAG): name for key, name in tags.items() if key.startswith(CLASS_TAG)}
    yield "the tags", {int(number): name for number, name in numbers.items() if number.isdecimal()}, {}
    categories = [] if band is None else [entry.text or "" for entry in band.iterfind("CategoryNames/*")]
    own = {code: (red, green, blue) for code, (red, green, blue, _) in table.items()}
    attributes = None if band is None else band.find("GDALRasterAttributeTable")
    yield "the category names", dict(enumerate(categories)), {}
    if attributes is not None:
        yield "the raster attribute table", *_attribute_table(attributes)
    yield "the colour table", {}, own
    for suffix, read in ((".qml", _qgis_style), (".clr", _colour_file)):
        beside = Path(path).with_suffix(suffix)
        if beside.is_file():
            yield beside.name, *read(beside)


def _described_by_gdal(path: str) -> ElementTree.Element | None:
    """The first band as GDAL writes it into a virtual file, with all that rasterio has no name for."""
    virtual = f"/vsimem/legend-{uuid4().hex}.vrt"
    try:
        rasterio.shutil.copy(path, virtual, driver="VRT")
        try:
            with rasterio.open(virtual) as image:
                text = image.tags(ns="xml:VRT")["xml:VRT"]
        finally:
            rasterio.shutil.delete(virtual)
        return ElementTree.fromstring(text).find("VRTRasterBand")
    except Exception as error:
        # an image of a driver that has no virtual form has no such names either
        if not (isinstance(error, KeyError | ElementTree.ParseError) or is_from_rasterio(error)):
            raise
        return None


def _attribute_table(table: ElementTree.Element) -> tuple[dict[int, str], dict[int, Colour]]:
    columns = [
        (
            (column.findtext("Name") or "").strip().lower(),
            int(column.findtext("Type") or 0),
            int(column.findtext("Usage") or 0),
        )
        for column in table.iterfind("FieldDefn")
    ]
    rows = [[cell.text or "" for cell in row.iterfind("F")] for row in table.iterfind("Row")]
    value = _column(columns, VALUE_USAGE, VALUE_COLUMNS)
    texts = [i for i, (_, kind, _) in enumerate(columns) if kind == TEXT_COLUMN and i != value]
    name = _column(columns, NAME_USAGE, NAME_COLUMNS, texts)
    if name is None and texts:
        name = texts[0]
    parts = [
        _column(columns, usage, (colour,))
        for usage, colour in zip(COLOUR_USAGES, COLOUR_COLUMNS, strict=True)
    ]
    first = float(table.get("Row0Min") or 0)
    step = float(table.get("BinSize") or 1)
    names: dict[int, str] = {}
    levels: dict[int, list[float]] = {}
    for number, row in enumerate(rows):
        with suppress(ValueError, IndexError):  # a row without a number says nothing
            code = int(first + number * step if value is None else float(row[value]))
            if name is not None:
                names.setdefault(code, row[name])
            levels.setdefault(code, [float(row[part]) for part in parts if part is not None])
    whole = {code: level for code, level in levels.items() if len(level) == len(COLOUR_USAGES)}
    highest = max((max(level) for level in whole.values()), default=0.0)
    fractions = highest <= 1 and any(part % 1 for level in whole.values() for part in level)
    shown = {
        code: _colour([part * 255 if fractions else part for part in own]) for code, own in whole.items()
    }
    return names, {code: colour for code, colour in shown.items() if colour is not None}


def _column(
    columns: Sequence[tuple[str, int, int]],
    usage: int,
    names: Sequence[str],
    among: Sequence[int] | None = None,
) -> int | None:
    """The column for ``usage``, else the first of ``names``."""
    allowed = range(len(columns)) if among is None else among
    for i in allowed:
        if columns[i][2] == usage:
            return i
    called = {columns[i][0]: i for i in reversed(allowed)}
    return next((called[name] for name in names if name in called), None)


def _qgis_style(path: Path) -> tuple[dict[int, str], dict[int, Colour]]:
    """The entries of a paletted style, and of one with exact values."""
    try:
        root = ElementTree.fromstring(path.read_bytes())
    except ElementTree.ParseError:
        return {}, {}
    entries = list(root.iter("paletteEntry"))
    for shader in root.iter("colorrampshader"):
        if (shader.get("colorRampType") or "").upper() == "EXACT":
            entries += shader.iterfind("item")
    names: dict[int, str] = {}
    colours: dict[int, Colour] = {}
    for entry in entries:
        number = re.fullmatch(r"(\d+)(\.0*)?", entry.get("value") or "")
        if number is None:
            continue
        names[int(number[1])] = entry.get("label") or ""
        levels = re.fullmatch(r"#([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})", entry.get("color") or "")
        if levels is not None:
            colours[int(number[1])] = (int(levels[1], 16), int(levels[2], 16), int(levels[3], 16))
    return names, colours


def _colour_file(path: Path) -> tuple[dict[int, str], dict[int, Colour]]:
    """Lines of value, red, green, blue, then maybe opacity and a name."""
    names: dict[int, str] = {}
    colours: dict[int, Colour] = {}
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
        row = re.fullmatch(
            r"\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,]+\d+)?(?:[\s,]+(\D.*))?\s*", line
        )
        colour = None if row is None else _colour([float(row[i]) for i in (2, 3, 4)])
        if row is not None and colour is not None:
            colours[int(row[1])] = colour
            names[int(row[1])] = row[5] or ""
    return names, colours


def _colour(levels: Sequence[float]) -> Colour | None:
    red, green, blue = (round(level) for level in levels)
    return (red, green, blue) if all(0 <= level <= 255 for level in (red, green, blue)) else None
