"""Who does the units of work: this process, processes of this machine, or the workers of a Dask cluster.

All three are an ``Executor`` of ``concurrent.futures``. Each worker opens model and scene once and does one
unit at a time; what it found goes to the parts folder, which all of them must see under the same path.
"""

import hashlib
import multiprocessing
import multiprocessing.connection
import os
import pickle
import re
import signal
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
from terramamba.core.processes import script_hidden
from terramamba.mapping.part_files import Arrays, Parts
from terramamba.raster.readers.gdal import GDAL_CACHE_BYTES

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
    # The reading end is at its end when this process closes the other, or is killed: then workers end too.
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the first process decides
    threading.Thread(target=_exit_at, args=(end,), daemon=True).start()
    use_threads(threads)
    _PROCESS["rank"], _PROCESS["device"], _PROCESS["parcel"] = ranks.get(), device, parcel


def _do_in_process(unit: int) -> None:
    if "parcel" in _PROCESS:  # an error in here, unlike one at the start, comes to the caller as it is
        work, _PROCESS["parts"] = pickle.loads(_PROCESS["parcel"])
        _PROCESS["do"] = work.start(_own_device(_PROCESS["device"], _PROCESS["rank"]))
        del _PROCESS["parcel"]
    _do(_PROCESS["do"], _PROCESS["parts"], unit)


def _exit_at(end: Any) -> None:
    multiprocessing.connection.wait([end])
    os._exit(1)


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


@dataclass(frozen=True)
class Spread:
    """Who does the work: this process, ``workers`` processes, a ``dask`` cluster; and which ``shard``."""

    workers: int = 1
    dask: str | None = None
    shard: str | None = None

    def crew(self, work: Work, parts: Parts, device: str) -> AbstractContextManager[Crew]:
        """The workers."""
        if self.dask is not None:
            return dask_workers(work, parts, device, self.dask)
        return (
            here(work, parts, device) if self.workers == 1 else processes(work, parts, device, self.workers)
        )

    def check(self) -> None:
        """Raise ``InputError`` where the options exclude each other or have values that they cannot have."""
        if self.workers < 1:
            raise InputError(f"--workers {self.workers}: at least 1 is needed")
        if self.dask is not None and self.workers != 1:
            raise InputError("--workers and --dask exclude each other; give one of them")
        self.share(0)

    def share(self, units: int) -> range:
        """Which of so many units this run does; "2/5" is every fifth from the second on."""
        if self.shard is None:
            return range(units)
        found = re.fullmatch(r"(\d+)/(\d+)", self.shard)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise InputError(f"--shard {self.shard}: give i/n with i from 1 to n, such as 2/5")
        return range(int(found[1]) - 1, units, int(found[2]))
