"""From a change map to polygons: one for each changed area, with its size and how sure the model was.

Pixels that touch at an edge or a corner belong to one area (connectivity 8). Every area is a multipolygon,
with holes: parts that touch at a corner only are parts of one feature, as the simple-features standard wants.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np
import rasterio
import shapely
from affine import Affine
from jaxtyping import Bool, Float64, Int, Shaped
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window as RasterioWindow

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.staging import staged
from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.vector.components import Components, chosen_pixels, count_components
from terramamba.raster.vector.outlines import Outlines, apply_all, trace
from terramamba.raster.vector.simplify import simplified
from terramamba.raster.windows import Window, strips

CHANGED = 1
PIXELS_PER_STRIP = 4_000_000
"""Attributes are summed over strips of about this size, so that memory does not grow with the raster."""

EDGES_AT_ONCE = 1_000_000
"""Pixels without a left neighbour in their area, of all areas that are traced together: about 1 GB."""

EDGES_OF_ONE = 4_000_000
"""The same of the largest area that is traced at all."""

FEATURE, LAST_LINES = b'{ "type": "Feature"', b"\n]\n}\n"
"""How lines of features begin in GeoJSON that GDAL writes, and how the file ends."""

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON"}


@dataclass(frozen=True, eq=False)
class ChangePolygons:
    """Changed areas, the largest first; ``id`` counts them from 1.

    ``pixels`` counts the changed pixels of each. ``area`` is that of these pixels, though the shape be
    simplified, in ``unit``: m2 on the ground, or pixels where the raster has no reference system. Geometries
    are in coordinates of ``crs``; without a transform, in columns and rows.
    """

    geometry: Shaped[np.ndarray, " n"]
    id: Int[np.ndarray, " n"]
    pixels: Int[np.ndarray, " n"]
    area: Float64[np.ndarray, " n"]
    unit: Literal["m2", "px"]
    mean_probability: Float64[np.ndarray, " n"]
    max_probability: Float64[np.ndarray, " n"]
    crs: CRS | None

    def __len__(self) -> int:
        return len(self.id)


def check_polygon_name(path: str | Path) -> None:
    """Raise ``InputError`` where ``path`` ends in no format that polygons are written in."""
    if Path(path).suffix.lower() not in DRIVERS:
        raise InputError(f"{path}: polygons are written as .gpkg or .geojson; give the file such a name")


def check_polygon_place(path: str | Path, crs: CRS | None) -> None:
    """Raise ``InputError`` where ``path`` is GeoJSON and coordinates are in no reference system."""
    if DRIVERS.get(Path(path).suffix.lower()) == "GeoJSON" and crs is None:
        raise InputError(
            f"{path}: GeoJSON is in longitude and latitude (WGS 84), and it is not known where on Earth the "
            "images lie; give the file a name that ends in .gpkg, or georeference the images"
        )


def trace_changes(
    changed: Path, probability: Path, *, min_area: int | float = 0.0, simplify: int | float = 0.0
) -> Iterator[ChangePolygons]:
    """Trace the areas of value 1 in ``changed`` and sum up ``probability`` over each, some at a time.

    Args:
        changed: Raster of uint8; pixels other than 1 are not part of any area.
        probability: Raster of the same size; its stored values times its scale are probabilities.
        min_area: Smaller areas are left out; in m2, or in pixels where the raster has no reference system.
        simplify: How much of the outlines' steps is smoothed away, in pixels; see ``simplified``. It changes
            shapes only, neither areas nor probabilities. Outlines that touch are simplified alike.

    Yields:
        The areas by falling size, at least one run of them though it be empty, so many that memory stays
        bounded; areas of one size in the order in which tracing from the top ended.

    Raises:
        InputError: the outline of one area alone is too long for memory.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(changed) as map_file, rasterio.open(probability) as probability_file:
            georeferenced = not map_file.transform.is_identity
            # Polynomials alone give a file a reference system, but its pixels no coordinates in it.
            place = (map_file.crs, map_file.transform) if georeferenced else (None, None)
            grid = Grid(map_file.height, map_file.width, *place)
            components = count_components(map_file, CHANGED, PixelArea.of(grid))
            _require_traceable(changed, components)
            batches = components.batches(min_area, EDGES_AT_ONCE)
            if len(batches) < 2:
                yield _traced(map_file, probability_file, grid, 1, min_area, simplify)
                return
            begin = 1
            with TemporaryDirectory(prefix=".areas-", dir=changed.parent) as folder:
                for chosen in batches:
                    only = Path(folder) / "areas.tif"
                    _write_areas(only, map_file, chosen_pixels(map_file, CHANGED, components, chosen))
                    with rasterio.open(only) as some:
                        yield _traced(some, probability_file, grid, begin, 0.0, simplify)
                    begin += len(chosen)


def _require_traceable(changed: Path, components: Components) -> None:
    longest = int(components.edges.max(initial=0))
    if longest > EDGES_OF_ONE:
        pixels = components.area[int(components.edges.argmax())]
        raise InputError(
            f"{changed.name}: one changed area winds through the whole map, with an outline of about"
            f" {4 * longest:,} corners around {pixels:,.0f} m2 or pixels, more than polygons can be made of;"
            " raise --threshold, or leave --polygons out"
        )


def _write_areas(
    path: Path, like: rasterio.DatasetReader, strips: Iterable[tuple[Window, Bool[np.ndarray, "h w"]]]
) -> None:
    """Write a raster on the grid of ``like`` that is 1 where ``strips`` say so."""
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "compress": "deflate", "bigtiff": "if_safer"}
    size = {"height": like.height, "width": like.width, "transform": like.transform}
    with rasterio.open(path, "w", **profile, **size) as file:
        for window, marked in strips:
            where = RasterioWindow(window.col, window.row, window.width, window.height)
            file.write(marked.astype(np.uint8), 1, window=where)


def _traced(
    map_file: rasterio.DatasetReader,
    probability_file: rasterio.DatasetReader,
    grid: Grid,
    begin: int,
    min_area: int | float,
    simplify: int | float,
) -> ChangePolygons:
    """The areas in ``map_file``, numbered from ``begin``."""
    outlines = trace(rasterio.band(map_file, 1), CHANGED)
    measures = _measure(outlines, grid, probability_file)
    kept = np.flatnonzero(measures.area >= min_area)
    order = kept[np.argsort(-measures.area[kept], kind="stable")]
    # In columns and rows, where corners that touch are exactly equal, whatever the transform does to them.
    shapes = simplified(outlines.take(order).multipolygons(), simplify)
    return ChangePolygons(
        geometry=shapes if grid.transform is None else shapely.transform(shapes, _placed(grid.transform)),
        id=np.arange(begin, begin + len(order)),
        pixels=measures.pixels[order],
        area=measures.area[order],
        unit=measures.unit,
        mean_probability=measures.mean_probability[order],
        max_probability=measures.max_probability[order],
        crs=grid.crs,
    )


def write_polygons(
    runs: Iterable[ChangePolygons],
    path: str | Path,
    *,
    before: date | None = None,
    after: date | None = None,
    overwrite: bool = False,
) -> int:
    """Write ``runs`` of polygons: GeoPackage in their own CRS, GeoJSON in longitude and latitude (RFC 7946).

    The layer is called ``changes`` and has the columns ``id``, ``area_m2`` or ``area_px``, ``pixels``,
    ``mean_probability``, ``max_probability``, and, of the days ``before`` and ``after`` those that are known,
    ``date_before`` and ``date_after``. Returns how many were written.

    Raises:
        InputError: the name ends in neither .gpkg nor .geojson, it is GeoJSON and the polygons have no
            reference system (``check_polygon_place``), or the file exists.
    """
    check_polygon_name(path)
    count = 0
    with staged(path, overwrite=overwrite) as (part,):
        for number, polygons in enumerate(runs):
            write_run(polygons, part, before=before, after=after, append=number > 0)
            count += len(polygons)
    return count


def write_run(
    polygons: ChangePolygons, path: Path, *, before: date | None, after: date | None, append: bool
) -> None:
    """Write one run of polygons into the file ``path``, or ``append`` it to what is there."""
    check_polygon_place(path, polygons.crs)
    days = {"date_before": before, "date_after": after}
    driver = DRIVERS[path.suffix.lower()]
    if driver == "GPKG" or not append:
        _write_layer(polygons, path, driver, days, append)
        return
    # GDAL reprojects nothing that it appends to GeoJSON.
    more = path.with_name(f"more-{path.name}")
    _write_layer(polygons, more, driver, days, append=False)
    _append_features(path, more)
    more.unlink()


def _write_layer(
    polygons: ChangePolygons, path: Path, driver: str, days: Mapping[str, date | None], append: bool
) -> None:
    import pyogrio

    # RFC7946 has GDAL transform to WGS 84 and turn the rings the right way round.
    options: dict[str, Any] = {"RFC7946": "YES"} if driver == "GeoJSON" else {}
    columns = {
        "id": polygons.id.astype(np.int64),
        f"area_{polygons.unit}": polygons.area,
        "pixels": polygons.pixels.astype(np.int64),
        "mean_probability": polygons.mean_probability,
        "max_probability": polygons.max_probability,
    }
    for name, day in days.items():
        if day is not None:
            columns[name] = np.full(len(polygons), np.datetime64(day, "D"))
    with warnings.catch_warnings():
        # Areas on an image without georeferencing have none either: that is no news.
        warnings.filterwarnings("ignore", message="'crs' was not provided")
        pyogrio.raw.write(
            path,
            geometry=shapely.to_wkb(polygons.geometry),
            field_data=list(columns.values()),
            fields=list(columns),
            geometry_type="MultiPolygon",
            crs=None if polygons.crs is None else polygons.crs.to_wkt(),
            driver=driver,
            layer="changes",
            layer_options=options,
            append=append,
        )


def _append_features(path: Path, more: Path) -> None:
    """Copy the features of the GeoJSON file ``more`` to the end of those in ``path``.

    GDAL wrote both: it writes each feature on a line of its own, and ``]`` and ``}`` on the last two.
    """
    with path.open("r+b") as file, more.open("rb") as source:
        file.seek(0, 2)
        end = file.tell()
        file.seek(max(0, end - len(LAST_LINES) - 1))
        tail = file.read()
        place = end - len(tail) + tail.index(LAST_LINES)
        file.seek(place)
        file.truncate()
        for line in source:
            if line.startswith(FEATURE):
                file.write(b",\n" + line.rstrip(b",\r\n"))
        file.write(LAST_LINES)


@dataclass(frozen=True, eq=False)
class _Measures:
    """What is summed up over the pixels of each area, in the order of the outlines."""

    pixels: Int[np.ndarray, " n"]
    area: Float64[np.ndarray, " n"]
    unit: Literal["m2", "px"]
    mean_probability: Float64[np.ndarray, " n"]
    max_probability: Float64[np.ndarray, " n"]


def _measure(
    outlines: Outlines,
    grid: Grid,
    probability_file: rasterio.DatasetReader,
) -> _Measures:
    """Sum area and probability of each outline, strip by strip over the pixels inside."""
    measure = PixelArea.of(grid)
    count, edges = len(outlines), outlines.upright_edges()
    pixels, area, total, highest = (np.zeros(count) for _ in range(4))
    scale = probability_file.scales[0]
    for window in strips(grid.height, grid.width, max(1, PIXELS_PER_STRIP // grid.width)):
        numbers = edges.numbers(window)
        if numbers is None:
            continue
        inside = numbers >= 0
        owners = numbers[inside]
        where = RasterioWindow(window.col, window.row, window.width, window.height)
        probability = probability_file.read(1, window=where)[inside].astype(np.float64) * scale
        pixels += np.bincount(owners, minlength=count)
        total += np.bincount(owners, probability, minlength=count)
        np.maximum.at(highest, owners, probability)
        if measure is not None:
            area += np.bincount(owners, measure.square_metres(window)[inside], minlength=count)
    return _Measures(
        pixels=pixels.astype(np.int64),
        area=pixels if measure is None else area,
        unit="px" if measure is None else "m2",
        mean_probability=total / np.maximum(pixels, 1),
        max_probability=highest,
    )


def _placed(
    transform: Affine,
) -> Callable[[Float64[np.ndarray, "m 2"]], Float64[np.ndarray, "m 2"]]:
    return lambda points: apply_all(transform, points)
