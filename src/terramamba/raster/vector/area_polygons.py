"""From a map to polygons: one for each connected area of a value, with its size on the ground.

Areas that cannot touch (``corners``: pixels that touch at a corner are one area, too) are traced some at a
time. Areas that cover a map together touch everywhere: outlines that are to be simplified are so in one go,
so that neighbours still fit together.
"""

import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import rasterio
import shapely
from affine import Affine
from jaxtyping import Float64, Int, Int64, Integer, Shaped
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.io import MemoryFile
from rasterio.windows import Window as RasterioWindow

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.vector.components import Components, chosen_pixels, count_components
from terramamba.raster.vector.outlines import Outlines, apply_all, trace
from terramamba.raster.vector.pieces import reading
from terramamba.raster.vector.simplify import simplified
from terramamba.raster.windows import Window, strips

PIXELS_PER_STRIP = 4_000_000
"""Attributes are summed over strips of about this size, so that memory does not grow with the raster."""

EDGES_AT_ONCE = 1_000_000
"""Pixels without a left neighbour in their area, of all areas that are traced together: about 1 GB."""

EDGES_OF_ONE = 4_000_000
"""The same of the largest area that is traced at all, and of all that are simplified together."""

Remedy = tuple[str, str]
"""What an area is called, and what can be done about outlines that are too long."""


@dataclass(frozen=True, eq=False)
class AreaPolygons:
    """Areas of a map, the largest first; ``id`` counts them from 1, ``value`` is the map's.

    ``pixels`` counts the pixels of each. ``area`` is that of these pixels, though the shape be simplified, in
    ``unit``: m2 on the ground, or pixels where the raster has no reference system. Geometries are in
    coordinates of ``crs``; without a transform, in columns and rows. Probabilities are None where none were
    given.
    """

    geometry: Shaped[np.ndarray, " n"]
    id: Int[np.ndarray, " n"]
    value: Int64[np.ndarray, " n"]
    pixels: Int[np.ndarray, " n"]
    area: Float64[np.ndarray, " n"]
    unit: Literal["m2", "px"]
    mean_probability: Float64[np.ndarray, " n"] | None
    max_probability: Float64[np.ndarray, " n"] | None
    crs: CRS | None

    def __len__(self) -> int:
        return len(self.id)


def trace_areas(
    path: Path,
    codes: Collection[int],
    remedy: Remedy,
    *,
    corners: bool,
    probability: Path | None = None,
    min_area: int | float = 0.0,
    simplify: int | float = 0.0,
) -> Iterator[AreaPolygons]:
    """Trace the areas of the values ``codes`` in a raster, some at a time.

    Args:
        path: Raster of whole numbers; other pixels are not part of any area.
        codes: Values, each of which has areas of its own.
        remedy: Words for areas whose outlines are too long.
        corners: Whether pixels that touch at a corner alone are one area.
        probability: Raster of the same size that is summed up over each area; its stored values times its
            scale are probabilities.
        min_area: Smaller areas are left out; in m2, or in pixels where the raster has no reference system.
        simplify: How much of the outlines' steps is smoothed away, in pixels; see ``simplified``. It changes
            shapes only, neither areas nor probabilities. Outlines that touch are simplified alike.

    Yields:
        The areas by falling size, at least one run of them though it be empty, so many that memory stays
        bounded; areas of one size in the order in which tracing from the top ended.

    Raises:
        InputError: the outline of one area alone, or all that are simplified together, are too long for
            memory.
    """
    with ExitStack() as leaving:
        map_file = leaving.enter_context(reading(path))
        likely = None if probability is None else leaving.enter_context(reading(probability))
        georeferenced = not map_file.transform.is_identity
        # Polynomials alone give a file a reference system, but its pixels no coordinates in it.
        place = (map_file.crs, map_file.transform) if georeferenced else (None, None)
        grid = Grid(map_file.height, map_file.width, *place)
        components = count_components(map_file, codes, PixelArea.of(grid), corners=corners)
        together = bool(simplify) and not corners
        _require_traceable(path, components, remedy, together=together)
        at_once = EDGES_OF_ONE + 1 if together else EDGES_AT_ONCE
        begin = 1
        for chosen in components.batches(min_area, at_once) or [np.zeros(0, np.int64)]:
            marked = chosen_pixels(map_file, codes, components, chosen, corners=corners)
            with _raster_of(map_file, marked, "uint8" if max(codes) < 255 else "int32") as some:
                yield _traced(some, likely, grid, begin, corners=corners, simplify=simplify)
            begin += len(chosen)


def _require_traceable(path: Path, components: Components, remedy: Remedy, *, together: bool) -> None:
    longest, total = int(components.edges.max(initial=0)), int(components.edges.sum())
    what, to_do = remedy
    if longest > EDGES_OF_ONE:
        pixels = components.area[int(components.edges.argmax())]
        raise InputError(
            f"{path.name}: one {what} winds through the whole map, with an outline of about"
            f" {4 * longest:,} corners around {pixels:,.0f} m2 or pixels, more than polygons can be made of;"
            f" {to_do}"
        )
    if together and total > EDGES_OF_ONE:
        raise InputError(
            f"--simplify: the outlines of the map have about {4 * total:,} corners, more than can be"
            f" simplified together; leave it out, or {to_do}"
        )


@contextmanager
def _raster_of(
    like: rasterio.DatasetReader, strips: Iterable[tuple[Window, Integer[np.ndarray, "h w"]]], dtype: str
) -> Iterator[rasterio.DatasetReader]:
    """A raster of ``strips`` on the grid of ``like``, in memory: compressed, it is as small as outlines."""
    profile = {"driver": "GTiff", "count": 1, "dtype": dtype, "compress": "deflate", "bigtiff": "if_safer"}
    size = {"height": like.height, "width": like.width, "transform": like.transform}
    with warnings.catch_warnings(), MemoryFile() as memory:
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with memory.open(**profile, **size) as file:
            for window, numbers in strips:
                where = RasterioWindow(window.col, window.row, window.width, window.height)
                file.write(numbers.astype(dtype), 1, window=where)
        with memory.open() as file:
            yield file


def _traced(
    areas_file: rasterio.DatasetReader,
    probability_file: rasterio.DatasetReader | None,
    grid: Grid,
    begin: int,
    *,
    corners: bool,
    simplify: int | float,
) -> AreaPolygons:
    """The areas in ``areas_file``, numbered from ``begin``; its values are the map's and one more."""
    outlines = trace(rasterio.band(areas_file, 1), corners=corners)
    measures = _measure(outlines, grid, probability_file)
    order = np.argsort(-measures.area, kind="stable")
    # In columns and rows, where corners that touch are exactly equal, whatever the transform does to them.
    chosen = outlines.take(order)
    shapes = simplified((chosen if corners else chosen.with_shared_corners()).multipolygons(), simplify)
    mean, highest = measures.mean_probability, measures.max_probability
    return AreaPolygons(
        geometry=shapes if grid.transform is None else shapely.transform(shapes, _placed(grid.transform)),
        id=np.arange(begin, begin + len(order)),
        value=outlines.values[order] - 1,
        pixels=measures.pixels[order],
        area=measures.area[order],
        unit=measures.unit,
        mean_probability=None if mean is None else mean[order],
        max_probability=None if highest is None else highest[order],
        crs=grid.crs,
    )


@dataclass(frozen=True, eq=False)
class _Measures:
    """What is summed up over the pixels of each area, in the order of the outlines."""

    pixels: Int[np.ndarray, " n"]
    area: Float64[np.ndarray, " n"]
    unit: Literal["m2", "px"]
    mean_probability: Float64[np.ndarray, " n"] | None
    max_probability: Float64[np.ndarray, " n"] | None


def _measure(
    outlines: Outlines,
    grid: Grid,
    probability_file: rasterio.DatasetReader | None,
) -> _Measures:
    """Sum area and probability of each outline, strip by strip over the pixels inside."""
    measure = PixelArea.of(grid)
    count, edges = len(outlines), outlines.upright_edges()
    pixels, area, total, highest = (np.zeros(count) for _ in range(4))
    for window in strips(grid.height, grid.width, max(1, PIXELS_PER_STRIP // grid.width)):
        numbers = edges.numbers(window)
        if numbers is None:
            continue
        inside = numbers >= 0
        owners = numbers[inside]
        pixels += np.bincount(owners, minlength=count)
        if probability_file is not None:
            where = RasterioWindow(window.col, window.row, window.width, window.height)
            stored = probability_file.read(1, window=where)[inside].astype(np.float64)
            probability = stored * probability_file.scales[0]
            total += np.bincount(owners, probability, minlength=count)
            np.maximum.at(highest, owners, probability)
        if measure is not None:
            area += np.bincount(owners, measure.square_metres(window)[inside], minlength=count)
    return _Measures(
        pixels=pixels.astype(np.int64),
        area=pixels if measure is None else area,
        unit="px" if measure is None else "m2",
        mean_probability=None if probability_file is None else total / np.maximum(pixels, 1),
        max_probability=None if probability_file is None else highest,
    )


def _placed(
    transform: Affine,
) -> Callable[[Float64[np.ndarray, "m 2"]], Float64[np.ndarray, "m 2"]]:
    return lambda points: apply_all(transform, points)
