"""Styles beside new files, NAME.qml, which QGIS takes when it opens them."""

from pathlib import Path

from osgeo import gdal
from qgis.core import (
    QgsFillSymbol,
    QgsPalettedRasterRenderer,
    QgsRasterLayer,
    QgsSingleBandGrayRenderer,
    QgsSingleSymbolRenderer,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtGui import QColor

from .specs import NEW_RASTER, NEW_VECTOR

OUTLINE = {"color": "0,0,0,0", "outline_color": "215,25,28", "outline_width": "0.6"}
"""Of change polygons: their inside stays to be seen."""


def write_style(path, kind):
    """Write the style of a new raster or vector file; others have none.

    Polygons that are called as a raster beside them leave the name of the style to it.
    """
    layer, file = None, Path(path)
    if kind == NEW_RASTER:
        layer = _raster(path)
    elif kind == NEW_VECTOR and not file.with_suffix(".tif").exists():
        layer = _vector(path)
    if layer is not None:
        layer.saveNamedStyle(str(file.with_suffix(".qml")))


def _raster(path):
    layer = QgsRasterLayer(path)
    classes = _classes(path)
    if classes:
        layer.setRenderer(QgsPalettedRasterRenderer(layer.dataProvider(), 1, classes))
    elif layer.bandCount() < 3:
        renderer = QgsSingleBandGrayRenderer(layer.dataProvider(), 1)
        layer.setRenderer(renderer)
        layer.setDefaultContrastEnhancement()
    return layer


def _vector(path):
    layer = QgsVectorLayer(path)
    if layer.geometryType() != QgsWkbTypes.PolygonGeometry:
        return None
    layer.setRenderer(QgsSingleSymbolRenderer(QgsFillSymbol.createSimple(OUTLINE)))
    return layer


def _classes(path):
    """The classes that terramamba wrote into a map, without what is no data, and their colours."""
    dataset = gdal.Open(path)  # a band does not keep its file open
    band = dataset.GetRasterBand(1)
    colours, no_data, found = band.GetColorTable(), band.GetNoDataValue(), []
    for key, name in sorted(band.GetMetadata().items()):
        value = key[len("CLASS_") :] if key.startswith("CLASS_") else ""
        if value.isdigit() and int(value) != no_data:
            red, green, blue, opaque = colours.GetColorEntry(int(value))
            found.append(QgsPalettedRasterRenderer.Class(int(value), QColor(red, green, blue, opaque), name))
    return sorted(found, key=lambda one: one.value)
