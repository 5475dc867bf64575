"""A map as a job that any number of runs and workers can do together, and go on with after a kill.

Each part of the map leaves a part file. When all are there, the outputs are drafted from them, one after the
other, in hidden folders beside them; ``job.json`` then says that the drafts are whole, they are moved to
their names, and part files and folders are removed. Whenever a run ends, the next one finds out from the
files alone where it stopped.
"""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import rasterio

from terramamba.core.durable import make_folder, remove_if_empty, sync_folder
from terramamba.core.errors import InputError
from terramamba.core.file_states import NO_FILES, ChangedFileError, FileStates
from terramamba.core.folder_lock import (
    PATIENCE_SECONDS,
    FolderLock,
    at_work_error,
    lock_folder,
    remove_any,
)
from terramamba.core.output_place import require_place
from terramamba.core.progress import pixel_progress
from terramamba.core.typed import typed
from terramamba.core.unwritable import unwritable
from terramamba.core.words import ranges
from terramamba.mapping.executors import Work, WorkerPool, workers_for
from terramamba.mapping.fingerprint import Facts, first_difference
from terramamba.mapping.input_guard import REMEDY
from terramamba.mapping.map_output import MapOutput, Outcome
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.settings import Parallelism
from terramamba.raster.output.staging import (
    Sealed,
    check_outputs,
    draft_of,
    is_whole,
    publish,
    seal,
)
from terramamba.raster.readers.gdal import GDAL_CACHE_BYTES


def carry_out(
    output: MapOutput,
    work: Work,
    facts: Facts,
    parallelism: Parallelism,
    *,
    device: str,
    overwrite: bool,
    inputs: Sequence[str],
    states: FileStates,
) -> Outcome:
    """Do what is missing of a job and, unless this is a shard of it, finish it.

    Args:
        output: What is to be written, and how.
        work: How each part is mapped.
        facts: All that determines the result.
        parallelism: Who maps, and which shard.
        device: For the model, as ``resolve_device`` takes it; of each worker, where there are several.
        overwrite: Replace existing outputs, and part files of another job.
        inputs: Files that must not be replaced.
        states: Files that must stay as they are until all parts are mapped.

    Raises:
        InputError: outputs exist, part files of another job are there, another run is at work on them, a part
            cannot be mapped, an input was changed meanwhile, or something cannot be written. Part files that
            are whole, and made of inputs as they were, stay.
    """
    files = PartFiles(output.targets[0])
    before = files.record()
    if (
        before is None
        or not _seems_drafted(before, output)
        or first_difference(before.get("facts", {}), facts)
    ):
        tidy(files)
        check_outputs(output.targets, overwrite=overwrite, inputs=inputs)
    alone = parallelism.shard is None
    with _claimed(files, output.targets, alone=alone) as lock:
        fresh = {"facts": facts, "inputs": states, **output.record()}
        record = _same_job(files, lock, facts, fresh, overwrite=overwrite, alone=alone)
        drafted = _is_drafted(record, output)
        # Another run may have written them while this one waited.
        check_outputs(_to_be_moved(output, record, drafted), overwrite=overwrite, inputs=inputs)
        if not drafted:
            _map_missing(files, output, work, parallelism, device, states)
        parts = len(output.sizes)
        if not alone:
            return Outcome(None, parts - len(files.done()), parts)
        return Outcome(_finish(files, output, record, drafted), 0, parts)


def finish(output: MapOutput, files: PartFiles, *, overwrite: bool) -> Outcome:
    """Finish a job all of whose part files are there.

    Raises:
        InputError: part files are missing, outputs exist, or something cannot be written.
    """
    record = files.record()
    assert record is not None
    if not _seems_drafted(record, output):
        check_outputs(output.targets, overwrite=overwrite)
    parts = len(output.sizes)
    with _claimed(files, output.targets, alone=True):
        drafted = _is_drafted(record, output)
        missing = [] if drafted else sorted(set(range(parts)) - files.done())
        if missing:
            raise InputError(
                f"{files.out}: {len(missing)} of {parts} parts are missing ({ranges(missing, most=10)});"
                " a shard's command, given again, does what is missing of it"
            )
        check_outputs(_to_be_moved(output, record, drafted), overwrite=overwrite)
        if not drafted:
            # Each shard has asked the servers of addresses itself; its files may be gone from here by now.
            _states_in(record).require_same(REMEDY, local=True, may_be_gone=True)
        return Outcome(_finish(files, output, record, drafted), 0, parts)


def _map_missing(
    files: PartFiles,
    output: MapOutput,
    work: Work,
    parallelism: Parallelism,
    device: str,
    states: FileStates,
) -> None:
    """Have the own parts mapped that are not there yet, of inputs that stay as they are."""
    sizes, done, mapped = output.sizes, files.done(), list[int]()
    own = parallelism.own_parts(len(sizes))
    pending = [part for part in own if part not in done]
    if pending:
        total, there = (sum(sizes[part] for part in parts) for parts in (own, done & set(own)))
        with (
            pixel_progress("map", total, there) as advance,
            workers_for(parallelism, work, files, device) as pool,
        ):
            for part in _map_parts(pool, pending):
                mapped.append(part)
                advance(sizes[part])
    states.require_same(REMEDY, local=True)
    try:
        states.require_same(REMEDY)
    except ChangedFileError:
        # Files were looked at behind each part; what an address gave may be of the one version or the other.
        files.remove(mapped)
        raise


def _map_parts(pool: WorkerPool, parts: Sequence[int]) -> Iterator[int]:
    """Have all ``parts`` mapped, and name each that is."""
    yet_to_come = iter(parts)
    running: dict[Future[None], int] = {}
    while True:
        while len(running) < pool.capacity():
            part = next(yet_to_come, None)
            if part is None:
                break
            future = pool.executor.submit(pool.task, part)
            running[future] = part
            if future.done():
                break
        if not running:
            return
        ready = wait(running, timeout=pool.check_every, return_when=FIRST_COMPLETED).done
        if not ready:
            pool.check()
        for future in ready:
            future.result()
            yield running.pop(future)


def _finish(files: PartFiles, output: MapOutput, record: dict[str, Any], drafted: bool) -> dict[str, Any]:
    """Draft the outputs, where that has not been done, move them to their names, and remove the rest.

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


class _OtherJobError(InputError):
    """The part files that are there come from other arguments."""


def _same_job(
    files: PartFiles, lock: FolderLock, facts: Facts, fresh: dict[str, Any], *, overwrite: bool, alone: bool
) -> dict[str, Any]:
    """Return what ``job.json`` says; write it where there is none, or one that may be replaced."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        record = files.record()
        difference = None if record is None else first_difference(record.get("facts", {}), facts)
        if record is not None and difference is None:
            if lock.change(alone=True):  # nobody else is here, so what is half written is of who was killed
                files.remove_drafts()
            if lock.change(alone=alone) and files.record() == record:
                return record
        elif record is not None and files.done() and not overwrite:
            raise _OtherJobError(
                f"{files.out}: parts of a run with {difference}, lie beside it ({files.folder.name}); give"
                " the same arguments to go on, or --overwrite to start anew"
            )
        # Nobody else is here now, but somebody may have been since the record was read.
        elif lock.change(alone=True) and files.record() == record:
            files.clear()
            files.save_record(fresh)
            continue
        if time.monotonic() > end:
            raise at_work_error(files.folder, files.out)
        time.sleep(random.uniform(0.01, 0.1))


@contextmanager
def _claimed(files: PartFiles, targets: Sequence[Path], *, alone: bool) -> Iterator[FolderLock]:
    """Hold the folder of ``files``. After an exception it is removed where nothing was done yet."""
    with ExitStack() as leaving:
        try:
            for target in targets:
                for folder in make_folder(target.parent):
                    leaving.callback(remove_if_empty, folder)
                require_place(target)
            lock = leaving.enter_context(lock_folder(files.folder, alone=alone))
        except OSError as error:
            raise unwritable(files.out, error) from error
        if lock is None:
            raise at_work_error(files.folder, files.out)
        try:
            yield lock
        except BaseException as error:
            done = files.count()
            if done and not isinstance(error, _OtherJobError | ChangedFileError):
                error.add_note(
                    f"{done} part{'s are' if done > 1 else ' is'} done and kept: the same command goes on"
                )
            elif not done and lock.change(alone=True):
                with suppress(OSError):  # what stays is gone on with
                    files.clear()
            raise


def tidy(files: PartFiles) -> None:
    """Remove a folder that a kill at the very end, or before the beginning, has left empty."""
    if files.folder.is_dir() and files.record() is None and not files.done():
        with lock_folder(files.folder, alone=True) as lock:
            if lock is not None and files.record() is None:
                files.clear()


def _seems_drafted(record: Mapping[str, Any], output: MapOutput) -> bool:
    """Tell whether all outputs were whole, and are somewhere still."""
    return record.get("found") is not None and all(
        target.exists() or draft_of(target).exists() for target in output.targets
    )


def _is_drafted(record: Mapping[str, Any], output: MapOutput) -> bool:
    """Tell whether all outputs were whole, and are so still, byte for byte."""
    if not _seems_drafted(record, output):
        return False
    if any(draft_of(target).parent.is_symlink() for target in output.targets):  # none of ours is
        return False
    all_sealed = _sealed_in(record)
    return len(all_sealed) == len(output.targets) and all(
        is_whole(draft_of(target), target, sealed)
        for target, sealed in zip(output.targets, all_sealed, strict=True)
    )


def _to_be_moved(output: MapOutput, record: Mapping[str, Any], drafted: bool) -> list[Path]:
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


def _states_in(record: Mapping[str, Any]) -> FileStates:
    """Return what the inputs were like when the job began."""
    try:
        return typed(FileStates, record["inputs"])
    except (KeyError, ValueError):
        return NO_FILES
