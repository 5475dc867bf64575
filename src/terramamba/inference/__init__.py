"""Mapping whole scenes and pairs with a trained run, window by window, from files to files."""

from terramamba.inference.change import map_change
from terramamba.inference.change_recipe import ChangeSummary
from terramamba.inference.class_recipe import ClassSummary
from terramamba.inference.classes import map_classes
from terramamba.inference.join import join_map
from terramamba.mapping.area_table import ClassArea

__all__ = ["ChangeSummary", "ClassArea", "ClassSummary", "join_map", "map_change", "map_classes"]
