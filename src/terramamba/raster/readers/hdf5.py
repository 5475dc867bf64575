"""HDF5 files, which NetCDF-4 and HDF-EOS5 files are too, opened for one read at a time."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float64

from terramamba.core.errors import InputError, reason_of
from terramamba.raster.readers.references import require_own_hdf5

CHUNK_CACHE_BYTES = 64 << 20
"""Blocks of a product are several MB once unpacked; HDF5's own cache of 1 MB would unpack each often."""
_DAMAGE = (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError)


@contextmanager
def opened(path: str, what: str) -> Iterator[Any]:
    """Open a file for reading; what HDF5 raises on a damaged one becomes ``InputError`` about ``what``,
    and one that leads to other files is refused.
    """
    try:
        require_own_hdf5(path)
        with h5py.File(path, "r", rdcc_nbytes=CHUNK_CACHE_BYTES) as file:
            yield file
    except _DAMAGE as error:
        reason = reason_of(error).strip("'\"")
        raise InputError(
            f"{path}: cannot be read as {what} ({reason}); the file is damaged or incomplete, fetch it again"
        ) from error


def holds(path: str, *names: str) -> bool:
    """Tell whether ``path`` is an HDF5 file with all of these members.

    Raises:
        InputError: it is a damaged one.
    """
    if not h5py.is_hdf5(path):
        return False
    with opened(path, "HDF5") as file:
        return all(name in file for name in names)


def text(value: Any) -> str:
    """Return an attribute that is text, whichever way it was written."""
    value = np.asarray(value).ravel()[0] if not isinstance(value, str | bytes) else value
    return value.decode() if isinstance(value, bytes) else str(value)


def numbers(value: Any) -> Float64[np.ndarray, " n"]:
    """Return an attribute or a data set that is a list of numbers."""
    return np.asarray(value, dtype=np.float64).ravel()
