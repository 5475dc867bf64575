"""What the page shows of a change map: changes, their probability, both dates, the largest areas."""

from pathlib import Path
from typing import Any

import numpy as np

from terramamba.change.report_truth import truth_overlays
from terramamba.mapping.area_table import AreaCount
from terramamba.mapping.probability import NO_PROBABILITY, PROBABILITY_SCALE, PROBABILITY_STEPS
from terramamba.raster.geogrid import apply
from terramamba.raster.pixel_area import SQUARE_METRES_PER_HECTARE
from terramamba.raster.scene import Scene
from terramamba.raster.vector.area_polygons import AreaPolygons
from terramamba.raster.vector.change_polygons import change_layer, trace_changes
from terramamba.raster.vector.polygon_files import Columns
from terramamba.raster.windows import strips
from terramamba.report.layers import STRIP_PIXELS, one_band, require_probabilities
from terramamba.report.map_layers import MapLayers
from terramamba.report.overlays import Kind, Overlay, certainty_overlay, map_overlay
from terramamba.report.polygons import first_of, packed_polygons
from terramamba.report.task import ShownMap
from terramamba.scores.thresholds import STEPS, changed

LARGEST = 25
"""Changes in the table."""

MAP_WEIGHT = 2.0
"""The share of map and probability beside other layers."""


def change_layers(shown: ShownMap) -> MapLayers:
    """Choose what is changed and how sure that is, what really changed, and both dates.

    ``steps`` are pixels and hectares of each stored probability, at full resolution, and the ``least`` of
    these that counts as changed at each threshold, in thousandths: it marks all from there on.
    """
    land, likely = shown.land, shown.beside.get("probabilities")
    kinds = {
        value: Kind(name, tuple(shown.colours[value]), clear=value == 0)
        for value, name in shown.names.items()
    }
    overlays = {"map": map_overlay("what changed", land, kinds, MAP_WEIGHT)}
    facts = _largest(land, likely)
    if likely is not None:
        require_probabilities(likely, 1, "change map")
        overlays["probability"] = Overlay(
            "probability of change", likely, lambda shape: one_band(likely, shape), weight=MAP_WEIGHT
        )
        facts["steps"] = _steps(likely)
    if (certainty := shown.beside.get("certainty")) is not None:
        require_probabilities(certainty, 1, "change map", "--certainty")
        overlays["certainty"] = certainty_overlay(certainty)
    known, absent = truth_overlays(shown)
    dates = {"left": shown.beside.get("before"), "right": shown.beside.get("after")}
    return MapLayers(
        overlays=overlays | known,
        images={side: date for side, date in dates.items() if date is not None},
        over=True,
        likely="probability of change",
        facts=facts,
        absent=absent,
    )


def _steps(likely: Scene) -> dict[str, Any]:
    count = AreaCount(likely.grid, {step: str(step) for step in range(NO_PROBABILITY + 1)})
    for window in strips(likely.height, likely.width, max(1, STRIP_PIXELS // likely.width)):
        count.add(likely.read(window)[0][0], window)
    steps = count.classes()[: PROBABILITY_STEPS + 1]
    measured = steps[0].hectares is not None
    stored = np.arange(PROBABILITY_STEPS + 1) * PROBABILITY_SCALE
    return {
        "least": [int(changed(stored, step / STEPS).argmax()) for step in range(STEPS + 1)],
        "pixels": [step.pixels for step in steps],
        "hectares": [step.hectares for step in steps] if measured else None,
    }


def _columns(found: AreaPolygons) -> Columns:
    """What is said of each area; of probabilities only where they are known."""
    if found.mean_probability is not None:
        return change_layer().columns(found)
    return {"id": found.id, f"area_{found.unit}": found.area, "pixels": found.pixels}


def _largest(land: Scene, likely: Scene | None) -> dict[str, Any]:
    """The largest changed areas, each with its box in pixels, and how many areas there are."""
    traced = trace_changes(Path(land.path), None if likely is None else Path(likely.path))
    found, count = first_of(traced)
    mean = found.mean_probability
    back = None if land.transform is None else ~land.transform
    rows = []
    for place in range(min(LARGEST, len(found))):
        west, south, east, north = found.geometry[place].bounds
        corners = [
            (x, y) if back is None else apply(back, x, y) for x in (west, east) for y in (south, north)
        ]
        cols, lines = zip(*corners, strict=True)
        metres = float(found.area[place]) if found.unit == "m2" else None
        rows.append(
            {
                "pixels": int(found.pixels[place]),
                "hectares": None if metres is None else metres / SQUARE_METRES_PER_HECTARE,
                "probability": None if mean is None else float(mean[place]),
                "box": [round(v, 2) for v in (min(cols), min(lines), max(cols), max(lines))],
            }
        )
    return {"largest": rows, "areas": count, **packed_polygons(found, count, _columns(found), "change")}
