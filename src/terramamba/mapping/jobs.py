"""A map as a job that any number of runs and workers can do together, and go on with after a kill.

Each unit of work leaves a part file. When all are there, the outputs are drafted from the parts, one after
the other, in hidden folders beside them; ``job.json`` then says that the drafts are whole, they are moved to
their names, and parts and folders are removed. Whenever a run ends, the next one finds out from the files
alone where it stopped.
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
from terramamba.mapping.executors import Crew, Spread, Work
from terramamba.mapping.fingerprint import Facts, first_difference
from terramamba.mapping.folder_lock import PATIENCE_SECONDS, FolderLock, lock_folder
from terramamba.mapping.inferring import pixel_progress
from terramamba.mapping.part_files import Parts
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
class Recipe(Protocol):
    """How the parts of a map become its outputs; a frozen dataclass of what JSON can hold."""

    @property
    def targets(self) -> Sequence[Path]:
        """Files to write."""
        ...

    @property
    def sizes(self) -> Sequence[int]:
        """Pixels of each unit of work."""
        ...

    def draft(self, parts: Parts, drafts: Sequence[Path], advance: Callable[[float], None]) -> dict[str, Any]:
        """Write a draft for each target; what a summary says beyond them, as JSON can hold it."""
        ...

    def record(self) -> dict[str, Any]:
        """The recipe as JSON can hold it."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a run came to: what the recipe found, or None where units are ``missing`` that others do."""

    found: dict[str, Any] | None
    missing: int
    units: int


def carry_out(
    recipe: Recipe,
    work: Work,
    facts: Facts,
    spread: Spread,
    *,
    device: str,
    overwrite: bool,
    inputs: Sequence[str],
) -> Outcome:
    """Do what is missing of a job and, unless this is a shard of it, finish it.

    Args:
        recipe: What is to be written, and how.
        work: The units.
        facts: All that determines the result.
        spread: Who does it.
        device: For the model, as ``resolve_device`` takes it; of each worker, where there are several.
        overwrite: Replace existing outputs, and parts of another job.
        inputs: Files that must not be replaced.

    Raises:
        InputError: outputs exist, parts of another job are there, another run is at work on them, a unit
            cannot be done, or something cannot be written. Parts that were done stay.
    """
    parts = Parts(recipe.targets[0])
    before = parts.record()
    if before is None or not _is_drafted(before, recipe) or first_difference(before.get("facts", {}), facts):
        _tidy(parts)
        check_outputs(recipe.targets, overwrite=overwrite, inputs=inputs)
    alone = spread.shard is None
    with _claimed(parts, recipe.targets, alone=alone) as lock:
        record = _same_job(
            parts, lock, facts, {"facts": facts, **recipe.record()}, overwrite=overwrite, alone=alone
        )
        sizes = recipe.sizes
        if not _is_drafted(record, recipe):
            done = parts.done()
            pending = [unit for unit in spread.share(len(sizes)) if unit not in done]
            if pending:
                shared = spread.share(len(sizes))
                total, there = (sum(sizes[unit] for unit in units) for units in (shared, done & set(shared)))
                with (
                    pixel_progress("map", total, there) as advance,
                    spread.crew(work, parts, device) as crew,
                ):
                    for unit in _do(crew, pending):
                        advance(sizes[unit])
        if not alone:
            return Outcome(None, len(sizes) - len(parts.done()), len(sizes))
        return Outcome(_finish(parts, recipe, record), 0, len(sizes))


def finish(recipe: Recipe, parts: Parts, *, overwrite: bool) -> Outcome:
    """Finish a job all of whose parts are there.

    Raises:
        InputError: parts are missing, outputs exist, or something cannot be written.
    """
    record = parts.record()
    assert record is not None
    if not _is_drafted(record, recipe):
        check_outputs(recipe.targets, overwrite=overwrite)
    units = len(recipe.sizes)
    with _claimed(parts, recipe.targets, alone=True):
        missing = [] if _is_drafted(record, recipe) else sorted(set(range(units)) - parts.done())
        if missing:
            raise InputError(
                f"{parts.out}: {len(missing)} of {units} parts are missing ({_ranges(missing)}); a shard's"
                " command, given again, does what is missing of it"
            )
        return Outcome(_finish(parts, recipe, record), 0, units)


def _do(crew: Crew, units: Sequence[int]) -> Iterator[int]:
    """Have all ``units`` done, and name each that is."""
    yet_to_come = iter(units)
    running: dict[Future[None], int] = {}
    while True:
        while len(running) < crew.places():
            unit = next(yet_to_come, None)
            if unit is None:
                break
            future = crew.executor.submit(crew.task, unit)
            running[future] = unit
            if future.done():
                break
        if not running:
            return
        for future in wait(running, return_when=FIRST_COMPLETED).done:
            future.result()
            yield running.pop(future)


def _finish(parts: Parts, recipe: Recipe, record: dict[str, Any]) -> dict[str, Any]:
    """Draft the outputs, where that has not been done, move them to their names, and remove the rest."""
    drafts = [draft_of(target) for target in recipe.targets]
    if not _is_drafted(record, recipe):
        try:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)
                draft.parent.mkdir(parents=True)
            with (
                rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES),
                pixel_progress("write", sum(recipe.sizes)) as advance,
            ):
                found = recipe.draft(parts, drafts, advance)
            sidecars = [sidecar_of(draft).exists() for draft in drafts]
            parts.save_record({**record, "found": found, "sidecars": sidecars})
        except BaseException:
            for draft in drafts:
                shutil.rmtree(draft.parent, ignore_errors=True)
            raise
        record = {**record, "found": found, "sidecars": sidecars}
    for draft, target, has_sidecar in zip(drafts, recipe.targets, record["sidecars"], strict=True):
        publish(draft, target, has_sidecar)
    for draft in drafts:
        shutil.rmtree(draft.parent, ignore_errors=True)
    parts.remove()
    return dict(record["found"])


class _OtherJobError(InputError):
    """The parts that are there come from other arguments."""


def _same_job(
    parts: Parts, lock: FolderLock, facts: Facts, fresh: dict[str, Any], *, overwrite: bool, alone: bool
) -> dict[str, Any]:
    """What ``job.json`` says; it is written where there is none, or one that may be replaced."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        record = parts.record()
        difference = None if record is None else first_difference(record.get("facts", {}), facts)
        if record is not None and difference is None and lock.change(alone=alone):
            return record
        if record is not None and difference is not None and parts.done() and not overwrite:
            raise _OtherJobError(
                f"{parts.out}: parts of a run with {difference}, lie beside it ({parts.folder.name}); give"
                " the same arguments to go on, or --overwrite to start anew"
            )
        # Nobody else is here now, but somebody may have been since the record was read.
        if lock.change(alone=True) and parts.record() == record:
            parts.clear()
            parts.save_record(fresh)
        elif time.monotonic() > end:
            raise InputError(_AT_WORK.format(parts.out))
        else:
            time.sleep(random.uniform(0.01, 0.1))


_AT_WORK = "{}: another run is at work on it; wait for that, or name another file"


@contextmanager
def _claimed(parts: Parts, targets: Sequence[Path], *, alone: bool) -> Iterator[FolderLock]:
    """Hold the folder of ``parts``. After an exception it is removed where nothing was done yet."""
    with ExitStack() as leaving:
        try:
            for target in targets:
                for folder in make_folder(target.parent):
                    leaving.callback(remove_if_empty, folder)
                if not os.access(target.parent, os.W_OK):
                    raise InputError(f"{target}: cannot be written (no right to); name another place")
            lock = leaving.enter_context(lock_folder(parts.folder, alone=alone))
        except OSError as error:
            raise InputError(
                f"{parts.out}: cannot be written ({error.strerror or error}); name another place"
            ) from error
        if lock is None:
            raise InputError(_AT_WORK.format(parts.out))
        try:
            yield lock
        except BaseException as error:
            done = len(parts.done())
            if done and not isinstance(error, _OtherJobError):
                error.add_note(
                    f"{done} part{'s are' if done > 1 else ' is'} done and kept: the same command goes on"
                )
            elif not done and lock.change(alone=True):
                parts.remove()
            raise


def _tidy(parts: Parts) -> None:
    """Remove a folder that a kill at the very end, or before the beginning, has left empty."""
    if parts.folder.is_dir() and parts.record() is None and not parts.done():
        with lock_folder(parts.folder, alone=True) as lock:
            if lock is not None and parts.record() is None:
                parts.remove()


def _is_drafted(record: Mapping[str, Any], recipe: Recipe) -> bool:
    """Whether all outputs were whole, and are somewhere still."""
    return record.get("found") is not None and all(
        target.exists() or draft_of(target).exists() for target in recipe.targets
    )


def _ranges(numbers: Sequence[int]) -> str:
    """Units counted from 1, such as 3-5, 8."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    shown = [f"{a + 1}" if a == b else f"{a + 1}-{b + 1}" for a, b in found[:10]]
    return ", ".join(shown) + (", ..." if len(found) > 10 else "")
