"""Whether two paths lead to the same file, or to copies of it."""

import hashlib
from pathlib import Path


def file_key(path: str | Path) -> tuple[int, ...]:
    """Equal for two paths exactly when they lead to one file or folder."""
    found = Path(path).stat()
    return (found.st_dev, found.st_ino)


def size_key(path: str | Path) -> tuple[int, ...]:
    """Equal where ``same_content_key`` is; takes no reading."""
    return (Path(path).stat().st_size,) if Path(path).is_file() else file_key(path)


def same_content_key(path: str | Path) -> tuple[int | str, ...]:
    """Equal for two files exactly when they hold the same bytes, for two folders when they are one."""
    if not Path(path).is_file():
        return file_key(path)
    with Path(path).open("rb") as file:
        return (Path(path).stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())
