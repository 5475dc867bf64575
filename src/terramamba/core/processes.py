"""Several processes that work on one thing, as a function call."""

import multiprocessing
import multiprocessing.connection
import os
import pickle
import pickletools
import queue
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from multiprocessing.connection import Connection
from typing import Any, Protocol, runtime_checkable

from terramamba.core.errors import InputError

PATIENCE_SECONDS = 0.2


@runtime_checkable
class Report(Protocol):
    """Tells the caller's process of progress."""

    def __call__(self, amount: float, remark: str = "") -> None:
        """``amount`` more is done, with a short remark."""


Work = Callable[[int, int, Report], None]

OPTIMISERS = ("torch._dynamo",)
"""What an optimiser of PyTorch imports when it is made: a second and a half."""


def run_in_processes(work: Work, world: int, report: Report) -> None:
    """Call ``work(rank, world, report)`` in ``world`` new processes and wait for all of them.

    They find each other as those of torchrun do (``join``). What one reports reaches ``report`` here. Raises
    ``InputError`` as a process raised it, ``RuntimeError`` with its traceback for any other failure; whatever
    ends the call, also Ctrl-C, ends the processes. The script that runs needs the guard
    ``if __name__ == "__main__":`` only when the work uses something that it defines itself.
    """
    module = getattr(getattr(work, "func", work), "__module__", "")  # of a partial's function
    context = process_context(__name__, *OPTIMISERS, *[module] * module.startswith("terramamba."))
    messages: Any = context.Queue()
    # By value: tensors that are passed to a process as they are would be shared with it.
    parcel, port = pickle.dumps(work), _free_port()
    processes = [
        context.Process(
            target=_run, args=(rank, world, port, parcel, messages, dict(os.environ)), name=f"training {rank}"
        )
        for rank in range(world)
    ]
    try:
        with script_hidden() if b"__main__" not in parcel else nullcontext():
            for process in processes:
                process.start()
        _listen(processes, messages, report)
    finally:
        for process in processes:
            if process.is_alive():
                process.kill()
        for process in processes:
            if process.pid is not None:
                process.join()
        messages.close()


def process_context(*modules: str) -> Any:
    """Return how processes start: on Linux forked by a server that has imported ``modules``, elsewhere anew.

    The server, one for all that this process starts, has the environment variables of its own start; a
    process that is to know later ones must be handed them. ``modules`` must not look for a GPU.
    """
    if not sys.platform.startswith("linux"):  # libraries of macOS do not outlive a fork
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([*modules])
    return context


def modules_of(parcel: bytes) -> list[str]:
    """List the modules of ours that unpickling ``parcel`` imports."""
    words = {word for _, word, _ in pickletools.genops(parcel) if isinstance(word, str)}
    return sorted(word for word in words & sys.modules.keys() if word.startswith("terramamba."))


def take_environment(variables: Mapping[str, str]) -> None:
    """Have the environment variables of the process that started this one, and no others."""
    for name in os.environ.keys() - variables.keys():
        del os.environ[name]
    os.environ |= variables


@contextmanager
def script_hidden() -> Iterator[None]:
    """Keep new processes from importing, and so running, the script that is running here."""
    script = vars(sys.modules["__main__"])
    kept: dict[str, Any] = {name: script[name] for name in ("__file__", "__spec__") if name in script}
    script.pop("__file__", None)
    script["__spec__"] = None
    try:
        yield
    finally:
        script.update(kept)


def end_with_parent(*others: Connection) -> None:
    """End this process, from now on, when its parent ends, or the other end of one of ``others`` is closed.

    Ctrl-C and the end of a terminal, which reach all its processes, are left to the parent.
    """
    for name in {"SIGINT", "SIGHUP"} & {*vars(signal)}:
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    ends: list[Any] = [*others] if parent is None else [parent.sentinel, *others]

    def watch() -> None:
        multiprocessing.connection.wait(ends)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def join() -> None:
    """Exchange tensors with the other processes of the job, which all must come here, from now on.

    Their ranks are in the variables that torchrun sets. Each takes a CUDA device of its own where there are
    any: tensors there go by NCCL, others by gloo. A process that has joined already has nothing more to do.
    """
    import torch
    from accelerate import PartialState

    cuda = torch.cuda.is_available()
    # Left alone, accelerate sets the number of threads, and says so.
    os.environ.setdefault("OMP_NUM_THREADS", str(torch.get_num_threads()))
    PartialState(cpu=not cuda, backend="cpu:gloo,cuda:nccl" if cuda else "gloo")


def _listen(processes: list[Any], messages: Any, report: Report) -> None:
    working = len(processes)
    while working:
        try:
            kind, content = messages.get(timeout=PATIENCE_SECONDS)
        except queue.Empty:
            for process in processes:
                if process.exitcode not in (None, 0) and messages.empty():
                    raise RuntimeError(f"process {process.name!r} ended with {process.exitcode}") from None
            continue
        if kind == "progress":
            report(*content)
        elif kind == "done":
            working -= 1
        elif kind == "refused":
            raise InputError(content)
        else:
            raise RuntimeError(content)


def _run(
    rank: int, world: int, port: int, parcel: bytes, messages: Any, environment: Mapping[str, str]
) -> None:
    end_with_parent()
    take_environment(environment)
    os.environ |= {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
    }

    def report(amount: float, remark: str = "") -> None:
        messages.put(("progress", (amount, remark)))

    try:
        pickle.loads(parcel)(rank, world, report)
        messages.put(("done", rank))
    except InputError as error:
        messages.put(("refused", error.message))
    except BaseException:
        messages.put(("failed", traceback.format_exc()))


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
