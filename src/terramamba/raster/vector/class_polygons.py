"""From a land-cover map to polygons: one for each patch, with its class and size.

A patch is of pixels of one class that touch at an edge (connectivity 4), so that patches cover what is mapped
without overlapping, and simplified outlines of neighbours still fit together.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import numpy as np

from terramamba.raster.vector.area_polygons import AreaPolygons, trace_areas
from terramamba.raster.vector.own_attributes import CLASS, CODE, ID, PIXELS
from terramamba.raster.vector.polygon_files import Columns, Layer

REMEDY = ("patch", "give a larger --min-area, or leave --polygons out")


def trace_classes(
    path: Path, codes: Collection[int], *, simplify: int | float = 0.0
) -> Iterator[AreaPolygons]:
    """Trace the patches of the classes ``codes`` in the map ``path``, as ``trace_areas``."""
    return trace_areas(path, codes, REMEDY, corners=False, simplify=simplify)


def class_layer(names: Mapping[int, str]) -> Layer:
    """Name the layer ``classes`` and its attributes.

    They are ``id``, ``code``, ``class`` (its name among ``names``), ``area_m2`` or ``area_px``, ``pixels``.
    """

    def columns(areas: AreaPolygons) -> Columns:
        return {
            ID: areas.id.astype(np.int64),
            CODE: areas.value,
            CLASS: np.array([names[int(code)] for code in areas.value], object),
            f"area_{areas.unit}": areas.area,
            PIXELS: areas.pixels.astype(np.int64),
        }

    return Layer("classes", columns)
