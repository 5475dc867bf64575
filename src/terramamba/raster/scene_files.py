"""Which files a scene is made of, and what state they are in (``core.file_states``)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from itertools import chain
from pathlib import Path

from rasterio.errors import RasterioError

from terramamba.core.file_states import FileStates
from terramamba.raster.readers.array_path import file_of
from terramamba.raster.readers.datasets import files_of_image
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.scene import Scene
from terramamba.raster.vector.vector_files import GEODATABASE

NOT_PIXELS = (".aux.xml",)
"""Ends what other programs write beside an image while it is looked at; its pixels stay."""
SHAPEFILE = (".shp", ".shx", ".dbf", ".prj")


def files_of(scene: Scene) -> tuple[str, ...]:
    """Return paths and addresses of all files that ``scene`` is read from.

    These are its file, its bands' or tiles' files, what lies beside them (headers, masks), the parts of a
    VRT, those of masks, and of both dates of what was made of two.
    """
    return tuple(each_file(scene))


def each_file(scene: Scene) -> Iterator[str]:
    """Yield what ``files_of`` returns, one after the other: each image is opened when it is its turn."""
    found = set[str]()
    for path in chain([scene.path], _named(scene.source)):
        if path not in found and not path.endswith(NOT_PIXELS):
            found.add(path)
            yield path


def states_of(scenes: Iterable[Scene], others: Iterable[str | Path] = ()) -> FileStates:
    """Note what all files are like that ``scenes`` are read from, and ``others``, such as labels or masks.

    The file that a scene was opened from is noted as it was then: what is replaced once its header is known
    would be read by the header of another.
    """
    scenes = list(scenes)
    beside = [file for path in others for file in _with_parts(Path(file_of(str(path))))]
    now = FileStates.of([*(path for scene in scenes for path in files_of(scene)), *beside])
    return sum((scene.opened for scene in scenes), now)


def _named(value: object) -> Iterator[str]:
    """Paths in a source, which is a tree of dataclasses."""
    if isinstance(value, GdalSource):
        yield from _of_image(value.path, set())
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            entry = getattr(value, field.name)
            if field.name == "path" and isinstance(entry, str | Path):
                yield str(entry)
            else:
                yield from _named(entry)
    elif isinstance(value, Mapping):
        yield from _named(tuple(value.values()))
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for entry in value:
            yield from _named(entry)


def _of_image(path: str, seen: set[str]) -> Iterator[str]:
    """Files of an image; GDAL names the parts of a VRT, but not their parts."""
    if path in seen:
        return
    seen.add(path)
    yield path
    try:
        beside = files_of_image(path)
    except RasterioError:  # which reading will complain of
        return
    for name in beside:
        if name.lower().endswith(".vrt"):
            yield from _of_image(name, seen)
        else:
            yield name


def _with_parts(path: Path) -> list[Path]:
    """The files of a vector file that is several: of a shapefile, or a geodatabase, which is a folder."""
    if path.suffix.lower() == GEODATABASE and path.is_dir():
        return sorted(path.iterdir())
    return [path.with_suffix(end) for end in SHAPEFILE] if path.suffix.lower() == SHAPEFILE[0] else [path]
