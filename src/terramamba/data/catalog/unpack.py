"""Unpacking an archive that came from elsewhere: bounded, below one folder, and there whole or not at all."""

import zipfile
from pathlib import Path
from shutil import disk_usage

from terramamba.core.durable import sync_folder, sync_tree
from terramamba.core.errors import InputError, reason_of
from terramamba.core.folder_lock import remove_any
from terramamba.core.unpacked import DAMAGED_ZIP

MOST_UNPACKED = 200 << 30
"""Bytes that the files of an archive may have together; the largest set of the catalogue has 16 GB."""
MOST_FILES = 1_000_000
"""Files that an archive may have."""


def unpack(archive: Path, target: Path, aside: Path, *, keep_damaged: bool) -> None:
    """Read a zip archive into the folder ``target`` by way of ``aside``, and remove it.

    A single folder around everything that is called as ``target`` is left out. Members whose names lead
    elsewhere (``..``, a root) are unpacked below ``target``, and links as files that hold where they lead.

    Raises:
        InputError: the archive is none or is damaged, and is removed unless it is to be kept; or it holds
            more than there is room for.
    """
    try:
        with zipfile.ZipFile(archive) as file:
            _require_room(archive, file, aside)
            # zipfile reads no more of a member than the size that was added up, whatever it holds.
            file.extractall(aside)
    except (OSError, *DAMAGED_ZIP) as error:
        remove_any(aside)
        remedy = "make room, or see to the rights there, and give the same command again"
        if isinstance(error, DAMAGED_ZIP):
            remedy = "remove it and try again"
            if not keep_damaged:
                archive.unlink()
                remedy = "it has been removed, so give the same command again, or get it by hand"
        raise InputError(f"{archive}: cannot be unpacked ({reason_of(error)}); {remedy}") from error
    aside.mkdir(exist_ok=True)
    sync_tree(aside)
    inside = [path for path in aside.iterdir() if path.name != "__MACOSX"]
    if len(inside) == 1 and inside[0].is_dir() and inside[0].name == target.name:
        inside[0].rename(target)
    else:
        aside.rename(target)
    sync_folder(target.parent)
    remove_any(aside)
    archive.unlink()


def _require_room(archive: Path, file: zipfile.ZipFile, aside: Path) -> None:
    """Raise ``InputError`` where an archive would fill the disk, or a folder without an end."""
    entries = file.infolist()
    size, room = sum(entry.file_size for entry in entries), disk_usage(aside.parent).free
    if size > min(MOST_UNPACKED, room) or len(entries) > MOST_FILES:
        raise InputError(
            f"{archive}: holds {len(entries):,} files of {size / 1e9:,.1f} GB, more than can be unpacked here"
            f" ({room / 1e9:,.1f} GB are free; at most {MOST_FILES:,} files and"
            f" {MOST_UNPACKED / 1e9:,.0f} GB are unpacked); make room, or remove the archive"
        )
