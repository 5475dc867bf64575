"""What is inside a MATLAB file, structures and cells opened: v5, and v7.3 which is HDF5.

An array in a structure is called as MATLAB calls it: ``scene.Data``, ``scenes(2).Data``, ``cells{3}``;
numbers count from 1. Shapes are those that MATLAB shows: HDF5 has the axes in reverse, which is undone here.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import h5py
import numpy as np
import scipy.io
from jaxtyping import Shaped

from terramamba.raster.readers.matlab_tags import require_tags

Array = Shaped[np.ndarray, "..."]
NUMBERS = {"double", "single", "logical"} | {f"{s}int{n}" for s in ("", "u") for n in (8, 16, 32, 64)}
"""Classes of MATLAB that are numbers."""
_NESTED = {"struct", "cell"}
_MOST_NESTED = 10_000
"""Members of one structure or cell that are looked at; what has more holds no scene."""


def list_v5(path: str) -> tuple[dict[str, tuple[tuple[int, ...], str]], tuple[str, ...]]:
    """List shapes and types of the numeric arrays of a v5 file, and the names of what cannot be opened."""
    require_tags(path)
    listed: dict[str, tuple[tuple[int, ...], str]] = {}
    closed = []
    for name, shape, kind in scipy.io.whosmat(path):
        if kind in NUMBERS:
            listed[name] = (tuple(shape), kind)
        elif kind in _NESTED:
            for inner, item in _loaded(path, [name]).items():
                if item.dtype.kind in "biufc":
                    listed[inner] = (item.shape, str(item.dtype))
        elif kind != "char":
            closed.append(name)
    return listed, tuple(closed)


def load_v5(path: str, names: Sequence[str] | None = None) -> dict[str, Array]:
    """Load the arrays and texts of a v5 file by name, those in structures and cells too."""
    require_tags(path)
    found = _loaded(path, None if names is None else list(dict.fromkeys(map(_outermost, names))))
    return found if names is None else {name: found[name] for name in names if name in found}


def _loaded(path: str, outer: list[str] | None) -> dict[str, Array]:
    """All arrays and texts in the variables ``outer``."""
    items = scipy.io.loadmat(path, variable_names=outer).items()
    return dict(pair for name, item in items if not name.startswith("__") for pair in _inside(name, item))


def _inside(name: str, item: Any) -> Iterator[tuple[str, Array]]:
    if not isinstance(item, np.ndarray) or isinstance(item, scipy.io.matlab.MatlabOpaque):
        return
    if item.dtype.names is not None:
        for i, one in enumerate(item.ravel(order="F")[:_MOST_NESTED], start=1):
            place = name if item.size == 1 else f"{name}({i})"
            for field in item.dtype.names:
                yield from _inside(f"{place}.{field}", one[field])
    elif item.dtype.kind == "O":
        cells = [np.asarray(cell) for cell in item.ravel(order="F")[:_MOST_NESTED]]
        if cells and all(cell.dtype.kind == "U" and cell.size == 1 for cell in cells):
            yield name, np.array([str(cell.item()) for cell in cells])
            return
        for i, cell in enumerate(item.ravel(order="F")[:_MOST_NESTED], start=1):
            yield from _inside(f"{name}{{{i}}}", cell)
    else:
        yield name, item.ravel() if item.dtype.kind == "U" else item


def members(file: Any) -> Iterator[tuple[str, Any]]:
    """List the names of the arrays, texts and cells of texts of an open v7.3 file, and their data sets."""
    for name, item in file.items():
        if not name.startswith("#"):  # where MATLAB keeps what cells and structures refer to
            yield from _members(file, name, item)


def _members(file: Any, name: str, item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, h5py.Group):
        for field, inner in item.items():
            if isinstance(inner, h5py.Dataset) and _is_references(inner) and _class_name(inner) != "cell":
                # an array of structures has one reference an element in each field
                for i, reference in enumerate(np.asarray(inner).ravel()[:_MOST_NESTED], start=1):
                    yield from _members(file, f"{name}({i}).{field}", file[reference])
            else:
                yield from _members(file, f"{name}.{field}", inner)
    elif matlab_class(item) == "cell" and not _texts(file, item):
        for i, reference in enumerate(np.asarray(item).ravel()[:_MOST_NESTED], start=1):
            yield from _members(file, f"{name}{{{i}}}", file[reference])
    else:
        yield name, item


def data_set(file: Any, name: str) -> Any:
    """Return the data set of an open v7.3 file that ``members`` calls ``name``; raises ``KeyError``."""
    if name in file and isinstance(file[name], h5py.Dataset):
        return file[name]
    outer = _outermost(name)
    for found, item in _members(file, outer, file[outer]):
        if found == name:
            return item
    raise KeyError(f"no array {name}")


def load_v7(path: str, names: Sequence[str] | None = None) -> dict[str, Array]:
    """Load the arrays and texts of a v7.3 file by name, those in structures and cells too."""
    with h5py.File(path, "r") as file:
        read = {n: _read(file, i) for n, i in members(file) if names is None or n in names}
    return {name: item for name, item in read.items() if item is not None}


def matlab_class(item: Any) -> Literal["number", "text", "cell", "other"]:
    """Tell what MATLAB calls a member of a v7.3 file."""
    if not isinstance(item, h5py.Dataset) or "MATLAB_empty" in item.attrs:
        return "other"
    name = _class_name(item)
    if name in ("char", "cell"):
        return "text" if name == "char" else "cell"
    return "number" if item.dtype.kind in "biuf" else "other"


def _read(file: Any, item: Any) -> Array | None:
    kind = matlab_class(item)
    if kind == "number":
        return np.asarray(item).T
    if kind == "text":
        return np.array([_characters(item)])
    return np.array(_texts(file, item)) if kind == "cell" else None


def _texts(file: Any, item: Any) -> list[str] | None:
    """The texts of a cell of nothing but texts."""
    cells = [file[reference] for reference in np.asarray(item).ravel()[:_MOST_NESTED]]
    return (
        [_characters(c) for c in cells] if cells and all(matlab_class(c) == "text" for c in cells) else None
    )


def _characters(item: Any) -> str:
    return "".join(chr(code) for code in np.asarray(item).ravel())


def _class_name(item: Any) -> str:
    name = item.attrs.get("MATLAB_class", b"")
    return name.decode() if isinstance(name, bytes) else str(name)


def _is_references(item: Any) -> bool:
    return h5py.check_ref_dtype(item.dtype) is h5py.Reference


def _outermost(name: str) -> str:
    return re.split(r"[.({]", name, maxsplit=1)[0]
