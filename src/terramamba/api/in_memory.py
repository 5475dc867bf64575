"""What users hold in memory, as what the jobs read: scenes, and files of labels.

Mapping and scoring read a scene where it is. Training writes what it is given into a folder beside the run,
so that the run can be gone on with, repeated and scored from its own settings.
"""

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Shaped

from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.output.staging import staged
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.data_array import DataArray
from terramamba.raster.readers.given_scene import OpenDataset, is_of, opened
from terramamba.raster.readers.torchgeo_samples import Sample, mask_of_sample, scene_of_sample
from terramamba.raster.scene import Scene


@runtime_checkable
class ShapeTable(Protocol):
    """What is used of a GeoDataFrame of geopandas."""

    @property
    def crs(self) -> Any:
        """Its reference system."""

    def to_csv(self) -> Any:
        """Write all of it as text."""

    def to_file(self, filename: Any) -> Any:
        """Write it to a file of the format that the name ends with."""


SceneLike = StrPath | Sequence[StrPath] | Scene | DataArray | OpenDataset | Sample
"""A path or several, an open scene, an array of xarray (band, y, x), a dataset that rasterio has open, or a
sample of torchgeo's convention (``raster.readers.torchgeo_samples``)."""

LabelsLike = StrPath | Shaped[np.ndarray, "rows cols"] | ShapeTable | DataArray | Sample
"""A path, whole numbers of the scene's pixels (0: unlabelled), a GeoDataFrame, or a sample with a mask."""


@checked
def open_scene(
    scene: SceneLike,
    *,
    scene_variable: str | None = None,
    shape: tuple[int, int] | None = None,
    axes: str | None = None,
) -> Scene:
    """Open anything that can be read as a scene; of a file, no pixel is read yet.

    Args:
        scene: A file, product or folder of any format in docs/formats.md, an address that GDAL opens, or a
            list of them; an array of xarray with band, y and x; a dataset that rasterio has open; a sample
            of torchgeo's convention, with image (c, h, w).
        scene_variable: One array or image of a file that holds several.
        shape: Rows and columns, which settle the axis of the bands of a bare array in a file.
        axes: What the axes of such an array hold, such as ``rows,cols,bands``.

    Raises:
        InputError: it cannot be read as a scene.
    """
    return _opened(scene, variable=scene_variable, shape=shape, axes=axes)


def _opened(scene: SceneLike, **how: Any) -> Scene:
    if isinstance(scene, Mapping) and not is_of(scene, "xarray"):  # whose datasets are mappings too
        return scene_of_sample(scene)
    return opened(scene, **how)


def path_or_scene(scene: SceneLike, variable: str | None, axes: str | None = None) -> str | Scene:
    """Keep a path as it is, to be opened where it is known what with; open anything else as a scene."""
    if isinstance(scene, str | os.PathLike) and axes is None:
        path = os.fspath(scene)
        named = path if variable is None else f"{path}:{variable}"
        if variable is None or split_variable(named, None, "scene_variable") == (path, variable):
            return named
    return _opened(scene, variable=variable, axes=axes)


@contextmanager
def label_file(labels: LabelsLike | None) -> Iterator[str | None]:
    """Name a file of ``labels``; of those in memory a temporary one, which is removed afterwards.

    Raises:
        InputError: an array that is not two-dimensional or holds no whole numbers.
    """
    if labels is None or isinstance(labels, str | os.PathLike):
        yield None if labels is None else os.fspath(labels)
        return
    with TemporaryDirectory(prefix="terramamba-") as folder:
        yield str(_written_labels(labels, Path(folder)))


def kept_scene(scene: SceneLike, folder: Path) -> str:
    """Name the file of ``scene``, which is written to ``folder`` where it is in memory alone."""
    if isinstance(scene, str | os.PathLike):
        return os.fspath(scene)
    found = _opened(scene)
    if Path(found.path).exists():
        return found.path
    values, valid = found.read()
    if found.nodata is None and values.dtype.kind == "f":
        values = np.where(valid, values, np.nan).astype(values.dtype)
    about = [values.tobytes(), repr((values.shape, found.grid, found.nodata, found.wavelengths)).encode()]
    path = folder / f"scene-{_digest(*about)}.tif"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        names = list(found.band_names)
        if found.wavelengths is not None:  # readers find them in the descriptions of the bands
            names = [f"{nm:.10g} nm" for nm in found.wavelengths]
        write_geotiff(path, values, found.grid, nodata=found.nodata, band_names=names)
    return str(path)


def kept_labels(labels: LabelsLike, folder: Path) -> str:
    """Name the file of ``labels``, which are written to ``folder`` where they are in memory."""
    if isinstance(labels, str | os.PathLike):
        return os.fspath(labels)
    return str(_written_labels(labels, folder))


def _written_labels(labels: Any, folder: Path) -> Path:
    if is_of(labels, "geopandas"):
        path = folder / f"labels-{_digest(labels.to_csv().encode(), str(labels.crs).encode())}.gpkg"
        if not path.exists():  # whole: what a kill left of it would be taken for it ever after
            with staged(path, overwrite=True) as (draft,):
                labels.to_file(draft)
        return path
    if isinstance(labels, Mapping):
        labels = mask_of_sample(labels)
    codes = np.asarray(labels.data if is_of(labels, "xarray") else labels)
    if codes.ndim != 2 or codes.dtype.kind not in "biu":
        raise InputError(
            f"labels: an array of {codes.dtype} with {codes.ndim} axes; give whole numbers, rows by columns"
        )
    path = folder / f"labels-{_digest(codes.tobytes(), repr((codes.shape, codes.dtype)).encode())}.npy"
    if not path.exists():
        with staged(path, overwrite=True) as (draft,):
            np.save(draft, codes, allow_pickle=False)
    return path


def _digest(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()[:12]
