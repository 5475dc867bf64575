"""What the page shows of a land-cover map: classes, how sure they are, what is true, and the scene."""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from terramamba.landcover.report_truth import truth_overlays
from terramamba.mapping.probability import NO_PROBABILITY
from terramamba.raster.scene import Scene
from terramamba.raster.vector.class_polygons import class_layer, trace_classes
from terramamba.report.layers import Shape, require_probabilities, thinned
from terramamba.report.map_layers import MapLayers
from terramamba.report.overlays import Kind, Overlay, certainty_overlay, map_overlay
from terramamba.report.polygons import MOST_CORNERS, WHERE, first_of, outline_length, packed_polygons
from terramamba.report.task import ShownMap

CLASSES_WEIGHT, PROBABILITY_WEIGHT = 3.0, 2.0
"""Their shares of the page beside other layers."""


def land_cover_layers(shown: ShownMap) -> MapLayers:
    """Choose the layers of a land-cover map, and the scene with its spectra."""
    land, classes = shown.land, len(shown.run.card.data.classes)
    kinds = {code: Kind(name, tuple(shown.colours[code])) for code, name in shown.names.items()}
    overlays = {"map": map_overlay("classes", land, kinds, CLASSES_WEIGHT)}
    if (likely := shown.beside.get("probabilities")) is not None:
        require_probabilities(likely, classes, "classify map")
        overlays["probability"] = Overlay(
            "probability",
            likely,
            lambda shape: _highest(likely, shape),
            weight=PROBABILITY_WEIGHT,
            said="Probability of the most probable class.",
        )
    if (certainty := shown.beside.get("certainty")) is not None:
        require_probabilities(certainty, 1, "classify map", "--certainty")
        overlays["certainty"] = certainty_overlay(certainty)
    known, absent = truth_overlays(shown, list(kinds.values()))
    scene = shown.beside.get("scene")
    return MapLayers(
        overlays=overlays | known,
        images={} if scene is None else {"left": scene},
        over=False,
        likely="probability",
        spectra=True,
        facts=_polygons(shown),
        absent=absent,
    )


def _polygons(shown: ShownMap) -> dict[str, Any]:
    """The patches of the map, where they are few enough for a page."""
    codes = list(shown.names)
    if outline_length(shown.land, codes) > MOST_CORNERS:
        said = f"There is no GeoJSON to save: the map has too many patches for a page, {WHERE}"
        return {"polygons_said": f"{said.format(task='classify')}."}
    found, count = first_of(trace_classes(Path(shown.land.path), codes))
    return packed_polygons(found, count, class_layer(shown.names).columns(found), "classify")


def _highest(likely: Scene, shape: Shape) -> UInt8[np.ndarray, "h w"]:
    values = thinned(likely, shape)[0]
    return np.where(values[0] == NO_PROBABILITY, np.uint8(NO_PROBABILITY), values.max(axis=0))
