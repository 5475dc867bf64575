"""A map as an array: made as every map is, through a file, which here is a temporary one."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8, UInt16

from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.mapping.area_table import ClassArea
from terramamba.mapping.notebook_view import areas_html, map_colours
from terramamba.mapping.settings import MapSettings
from terramamba.raster.geogrid import Grid
from terramamba.raster.notebook_pictures import (
    PICTURE_SIDE,
    PLOT_SIDE,
    Colours,
    coloured,
    legend_html,
    picture_html,
    plot_picture,
)
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

if TYPE_CHECKING:
    import xarray

MOST_PIXELS = 100_000_000
"""Of a map that is an array: 100 or 200 MB."""


@dataclass(frozen=True, eq=False)
class MapArray:
    """A map in memory: ``values`` are the codes of ``names``, or ``nodata``."""

    values: UInt8[np.ndarray, "rows cols"] | UInt16[np.ndarray, "rows cols"]
    grid: Grid
    """Its place on the ground: ``crs`` and ``transform``, None where the scene has none."""
    nodata: int
    classes: tuple[ClassArea, ...]
    """How much there is of each class."""
    colours: Colours
    """Red, green, blue (0..255) of each code."""

    @property
    def names(self) -> Mapping[int, str]:
        """Of each code."""
        return {entry.value: entry.name for entry in self.classes}

    def to_xarray(self) -> "xarray.DataArray":
        """Make an array of xarray with the coordinates of pixel centres, as rioxarray understands it."""
        import xarray

        grid, coords = self.grid, dict[str, Any]()
        place = grid.transform
        if place is not None and not (place.b or place.d):
            coords["y"] = place.f + place.e * (np.arange(grid.height) + 0.5)
            coords["x"] = place.c + place.a * (np.arange(grid.width) + 0.5)
        about = {} if grid.crs is None else {"crs_wkt": grid.crs.to_wkt()}
        if place is not None:
            about["GeoTransform"] = " ".join(map(str, place.to_gdal()))
        if about:
            coords["spatial_ref"] = ((), 0, about)
        attrs = {
            "_FillValue": self.nodata,
            "flag_values": list(self.names),
            "flag_meanings": " ".join(name.replace(" ", "_") for name in self.names.values()),
            "grid_mapping": "spatial_ref",
        }
        return xarray.DataArray(self.values, dims=("y", "x"), coords=coords, name="class", attrs=attrs)

    def plot(self, ax: Any = None) -> Any:
        """Draw the map in its colours, thinned out, into ``ax`` or axes of its own; return the axes."""
        legend = {name: self.colours[value] for value, name in self.names.items() if value in self.colours}
        return plot_picture(self._picture(PLOT_SIDE), self.grid, title="map", legend=legend, ax=ax)

    def _repr_html_(self) -> str:
        picture = picture_html(self._picture(PICTURE_SIDE), "map")
        return picture + legend_html(self.names, self.colours) + areas_html(self.classes)

    def _picture(self, side: int) -> UInt8[np.ndarray, "h w rgb"]:
        step = max(1, -(-max(self.values.shape) // side))
        return coloured(self.values[::step, ::step], self.colours)


@contextmanager
def place_of(out: StrPath | None, scene: str | Scene, settings: MapSettings) -> Iterator[Path]:
    """Say where a map is written: to ``out``, or for an array to a file that is removed.

    Raises:
        InputError: what has no meaning without a file is asked for, or the array would be too large.
    """
    if out is not None:
        yield Path(out)
        return
    if settings.shard is not None:
        raise InputError(f"--shard {settings.shard}: the parts lie beside a file; name one with --out")
    if settings.dask is not None:
        raise InputError(f"--dask {settings.dask}: its workers must see the file; name one with --out")
    if settings.overwrite:
        raise InputError("--overwrite: there is no file to replace; name one with --out")
    image = scene if isinstance(scene, Scene) else open_scene(scene)
    if image.grid.window.pixels > MOST_PIXELS:
        raise InputError(
            f"{image.path}: {image.height:,} x {image.width:,} pixels are more than the {MOST_PIXELS:,} that"
            " are returned as an array; name a file with --out"
        )
    with TemporaryDirectory(prefix="terramamba-") as folder:
        yield Path(folder) / "map.tif"


def map_array(path: Path, classes: tuple[ClassArea, ...]) -> MapArray:
    """Read the map that was written to ``path``."""
    scene = open_scene(path)
    (values,), _ = scene.read()
    assert scene.nodata is not None
    named = {entry.value for entry in classes}
    colours = {value: colour[:3] for value, colour in map_colours(path).items() if value in named}
    kept = tuple(entry for entry in classes if entry.value != scene.nodata)
    return MapArray(values, scene.grid, int(scene.nodata), kept, colours)
