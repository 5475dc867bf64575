"""Polygons as files, without the command that a user writes them by."""

from collections.abc import Iterable
from pathlib import Path

from terramamba.raster.output.staging import staged
from terramamba.raster.vector.area_polygons import AreaPolygons
from terramamba.raster.vector.polygon_files import Layer, write_drafts


def write_polygons(runs: Iterable[AreaPolygons], path: Path, layer: Layer) -> int:
    """How many there are."""
    with staged(path) as (draft,):
        return write_drafts(runs, {str(path): draft}, layer)
