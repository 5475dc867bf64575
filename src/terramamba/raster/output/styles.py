"""Styles that a GIS takes when it opens a map: ``NAME.qml``, which QGIS looks for beside ``NAME.tif``.

Without it a class map gets a legend of all 256 entries that the colour table of a TIFF has, probabilities of
several classes are taken for red, green and blue, and those of one are grey. A GeoPackage could hold styles
in a table of its own, but readers such as geopandas then warn that it has two layers.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from xml.sax.saxutils import quoteattr

MARK = "<!-- by terramamba -->"
"""Tells a style that may be replaced from one that somebody made."""
RAMP = ("#440154", "#3b528b", "#21918c", "#5ec962", "#fde725")
"""From 0 to 1, alike in steps of brightness (viridis)."""
OUTLINE = {
    "outline_color": "215,25,28,255",
    "outline_width": "0.6",
    "outline_width_unit": "MM",
    "style": "no",
}
"""Of polygons: their inside stays to be seen."""
RASTERS = (".tif", ".tiff")


def style_of(path: Path) -> Path:
    """Return where a GIS looks for the style of ``path``."""
    return path.with_suffix(".qml")


def class_style(names: Mapping[int, str], colours: Mapping[int, Sequence[int]]) -> str:
    """Write the style of a map of classes: a legend of the values that have a name, and no others."""
    entries = "".join(
        f'<paletteEntry value="{value}" color="{_hex(colours[value])}" alpha="255" label={quoteattr(name)}/>'
        for value, name in sorted(names.items())
    )
    return _document(_raster("paletted", f"<colorPalette>{entries}</colorPalette>"))


def ramp_style() -> str:
    """Write the style of probabilities, 0 to 1: a ramp over the first band."""
    steps = [index / (len(RAMP) - 1) for index in range(len(RAMP))]
    items = "".join(
        f'<item value="{step:g}" label="{step:g}" color="{colour}" alpha="255"/>'
        for step, colour in zip(steps, RAMP, strict=True)
    )
    shader = (
        '<rastershader><colorrampshader colorRampType="INTERPOLATED" classificationMode="1" clip="0"'
        f' minimumValue="0" maximumValue="1">{items}</colorrampshader></rastershader>'
    )
    limits = ' classificationMin="0" classificationMax="1"'
    return _document(_raster("singlebandpseudocolor", shader, limits))


def outline_style() -> str:
    """Write the style of polygons: their outlines."""
    options = "".join(f'<Option type="QString" name="{name}" value="{v}"/>' for name, v in OUTLINE.items())
    props = "".join(f'<prop k="{name}" v="{value}"/>' for name, value in OUTLINE.items())
    layer = (
        f'<layer class="SimpleFill" enabled="1" locked="0" pass="0"><Option type="Map">{options}</Option>'
        f"{props}</layer>"
    )
    symbol = f'<symbol type="fill" name="0" alpha="1" clip_to_extent="1">{layer}</symbol>'
    return _document(
        f'<renderer-v2 type="singleSymbol" symbollevels="0"><symbols>{symbol}</symbols></renderer-v2>'
    )


def move_style(draft: Path, target: Path) -> None:
    """Move the style of a draft beside ``target``, but onto none that somebody else made.

    Polygons that are called as a raster beside them leave the name of the style to it. A style is a
    convenience: where it cannot be written, the map stands without.
    """
    own, there = style_of(draft), style_of(target)
    if not own.exists() or (target.suffix.lower() not in RASTERS and _has_raster_beside(target)):
        return
    if there.exists() and not there.is_file():
        return
    with suppress(OSError):
        if not there.exists() or MARK in there.read_text(encoding="utf-8", errors="ignore"):
            own.replace(there)


def _has_raster_beside(path: Path) -> bool:
    return any(path.with_suffix(suffix).exists() for suffix in RASTERS)


def _raster(kind: str, inside: str, more: str = "") -> str:
    return (
        f'<pipe><rasterrenderer type="{kind}" band="1" opacity="1" alphaBand="-1"{more}>'
        f"<rasterTransparency/>{inside}</rasterrenderer></pipe>"
    )


def _document(inside: str) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        f'{MARK}\n<qgis version="3.22" styleCategories="Symbology">{inside}</qgis>\n'
    )


def _hex(colour: Sequence[int]) -> str:
    return "#" + "".join(f"{int(part):02x}" for part in colour[:3])
