"""Scenes in arrays: cubes in .mat, .npy and .npz files, whichever way their axes lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.arrays import (
    ArrayInfo,
    Kind,
    dims,
    file_kind,
    list_arrays,
    load_arrays,
    pick_array,
    plain,
    product,
    reading,
    unflatten,
)
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, evenly_spaced

Axes = tuple[int, int, int | None]
"""Which axes hold rows, columns and bands; None where there is one band."""

# Most usual first; the last three are the transposed copies of programs that read HDF5 without reversing it.
_CUBES: tuple[Axes, ...] = ((0, 1, 2), (1, 2, 0), (0, 2, 1), (1, 0, 2), (2, 1, 0), (2, 0, 1))
_MAPS: tuple[Axes, ...] = ((0, 1, None), (1, 0, None))


def open_array(path: str, *, variable: str | None = None, shape: tuple[int, int] | None = None) -> Scene:
    """Open the array of a .mat, .npy or .npz file that fits, as a scene without georeferencing.

    Of several 3-D arrays that is the largest, unless ``variable`` names one. A 3-D array is a cube whose band
    axis is settled by ``shape`` (rows, columns), else the last axis. A 2-D array is one band; in a .mat file
    where the scalars ``nRow`` and ``nCol`` (or ``shape``) multiply to the length of an axis, it is a cube
    flattened column by column. Pixels are loaded when they are read, except those of .mat v5 and .npz files,
    which can only be loaded whole.

    Raises:
        InputError: no array fits, or several do.
    """
    arrays = list_arrays(path)
    kind = file_kind(path)
    size = (_declared_size(path, arrays) or shape) if kind.startswith("MATLAB") else shape
    ndim = (3,) if any(len(info.shape) == 3 for info in arrays.values()) else (2,)
    name = pick_array(arrays, path, variable=variable, ndim=ndim, shape=size, largest=ndim == (3,))
    others = [other for other, info in arrays.items() if other != name and len(info.shape) == 3]
    stored = arrays[name].shape
    what = f"{path}: {name} {dims(stored)}"
    if kind.startswith("MATLAB") and len(stored) == 2 and size is not None and product(size) in stored:
        if shape is not None and shape != size:
            raise InputError(
                f"{what} is {dims(size)} pixels, the labels are {dims(shape)}; give matching labels"
            )
        bands = stored[0] if stored[1] == product(size) else stored[1]
        grid = Grid(*size)
        source = ArraySource(path, name, kind, (1, 2, 0), table_of=size)
        note = f"{name} {dims(stored)} read as {bands} bands of {dims(size)} pixels, column by column"
    else:
        axes = _settle_axes(stored, shape, what)
        rows, cols, band = axes
        bands = 1 if band is None else stored[band]
        grid = Grid(stored[rows], stored[cols])
        source = ArraySource(path, name, kind, axes)
        meaning = {rows: "rows", cols: "columns", band: "bands"}
        note = f"{name} {dims(stored)} read as {', '.join(meaning[i] for i in range(len(stored)))}"
    notes = [note]
    if others and variable is None:
        notes.append(f"the largest array; others are {', '.join(others)} (choose with --scene-variable)")
    return Scene(path, kind, bands, source.dtype, grid, source, notes=tuple(notes))


@dataclass(frozen=True)
class ArraySource:
    """Pixels of the array ``name``, whose axes of rows, columns and bands are ``axes``.

    ``table_of`` is the size (rows, columns) of an image whose pixels the array holds as a table.
    """

    path: str
    name: str
    kind: Kind
    axes: Axes
    table_of: tuple[int, int] | None = None

    @property
    def dtype(self) -> str:
        """Type of the values that are read."""
        if self.kind == "MATLAB v7.3" and self.table_of is None:
            with reading(self.path), h5py.File(self.path, "r") as file:
                stored = np.dtype(file[self.name].dtype)
        else:
            stored = self._array.dtype
        if stored.kind not in "biuf":
            raise InputError(f"{self.path}: {self.name} holds {stored} values; give an array of real numbers")
        return "uint8" if stored.kind == "b" else str(stored.newbyteorder("="))

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does; every value is valid."""
        with reading(self.path):
            if self.kind == "MATLAB v7.3" and self.table_of is None:
                with h5py.File(self.path, "r") as file:
                    dataset = file[self.name]
                    rows, cols, band = (None if a is None else dataset.ndim - 1 - a for a in self.axes)
                    values = _cut(dataset, (rows, cols, band), window, bands, shape)
            else:
                values = _cut(self._array, self.axes, window, bands, shape)
        return values, np.ones(values.shape, dtype=bool)

    @cached_property
    def _array(self) -> Shaped[np.ndarray, "..."]:
        with reading(self.path):
            if self.kind == "NumPy .npy":
                return np.load(self.path, mmap_mode="r", allow_pickle=False)
        array = load_arrays(self.path, [self.name])[self.name]
        if self.table_of is None:
            return array
        pixels = product(self.table_of)
        return unflatten(array if array.shape[1] == pixels else array.T, *self.table_of)

    def __getstate__(self) -> dict[str, Any]:
        # A worker process loads the array itself: cheaper than sending it.
        return {name: value for name, value in self.__dict__.items() if name != "_array"}


def _cut(
    array: Any, axes: tuple[Any, ...], window: Window, bands: Sequence[int], shape: tuple[int, int]
) -> Shaped[np.ndarray, "c h w"]:
    rows, cols, band = axes
    first = min(bands, default=0)
    index: list[slice] = [slice(None)] * array.ndim
    # Whole steps are skipped while reading, so that a preview of a large file stays small.
    index[rows] = slice(window.row, window.bottom, max(1, window.height // max(1, shape[0])))
    index[cols] = slice(window.col, window.right, max(1, window.width // max(1, shape[1])))
    if band is not None:
        index[band] = slice(first, max(bands, default=-1) + 1)
    block = np.asarray(array[tuple(index)])
    if band is None:
        block, band = block[..., None], 2
    block = block.transpose(band, rows, cols)
    wanted = [b - first for b in bands]
    if wanted != list(range(len(block))):
        block = block[wanted]
    if block.shape[1:] != shape:
        block = block[:, evenly_spaced(0, block.shape[1], shape[0])][
            :, :, evenly_spaced(0, block.shape[2], shape[1])
        ]
    return plain(np.array(block, order="C"))


def _settle_axes(stored: tuple[int, ...], shape: tuple[int, int] | None, what: str) -> Axes:
    if len(stored) not in (2, 3):
        raise InputError(f"{what} has {len(stored)} axes; a scene has 2 or 3: give another array")
    for axes in _CUBES if len(stored) == 3 else _MAPS:
        if shape is None or (stored[axes[0]], stored[axes[1]]) == shape:
            return axes
    raise InputError(
        f"{what} does not fit labels of {dims(shape or ())} pixels; give the labels of this scene"
    )


def _declared_size(path: str, arrays: Mapping[str, ArrayInfo]) -> tuple[int, int] | None:
    names = {name.lower(): name for name in arrays if product(arrays[name].shape) == 1}
    if "nrow" not in names or "ncol" not in names:
        return None
    values = load_arrays(path, [names["nrow"], names["ncol"]])
    return int(values[names["nrow"]].item()), int(values[names["ncol"]].item())
