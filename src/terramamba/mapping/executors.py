"""Who does the units of work: this process, processes of this machine, or the workers of a Dask cluster.

All three are an ``Executor`` of ``concurrent.futures``. Each worker opens model and scene once and does one
unit at a time; what it found goes to the parts folder, which all of them must see under the same path.
"""

import hashlib
import multiprocessing
import pickle
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import rasterio
import torch

from terramamba.core.devices import resolve_device, use_threads
from terramamba.core.errors import InputError
from terramamba.core.processes import end_with_parent, script_hidden
from terramamba.mapping.part_files import Arrays, Parts
from terramamba.mapping.settings import Parallelism

GDAL_CACHE_BYTES = 256 << 20
"""Blocks that GDAL keeps decoded; left alone it would take 5 % of the memory of the machine."""

IN_FLIGHT = 2
"""Units that are handed out for each worker: one it does, and the one after."""

CONNECTING_SECONDS = 20


@runtime_checkable
class Work(Protocol):
    """What a worker is sent: all units of a job, as values that can be pickled."""

    def start(self, device: torch.device) -> Callable[[int], Arrays]:
        """Open the model and the scene; the function does one unit."""
        ...


@dataclass(frozen=True)
class Crew:
    """Workers: ``executor.submit(task, unit)`` has one of them do a unit; ``places`` units at a time."""

    executor: Executor
    task: Callable[[int], None]
    places: Callable[[], int]


@contextmanager
def here(work: Work, parts: Parts, device: str) -> Iterator[Crew]:
    """This process."""
    do = work.start(resolve_device(device))

    def task(unit: int) -> None:
        _do(do, parts, unit)

    yield Crew(_Now(), task, lambda: 1)


@contextmanager
def processes(work: Work, parts: Parts, device: str, workers: int) -> Iterator[Crew]:
    """Processes of this machine that share its cores; each takes a GPU of its own where there are several."""
    context = multiprocessing.get_context("spawn")
    # Workers end when this process closes its end, in the middle of a unit too.
    end, alive = context.Pipe(duplex=False)
    ranks = context.SimpleQueue()
    for rank in range(workers):
        ranks.put(rank)
    parcel = pickle.dumps((work, parts))
    threads = max(1, torch.get_num_threads() // workers)
    pool = ProcessPoolExecutor(workers, context, _start_process, (end, ranks, parcel, device, threads))
    try:
        # Work that the script itself defines can only be opened by processes that import the script.
        executor = pool if b"__main__" in parcel else _Hidden(pool)
        yield Crew(executor, _do_in_process, lambda: IN_FLIGHT * workers)
        pool.shutdown()
    except BrokenProcessPool as error:
        raise InputError(
            "a worker was ended from outside, perhaps for lack of memory; give fewer --workers or a smaller"
            " --batch-size"
        ) from error
    finally:
        alive.close()
        pool.shutdown(cancel_futures=True)
        end.close()


@contextmanager
def dask_workers(work: Work, parts: Parts, device: str, address: str) -> Iterator[Crew]:
    """The workers of the Dask cluster with the scheduler ``address``; what one that dies had is done anew."""
    try:
        import distributed
    except ImportError as error:
        raise InputError("--dask needs Dask; install it with `pip install 'terramamba[dask]'`") from error
    connect: Any = distributed.Client
    try:
        client: Any = connect(address, timeout=CONNECTING_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); check the address"
        ) from error
    parcel = pickle.dumps(_in_full((work, parts)))
    task = _DaskTask(hashlib.sha256(parcel).hexdigest(), parcel, device)
    with client:
        executor: Executor = client.get_executor(pure=False)
        try:
            yield Crew(executor, task, lambda: IN_FLIGHT * max(1, len(client.nthreads())))
        except distributed.KilledWorker as error:
            raise InputError(
                f"--dask {address}: workers died over and over at the same part, perhaps for lack of memory"
            ) from error
        finally:
            executor.shutdown(wait=False)


class _Now(Executor):
    """Does what is submitted at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Hidden(Executor):
    """A pool whose processes, which start when work comes, do not run the script that runs here."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with script_hidden():
            return self._pool.submit(fn, *args, **kwargs)


def _do(do: Callable[[int], Arrays], parts: Parts, unit: int) -> None:
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        found = do(unit)
    parts.write(unit, found)


_PROCESS: dict[str, Any] = {}
"""What a worker process opened: the function that does a unit, and the parts folder."""


def _start_process(end: Any, ranks: Any, parcel: bytes, device: str, threads: int) -> None:
    end_with_parent(end)
    use_threads(threads)
    _PROCESS["rank"], _PROCESS["device"], _PROCESS["parcel"] = ranks.get(), device, parcel


def _do_in_process(unit: int) -> None:
    if "parcel" in _PROCESS:  # an error in here, unlike one at the start, comes to the caller as it is
        work, _PROCESS["parts"] = pickle.loads(_PROCESS["parcel"])
        _PROCESS["do"] = work.start(_own_device(_PROCESS["device"], _PROCESS["rank"]))
        del _PROCESS["parcel"]
    _do(_PROCESS["do"], _PROCESS["parts"], unit)


def _own_device(device: str, rank: int) -> torch.device:
    chosen = resolve_device(device)
    if chosen.type == "cuda" and device in ("auto", "cuda"):
        return torch.device("cuda", rank % torch.cuda.device_count())
    return chosen


def _in_full(value: Any) -> Any:
    """``value`` with all paths in it in full, for workers that run in other folders."""
    if isinstance(value, Path):
        return value.absolute()
    if isinstance(value, tuple):
        return tuple(map(_in_full, value)) if type(value) is tuple else value
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed = {}
    for field in fields(value):
        entry = getattr(value, field.name)
        is_path = field.name in ("path", "run") and isinstance(entry, str) and Path(entry).exists()
        full = str(Path(entry).absolute()) if is_path else _in_full(entry)
        if full is not entry:
            changed[field.name] = full
    return replace(value, **changed) if changed else value


_DASK_TURN = threading.Lock()


@dataclass(frozen=True)
class _DaskTask:
    """Does a unit on a Dask worker, on all the threads that the worker has."""

    key: str
    parcel: bytes
    device: str

    def __call__(self, unit: int) -> None:
        from distributed import get_worker

        threads = get_worker().state.nthreads
        with _DASK_TURN:
            if _PROCESS.get("key") != self.key:
                work, parts = pickle.loads(self.parcel)
                torch.set_num_threads(threads)
                _PROCESS.update(key=self.key, parts=parts, do=work.start(resolve_device(self.device)))
            _do(_PROCESS["do"], _PROCESS["parts"], unit)


def crew_of(who: Parallelism, work: Work, parts: Parts, device: str) -> AbstractContextManager[Crew]:
    """The workers: this process, processes of this machine, or a Dask cluster."""
    if who.dask is not None:
        return dask_workers(work, parts, device, who.dask)
    return here(work, parts, device) if who.workers == 1 else processes(work, parts, device, who.workers)
