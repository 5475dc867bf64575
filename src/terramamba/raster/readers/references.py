"""Files that are no images themselves but lead to others: virtual rasters, HDF5 with links, services.

A file that is openly a ``.vrt`` may name parts anywhere, as whoever gives it can see. One under another name,
or inside the folder of a run, which somebody may have sent, opens only what lies beside it; ``--trust`` lifts
that. Descriptions of services name addresses, and are opened with ``--trust`` alone. HDF5, of which nobody
expects it, leads nowhere else without it.
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any
from xml.etree import ElementTree

import h5py
import numpy as np

from terramamba.core.errors import InputError
from terramamba.core.run_files import CARD
from terramamba.core.trust import is_trusted
from terramamba.core.unpacked import GrowthError, require_plausible

LOOKED_AT = 1 << 16
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
    b"<MRF_META>",
    b"<OGRWFSDataSource",
    b"<WFS_Capabilities",
    b"<wfs:WFS_Capabilities",
    b"<OGRCSWDataSource",
)
HDF5 = b"\x89HDF\r\n"
LEADING = (
    *("MRF", "WMS", "WMTS", "WCS", "KMLSUPEROVERLAY", "GTI", "HTTP"),
    *("STACIT", "STACTA", "PLMOSAIC", "EEDA", "EEDAI", "DAAS"),
)
"""Drivers of files that lead to servers or lists of files; that of MRF even writes where it is told."""
NAMING = ("file", "dataset", "datasource", "path", "dem")
"""What is in the names, in whatever case, of elements and attributes of virtual files that name another."""
MOST_NESTED = 8
"""Virtual rasters in virtual rasters."""
MOST_BYTES = 64 << 20
"""Longest virtual raster that is looked through."""
MOST_LEVELS = 60
"""Of groups in groups of HDF5; each costs all that walk them as much again, and products have five."""
FILTERED_BYTES = 1 << 16
"""What compressing may add to a block of HDF5 that is hard to compress, beside doubling it."""


def require_own_files(path: str) -> None:
    """Refuse a file on disk that names files elsewhere, unless it may.

    Raises:
        InputError: naming what it refers to.
    """
    if not is_trusted():
        _require(Path(path), Path(path), MOST_NESTED)


def require_own_parts(path: str, parts: Sequence[str]) -> None:
    """Refuse a file on disk of which GDAL lists ``parts`` elsewhere, as headers of some formats name any.

    Raises:
        InputError: naming one of these parts.
    """
    file = Path(path)
    if list(parts) == [path] or is_trusted() or _is_openly_virtual(file):
        return
    for part in map(Path, parts):
        own = part.name.startswith(file.stem) and part.parent == file.parent
        if not (own or part.name.endswith(".aux.xml") or _is_beside(part, file)):
            raise InputError(
                f"{path}: consists of {part} too, which does not lie beside it; give --trust if you know who"
                " wrote it"
            )


def require_own_hdf5(path: str) -> None:
    """Refuse an HDF5 file on disk whose members lie in other files.

    Raises:
        InputError: naming the member.
        OSError, RuntimeError, KeyError: it is damaged.
    """
    if not is_trusted():
        status = Path(path).stat()
        led = _led_elsewhere(path, status.st_mtime_ns, status.st_size)
        if led is not None:
            raise InputError(
                f"{path}: its member {led[:200]!r} lies in another file; give --trust if you know who wrote"
                " it"
            )


@lru_cache(64)
def _led_elsewhere(path: str, changed: int, size: int) -> str | None:
    """A link to another file in an HDF5 file, or a data set that is stored in others or made of them.

    Raises:
        InputError: its groups lie in each other more than ``MOST_LEVELS`` deep.
    """
    own: list[str] = []
    with h5py.File(path, "r") as file:

        def found(name: str, link: object) -> str | None:
            # what is raised in here by a damaged member comes out of h5py as another error
            if isinstance(link, h5py.HardLink):
                own.append(name)
            return name if isinstance(link, h5py.ExternalLink) or name.count("/") > MOST_LEVELS else None

        led = file.visititems_links(found)
        if led is not None and led.count("/") > MOST_LEVELS:
            raise InputError(
                f"{path}: has groups in groups, more than {MOST_LEVELS} deep, as no scene has; give another"
            )
        if led is not None:
            return str(led)
        for name in own:
            item = file[name]
            if isinstance(item, h5py.Dataset):
                if item.is_virtual or item.external:
                    return name
                _require_own_size(path, name, item)
    return None


def _require_own_size(path: str, name: str, item: Any) -> None:
    """Raise ``InputError`` where a stored block of a data set is longer, or far shorter, than once unpacked.

    HDF5 unpacks a block to its end, however long that is, and all of it for one of its pixels.
    """
    if item.chunks is None or item.id.get_create_plist().get_nfilters() == 0:
        return
    block = int(np.prod(item.chunks, dtype=np.int64)) * item.dtype.itemsize
    most = 2 * block + FILTERED_BYTES

    def wrong_with(stored: Any) -> str | None:
        if stored.size > most:
            return "is stored with more bytes than it has once unpacked"
        try:
            require_plausible(stored.size, block)
        except GrowthError as error:
            return f"is too large: {error}"
        return None

    if (wrong := item.id.chunk_iter(wrong_with)) is not None:
        raise InputError(
            f"{path}: a block of its member {name[:200]!r} {wrong}; the file is damaged, fetch it again"
        )


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
    if HDF5 in begin and h5py.is_hdf5(file):
        require_own_hdf5(str(file))
    if (VIRTUAL not in begin and VIRTUAL_SHAPES not in begin) or _is_openly_virtual(file):
        return
    if depth == 0 or file.stat().st_size > MOST_BYTES:
        raise InputError(f"{given}: virtual rasters in virtual rasters, or too many parts; give the parts")
    for name, folder in _named(file, given):
        part = folder / name
        # GDAL takes text for a virtual raster too, and another part of it than we where a comment is inside
        plain = not (PurePath(name).is_absolute() or ".." in PurePath(name).parts or {*":<{"} & {*name})
        if not plain or not _is_beside(part, file):
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


def _named(file: Path, given: Path) -> Iterator[tuple[str, Path]]:
    """What the virtual raster ``file`` names, and the folder from which that is meant.

    GDAL reads names of elements in any case, and elements as attributes of the one around them.
    """
    text = file.read_bytes()
    if b"<!ENTITY" in text or b"<!DOCTYPE" in text:
        raise InputError(f"{given}: is a virtual raster with entities, which are not read; write it anew")
    try:
        root = ElementTree.fromstring(text.decode())
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise InputError(f"{given}: is a virtual raster that is no XML ({error}); write it anew") from error
    for element in root.iter():
        tag = element.tag.lower()
        if "code" in tag or tag.endswith("pixelfunctionlanguage"):
            raise InputError(f"{given}: is a virtual raster that holds a program; give the image it makes")
        attributes = {name.lower(): value for name, value in element.attrib.items()}
        folder = file.parent if attributes.get("relativetovrt") == "1" else Path.cwd()
        called = (tag, attributes.get("key", ""), attributes.get("name", ""))
        if any(map(_is_naming, called)) and (name := (element.text or "").strip()):
            yield name, folder
        for attribute, name in attributes.items():
            if _is_naming(attribute) and name:
                yield name, folder


def _is_naming(word: str) -> bool:
    return any(part in word.lower() for part in NAMING)


def _is_beside(part: Path, file: Path) -> bool:
    return part.resolve().is_relative_to(file.parent.resolve())


def _is_openly_virtual(file: Path) -> bool:
    return file.suffix.lower() == ".vrt" and not _in_run(file)


def _in_run(file: Path) -> bool:
    return any((folder / CARD).is_file() for folder in file.absolute().parents)
