"""Variables of NetCDF and HDF5 files of any generation: names, shapes, names of their axes, attributes.

NetCDF-4 is HDF5 whose data sets refer to scales: the names of the axes. Classic NetCDF is another format with
the same notions. A variable is called by its path in the file, such as ``group/reflectance``.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.io
from jaxtyping import Shaped

from terramamba.core.errors import InputError
from terramamba.raster.readers.hdf5 import numbers, opened, text

CLASSIC = (b"CDF\x01", b"CDF\x02")
_NEWER = b"CDF\x05"
_NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable"


@dataclass(frozen=True)
class Variable:
    """One variable; ``axes`` are the names of its axes, "" where the file gives none."""

    name: str
    shape: tuple[int, ...]
    axes: tuple[str, ...]
    dtype: np.dtype[Any]
    attributes: Mapping[str, Any] = field(repr=False, compare=False)

    @property
    def leaf(self) -> str:
        """The last part of the name."""
        return self.name.rsplit("/", 1)[-1]

    def words(self, attribute: str) -> str:
        """Return an attribute that is text; "" where there is none."""
        value = self.attributes.get(attribute)
        return "" if value is None or np.size(value) == 0 else text(value).strip()

    def number(self, attribute: str) -> float | None:
        """Return an attribute that is one number; None where there is none."""
        value = self.attributes.get(attribute)
        try:
            found = numbers([] if value is None else value)
        except (TypeError, ValueError):
            return None
        return float(found[0]) if len(found) else None


@dataclass(frozen=True)
class Listing:
    """The variables of a file by name, and what the file says of itself."""

    variables: Mapping[str, Variable]
    attributes: Mapping[str, Any] = field(repr=False)


def is_netcdf3(begin: bytes) -> bool:
    """Tell by its first bytes whether a file is NetCDF of a kind that is not HDF5."""
    return begin[:4] in (*CLASSIC, _NEWER)


def list_variables(path: str) -> Listing:
    """List the variables of a NetCDF or HDF5 file; reads none.

    Raises:
        InputError: it is damaged, or of a generation that cannot be read.
    """
    found: dict[str, Variable] = {}
    with open_variables(path) as file:
        if isinstance(file, scipy.io.netcdf_file):
            return _of_classic(file)

        def look(name: str, item: Any) -> None:
            if isinstance(item, h5py.Dataset) and not text(item.attrs.get("NAME", "")).startswith(
                _NO_VARIABLE
            ):
                found[name] = Variable(
                    name, item.shape or (), _axes(name, item), item.dtype, dict(item.attrs)
                )

        file.visititems(look)
        return Listing(found, dict(file.attrs))


def _of_classic(file: Any) -> Listing:
    found = {
        name: Variable(
            name, tuple(item.shape), tuple(item.dimensions), item.data.dtype, _plain(item._attributes)
        )
        for name, item in file.variables.items()
    }
    return Listing(found, _plain(file._attributes))


def load(path: str, variable: Variable) -> Shaped[np.ndarray, "..."]:
    """Load all of one variable."""
    with open_variables(path) as file:
        return np.array(array_of(file, variable.name)[...])


def array_of(file: Any, name: str) -> Any:
    """Find what holds the values of a variable of an open file; is read by slices."""
    return file.variables[name].data if isinstance(file, scipy.io.netcdf_file) else file[name]


@contextmanager
def open_variables(path: str) -> Iterator[Any]:
    """Open a NetCDF or HDF5 file for one read.

    Raises:
        InputError: it is damaged, or of a generation that cannot be read.
    """
    with Path(path).open("rb") as raw:
        start = raw.read(4)
    if start == _NEWER:
        raise InputError(f"{path}: is NetCDF of the kind CDF-5; convert it first (nccopy -k nc4 IN OUT)")
    if start not in CLASSIC:
        with opened(path, "NetCDF or HDF5") as file:
            yield file
        return
    try:
        file = scipy.io.netcdf_file(path, "r", mmap=False)
    except (OSError, ValueError, TypeError, IndexError, KeyError, AssertionError, EOFError) as error:
        raise InputError(f"{path}: cannot be read as NetCDF ({error}); fetch the file again") from error
    with file:
        yield file


def _axes(name: str, item: Any) -> tuple[str, ...]:
    if item.ndim == 1 and text(item.attrs.get("CLASS", "")) == "DIMENSION_SCALE":
        return (name,)
    names = []
    for axis in item.dims:
        scales = [scale.name.strip("/") for scale in axis.values()]
        names.append(scales[0] if scales else axis.label)
    return tuple(names)


def _plain(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: np.asarray(value) if np.ndim(value) else value for name, value in attributes.items()}
