"""Files that are no images themselves but name others: virtual rasters and descriptions of services.

A file that is openly a ``.vrt`` may name parts anywhere, as whoever gives it can see. One under another name,
or inside the folder of a run, which somebody may have sent, opens only what lies beside it; ``--trust`` lifts
that. Descriptions of services name addresses, and are opened with ``--trust`` alone.
"""

from pathlib import Path
from xml.etree import ElementTree

from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD
from terramamba.core.trust import is_trusted

LOOKED_AT = 4096
"""Bytes in which GDAL's drivers look for what a file is."""
VIRTUAL = b"<VRTDataset"
VIRTUAL_SHAPES = b"<OGRVRTDataSource"
SERVICES = (
    b"<GDAL_WMS",
    b"<GDAL_WMTS",
    b"<WCS_GDAL",
    b"<TileMapService",
    b"<WMT_MS_Capabilities",
    b"<WMS_Capabilities",
    b"<GDALTileIndexDataset",
    b"gdal_streamed_alg",
)
NAMES = ("SourceFilename", "SourceDataset", "SrcDataSource", "Filename", "FileName", "KernelFile")
"""Elements of virtual rasters and shapes whose text names a file."""
MOST_NESTED = 8
"""Virtual rasters in virtual rasters."""
MOST_BYTES = 64 << 20
"""Longest virtual raster that is looked through."""


def require_own_files(path: str) -> None:
    """Refuse a file on disk that names files elsewhere, unless it may.

    Raises:
        InputError: naming what it refers to.
    """
    if not is_trusted():
        _require(Path(path), Path(path), MOST_NESTED)


def require_own_text(begin: bytes, given: str) -> None:
    """Raise ``InputError`` where a file in an archive, by its first bytes, is one that names others."""
    if not is_trusted() and any(mark in begin for mark in (*SERVICES, VIRTUAL, VIRTUAL_SHAPES)):
        raise InputError(f"{given}: names other files or services; give --trust if you know who wrote it")


def _require(file: Path, given: Path, depth: int) -> None:
    begin = _beginning(file)
    if any(mark in begin for mark in SERVICES):
        raise InputError(
            f"{given}: describes a service or a list of other files, not an image of its own; give --trust if"
            " you know who wrote it"
        )
    if VIRTUAL not in begin and VIRTUAL_SHAPES not in begin:
        return
    if file.suffix.lower() == ".vrt" and not _in_run(file):
        return
    if depth == 0 or file.stat().st_size > MOST_BYTES:
        raise InputError(f"{given}: virtual rasters in virtual rasters, or too many parts; give the parts")
    for name in _named(file, given):
        part = file.parent / name
        if Path(name).is_absolute() or name.startswith("/vsi") or ":" in name or not _is_beside(part, file):
            raise InputError(
                f"{given}: is a virtual raster that names {name[:200]!r}, which does not lie beside it; give"
                " --trust if you know who wrote it, or call it .vrt outside of a run's folder"
            )
        _require(part, given, depth - 1)


def _beginning(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(LOOKED_AT)
    except OSError:
        return b""  # a folder, or not there: others say so


def _named(file: Path, given: Path) -> list[str]:
    """What the elements and attributes of the virtual raster ``file`` name."""
    text = file.read_bytes()
    if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
        raise InputError(f"{given}: is a virtual raster with entities, which are not read; write it anew")
    try:
        root = ElementTree.fromstring(text)
    except ElementTree.ParseError as error:
        raise InputError(f"{given}: is a virtual raster that is no XML ({error}); write it anew") from error
    found = []
    for element in root.iter():
        if element.tag in NAMES and (element.text or "").strip():
            found.append(str(element.text).strip())
        if "Code" in element.tag or element.tag == "PixelFunctionLanguage":
            raise InputError(f"{given}: is a virtual raster that holds a program; give the image it makes")
    return found


def _is_beside(part: Path, file: Path) -> bool:
    return part.resolve().is_relative_to(file.parent.resolve())


def _in_run(file: Path) -> bool:
    return any((folder / CARD).is_file() for folder in file.absolute().parents)
