"""Files of polygons: GeoPackage in the map's own reference system, GeoJSON in longitude and latitude."""

import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from jaxtyping import Shaped
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.core.unwritable import unwritable
from terramamba.raster.output.styles import outline_style, style_of
from terramamba.raster.vector.area_polygons import AreaPolygons

FEATURE, LAST_LINES = b'{ "type": "Feature"', b"\n]\n}\n"
"""How lines of features begin in GeoJSON that GDAL writes, and how the file ends."""

GEOPACKAGE = {"VERSION": "1.2"}
"""How a GeoPackage is made: programs on older GDAL, as QGIS 3.22, warn of 1.4, which has nothing we use."""

DRIVERS = {".gpkg": "GPKG", ".geojson": "GeoJSON", ".json": "GeoJSON"}

Columns = Mapping[str, Shaped[np.ndarray, " n"]]


@dataclass(frozen=True)
class Layer:
    """What a layer of polygons is called, and its attributes."""

    name: str
    columns: Callable[[AreaPolygons], Columns]
    outlined: bool = False
    """Whether a GIS is to show the outlines alone, so that the image below stays to be seen."""


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


def write_drafts(runs: Iterable[AreaPolygons], drafts: Mapping[str, Path], layer: Layer) -> int:
    """Write polygons for each target into its draft; return how many of them there are.

    Raises:
        InputError: the disk is full, or the areas cannot be traced.
    """
    count = 0
    for number, polygons in enumerate(runs):
        for target, draft in drafts.items():
            with writing(target):
                write_run(polygons, draft, layer, append=number > 0)
        count += len(polygons)
    for target, draft in drafts.items():
        if layer.outlined:
            with suppress(OSError):  # polygons without one are polygons
                style_of(draft).write_text(outline_style(), encoding="utf-8")
        require_all(target, draft, count)
    return count


@contextmanager
def writing(target: str) -> Iterator[None]:
    """Raise ``InputError`` where shapes that are to become ``target`` cannot be written or read again."""
    import pyogrio

    try:
        yield
    except (OSError, pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise unwritable(target, error) from error


def require_all(target: str, draft: Path, count: int) -> None:
    """Raise ``InputError`` where ``draft`` does not hold ``count`` shapes.

    GDAL does not always notice that what it wrote last found no room.
    """
    import pyogrio

    with writing(target):
        if pyogrio.read_info(draft, force_feature_count=True)["features"] != count:
            raise InputError(f"{target}: cannot be written (not all of it is there); check the space there")


def write_run(polygons: AreaPolygons, path: Path, layer: Layer, *, append: bool) -> None:
    """Write one run of polygons into the file ``path``, or ``append`` it to what is there."""
    check_polygon_place(path, polygons.crs)
    driver = DRIVERS[path.suffix.lower()]
    if driver == "GPKG" or not append:
        _write_layer(polygons, path, driver, layer, append)
        return
    # GDAL reprojects nothing that it appends to GeoJSON.
    more = path.with_name(f"more-{path.name}")
    _write_layer(polygons, more, driver, layer, append=False)
    _append_features(path, more)
    more.unlink()


def _write_layer(polygons: AreaPolygons, path: Path, driver: str, layer: Layer, append: bool) -> None:
    import pyogrio

    # RFC7946 has GDAL transform to WGS 84 and turn the rings the right way round.
    options: dict[str, Any] = {"RFC7946": "YES"} if driver == "GeoJSON" else {}
    columns = layer.columns(polygons)
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
            layer=layer.name,
            layer_options=options,
            dataset_options=GEOPACKAGE if driver == "GPKG" and not append else {},
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
