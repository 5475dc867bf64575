"""Arrays in .npz files: zip archives of .npy files, looked at before anything of them is unpacked."""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped
from numpy.lib import format as npy

from terramamba.core.unpacked import require_plausible

MEMBER = ".npy"
"""How arrays end in the archive; what else is in it is passed over."""


def list_npz(path: str) -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
    """List shapes and types of the arrays of a .npz file by name, of which only the headers are unpacked.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: it is none, an array is cut, or it unpacks to too much.
    """
    packed = Path(path).stat().st_size
    found = {}
    with zipfile.ZipFile(path) as archive:
        members = [member for member in archive.infolist() if member.filename.endswith(MEMBER)]
        require_plausible(packed, sum(member.file_size for member in members))
        for member in members:
            with archive.open(member) as file:
                shape, dtype = _header(file)
                count = int(np.prod(shape, dtype=object))
                if not dtype.hasobject and member.file_size - file.tell() < count * dtype.itemsize:
                    raise ValueError(f"{member.filename} is shorter than its header says")
            found[member.filename.removesuffix(MEMBER)] = shape, dtype
    return found


def load_npz(path: str, names: Sequence[str] | None = None) -> dict[str, Shaped[np.ndarray, "..."]]:
    """Load the arrays of a .npz file by name, or those among ``names``; Python objects are left out.

    Raises:
        OSError, ValueError, zipfile.BadZipFile: as ``list_npz``.
    """
    wanted = [
        name
        for name, (_, dtype) in list_npz(path).items()
        if (names is None or name in names) and not dtype.hasobject
    ]
    # A damaged archive leaves a file open that NumPy opened itself.
    with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return {name: archive[name] for name in wanted}


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    version = npy.read_magic(file)
    read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
