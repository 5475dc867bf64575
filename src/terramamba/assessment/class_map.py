"""A finished map of classes, read by strips: its values, their names, and how much of it they are."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import rasterio
from jaxtyping import Bool, Int64
from rasterio.errors import RasterioIOError

from terramamba.core.errors import InputError, reason_of
from terramamba.data.labels.legend import read_legend
from terramamba.mapping.area_table import AreaCount, ClassArea
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.datasets import open_raster
from terramamba.raster.windows import Window, strips

PIXELS_PER_STRIP = 4_000_000
MOST_CLASSES = 4_096
"""More values than that are no classes."""


@dataclass(frozen=True)
class ClassMap:
    """A map of classes: where it lies, and of each value its name, pixels and hectares."""

    path: str
    grid: Grid
    classes: tuple[ClassArea, ...]

    @property
    def values(self) -> tuple[int, ...]:
        """The values of the classes."""
        return tuple(entry.value for entry in self.classes)

    def areas(self) -> tuple[list[float], str]:
        """Return how much each class is, and the unit: hectares, or pixels where these are not known."""
        if all(entry.hectares is not None for entry in self.classes):
            return [float(entry.hectares or 0) for entry in self.classes], "hectares"
        return [float(entry.pixels) for entry in self.classes], "pixels"


def read_class_map(path: str | Path) -> ClassMap:
    """Count the classes of a map that ``map`` wrote, or of any raster of whole numbers with one band.

    Raises:
        InputError: it cannot be read, holds no whole numbers or nothing but missing data, or too many values
            to be classes.
    """
    place = str(path)
    with opened_map(place) as file:
        kind = np.dtype(file.dtypes[0])
        if file.count != 1 or kind.kind not in "iu":
            raise InputError(
                f"{place}: {file.count} bands of {kind}, and a map of classes has one of whole numbers; name"
                " the map itself, not its probabilities"
            )
        transform = None if file.transform.is_identity else file.transform
        grid = Grid(file.height, file.width, file.crs, transform)
        found: set[int] = set()
        for _, values, known in blocks(file):
            found.update(np.unique(values[known]).tolist())
            if len(found) > MOST_CLASSES or min(found, default=0) < 0:
                raise InputError(
                    f"{place}: has too many or negative values for a map of classes; name another"
                )
        if not found:
            raise InputError(f"{place}: has no pixel with a class; name another map")
        told = read_legend(place).names
        names = {value: told.get(value, str(value)) for value in sorted(found)}
        areas = AreaCount(grid, names)
        for window, values, known in blocks(file):
            areas.add(np.where(known, values, max(names) + 1).astype(np.uint16), window)
    return ClassMap(place, grid, areas.classes())


@contextmanager
def opened_map(path: str) -> Iterator[rasterio.DatasetReader]:
    """Open the file of a map; raises ``InputError`` where that fails, also while it is read."""
    try:
        with open_raster(path) as file:
            yield file
    except RasterioIOError as error:
        raise InputError(f"{path}: cannot be read as a map ({reason_of(error)}); name another") from error


def blocks(
    file: rasterio.DatasetReader,
) -> Iterator[tuple[Window, Int64[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]]:
    """Yield windows of the map from top to bottom, their values, and where there is a class."""
    for window in strips(file.height, file.width, max(1, PIXELS_PER_STRIP // file.width)):
        place = ((window.row, window.bottom), (window.col, window.right))
        values = file.read(1, window=place)
        yield window, values.astype(np.int64), file.read_masks(1, window=place) != 0


def names_of(classes: tuple[ClassArea, ...]) -> Mapping[int, str]:
    """Return the names of classes by their values."""
    return {entry.value: entry.name for entry in classes}
