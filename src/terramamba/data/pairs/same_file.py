"""Whether two paths lead to the same file, or to copies of it."""

import hashlib
from pathlib import Path

from terramamba.raster.readers.envi_header import image_of_header

POINTERS = (".vrt", ".csv", ".tsv", ".json", ".geojson", ".xml")
"""Files that say where pixels lie: equal ones in two folders mean different pixels."""


def file_key(path: str | Path) -> tuple[int | str, ...]:
    """Make a key that is equal for two paths exactly when they lead to one file or folder.

    What is no path on the disk, an address or an array of a file, is known by its name.
    """
    if not Path(path).exists():
        return (str(path),)
    status = Path(path).stat()
    return (status.st_dev, status.st_ino)


def size_key(path: str | Path) -> tuple[int | str, ...]:
    """Make a key that is equal where ``same_content_key`` is; takes no reading."""
    image = _with_pixels(path)
    return file_key(path) if image is None else (image.stat().st_size,)


def same_content_key(path: str | Path) -> tuple[int | str, ...]:
    """Make a key that is equal for two files that hold the same bytes, and for a folder and itself.

    Files that only say where pixels lie are known as themselves; an ENVI header stands for its data.
    """
    image = _with_pixels(path)
    if image is None:
        return file_key(path)
    with image.open("rb") as file:
        return (image.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())


def _with_pixels(path: str | Path) -> Path | None:
    """The file that holds the pixels, if one does."""
    image = Path(image_of_header(str(path)))
    return image if image.is_file() and image.suffix.lower() not in POINTERS else None
