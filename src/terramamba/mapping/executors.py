"""Who maps the parts of a job: this process, processes of this machine, or the workers of a Dask cluster.

All three are an ``Executor`` of ``concurrent.futures``. Each worker opens model and scene once and maps one
part at a time; the arrays go to the folder of part files, which all must see under the same path.
"""

import hashlib
import os
import pickle
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import rasterio
import torch

from terramamba.core.devices import resolve_device, use_threads
from terramamba.core.errors import InputError
from terramamba.core.processes import (
    end_with_parent,
    modules_of,
    process_context,
    script_hidden,
    take_environment,
)
from terramamba.mapping.part_files import Arrays, PartFiles
from terramamba.mapping.settings import Parallelism
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES

IN_FLIGHT = 2
"""Parts that are handed out for each worker: one it maps, and the one after."""

CONNECTING_SECONDS = 20
WITHOUT_WORKERS = 60
"""Seconds after which a Dask cluster without any worker is given up."""
CHECK_SECONDS = 5.0
"""How often it is checked whether a Dask cluster is still there."""


@runtime_checkable
class Work(Protocol):
    """What a worker is sent: how any part of a job is mapped, as values that can be pickled."""

    def start(self, device: torch.device) -> Callable[[int], Arrays]:
        """Open the model and the scene; return the function that maps one part."""
        ...


@dataclass(frozen=True)
class WorkerPool:
    """Workers: ``executor.submit(task, part)`` has one of them map a part, ``capacity`` parts at a time.

    Who waits for parts calls ``check`` every ``check_every`` seconds: it raises where none will ever come.
    """

    executor: Executor
    task: Callable[[int], None]
    capacity: Callable[[], int]
    check: Callable[[], None] = lambda: None
    check_every: float | None = None


@contextmanager
def this_process(work: Work, files: PartFiles, device: str) -> Iterator[WorkerPool]:
    """Yield this process as the only worker."""
    map_part = work.start(resolve_device(device))

    def task(part: int) -> None:
        _write_part(map_part, files, part)

    yield WorkerPool(_SerialExecutor(), task, lambda: 1)


@contextmanager
def processes(work: Work, files: PartFiles, device: str, workers: int) -> Iterator[WorkerPool]:
    """Start processes that share the cores of this machine; each takes a GPU of its own where it has several.

    Raises:
        InputError: a process was ended from outside.
    """
    parcel = pickle.dumps((work, files))
    context = process_context("torch", "rasterio", __name__, *modules_of(parcel))
    # Workers end when this process closes its end, in the middle of a part too.
    end, alive = context.Pipe(duplex=False)
    ranks = context.SimpleQueue()
    for rank in range(workers):
        ranks.put(rank)
    threads = max(1, torch.get_num_threads() // workers)
    first = (end, ranks, parcel, device, threads, dict(os.environ))
    pool = ProcessPoolExecutor(workers, context, _start_process, first)
    try:
        # Work that the script itself defines can only be opened by processes that import the script.
        executor = pool if b"__main__" in parcel else _ScriptHidingExecutor(pool)
        yield WorkerPool(executor, _map_in_process, lambda: IN_FLIGHT * workers)
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
def dask_workers(work: Work, files: PartFiles, device: str, address: str) -> Iterator[WorkerPool]:
    """Connect to the Dask cluster at ``address``; the parts of a worker that dies are mapped anew.

    Raises:
        InputError: Dask is not installed, no scheduler answers, or it is lost, there is no worker for
            ``WITHOUT_WORKERS`` seconds, or workers died over and over.
    """
    try:
        import distributed
        from distributed.comm.core import CommClosedError
    except ImportError as error:
        raise InputError("--dask needs Dask; install it with `pip install 'terramamba[dask]'`") from error
    connect: Any = distributed.Client
    try:
        client: Any = connect(address, timeout=CONNECTING_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"--dask {address}: no scheduler answers there ({error}); check the address"
        ) from error
    parcel = pickle.dumps(_in_full((work, files)))
    task = _DaskTask(hashlib.sha256(parcel).hexdigest(), parcel, device)
    with client:
        executor: Executor = client.get_executor(pure=False)
        cluster = _DaskCluster(client, address)
        try:
            cluster.wait_for_workers()
            capacity = partial(cluster.capacity, IN_FLIGHT)
            yield WorkerPool(executor, task, capacity, cluster.check, CHECK_SECONDS)
        except distributed.KilledWorker as error:
            raise InputError(
                f"--dask {address}: workers died over and over at the same part, perhaps for lack of memory;"
                " give a smaller --batch-size"
            ) from error
        except (CommClosedError, CancelledError) as error:
            raise InputError(
                f"--dask {address}: the scheduler is lost; start it again and give the same command, which"
                " goes on"
            ) from error
        finally:
            executor.shutdown(wait=False)


class _DaskCluster:
    """How many workers there are at ``address``, and how long there have been none."""

    def __init__(self, client: Any, address: str) -> None:
        self._client, self._address = client, address
        self._seen = time.monotonic()

    def wait_for_workers(self) -> None:
        while not self._workers():
            self._require_patience()
            time.sleep(CHECK_SECONDS / 10)

    def capacity(self, each: int) -> int:
        return each * max(1, self._workers())

    def check(self) -> None:
        if not self._workers():
            self._require_patience()

    def _workers(self) -> int:
        if self._client.status != "running":
            raise CancelledError
        found = len(self._client.nthreads())
        if found:
            self._seen = time.monotonic()
        return found

    def _require_patience(self) -> None:
        if time.monotonic() - self._seen > WITHOUT_WORKERS:
            raise InputError(
                f"--dask {self._address}: the scheduler has had no worker for {WITHOUT_WORKERS} seconds;"
                " start workers and give the same command, which goes on"
            )


class _SerialExecutor(Executor):
    """Does at once what is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _ScriptHidingExecutor(Executor):
    """A pool whose processes, which start when work comes, do not run the script that runs here."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        with script_hidden():
            return self._pool.submit(fn, *args, **kwargs)


def _write_part(map_part: Callable[[int], Arrays], files: PartFiles, part: int) -> None:
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        arrays = map_part(part)
    files.write(part, arrays)


_PROCESS: dict[str, Any] = {}
"""What a worker process opened: the function that maps a part, and the folder of part files."""


def _start_process(
    end: Any, ranks: Any, parcel: bytes, device: str, threads: int, environment: Mapping[str, str]
) -> None:
    end_with_parent(end)
    take_environment(environment)
    use_threads(threads)
    _PROCESS["rank"], _PROCESS["device"], _PROCESS["parcel"] = ranks.get(), device, parcel


def _map_in_process(part: int) -> None:
    if "parcel" in _PROCESS:  # an error in here, unlike one at the start, comes to the caller as it is
        work, _PROCESS["files"] = pickle.loads(_PROCESS["parcel"])
        _PROCESS["map_part"] = work.start(_own_device(_PROCESS["device"], _PROCESS["rank"]))
        del _PROCESS["parcel"]
    _write_part(_PROCESS["map_part"], _PROCESS["files"], part)


def _own_device(device: str, rank: int) -> torch.device:
    chosen = resolve_device(device)
    if chosen.type == "cuda" and device in ("auto", "cuda"):
        return torch.device("cuda", rank % torch.cuda.device_count())
    return chosen


def _in_full(value: Any) -> Any:
    """Return ``value`` with all paths in it in full, for workers that run in other folders."""
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
    """Maps a part on a Dask worker, on all the threads that the worker has."""

    key: str
    parcel: bytes
    device: str

    def __call__(self, part: int) -> None:
        from distributed import get_worker

        threads = get_worker().state.nthreads
        with _DASK_TURN:
            if _PROCESS.get("key") != self.key:
                work, files = pickle.loads(self.parcel)
                torch.set_num_threads(threads)
                map_part = work.start(resolve_device(self.device))
                _PROCESS.update(key=self.key, files=files, map_part=map_part)
            _write_part(_PROCESS["map_part"], _PROCESS["files"], part)


def workers_for(
    parallelism: Parallelism, work: Work, files: PartFiles, device: str
) -> AbstractContextManager[WorkerPool]:
    """Start the workers: this process, processes of this machine, or those of a Dask cluster."""
    if parallelism.dask is not None:
        return dask_workers(work, files, device, parallelism.dask)
    if parallelism.workers == 1:
        return this_process(work, files, device)
    return processes(work, files, device, parallelism.workers)
