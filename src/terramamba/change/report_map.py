"""What the page shows of a change map: changes, their probability, both dates, the largest areas."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from terramamba.mapping.area_table import AreaCount
from terramamba.mapping.probability import NO_PROBABILITY, PROBABILITY_SCALE, PROBABILITY_STEPS
from terramamba.raster.geogrid import apply
from terramamba.raster.pixel_area import SQUARE_METRES_PER_HECTARE
from terramamba.raster.scene import Scene
from terramamba.raster.vector.area_polygons import AreaPolygons
from terramamba.raster.vector.change_polygons import trace_changes
from terramamba.raster.windows import strips
from terramamba.report.layers import (
    STRIP_PIXELS,
    one_band,
    packed_layer,
    packed_picture,
    require_probabilities,
)
from terramamba.scores.thresholds import STEPS, changed

LARGEST = 25
"""Changes in the table."""


def change_layers(land: Scene, beside: Mapping[str, Scene], values: Sequence[int]) -> dict[str, Any]:
    """Return what is changed, and what ``beside`` brings: ``probabilities``, ``before``, ``after``.

    ``steps`` are pixels and hectares of each stored probability, at full resolution, and the ``least`` of
    these that counts as changed at each threshold, in thousandths: it marks all from there on.
    """
    layers: dict[str, Any] = {
        "over": True,
        "likely": "probability of change",
        "values": packed_layer(land, lambda shape: one_band(land, shape).astype(np.uint8)),
    }
    likely = beside.get("probabilities")
    if likely is not None:
        require_probabilities(likely, 1, "change map")
        layers["probability"] = packed_layer(likely, lambda shape: one_band(likely, shape))
        layers["steps"] = _steps(likely)
    before, after = beside.get("before"), beside.get("after")
    if before is not None:
        layers["left"] = packed_picture(before)
    if after is not None:
        same = before is not None and before.bands == after.bands
        layers["right"] = packed_picture(after, before if same else None)
    return layers | _largest(land, likely)


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


def _largest(land: Scene, likely: Scene | None) -> dict[str, Any]:
    """The largest changed areas, each with its box in pixels, and how many areas there are."""
    found, count = _largest_of(trace_changes(Path(land.path), None if likely is None else Path(likely.path)))
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
    return {"largest": rows, "areas": count}


def _largest_of(runs: Iterator[AreaPolygons]) -> tuple[AreaPolygons, int]:
    """The first of ``runs``, which has the largest areas, and how many areas all of them have."""
    first = next(runs)
    return first, len(first) + sum(len(more) for more in runs)
