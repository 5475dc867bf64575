"""What a record of a format holds, and the ways to tell that a path is of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import h5py

from terramamba.raster.readers import datasets, gdal
from terramamba.raster.readers.alpha import AlphaUse
from terramamba.raster.readers.array_path import SCENE_VARIABLE
from terramamba.raster.readers.axes import NOTHING, Asked
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import without_unrecorded


@dataclass(frozen=True)
class OpenOptions:
    """What a caller may add to a path; see ``open_scene``."""

    variable: str | None = None
    variable_flag: str = SCENE_VARIABLE
    """How who asks spells ``variable``, for messages."""
    asked: Asked = NOTHING
    column: str = "image"
    alpha: AlphaUse | None = None


NO_OPTIONS = OpenOptions()
_PICTURES = (b"\x89PNG", b"\xff\xd8\xff", b"II*\0", b"II+\0", b"MM\0*", b"MM\0+")
"""How PNG, JPEG and TIFF begin; what is none of them is looked through for the mark of HDF5."""


class InputPath:
    """A path, and what tells its format."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.on_disk = not datasets.is_address(path)
        self.suffix = Path(path).suffix.lower()

    @cached_property
    def driver(self) -> str | None:
        """GDAL's driver that opens it."""
        return gdal.driver_of(self.path)

    @cached_property
    def is_hdf5(self) -> bool:
        """Whether it is an HDF5 file on disk, which those of sensors and NetCDF-4 are too."""
        return self.on_disk and not self.begin.startswith(_PICTURES) and bool(h5py.is_hdf5(self.path))

    @cached_property
    def begin(self) -> bytes:
        """Its first bytes; none of a folder, or of an address."""
        try:
            # as this is asked of each of many files: making a Path takes longer
            with open(self.path if self.on_disk else "", "rb", buffering=0) as file:  # noqa: PTH123
                return file.read(8)
        except OSError:
            return b""


@dataclass(frozen=True)
class Format:
    """One format: how it is known, how it is opened, and both in words.

    ``matches`` says whether what is given is of this format; the first record that matches counts. ``bare``:
    its arrays may leave open how their axes lie. ``named``: a file of it may hold several arrays, images or
    assets, which have names.
    """

    name: str
    known_by: str
    reads: str
    notes: str
    matches: Callable[[InputPath], bool]
    reader: Callable[[str, OpenOptions], Scene]
    bare: bool = False
    named: bool = False

    def open(self, path: str, options: OpenOptions) -> Scene:
        """Open ``path``; this record's name is the scene's format unless the reader knows a better one."""
        scene = without_unrecorded(self.reader(path, options))
        return scene if scene.format else replace(scene, format=self.name)


def ends_in(*suffixes: str) -> Callable[[InputPath], bool]:
    """Return what tells files on disk that end in one of ``suffixes``."""
    return lambda given: given.on_disk and given.suffix in suffixes


def on_disk(is_it: Callable[[str], bool]) -> Callable[[InputPath], bool]:
    """Return what tells paths on disk of which ``is_it`` is true."""
    return lambda given: given.on_disk and is_it(given.path)


def hdf5(is_it: Callable[[str], bool]) -> Callable[[InputPath], bool]:
    """Return what tells HDF5 files of which ``is_it`` is true."""
    return lambda given: given.is_hdf5 and is_it(given.path)


def drivers(*names: str) -> Callable[[InputPath], bool]:
    """Return what tells the files that one of GDAL's drivers ``names`` opens."""
    return lambda given: given.driver in names
