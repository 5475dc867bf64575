"""How much of a map is which class: counted window by window, and written as a table."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8, UInt16

from terramamba.core.errors import InputError
from terramamba.core.files import write_table
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import SQUARE_METRES_PER_HECTARE, PixelArea
from terramamba.raster.windows import Window


def check_table_name(path: str | Path | None) -> None:
    """Raise ``InputError`` where a table that is wanted has a name that does not end in .csv."""
    if path is not None and Path(path).suffix.lower() != ".csv":
        raise InputError(f"{path}: areas are written as CSV; give the file a name that ends in .csv")


@dataclass(frozen=True)
class ClassArea:
    """How much of a map is one class; ``hectares`` on the ground, None without a reference system."""

    value: int
    name: str
    pixels: int
    hectares: float | None


class AreaCount:
    """Sums pixels and true areas of the values of a map, window by window."""

    def __init__(self, grid: Grid, names: Mapping[int, str]) -> None:
        self._names = names
        self._measure = PixelArea.of(grid)
        self._pixels = np.zeros(max(names) + 1, np.int64)
        self._square_metres = np.zeros(max(names) + 1)

    def add(self, values: UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"], window: Window) -> None:
        """Count ``values``, which lie in ``window``; those without a name are left out."""
        named = values < len(self._pixels)
        if not named.any():
            return
        counted = values[named]
        self._pixels += np.bincount(counted, minlength=len(self._pixels))
        if self._measure is not None:
            areas = self._measure.square_metres(window)[named]
            self._square_metres += np.bincount(counted, areas, minlength=len(self._pixels))

    def classes(self) -> tuple[ClassArea, ...]:
        """Return the sums, one entry for each named value."""
        return tuple(
            ClassArea(
                value,
                name,
                int(self._pixels[value]),
                None
                if self._measure is None
                else float(self._square_metres[value] / SQUARE_METRES_PER_HECTARE),
            )
            for value, name in self._names.items()
        )


def write_areas(path: str | Path, classes: Sequence[ClassArea], *, not_measured: str | None = None) -> None:
    """Write ``classes`` as CSV: value, name, pixels, share of the mapped pixels (0 to 1), hectares.

    Args:
        path: The file to write; it is replaced in one step.
        classes: The classes of one map, as its summary has them.
        not_measured: Why areas are not known (``pixel_area.why_not_measured``). Where they are not, the last
            column is called ``areas`` and says so, so that no program takes it for numbers.
    """
    mapped = max(1, sum(entry.pixels for entry in classes))
    known = all(entry.hectares is not None for entry in classes)
    reason = f"not measured: {not_measured or 'the map has no place on the Earth'}"
    rows = [
        [
            entry.value,
            entry.name,
            entry.pixels,
            entry.pixels / mapped,
            entry.hectares if known else reason,
        ]
        for entry in classes
    ]
    write_table(Path(path), ["value", "name", "pixels", "share", "hectares" if known else "areas"], rows)
