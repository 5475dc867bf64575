"""From the part files of a map to its outputs: drafted, sealed, then moved to their names.

``job.json`` says what the drafts hold once they are whole, so that whoever comes after a kill knows.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import rasterio

from terramamba.core.durable import sync_folder
from terramamba.core.file_states import NO_FILES, FileStates
from terramamba.core.folder_lock import remove_any
from terramamba.core.progress import pixel_progress
from terramamba.core.typed import typed
from terramamba.core.unwritable import unwritable
from terramamba.mapping.map_output import MapOutput
from terramamba.mapping.part_files import PartFiles
from terramamba.raster.output.staging import Sealed, draft_of, is_whole, publish, seal
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES


def publish_all(files: PartFiles, output: MapOutput, record: dict[str, Any], drafted: bool) -> dict[str, Any]:
    """Make drafts of the outputs unless that has been done, move them to their names, remove the rest.

    Each step is on the disk before the next begins: drafts, the record of what they hold, the names of the
    outputs, and only then the end of what they were made of.
    """
    drafts = [draft_of(target) for target in output.targets]
    try:
        if not drafted:
            record = _drafted(files, output, record, drafts)
        for draft, target, sealed in zip(drafts, output.targets, _sealed_in(record), strict=True):
            publish(draft, target, sealed.sidecar is not None)
        for draft in drafts:
            remove_any(draft.parent)
            sync_folder(draft.parent.parent)
        files.clear()
    except OSError as error:  # some disks say only now that they are full
        raise unwritable(files.out, error) from error
    return dict(record["found"])


def _drafted(
    files: PartFiles, output: MapOutput, record: dict[str, Any], drafts: Sequence[Path]
) -> dict[str, Any]:
    """Draft the outputs anew, and return the record, which from now on says what they hold."""
    try:
        for draft in drafts:
            remove_any(draft.parent)
            draft.parent.mkdir(parents=True)
        with (
            rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES),
            pixel_progress("write", sum(output.sizes)) as advance,
        ):
            result = output.draft(files, drafts, advance)
        record = {**record, "found": result, "drafts": [seal(draft) for draft in drafts]}
        files.save_record(record)
    except BaseException:
        for draft in drafts:
            remove_any(draft.parent)
        raise
    return record


def seems_drafted(record: Mapping[str, Any], output: MapOutput) -> bool:
    """Tell whether all outputs were whole, and are somewhere still."""
    return record.get("found") is not None and all(
        target.exists() or draft_of(target).exists() for target in output.targets
    )


def is_drafted(record: Mapping[str, Any], output: MapOutput) -> bool:
    """Tell whether all outputs were whole, and are so still, byte for byte."""
    if not seems_drafted(record, output):
        return False
    if any(draft_of(target).parent.is_symlink() for target in output.targets):  # none of ours is
        return False
    all_sealed = _sealed_in(record)
    return len(all_sealed) == len(output.targets) and all(
        is_whole(draft_of(target), target, sealed)
        for target, sealed in zip(output.targets, all_sealed, strict=True)
    )


def to_be_moved(output: MapOutput, record: Mapping[str, Any], drafted: bool) -> list[Path]:
    """Return the targets that do not have their names yet; without drafts all of them.

    After a power cut a draft may be under its own name still and under the target's already.
    """
    if not drafted:
        return list(output.targets)
    return [
        target
        for target, sealed in zip(output.targets, _sealed_in(record), strict=True)
        if draft_of(target).exists() and not (target.exists() and is_whole(target, target, sealed))
    ]


def _sealed_in(record: Mapping[str, Any]) -> list[Sealed]:
    """Return what the record says of the drafts; nothing where it is damaged, or of another version."""
    try:
        return [entry if isinstance(entry, Sealed) else typed(Sealed, entry) for entry in record["drafts"]]
    except (KeyError, TypeError, ValueError):
        return []


def states_in(record: Mapping[str, Any]) -> FileStates:
    """Return what the inputs were like when the job began."""
    try:
        return typed(FileStates, record["inputs"])
    except (KeyError, ValueError):
        return NO_FILES
