"""A finished map in a notebook: how much is what, a small picture with its legend, axes of matplotlib."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from jaxtyping import Shaped
from rasterio.errors import NotGeoreferencedWarning

from terramamba.mapping.area_table import ClassArea
from terramamba.raster.notebook_pictures import (
    PICTURE_SIDE,
    PLOT_SIDE,
    Colours,
    coloured,
    legend_html,
    picture_html,
    plot_picture,
    shape_within,
    table_html,
)
from terramamba.raster.readers.open import open_scene


class PicturedMap:
    """What summaries of maps share; after one shard, parts are missing and nothing has been written."""

    out: Path
    classes: tuple[ClassArea, ...]
    missing_parts: int | None

    def plot(self, ax: Any = None) -> Any:
        """Draw the map in its colours, thinned out, into ``ax`` or axes of its own; return the axes.

        Raises:
            InputError: the map has not been written yet, or its file is gone.
        """
        values, colours = _thinned(self.out, PLOT_SIDE)
        legend = {entry.name: colours[entry.value] for entry in self.classes if entry.value in colours}
        grid = open_scene(self.out).grid
        return plot_picture(coloured(values, colours), grid, title=str(self.out), legend=legend, ax=ax)

    def _repr_html_(self) -> str:
        if self.missing_parts is not None:
            return table_html([("map", self.out), ("parts missing", self.missing_parts)])
        table = areas_html(self.classes)
        if not self.out.is_file():
            return table
        values, colours = _thinned(self.out, PICTURE_SIDE)
        names = {entry.value: entry.name for entry in self.classes}
        return picture_html(coloured(values, colours), str(self.out)) + legend_html(names, colours) + table


def areas_html(classes: Sequence[ClassArea]) -> str:
    """Say how much of a map is what, as a table in HTML."""
    rows = [
        (entry.name, f"{entry.pixels:,}", "" if entry.hectares is None else f"{entry.hectares:,.2f}")
        for entry in classes
    ]
    return table_html(rows, ("class", "pixels", "hectares"))


def _thinned(path: Path, side: int) -> tuple[Shaped[np.ndarray, "h w"], Colours]:
    """Values of a map that was written, thinned out, and the colours of those that are data."""
    scene = open_scene(path)
    shape = shape_within(side, scene.height, scene.width)
    (values,), _ = scene.source.read(scene.grid.window, [0], shape)
    return values, map_colours(path)


def map_colours(path: Path) -> Colours:
    """Read the colours of the values of a map that was written, without that of no data."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # as their scenes, maps may have no place
        with rasterio.open(path) as file:
            table: Mapping[int, tuple[int, ...]] = file.colormap(1)
    return {value: colour for value, colour in table.items() if colour[3] == 255}
