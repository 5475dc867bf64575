"""Names and colours of the codes of a label image, wherever its file or the files beside it have them."""

import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from uuid import uuid4
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio.errors import NotGeoreferencedWarning

from terramamba.core.documents import read_text
from terramamba.data.labels.attribute_table import esri_table_of, read_esri_table, read_gdal_table
from terramamba.data.labels.cf_flags import read_cf_flags
from terramamba.data.labels.class_names import name_key
from terramamba.data.labels.palette import Colour, colour_of
from terramamba.data.labels.qgis_style import SUFFIX as STYLE
from terramamba.data.labels.qgis_style import raster_style
from terramamba.raster.rasterio_errors import is_from_rasterio
from terramamba.raster.readers.datasets import dataset_of
from terramamba.raster.readers.gdal import palette_of
from terramamba.raster.readers.gdal_refusals import reading_header
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.readers.netcdf import NetcdfSource
from terramamba.raster.readers.value_facts import shows_zero_white
from terramamba.raster.scene import Scene

CLASS_TAG = "CLASS_"
"""Band tags CLASS_1, CLASS_2, ... of a label image name its codes."""


SIDECAR_ONLY = ("GTiff", "PNG", "JPEG", "BMP", "COG")
"""Drivers whose files have category names and attribute tables in a sidecar alone."""


@dataclass(frozen=True)
class Legend:
    """Names and colours by code, and what is to be said of where they come from."""

    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def legend_of(labels: Scene) -> Legend:
    """Read the names and colours of a label image; arrays without such, and tiles, have none."""
    if isinstance(labels.source, NetcdfSource):
        return Legend(*read_cf_flags(labels.source))
    return read_legend(labels.source.path) if isinstance(labels.source, GdalSource) else Legend()


def read_legend(path: str) -> Legend:
    """Read the names and colours that belong to the image at ``path``.

    In this order: band tags CLASS_1, ..., GDAL's category names (those of ENVI's headers among them), the
    raster attribute table (in ``.aux.xml``, then in ESRI's ``.vat.dbf``), the colour table, and beside the
    image the style of QGIS (.qml) and a colour file (.clr). A name that only repeats the code is none. Where
    two of them call a code differently, the first one counts, and a note says so.

    Raises:
        InputError: the header, or an attribute table ``.vat.dbf``, is damaged.
    """
    names: dict[int, str] = {}
    colours: dict[int, Colour] = {}
    notes: list[str] = []
    if shows_zero_white(path):
        notes.append(
            f"{path}: is photometric MinIsWhite; codes are the stored numbers, which some programs turn round"
        )
    for source, named, coloured in _sources(path):
        told = {code: name.strip() for code, name in named.items() if name.strip() not in ("", str(code))}
        other = next((c for c, name in told.items() if name_key(names.get(c, name)) != name_key(name)), None)
        if other is not None:
            notes.append(f"{path}: {source} calls {other} {told[other]!r}, which is {names[other]!r} here")
        names = told | names
        colours = {**coloured, **colours}
    return Legend(names, colours, tuple(notes))


def _sources(path: str) -> Iterator[tuple[str, Mapping[int, str], Mapping[int, Colour]]]:
    """Each place with names or colours: what it is, names, colours."""
    image = dataset_of(path)
    with reading_header(path):
        tags = image.tags(1)
        table = palette_of(image, 1)
    alone = image.driver in SIDECAR_ONLY and not Path(f"{path}.aux.xml").is_file()
    band = None if alone else _described_by_gdal(path)
    numbers = {key.removeprefix(CLASS_TAG): name for key, name in tags.items() if key.startswith(CLASS_TAG)}
    yield "the tags", {int(number): name for number, name in numbers.items() if number.isdecimal()}, {}
    categories = [] if band is None else [entry.text or "" for entry in band.iterfind("CategoryNames/*")]
    own = {code: (red, green, blue) for code, (red, green, blue, _) in table.items()}
    attributes = None if band is None else band.find("GDALRasterAttributeTable")
    yield "the category names", dict(enumerate(categories)), {}
    if attributes is not None:
        yield "the raster attribute table", *read_gdal_table(attributes)
    esri = esri_table_of(path)
    if esri is not None:
        yield esri.name, *read_esri_table(esri)
    yield "the colour table", {}, own
    for suffix, read in ((STYLE, raster_style), (".clr", _colour_file)):
        beside = Path(path).with_suffix(suffix)
        if beside.is_file():
            yield beside.name, *read(beside)


def _described_by_gdal(path: str) -> ElementTree.Element | None:
    """The first band as GDAL writes it into a virtual file, with all that rasterio has no name for."""
    virtual = f"/vsimem/legend-{uuid4().hex}.vrt"
    try:
        with warnings.catch_warnings():
            # labels without georeferencing are usual
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
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


def _colour_file(path: Path) -> tuple[dict[int, str], dict[int, Colour]]:
    """Lines of value, red, green, blue, then maybe opacity and a name."""
    names: dict[int, str] = {}
    colours: dict[int, Colour] = {}
    for line in read_text(path, "name a file of colours", errors="replace").splitlines():
        row = re.fullmatch(
            r"\s*(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\d+)(?:[\s,]+\d+)?(?:[\s,]+(\D.*))?\s*", line
        )
        colour = None if row is None else colour_of([float(row[i]) for i in (2, 3, 4)])
        if row is not None and colour is not None:
            colours[int(row[1])] = colour
            names[int(row[1])] = row[5] or ""
    return names, colours
