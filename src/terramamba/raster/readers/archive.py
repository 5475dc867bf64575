"""Archives that somebody gives in place of what is in them: refused, each with how its content is opened."""

from pathlib import Path
from typing import NoReturn

from terramamba.core.errors import InputError
from terramamba.core.unpacked import opened_zip
from terramamba.raster.readers.format_record import Format, on_disk

IMAGES = (".tif", ".tiff", ".png", ".jpg", ".jpeg", ".bmp", ".jp2")
"""Endings of images that open from inside a zip archive."""
_ENDINGS = (".zip", ".tar", ".tgz", ".gz", ".bz2", ".xz", ".7z", ".rar")


def is_archive(path: str) -> bool:
    """Tell by its name whether a file is an archive."""
    return path.lower().endswith(_ENDINGS) and Path(path).is_file()


def refuse_archive(path: str) -> NoReturn:
    """Refuse an archive, naming the address of the image in it where it is the only one.

    Raises:
        InputError: always.
    """
    remedy = "unpack it, and give the file or the folder that was in it"
    images = _images(path) if Path(path).suffix.lower() == ".zip" else []
    if len(images) == 1:
        remedy = f"give /vsizip/{Path(path).resolve()}/{images[0]}, or unpack it"
    raise InputError(f"{path}: is an archive, which is not opened by itself; {remedy}")


def _images(path: str) -> list[str]:
    with opened_zip(path) as archive:
        names = archive.namelist()
    # macOS adds a hidden twin for each file
    return [n for n in names if Path(n).suffix.lower() in IMAGES and not n.startswith("__MACOSX/")]


FORMAT = Format(
    name="archive (zip, tar, ...)",
    known_by="`.zip`, `.tar`, `.tgz`, `.gz` and others",
    reads="nothing: refused",
    notes="Unpack it. A single image in a zip archive opens as `/vsizip/PATH.zip/IMAGE.tif`. Polygons "
    "are read from zip archives.",
    matches=on_disk(is_archive),
    reader=lambda path, options: refuse_archive(path),
)
