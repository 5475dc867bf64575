"""Mapping whole scenes and pairs with a trained run, window by window, from files to files."""

from terramamba.change.map import map_change
from terramamba.change.map_output import ChangeSummary
from terramamba.join import join_map
from terramamba.landcover.map import map_classes
from terramamba.landcover.map_output import ClassSummary
from terramamba.mapping.area_table import ClassArea

__all__ = ["ChangeSummary", "ClassArea", "ClassSummary", "join_map", "map_change", "map_classes"]
