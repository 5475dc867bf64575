"""Which layer of a vector file is meant: the one that is named, else the only one that fits."""

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from rasterio.crs import CRS
from rasterio.errors import CRSError

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.array_path import split_layer
from terramamba.raster.vector.misplaced_shapes import bounds_in, meet
from terramamba.raster.vector.vector_files import UNREADABLE, list_layers, opened_as, text_page

AREAS = ("Polygon", "Collection", "Surface", "Unknown")
"""In the names of kinds of layers that may hold polygons."""


@dataclass(frozen=True)
class LayerWanted:
    """What the layer must have that is taken of several: an attribute, polygons, a place on a grid."""

    attribute: str | None = None
    polygons: bool = False
    grid: Grid | None = None


ANY_LAYER = LayerWanted()


def choose_layer(path: str, layer: str | None, wanted: LayerWanted) -> tuple[str, tuple[str, ...]]:
    """Return the layer that is meant, and a note where it was taken of several because it alone fits.

    ``layer`` names it, or ``path`` as ``FILE:LAYER``. The only layer with shapes is taken as it is.

    Raises:
        InputError: no such layer, none with shapes, or of several none or more than one that fits.
    """
    layers = list_layers(path)
    if layer is not None and layer not in layers:
        raise InputError(f"{path}: has no layer {layer!r}; its layers are {', '.join(layers)}")
    named = layers if layer is None else {layer: layers[layer]}
    shapes = {name: kind for name, kind in named.items() if kind is not None}
    if not shapes:
        raise InputError(f"{path}: holds no shapes, only tables; give a file of polygons, points or lines")
    if len(shapes) == 1:
        return next(iter(shapes)), ()
    misfits = {name: _misfit(path, name, kind, wanted) for name, kind in shapes.items()}
    fitting = [name for name, misfit in misfits.items() if misfit is None]
    if len(fitting) == 1:
        others = ", ".join(f"{name}: {misfit}" for name, misfit in misfits.items() if misfit is not None)
        return fitting[0], (f"{path}: the layer {fitting[0]} is taken, which alone fits ({others})",)
    raise _which(path, misfits, fitting)


def _which(path: str, misfits: Mapping[str, str | None], fitting: Sequence[str]) -> InputError:
    """What to say where none or several of the layers fit."""
    file, _ = split_layer(path)
    asked = ", ".join(f"{file}:{name}" for name in fitting or misfits)
    if fitting:
        return InputError(
            f"{path}: {len(fitting)} of its layers may be meant; name one: {asked}; where all belong "
            "together, as folders of a KML do, merge them first (in QGIS: Merge Vector Layers)"
        )
    why = ", ".join(f"{name}: {misfit}" for name, misfit in misfits.items())
    return InputError(f"{path}: none of its {len(misfits)} layers fits ({why}); name the one meant: {asked}")


def _misfit(path: str, layer: str, kind: str | None, wanted: LayerWanted) -> str | None:
    """Say why a layer is not what is wanted; None where it is."""
    if wanted.polygons and not any(word in (kind or "") for word in AREAS):
        return f"{kind}, no polygons"
    about = _about(path, layer)
    if about["features"] == 0:
        return "empty"
    if wanted.attribute is not None and wanted.attribute not in about["fields"].tolist():
        return f"no attribute {wanted.attribute}"
    return "elsewhere" if _lies_elsewhere(about, wanted.grid) else None


def _lies_elsewhere(about: Mapping[str, Any], grid: Grid | None) -> bool:
    """Tell whether the bounds of a layer do not meet those of ``grid``; False where that cannot be told."""
    bounds = about["total_bounds"]
    if grid is None or grid.crs is None or grid.transform is None or bounds is None:
        return False
    try:
        crs = grid.crs if about["crs"] is None else CRS.from_user_input(about["crs"])
    except CRSError:
        return False
    here = bounds_in(grid, crs)
    return here is not None and bool(np.isfinite(bounds).all()) and not meet(tuple(bounds), here)


def _about(path: str, layer: str) -> dict[str, Any]:
    import pyogrio

    page = text_page(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return pyogrio.read_info(
                opened_as(path),
                layer=layer,
                encoding=page and page.name,
                force_feature_count=True,
                force_total_bounds=True,
            )
    except UNREADABLE as error:
        raise InputError(f"{path}: layer {layer!r} cannot be read ({error}); check the file") from error
