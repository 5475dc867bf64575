"""Arrays in files: MATLAB .mat (v5, and v7.3 which is HDF5), .npy and .npz.

``list_arrays`` says what is in a file, ``pick_array`` chooses the array that is meant or says what there is
to choose from, ``load_arrays`` loads it; ``array_scene`` makes scenes of them, and label files are read
with the same helpers. ``load_arrays`` also returns text, such as the class names in the cells ``cood`` of
abundance files, and ``unflatten`` turns a "k x pixels" table into maps.

Shapes are those that MATLAB or NumPy show; ``matlab`` opens structures and cells.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Literal

import h5py
import numpy as np
import scipy.io
from jaxtyping import Shaped

from terramamba.core.errors import InputError, reason_of
from terramamba.core.regular import require_regular
from terramamba.raster.readers import matlab
from terramamba.raster.readers.npy import open_npy
from terramamba.raster.readers.npz import list_npz, load_npz
from terramamba.raster.readers.references import require_own_hdf5

Kind = Literal["MATLAB v5", "MATLAB v7.3", "NumPy .npy", "NumPy .npz"]
DEEPEST = 3
"""Axes of a scene."""
KINDS = "biufcU"
"""Types of arrays that are looked at: numbers and text."""
# What the readers raise on a damaged file.
_DAMAGE = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    EOFError,
    RuntimeError,
    MemoryError,
    TokenError,
    zlib.error,
    zipfile.BadZipFile,
    scipy.io.matlab.MatReadError,
)


@dataclass(frozen=True)
class ArrayInfo:
    """Shape of an array in a file, and its type as the file declares it."""

    shape: tuple[int, ...]
    dtype: str


def list_arrays(path: str) -> dict[str, ArrayInfo]:
    """List the numeric arrays of a .mat, .npy or .npz file by name; that of a .npy file is called ``array``.

    Arrays in structures and cells of MATLAB are called as there: ``scene.Data``, ``cells{2}``.

    Raises:
        InputError: the file cannot be read.
    """
    with reading(path) as kind:
        if kind == "MATLAB v5":
            return {name: ArrayInfo(*found) for name, found in matlab.list_v5(path)[0].items()}
        if kind == "MATLAB v7.3":
            with h5py.File(path, "r") as file:
                numeric = {n: i for n, i in matlab.members(file) if matlab.matlab_class(i) == "number"}
                return {n: ArrayInfo(tuple(item.shape[::-1]), str(item.dtype)) for n, item in numeric.items()}
        if kind == "NumPy .npy":
            array = open_npy(path)
            return {"array": ArrayInfo(array.shape, str(array.dtype))}
        return {
            name: ArrayInfo(shape, str(dtype.newbyteorder("=")))
            for name, (shape, dtype) in list_npz(path).items()
            if dtype.kind in KINDS
        }


def unopened(path: str) -> tuple[str, ...]:
    """List what a .mat file holds that only MATLAB can open: tables, objects, functions."""
    with reading(path) as kind:
        return matlab.list_v5(path)[1] if kind == "MATLAB v5" else ()


def load_arrays(path: str, names: Sequence[str] | None = None) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Load the arrays of a .mat, .npy or .npz file by name: numbers as stored, text as 1-D arrays of ``str``.

    ``names`` limits what is loaded. Objects are left out; logical values are uint8.

    Raises:
        InputError: the file cannot be read.
    """
    with reading(path) as kind:
        if kind == "MATLAB v5":
            loaded = matlab.load_v5(path, names)
        elif kind == "MATLAB v7.3":
            loaded = matlab.load_v7(path, names)
        elif kind == "NumPy .npy":
            loaded = {"array": np.load(path, allow_pickle=False)}
        else:
            loaded = load_npz(path, names)
    kept = {name: item for name, item in loaded.items() if item.dtype.kind in KINDS}
    return {name: item if item.dtype.kind == "U" else plain(item) for name, item in kept.items()}


def pick_array(
    arrays: Mapping[str, ArrayInfo | np.ndarray],
    path: str,
    *,
    variable: str | None = None,
    ndim: Sequence[int] = (3,),
    shape: tuple[int, int] | None = None,
    flag: str = "--scene-variable (--variable for short)",
    largest: bool = False,
) -> str:
    """Choose the array that is meant: ``variable``, or the only one with a number of axes in ``ndim``.

    Where several have it, those that fit ``shape`` (rows, columns; a table of pixels: their product) are
    preferred, then those without an axis of length 1, then with ``largest`` the one with the most values.

    Returns:
        Its name.

    Raises:
        InputError: none or several are left; lists them, and ``flag`` as what chooses one.
    """
    numeric = {n: a for n, a in arrays.items() if not (isinstance(a, np.ndarray) and a.dtype.kind == "U")}
    listing = ", ".join(f"{n} {dims(a.shape)}" for n, a in numeric.items()) or "no numeric arrays"
    if variable is not None:
        if variable not in numeric:
            raise InputError(f"{path}: no array {variable!r}; it holds {listing}; name one with {flag}")
        return variable
    candidates = [n for n, a in numeric.items() if len(a.shape) in ndim]
    if len(candidates) > 1 and shape is not None:
        candidates = [n for n in candidates if _fits(numeric[n].shape, shape)] or candidates
    if len(candidates) > 1:
        candidates = [n for n in candidates if 1 not in numeric[n].shape] or candidates
    if len(candidates) > 1 and largest:
        most = max(product(numeric[n].shape) for n in candidates)
        candidates = [n for n in candidates if product(numeric[n].shape) == most]
    if len(candidates) == 1:
        return candidates[0]
    wanted = " or ".join(f"{n}-D" for n in ndim)
    if not candidates:
        deep = any(len(array.shape) > DEEPEST for array in numeric.values())
        remedy = "save one image alone, of rows, columns and bands" if deep else "give another file"
        raise InputError(f"{path}: no {wanted} array; it holds {listing}; {remedy}")
    listing = ", ".join(f"{n} {dims(numeric[n].shape)}" for n in candidates)
    raise InputError(f"{path}: several {wanted} arrays: {listing}; choose one with {flag}")


def unflatten(table: Shaped[np.ndarray, "k m"], height: int, width: int) -> Shaped[np.ndarray, "k h w"]:
    """Make maps of a table with one column a pixel, pixels column by column as MATLAB flattens an image."""
    return table.reshape(table.shape[0], height, width, order="F")


def _fits(stored: tuple[int, ...], shape: tuple[int, int]) -> bool:
    rest = list(stored)
    for length in shape:
        if length not in rest:
            return product(shape) in stored
        rest.remove(length)
    return True


def file_kind(path: str) -> Kind:
    """Tell the format of a file by its suffix and, for .mat, its first bytes."""
    suffix = Path(path).suffix.lower()
    if suffix == ".npy":
        return "NumPy .npy"
    if suffix == ".npz":
        return "NumPy .npz"
    return "MATLAB v7.3" if h5py.is_hdf5(path) else "MATLAB v5"


@contextmanager
def reading(path: str) -> Iterator[Kind]:
    """Turn what the libraries raise on a damaged file into ``InputError``, while ``path`` is read.

    One that leads to other files is refused.
    """
    if not Path(path).exists():
        raise InputError(f"{path}: no such file; check the path")
    require_regular(path)
    kind = file_kind(path)
    try:
        if kind == "MATLAB v7.3":
            require_own_hdf5(path)
        yield kind
    except _DAMAGE as error:
        raise InputError(
            f"{path}: cannot be read as {kind} ({reason_of(error)}); save or fetch the file again"
        ) from error


def plain(array: Shaped[np.ndarray, "..."]) -> Shaped[np.ndarray, "..."]:
    """Return an array in native byte order, and as uint8 where its values are logical."""
    if array.dtype.kind == "b":
        return array.view(np.uint8)
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def product(shape: Sequence[int]) -> int:
    """Count the elements of an array of this shape."""
    return int(np.prod(shape, dtype=np.int64))


def dims(shape: Sequence[int]) -> str:
    """Write a shape as 145 x 145 x 20."""
    return " x ".join(str(n) for n in shape)
