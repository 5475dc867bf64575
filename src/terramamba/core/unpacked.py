"""How much a compressed file may unpack to, as some kilobytes can stand for endless zeros; zip archives."""

import lzma
import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from terramamba.core.errors import InputError, reason_of

MOST_UNPACKED = 2 << 30
"""Bytes that a file may unpack to, however small it is."""
MOST_RATIO = 100
"""Times its own size that a file may unpack to beyond that; images of real places come to ten."""

DAMAGED_ZIP = (
    *(zipfile.BadZipFile, EOFError, ValueError, zlib.error, lzma.LZMAError),
    RuntimeError,  # a password is wanted, or a compression that nobody knows
)
"""What zipfile raises of an archive that is none, or is damaged anywhere."""


class GrowthError(ValueError):
    """A file that unpacks to far more than an image of its size does."""


def most_unpacked(packed: int) -> int:
    """Return the bytes that a file of ``packed`` bytes may unpack to."""
    return max(MOST_UNPACKED, MOST_RATIO * packed)


def require_plausible(packed: int, unpacked: int) -> None:
    """Raise ``GrowthError`` where a file of ``packed`` bytes unpacks to more than it may."""
    most = most_unpacked(packed)
    if unpacked > most:
        raise GrowthError(
            f"{packed / 1e6:,.1f} MB unpack to more than {most / 1e9:,.1f} GB, as no image does"
        )


@contextmanager
def opened_zip(path: str | os.PathLike[str]) -> Iterator[zipfile.ZipFile]:
    """Open a zip archive; what turns out to be damaged while it is read is said of the archive.

    Raises:
        InputError: it is none, it is damaged, or the disk does not give it.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except InputError:
        raise
    except (OSError, *DAMAGED_ZIP) as error:
        raise InputError(
            f"{path}: cannot be read as a zip archive ({reason_of(error)}); fetch it again"
        ) from error
