"""Names and colours of classes in a style of QGIS (.qml), which EnMAP-Box and QGIS leave beside labels."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from terramamba.data.labels.class_names import name_key
from terramamba.data.labels.palette import Colour, colour_of
from terramamba.raster.readers.array_path import file_of

SUFFIX = ".qml"
LARGEST_STYLE = 10_000_000
"""Bytes. Styles have some ten thousand; those with a form and pictures in it some million."""
COLOURED_BY = ("color", "line_color")
"""Properties of the layers of a symbol: of fills and markers, of lines."""


@dataclass(frozen=True)
class CategoryStyle:
    """What a categorised style shows: the values of ``attribute``, each with a label and a colour."""

    name: str
    """Of the style's file."""
    attribute: str
    labels: Mapping[str, str]
    colours: Mapping[str, Colour]

    def names_of_codes(self) -> dict[int, str]:
        """Return the labels of values that are whole numbers, without those that only repeat the number."""
        return {
            int(value): label
            for value, label in self.labels.items()
            if value.isdecimal() and label not in ("", value)
        }

    def colours_of(self, names: Mapping[int, str]) -> dict[int, Colour]:
        """Return the colours by code; ``names`` are the values of text of the codes, empty for numbers."""
        if not names:
            return {int(value): colour for value, colour in self.colours.items() if value.isdecimal()}
        known = {name_key(value): colour for value, colour in self.colours.items()}
        return {code: known[name_key(name)] for code, name in names.items() if name_key(name) in known}


def raster_style(path: Path) -> tuple[dict[int, str], dict[int, Colour]]:
    """Read names and colours by code of a paletted style, or of one with exact values."""
    root = _root(path)
    if root is None:
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


def category_style(labels: str) -> CategoryStyle | None:
    """Read the categorised style beside a vector file; None where there is none, or another kind."""
    path = Path(file_of(labels)).with_suffix(SUFFIX)
    root = _root(path) if path.is_file() else None
    drawn = None if root is None else root.find("renderer-v2[@type='categorizedSymbol']")
    if drawn is None:
        return None
    symbols = {symbol.get("name"): _colour(symbol) for symbol in drawn.iterfind("symbols/symbol")}
    told: dict[str, str] = {}
    colours: dict[str, Colour] = {}
    for category in drawn.iterfind("categories/category"):
        colour = symbols.get(category.get("symbol"))
        for value in _values(category):
            told[value] = (category.get("label") or "").strip()
            if colour is not None:
                colours[value] = colour
    return CategoryStyle(path.name, (drawn.get("attr") or "").strip('"'), told, colours)


def _root(path: Path) -> ElementTree.Element | None:
    """Parse a style; None where it is damaged, beyond all sizes, or declares entities, as none does."""
    if path.stat().st_size > LARGEST_STYLE:
        return None
    text = path.read_bytes()
    if b"<!ENTITY" in text.replace(b"\0", b""):
        return None
    try:
        return ElementTree.fromstring(text)
    except ElementTree.ParseError:
        return None


def _values(category: ElementTree.Element) -> Iterator[str]:
    """One value, or several that share a symbol; whole numbers without decimals."""
    for entry in (category, *category.iterfind("val")):
        value = (entry.get("value") or "").strip()
        if value:
            yield re.sub(r"^(\d+)\.0*$", r"\1", value)


def _colour(symbol: ElementTree.Element) -> Colour | None:
    """The first colour of a symbol's layers; as QGIS 3 writes it, or older."""
    for layer in symbol.iterfind("layer"):
        told = {entry.get("name"): entry.get("value") for entry in layer.iterfind("Option/Option")}
        told |= {entry.get("k"): entry.get("v") for entry in layer.iterfind("prop")}
        for name in COLOURED_BY:
            levels = re.match(r"(\d+),(\d+),(\d+)", told.get(name) or "")
            if levels is not None:
                return colour_of([float(level) for level in levels.groups()])
    return None
