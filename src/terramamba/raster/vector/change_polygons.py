"""From a change map to polygons: one for each changed area, with its size and how sure the model was.

Pixels that touch at an edge or a corner belong to one area (connectivity 8). Every area is a multipolygon,
with holes: parts that touch at a corner only are parts of one feature, as the simple-features standard wants.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np

from terramamba.raster.vector.area_polygons import AreaPolygons, trace_areas
from terramamba.raster.vector.polygon_files import Columns, Layer

CHANGED = 1
REMEDY = ("changed area", "raise --threshold, or leave --polygons out")


def trace_changes(
    changed: Path, probability: Path | None, *, min_area: int | float = 0.0, simplify: int | float = 0.0
) -> Iterator[AreaPolygons]:
    """Trace the areas of value 1 in ``changed`` and sum up ``probability`` over each, as ``trace_areas``."""
    return trace_areas(
        changed,
        (CHANGED,),
        REMEDY,
        corners=True,
        probability=probability,
        min_area=min_area,
        simplify=simplify,
    )


def change_layer(before: date | None = None, after: date | None = None) -> Layer:
    """Name the layer ``changes`` and its attributes.

    They are ``id``, ``area_m2`` or ``area_px``, ``pixels``, ``mean_probability``, ``max_probability``, and,
    of the days ``before`` and ``after`` those that are known, ``date_before`` and ``date_after``.
    """
    days = {"date_before": before, "date_after": after}

    def columns(areas: AreaPolygons) -> Columns:
        assert areas.mean_probability is not None
        assert areas.max_probability is not None
        return {
            "id": areas.id.astype(np.int64),
            f"area_{areas.unit}": areas.area,
            "pixels": areas.pixels.astype(np.int64),
            "mean_probability": areas.mean_probability,
            "max_probability": areas.max_probability,
            **{
                name: np.full(len(areas), np.datetime64(day, "D"))
                for name, day in days.items()
                if day is not None
            },
        }

    return Layer("changes", columns, outlined=True)
