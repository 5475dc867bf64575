"""Whether two paths lead to the same file, or to copies of it."""

import hashlib
from functools import lru_cache
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
    found = Path(path).stat()
    return (found.st_size, _digest(str(path), found.st_size, found.st_mtime_ns))


@lru_cache(maxsize=100_000)
def _digest(path: str, size: int, changed: int) -> str:
    """SHA-256 of the file that has this size and time of last change."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
