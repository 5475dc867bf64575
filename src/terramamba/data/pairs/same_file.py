"""Whether two paths lead to the same file, or to copies of it."""

import hashlib
from pathlib import Path


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
    return (Path(path).stat().st_size,) if Path(path).is_file() else file_key(path)


def same_content_key(path: str | Path) -> tuple[int | str, ...]:
    """Make a key that is equal for two files that hold the same bytes, and for a folder and itself."""
    if not Path(path).is_file():
        return file_key(path)
    with Path(path).open("rb") as file:
        return (Path(path).stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
