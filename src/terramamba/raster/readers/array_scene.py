"""Scenes in arrays: cubes in .mat, .npy and .npz files, whichever way their axes lie."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import h5py
import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.core.typed import SHOWN
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
    unopened,
)
from terramamba.raster.readers.axes import (
    FLAG,
    NOTHING,
    Asked,
    Axes,
    InFile,
    in_words,
    lengths_told,
    roles_of,
    settle,
)
from terramamba.raster.readers.matlab import data_set
from terramamba.raster.readers.npy import NpyArray, open_npy
from terramamba.raster.readers.wavelengths import Centres, of_bands
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, evenly_spaced

_WAVELENGTHS = re.compile(r"wave_?lengths?.*|lambda|wl|wvl?|centers?|centres?")
_COUNTS = {
    "rows": ("nrow", "nrows", "rows", "lines", "height"),
    "cols": ("ncol", "ncols", "cols", "columns", "samples", "width"),
    "bands": ("nband", "nbands", "bands", "channels"),
}
"""Entries that are one number: how many rows, columns, bands there are."""


def open_array(path: str, *, variable: str | None = None, asked: Asked = NOTHING) -> Scene:
    """Open the array of a .mat, .npy or .npz file that fits, as a scene without georeferencing.

    Of several 3-D arrays that is the largest, unless ``variable`` names one. Its axes are settled by what is
    ``asked`` for and by what else is in the file (``axes.settle``). In a .mat file where the numbers ``nRow``
    and ``nCol`` (or the labels' shape) multiply to the length of an axis of a 2-D array, that is a cube
    flattened column by column. Another 2-D array is one band where it is named, or all that the file holds.
    Pixels are loaded when they are read, except those of .mat v5 and
    .npz files, which can only be loaded whole.

    Raises:
        InputError: no array fits, or several do, or nothing says how its axes lie.
    """
    arrays = list_arrays(path)
    kind = file_kind(path)
    counts = _counts(path, arrays)
    declared = (counts["rows"], counts["cols"]) if "rows" in counts and "cols" in counts else None
    size = (declared or asked.shape) if kind.startswith("MATLAB") else asked.shape
    name, others = _pick(path, arrays, variable, asked, size)
    stored = arrays[name].shape
    what = f"{path}: {name} {dims(stored)}"
    table = kind.startswith("MATLAB") and len(stored) == 2 and size is not None and product(size) in stored
    if table and size is not None:
        if asked.shape is not None and asked.shape != size:
            raise InputError(
                f"{what} is {dims(size)} pixels, the labels are {dims(asked.shape)}; give matching labels"
            )
        if asked.axes is not None:
            raise InputError(f"{FLAG}: {name} is a table of {dims(size)} pixels, not a cube; leave it out")
        bands = stored[0] if stored[1] == product(size) else stored[1]
        grid = Grid(*size)
        source = ArraySource(path, name, kind, (1, 2, 0), table_of=size)
        notes = [f"{name} {dims(stored)} read as {bands} bands of {dims(size)} pixels, column by column"]
        order: tuple[str, ...] = ()
    else:
        if len(stored) == 2 and variable is None:
            _require_alone(path, name, arrays)
        axes, why = settle(stored, what, asked, _in_file(arrays, counts))
        rows, cols, band = axes
        bands = 1 if band is None else stored[band]
        grid = Grid(stored[rows], stored[cols])
        source = ArraySource(path, name, kind, axes)
        settled_by = f", by {why}" if why else ""
        notes = [f"{name} {dims(stored)}{settled_by} read as {in_words(axes, len(stored))}"]
        order = roles_of(axes, len(stored)) if len(stored) == 3 else ()
    if others:
        notes.append(f"the largest array; others are {', '.join(others)} (choose with --scene-variable)")
    centres = _wavelengths(path, arrays, bands)
    if centres.note is not None:
        notes.append(centres.note)
    return Scene(
        path,
        kind,
        bands,
        source.dtype,
        grid,
        source,
        wavelengths=centres.nanometres,
        axes=order,
        notes=tuple(notes),
    )


def _pick(
    path: str,
    arrays: Mapping[str, ArrayInfo],
    variable: str | None,
    asked: Asked,
    size: tuple[int, int] | None,
) -> tuple[str, list[str]]:
    """The array that is meant, and others that might have been."""
    cubes = {name: info for name, info in arrays.items() if len(info.shape) == 3}
    fitting = {n: i for n, i in cubes.items() if asked.bands in i.shape}
    if variable is None and fitting:
        arrays = fitting
    ndim = (3,) if cubes else (2,)
    name = pick_array(arrays, path, variable=variable, ndim=ndim, shape=size, largest=bool(cubes))
    return name, [] if variable is not None else [other for other in cubes if other != name]


def _require_alone(path: str, name: str, arrays: Mapping[str, ArrayInfo]) -> None:
    """Refuse a 2-D array as the scene where it is there because no cube was found."""
    others = [*(f"{n} {dims(i.shape)}" for n, i in arrays.items() if n != name and product(i.shape) > 1)]
    others += unopened(path)
    shape = arrays[name].shape
    if others:
        raise InputError(
            f"{path}: no 3-D array; it holds {name} {dims(shape)} beside {', '.join(others)}; give the "
            "file of the scene, or name what is meant with --scene-variable"
        )


def _counts(path: str, arrays: Mapping[str, ArrayInfo]) -> dict[str, int]:
    """How many rows, columns and bands the file says there are, as far as it says so."""
    single = {_leaf(name): name for name, info in arrays.items() if product(info.shape) == 1}
    wanted = {role: next((single[n] for n in names if n in single), None) for role, names in _COUNTS.items()}
    values = load_arrays(path, [name for name in wanted.values() if name is not None])
    return {role: int(values[name].item()) for role, name in wanted.items() if name in values}


def _in_file(arrays: Mapping[str, ArrayInfo], counts: Mapping[str, int]) -> InFile:
    bands, sizes = lengths_told({name: info.shape for name, info in arrays.items()})
    if "bands" in counts:
        bands += ((counts["bands"], "its entry for the number of bands"),)
    if "rows" in counts and "cols" in counts:
        sizes += (((counts["rows"], counts["cols"]), "its entries for the numbers of rows and columns"),)
    return InFile((), bands, sizes)


def _wavelengths(path: str, arrays: Mapping[str, ArrayInfo], bands: int) -> Centres:
    """The wavelengths, where one entry of the file holds them."""
    names = [
        n for n, i in arrays.items() if _WAVELENGTHS.fullmatch(_leaf(n)) and product(i.shape) == bands > 1
    ]
    if len(names) != 1:
        return Centres()
    return of_bands(load_arrays(path, names)[names[0]].ravel().tolist())


def _leaf(name: str) -> str:
    """The last part of the name of an array, in lower case."""
    return name.rsplit(".", 1)[-1].lower()


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
                stored = np.dtype(data_set(file, self.name).dtype)
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
                    dataset = data_set(file, self.name)
                    rows, cols, band = (None if a is None else dataset.ndim - 1 - a for a in self.axes)
                    values = cut_block(dataset, (rows, cols, band), window, bands, shape)
            else:
                values = cut_block(self._array, self.axes, window, bands, shape)
        return values, np.ones(values.shape, dtype=bool)

    @cached_property
    def _array(self) -> Shaped[np.ndarray, "..."] | NpyArray:
        if self.kind == "NumPy .npy":
            with reading(self.path):
                return open_npy(self.path)
        loaded = load_arrays(self.path, [self.name])
        if self.name not in loaded:
            raise InputError(
                f"{self.path}: its array {SHOWN.repr(self.name)} cannot be read; save or fetch the file again"
            )
        array = loaded[self.name]
        if self.table_of is None:
            return array
        pixels = product(self.table_of)
        return unflatten(array if array.shape[1] == pixels else array.T, *self.table_of)

    def __getstate__(self) -> dict[str, Any]:
        # A worker process loads the array itself: cheaper than sending it.
        return {name: value for name, value in self.__dict__.items() if name != "_array"}


def cut_block(
    array: Any, axes: tuple[Any, ...], window: Window, bands: Sequence[int], shape: tuple[int, int]
) -> Shaped[np.ndarray, "c h w"]:
    """Cut ``bands`` of a window, thinned out to ``shape``, out of an array; further axes have length 1."""
    rows, cols, band = axes
    first = min(bands, default=0)
    index: list[slice | int] = [0] * array.ndim
    # Whole steps are skipped while reading, so that a preview of a large file stays small.
    index[rows] = slice(window.row, window.bottom, max(1, window.height // max(1, shape[0])))
    index[cols] = slice(window.col, window.right, max(1, window.width // max(1, shape[1])))
    if band is not None:
        index[band] = slice(first, max(bands, default=-1) + 1)
    block = np.asarray(array[tuple(index)])
    if band is None:
        block, band = block[..., None], array.ndim
    left = sorted((rows, cols, band))
    block = block.transpose(left.index(band), left.index(rows), left.index(cols))
    wanted = [b - first for b in bands]
    if wanted != list(range(len(block))):
        block = block[wanted]
    if block.shape[1:] != shape:
        block = block[:, evenly_spaced(0, block.shape[1], shape[0])][
            :, :, evenly_spaced(0, block.shape[2], shape[1])
        ]
    return plain(np.array(block, order="C"))
