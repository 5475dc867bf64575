"""Paths that tables list: files and folders beside the table, arrays of files, addresses."""

from pathlib import Path

from terramamba.raster.readers.array_path import file_of
from terramamba.raster.readers.datasets import is_address


def listed_path(name: str, root: Path) -> str | None:
    """Return what a table calls ``name`` as ``open_scene`` takes it; None where there is no such file.

    Files, folders, ``FILE:VARIABLE`` and ``FILE:LAYER`` are relative to ``root``, with / or \\ between
    folders; addresses stay as they are, unasked.
    """
    for written in (name, name.replace("\\", "/")):
        path = str(root / written)
        if Path(file_of(path)).exists():
            return path
    return name if is_address(name) else None
