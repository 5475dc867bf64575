"""A map as a job that any number of runs and workers can do together, and go on with after a kill.

Each part of the map leaves a part file. When all are there, the outputs are drafted from them, one after the
other, in hidden folders beside them; ``job.json`` then says that the drafts are whole, they are moved to
their names, and part files and folders are removed. Whenever a run ends, the next one finds out from the
files alone where it stopped.
"""

import os
import random
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import rasterio

from terramamba.core.errors import InputError
from terramamba.core.progress import pixel_progress
from terramamba.core.words import ranges
from terramamba.mapping.executors import Work, WorkerPool, workers_for
from terramamba.mapping.fingerprint import Facts, first_difference
from terramamba.mapping.folder_lock import PATIENCE_SECONDS, FolderLock, lock_folder
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.settings import Parallelism
from terramamba.mapping.summary import MapSummary
from terramamba.raster.output.staging import (
    check_outputs,
    draft_of,
    make_folder,
    publish,
    remove_if_empty,
    sidecar_of,
)
from terramamba.raster.readers.gdal import GDAL_CACHE_BYTES


@runtime_checkable
class MapOutput(Protocol):
    """How part files become the outputs of a map; a frozen dataclass of what JSON can hold."""

    @property
    def targets(self) -> Sequence[Path]:
        """Files to write."""
        ...

    @property
    def sizes(self) -> Sequence[int]:
        """Pixels of each part of the map."""
        ...

    def draft(
        self, files: PartFiles, drafts: Sequence[Path], advance: Callable[[float], None]
    ) -> dict[str, Any]:
        """Write a draft for each target; return what a summary says beyond them, as JSON can hold it."""
        ...

    def record(self) -> dict[str, Any]:
        """Return the output as JSON can hold it: its ``kind`` and, under ``output``, what makes it again."""
        ...

    def summary(self, outcome: "Outcome", seconds: float) -> MapSummary:
        """Return what a run came to, for people and programs."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a run came to: the ``result`` of drafting, or None where parts are ``missing`` that others map."""

    result: dict[str, Any] | None
    missing: int
    parts: int


def carry_out(
    output: MapOutput,
    work: Work,
    facts: Facts,
    parallelism: Parallelism,
    *,
    device: str,
    overwrite: bool,
    inputs: Sequence[str],
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

    Raises:
        InputError: outputs exist, part files of another job are there, another run is at work on them, a part
            cannot be mapped, or something cannot be written. Part files that are whole stay.
    """
    files = PartFiles(output.targets[0])
    before = files.record()
    if before is None or not _is_drafted(before, output) or first_difference(before.get("facts", {}), facts):
        _tidy(files)
        check_outputs(output.targets, overwrite=overwrite, inputs=inputs)
    alone = parallelism.shard is None
    with _claimed(files, output.targets, alone=alone) as lock:
        record = _same_job(
            files, lock, facts, {"facts": facts, **output.record()}, overwrite=overwrite, alone=alone
        )
        sizes = output.sizes
        if not _is_drafted(record, output):
            done = files.done()
            own = parallelism.own_parts(len(sizes))
            pending = [part for part in own if part not in done]
            if pending:
                total, there = (sum(sizes[part] for part in parts) for parts in (own, done & set(own)))
                with (
                    pixel_progress("map", total, there) as advance,
                    workers_for(parallelism, work, files, device) as pool,
                ):
                    for part in _map_parts(pool, pending):
                        advance(sizes[part])
        if not alone:
            return Outcome(None, len(sizes) - len(files.done()), len(sizes))
        return Outcome(_finish(files, output, record), 0, len(sizes))


def finish(output: MapOutput, files: PartFiles, *, overwrite: bool) -> Outcome:
    """Finish a job all of whose part files are there.

    Raises:
        InputError: part files are missing, outputs exist, or something cannot be written.
    """
    record = files.record()
    assert record is not None
    if not _is_drafted(record, output):
        check_outputs(output.targets, overwrite=overwrite)
    parts = len(output.sizes)
    with _claimed(files, output.targets, alone=True):
        missing = [] if _is_drafted(record, output) else sorted(set(range(parts)) - files.done())
        if missing:
            raise InputError(
                f"{files.out}: {len(missing)} of {parts} parts are missing ({ranges(missing, most=10)});"
                " a shard's command, given again, does what is missing of it"
            )
        return Outcome(_finish(files, output, record), 0, parts)


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
        ready = wait(running, timeout=pool.look_every, return_when=FIRST_COMPLETED).done
        if not ready:
            pool.look()
        for future in ready:
            future.result()
            yield running.pop(future)


def _finish(files: PartFiles, output: MapOutput, record: dict[str, Any]) -> dict[str, Any]:
    """Draft the outputs, where that has not been done, move them to their names, and remove the rest."""
    drafts = [draft_of(target) for target in output.targets]
    if not _is_drafted(record, output):
        try:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)
                draft.parent.mkdir(parents=True)
            with (
                rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES),
                pixel_progress("write", sum(output.sizes)) as advance,
            ):
                result = output.draft(files, drafts, advance)
            sidecars = [sidecar_of(draft).exists() for draft in drafts]
            files.save_record({**record, "found": result, "sidecars": sidecars})
        except BaseException:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)
            raise
        record = {**record, "found": result, "sidecars": sidecars}
    for draft, target, has_sidecar in zip(drafts, output.targets, record["sidecars"], strict=True):
        publish(draft, target, has_sidecar)
    for draft in drafts:
        shutil.rmtree(draft.parent, ignore_errors=True)
    files.clear()
    return dict(record["found"])


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
        if record is not None and difference is None and lock.change(alone=alone):
            return record
        if record is not None and difference is not None and files.done() and not overwrite:
            raise _OtherJobError(
                f"{files.out}: parts of a run with {difference}, lie beside it ({files.folder.name}); give"
                " the same arguments to go on, or --overwrite to start anew"
            )
        # Nobody else is here now, but somebody may have been since the record was read.
        if lock.change(alone=True) and files.record() == record:
            files.clear()
            files.save_record(fresh)
        elif time.monotonic() > end:
            raise InputError(_AT_WORK.format(files.out))
        else:
            time.sleep(random.uniform(0.01, 0.1))


_AT_WORK = "{}: another run is at work on it; wait for that, or name another file"


@contextmanager
def _claimed(files: PartFiles, targets: Sequence[Path], *, alone: bool) -> Iterator[FolderLock]:
    """Hold the folder of ``files``. After an exception it is removed where nothing was done yet."""
    with ExitStack() as leaving:
        try:
            for target in targets:
                for folder in make_folder(target.parent):
                    leaving.callback(remove_if_empty, folder)
                if not os.access(target.parent, os.W_OK):
                    raise InputError(f"{target}: cannot be written (no right to); name another place")
            lock = leaving.enter_context(lock_folder(files.folder, alone=alone))
        except OSError as error:
            raise InputError(
                f"{files.out}: cannot be written ({error.strerror or error}); name another place"
            ) from error
        if lock is None:
            raise InputError(_AT_WORK.format(files.out))
        try:
            yield lock
        except BaseException as error:
            done = len(files.done())
            if done and not isinstance(error, _OtherJobError):
                error.add_note(
                    f"{done} part{'s are' if done > 1 else ' is'} done and kept: the same command goes on"
                )
            elif not done and lock.change(alone=True):
                files.clear()
            raise


def _tidy(files: PartFiles) -> None:
    """Remove a folder that a kill at the very end, or before the beginning, has left empty."""
    if files.folder.is_dir() and files.record() is None and not files.done():
        with lock_folder(files.folder, alone=True) as lock:
            if lock is not None and files.record() is None:
                files.clear()


def _is_drafted(record: Mapping[str, Any], output: MapOutput) -> bool:
    """Tell whether all outputs were whole, and are somewhere still."""
    return record.get("found") is not None and all(
        target.exists() or draft_of(target).exists() for target in output.targets
    )
