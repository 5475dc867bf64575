"""A map as a job that any number of runs and workers can do together, and go on with after a kill.

Each part of the map leaves a part file. When all are there, the outputs are drafted from them, one after the
other, in hidden folders beside them; ``job.json`` then says that the drafts are whole, they are moved to
their names, and part files and folders are removed. Whenever a run ends, the next one finds out from the
files alone where it stopped.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from terramamba.core.errors import InputError
from terramamba.core.file_states import ChangedFileError, FileStates
from terramamba.core.progress import pixel_progress
from terramamba.core.words import ranges
from terramamba.mapping.claims import claimed, same_job, tidy
from terramamba.mapping.drafts import is_drafted, publish_all, seems_drafted, states_in, to_be_moved
from terramamba.mapping.executors import Work, WorkerPool, workers_for
from terramamba.mapping.fingerprint import Facts, first_difference
from terramamba.mapping.input_guard import REMEDY
from terramamba.mapping.map_output import MapOutput, Outcome
from terramamba.mapping.part_files import PartFiles
from terramamba.mapping.settings import Parallelism
from terramamba.raster.output.staging import check_outputs


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
        or not seems_drafted(before, output)
        or first_difference(before.get("facts", {}), facts)
    ):
        tidy(files)
        check_outputs(output.targets, overwrite=overwrite, inputs=inputs)
    alone = parallelism.shard is None
    with claimed(files, output.targets, alone=alone) as lock:
        fresh = {"facts": facts, "inputs": states, **output.record()}
        record = same_job(files, lock, facts, fresh, overwrite=overwrite, alone=alone)
        drafted = is_drafted(record, output)
        # Another run may have written them while this one waited.
        check_outputs(to_be_moved(output, record, drafted), overwrite=overwrite, inputs=inputs)
        if not drafted:
            _map_missing(files, output, work, parallelism, device, states)
        parts = len(output.sizes)
        if not alone:
            return Outcome(None, parts - len(files.done()), parts)
        return Outcome(publish_all(files, output, record, drafted), 0, parts)


def finish(output: MapOutput, files: PartFiles, *, overwrite: bool) -> Outcome:
    """Finish a job all of whose part files are there.

    Raises:
        InputError: part files are missing, or another process has joined them meanwhile; outputs exist, or
            something cannot be written.
    """
    record = files.record()
    if record is None:
        raise _joined(files)
    if not seems_drafted(record, output):
        check_outputs(output.targets, overwrite=overwrite)
    parts = len(output.sizes)
    with claimed(files, output.targets, alone=True):
        if files.record() != record:
            raise _joined(files)
        drafted = is_drafted(record, output)
        missing = [] if drafted else sorted(set(range(parts)) - files.done())
        if missing:
            raise InputError(
                f"{files.out}: {len(missing)} of {parts} parts are missing ({ranges(missing, most=10)});"
                " a shard's command, given again, does what is missing of it"
            )
        check_outputs(to_be_moved(output, record, drafted), overwrite=overwrite)
        if not drafted:
            # Each shard has asked the servers of addresses itself; its files may be gone from here by now.
            states_in(record).require_same(REMEDY, local=True, may_be_gone=True)
        return Outcome(publish_all(files, output, record, drafted), 0, parts)


def _joined(files: PartFiles) -> InputError:
    return InputError(
        f"{files.out}: another process has put it together or begun it anew; nothing is left to join"
    )


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
