"""The polygons of a map for the page to save: GeoJSON in longitude and latitude, of bounded size."""

import base64
import json
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import shapely
from jaxtyping import Float64
from rasterio.crs import CRS
from rasterio.warp import transform

from terramamba.raster.scene import Scene
from terramamba.raster.vector.area_polygons import AreaPolygons
from terramamba.raster.vector.polygon_files import Columns
from terramamba.raster.windows import strips
from terramamba.report.layers import STRIP_PIXELS

MOST_CORNERS = 150_000
"""Of all polygons of a page, about 1 MB of it."""

DIGITS = 7
"""Of degrees: a centimetre."""

WGS84 = "EPSG:4326"
WHERE = "which `terramamba {task} map --polygons` writes whole"


def outline_length(land: Scene, codes: list[int]) -> int:
    """Count the sides of pixels between what differs in a map, in which its outlines take turns."""
    total = 0
    above = None
    for window in strips(land.height, land.width, max(1, STRIP_PIXELS // land.width)):
        values = land.read(window)[0][0]
        kinds = np.where(np.isin(values, codes), values.astype(np.int64), -1)
        total += sum(int(np.count_nonzero(np.diff(kinds, axis=axis))) for axis in (0, 1))
        if above is not None:
            total += int(np.count_nonzero(above != kinds[0]))
        above = kinds[-1]
    return total


def first_of(traced: Iterator[AreaPolygons]) -> tuple[AreaPolygons, int]:
    """Return the first run of polygons, which has the largest, and how many there are in all."""
    first = next(traced)
    return first, len(first) + sum(len(more) for more in traced)


def packed_polygons(first: AreaPolygons, count: int, columns: Columns, task: str) -> dict[str, Any]:
    """Pack the largest polygons with ``columns``, as many as the page bears, and say if ``count`` is more."""
    if not count:
        return {}
    if first.crs is None:
        return {"polygons_said": "There is no GeoJSON to save: the map has no place on the Earth."}
    corners = np.cumsum(shapely.get_num_coordinates(first.geometry))
    kept = int(np.searchsorted(corners, MOST_CORNERS, side="right"))
    listed = {name: values[:kept].tolist() for name, values in columns.items()}
    shapes = shapely.transform(first.geometry[:kept], lambda points: _degrees(points, first.crs))
    shapes = shapely.orient_polygons(shapes)
    features = [
        {
            "type": "Feature",
            "properties": {name: values[place] for name, values in listed.items()},
            "geometry": json.loads(shapely.to_geojson(shape)),
        }
        for place, shape in enumerate(shapes)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"))
    found = {"polygons": base64.b64encode(zlib.compress(text.encode(), 6)).decode("ascii")}
    if kept < count:
        found["polygons_said"] = (
            f"GeoJSON has the {kept:,} largest of {count:,} polygons, {WHERE.format(task=task)}."
        )
    return found


def _degrees(points: Float64[np.ndarray, "n 2"], crs: CRS | None) -> Float64[np.ndarray, "n 2"]:
    assert crs is not None
    return np.stack(transform(crs, WGS84, *points.T), axis=1).round(DIGITS)
