"""Which files hold shapes: told by their names, where these leave it open by what is in them.

A zip archive with one vector file in it stands for that file, whatever folders it lies in. ``FILE:LAYER``
names one layer of a file, wherever a vector file is given.
"""

import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from terramamba.core.errors import InputError, reason_of
from terramamba.core.network import set_for_gdal
from terramamba.core.regular import require_regular
from terramamba.core.unpacked import opened_zip
from terramamba.raster.readers.array_path import split_layer
from terramamba.raster.readers.code_pages import CodePage
from terramamba.raster.readers.datasets import is_address, is_on_web
from terramamba.raster.readers.dbase import page_of_table
from terramamba.raster.readers.gdal import driver_of
from terramamba.raster.readers.other_files import annotations_in
from terramamba.raster.readers.references import LOOKED_AT, require_own_files, require_own_text
from terramamba.raster.readers.scene_folders import IMAGE_SUFFIXES, PRODUCT_SUFFIXES
from terramamba.raster.readers.stac import is_stac
from terramamba.raster.readers.truncated import require_whole_shapefile
from terramamba.raster.vector import point_table
from terramamba.raster.vector.views import require_ends

ONLY_SHAPES = (
    ".shp",
    ".shz",
    ".geojson",
    ".geojsonl",
    ".fgb",
    ".kml",
    ".kmz",
    ".gpx",
    ".tab",
    ".mif",
    ".gdb",
    ".dxf",
    ".parquet",
    ".geoparquet",
)
"""Endings of files that hold shapes, or cannot be read."""
SHAPES_OR_NOT = (".gpkg", ".sqlite", ".json", ".gml")
"""Endings of files that may hold pixels or something else instead."""
VECTOR_SUFFIXES = (*ONLY_SHAPES, *SHAPES_OR_NOT)
ARCHIVE, SHAPEFILE = ".zip", ".shp"
ZIPPED = (".kmz", ".shz")
"""Endings of zip archives that GDAL opens as one file."""
IN_FOLDERS = (*(suffix for suffix in VECTOR_SUFFIXES if suffix != ".json"), ARCHIVE)
"""How vector files end that lie among others in a folder; JSON there may be anything."""
GEODATABASE, TABLES = ".gdb", ".gdbtable"
"""How a geodatabase of files, which is a folder, and the files in it end."""
NEVER_SHAPES = {*IMAGE_SUFFIXES, *PRODUCT_SUFFIXES} - {".vrt"}
MOST_UNPACKED = 4 << 30
"""Bytes in an archive; its shapes are read into memory."""

WHOLE_FILE = "/vsisubfile/0,"
"""What makes a path one to a part of a file, from byte 0 to its end."""
GML = (b"opengis.net/gml", b"<csw:GetRecordsResponse")
"""By what GDAL tells GML, whatever a file is called."""

UNREADABLE = (RuntimeError, UnicodeDecodeError, UnboundLocalError)
"""What pyogrio raises; its own errors are RuntimeErrors, the last is of a system that GDAL cannot write."""


def is_vector_file(path: str) -> bool:
    """Tell whether ``path`` holds shapes: a file that GDAL reads as such, a table of points, or an archive.

    A file whose name may be that of either, such as a GeoPackage, does where one of its layers has shapes, or
    where it cannot be read as an image. An item of STAC is a scene.
    """
    path, named = split_layer(path)
    require_regular(path)
    file = Path(path)
    suffix = file.suffix.lower()
    if named is not None and suffix != ARCHIVE:
        return True
    if suffix in NEVER_SHAPES or is_stac(path):
        return False
    if suffix in ONLY_SHAPES or is_address(path):
        return suffix in VECTOR_SUFFIXES
    if suffix == ARCHIVE:
        members = _members(path) if zipfile.is_zipfile(path) else []
        return bool(_vectors(members)) and not any(_suffix(name) in IMAGE_SUFFIXES for name in members)
    if suffix in point_table.SUFFIXES:
        return point_table.is_point_table(path)
    if suffix in SHAPES_OR_NOT:
        return not file.exists() or _has_shapes(path) or driver_of(path) is None
    return file.is_file() and driver_of(path) is None and _has_shapes(path)


def stem_of_vector(name: str) -> str:
    """Return the name of a vector file without what says what it is.

    >>> stem_of_vector("one.gdb.zip"), stem_of_vector("two.v2.gpkg")
    ('one', 'two.v2')
    """
    stem = PurePosixPath(name)
    if stem.suffix.lower() == ARCHIVE:
        stem = stem.with_suffix("")
    return stem.stem if stem.suffix.lower() in VECTOR_SUFFIXES else stem.name


def list_layers(path: str) -> dict[str, str | None]:
    """List the layers of a vector file and the kind of their shapes; None: a table without shapes.

    Of ``FILE:LAYER`` that layer alone.

    Raises:
        InputError: no such file or layer, or not a vector file.
    """
    path, named = split_layer(path)
    layers = _layers(path)
    if named is not None and named not in layers:
        raise InputError(f"{path}: has no layer {named!r}; its layers are {', '.join(layers)}")
    return layers if named is None else {named: layers[named]}


def _layers(path: str) -> dict[str, str | None]:
    import pyogrio

    if is_on_web(path):
        raise InputError(f"{path}: vector files are read from disk only; download it first")
    if not is_address(path):
        if not Path(path).exists():
            raise InputError(f"{path}: no such file; check the path")
        require_regular(path)
        require_whole_shapefile(path)
    if point_table.is_point_table(path):
        return {Path(path).stem: "Point"}
    set_for_gdal()
    if _dataset_of(path) == path:
        require_own_files(path)
    opened = opened_as(path)
    require_ends(opened)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return {str(name): kind for name, kind in pyogrio.list_layers(opened)}
    except UNREADABLE as error:
        if (annotations := annotations_in(path)) is not None:
            raise InputError(f"{path}: {annotations}") from error
        if _suffix(path) in NEVER_SHAPES:
            raise InputError(
                f"{path}: is an image, where points or polygons are asked for; give a vector file or a table"
                " of points"
            ) from error
        raise InputError(
            f"{path}: cannot be read as a vector file ({reason_of(error)}); check the file"
        ) from error


def opened_as(path: str) -> str:
    """Return what GDAL opens for ``path``: its file, or the vector file in an archive.

    Raises:
        InputError: an archive with none or several, too large, or with one that names files elsewhere.
    """
    dataset = _dataset_of(path)
    # GDAL keeps what it learns of GML in a .gfs beside it, but not beside what is part of a file.
    return f"{WHOLE_FILE}{dataset}" if _is_gml(dataset) else dataset


def _is_gml(dataset: str) -> bool:
    if is_address(dataset) or not Path(dataset).is_file():
        return False
    with Path(dataset).open("rb") as file:
        begin = file.read(LOOKED_AT)
    return any(mark in begin for mark in GML)


def _dataset_of(path: str) -> str:
    path, _ = split_layer(path)
    archive, _, inner = path.removeprefix("/vsizip/").partition(f"{ARCHIVE}/")
    if path.startswith("/vsizip/") and inner and zipfile.is_zipfile(archive + ARCHIVE):
        _require_plain(archive + ARCHIVE, inner)
        return path
    if is_address(path) or Path(path).suffix.lower() != ARCHIVE:
        if _suffix(path) in ZIPPED and Path(path).is_file() and zipfile.is_zipfile(path):
            _require_plain(path, "")
        return path
    if not zipfile.is_zipfile(path):
        raise InputError(f"{path}: cannot be read as a zip archive; fetch it again")
    found = _vectors(_members(path))
    whole = Path(path).resolve()
    if not found:
        raise InputError(f"{path}: no vector file is in this archive; unpack it, and give the file")
    if len(found) > 1:
        raise InputError(
            f"{path}: {len(found)} vector files are in it ({', '.join(found[:6])}); give one as "
            f"/vsizip/{whole}/{found[0]}"
        )
    _require_plain(path, found[0])
    return f"/vsizip/{whole}/{found[0]}".rstrip("/")


def text_page(path: str) -> CodePage | None:
    """Tell the code page of the attributes of a shapefile; None for other files, which say it themselves."""
    dataset = opened_as(path)
    if _suffix(dataset) != SHAPEFILE:
        return None
    table, named = _part_of(dataset, ".dbf"), _part_of(dataset, ".cpg")
    return None if table is None else page_of_table(table, (named or b"").decode("ascii", "replace"))


def _part_of(dataset: str, end: str) -> bytes | None:
    """What the part of a shapefile that ends so holds, on disk or in an archive."""
    stem = dataset[: -len(SHAPEFILE)]
    archive, _, inner = stem.removeprefix("/vsizip/").rpartition(f"{ARCHIVE}/")
    for name in (end, end.upper()):
        if stem.startswith("/vsizip/"):
            with opened_zip(archive + ARCHIVE) as opened:
                if inner + name in opened.namelist():
                    return opened.read(inner + name)
        elif Path(stem + name).is_file():
            return Path(stem + name).read_bytes()
    return None


def _require_plain(archive: str, inner: str) -> None:
    """Raise ``InputError`` where an archive unpacks to too much, or what is in it names files elsewhere."""
    with opened_zip(archive) as opened:
        if sum(member.file_size for member in opened.infolist()) > MOST_UNPACKED:
            raise InputError(
                f"{archive}: holds more than {MOST_UNPACKED >> 30} GB; unpack it, and give the file"
            )
        if inner in opened.namelist():
            with opened.open(inner) as member:
                require_own_text(member.read(LOOKED_AT), f"{archive}/{inner}")


def _has_shapes(path: str) -> bool:
    try:
        return any(kind is not None for kind in list_layers(path).values())
    except InputError:
        return False


def _members(archive: str) -> list[str]:
    with opened_zip(archive) as opened:
        # macOS adds a hidden twin for each file
        return [name for name in opened.namelist() if not name.startswith("__MACOSX/")]


def _vectors(members: Sequence[str]) -> list[str]:
    """The vector files among ``members`` of an archive; of a geodatabase the folder, "" for the top."""
    folders = {str(PurePosixPath(name).parent) for name in members if _suffix(name) == TABLES}
    files = [name for name in members if _suffix(name) in VECTOR_SUFFIXES and not name.endswith("/")]
    return sorted({"" if folder == "." else folder for folder in folders} | set(files))


def _suffix(name: str) -> str:
    return PurePosixPath(name).suffix.lower()
