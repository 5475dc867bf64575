"""What somebody gives as a scene: a path or several, an array of xarray, a dataset that rasterio has open."""

import os
from typing import Any, Protocol, runtime_checkable

import numpy as np

from terramamba.core.errors import InputError
from terramamba.raster.readers.data_array import scene_from_data_array
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene


@runtime_checkable
class OpenDataset(Protocol):
    """What is read of a dataset that rasterio has open."""

    @property
    def name(self) -> str:
        """Its file."""

    @property
    def subdatasets(self) -> Any:
        """Images in it."""


def opened(
    scene: Any,
    *,
    variable: str | None = None,
    shape: tuple[int, int] | None = None,
    axes: str | None = None,
) -> Scene:
    """Open whatever is a scene: a path or several, a scene, an array of xarray, a dataset of rasterio.

    Raises:
        InputError: it cannot be read as a scene, is a bare array, or ``axes`` are given of what has its own.
    """
    if axes is not None and not isinstance(scene, str | os.PathLike):
        raise InputError(f"axes {axes}: is for files of bare arrays; leave it out")
    if variable is not None and (isinstance(scene, Scene) or is_of(scene, "xarray")):
        raise InputError(f"scene_variable {variable}: is for files that hold several arrays; leave it out")
    if isinstance(scene, Scene):
        return scene
    if isinstance(scene, np.ndarray):
        raise InputError(
            "a NumPy array says nothing of its axes and place; give scene_from_array(array, ...)"
        )
    if is_of(scene, "xarray"):
        return scene_from_data_array(scene)
    if is_of(scene, "rasterio"):
        return _from_rasterio(scene, variable)
    return open_scene(scene, variable=variable, shape=shape, axes=axes)


def is_of(given: object, library: str) -> bool:
    """Tell whether an object's type comes from ``library``."""
    return any(kind.__module__.partition(".")[0] == library for kind in type(given).__mro__)


def _from_rasterio(dataset: Any, variable: str | None) -> Scene:
    if dataset.mode != "r":
        raise InputError(f"{dataset.name}: is open to be written; close it, and give its path")
    if type(dataset).__name__ == "DatasetReader":
        return open_scene(dataset.name, variable=variable)
    read = dataset.read(masked=dataset.nodata is None)
    return scene_from_array(read, crs=dataset.crs, transform=dataset.transform, nodata=dataset.nodata)
