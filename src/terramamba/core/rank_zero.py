"""A command in the processes that torchrun or srun started: the first leads, the others work for it.

The first process runs the command as if it were alone. It reads, refuses, prints, writes the run folder and
keeps checkpoints; the others wait. When it trains, it sends them the training as a function, as it would send
it to processes that it starts itself (``processes``), and has rank 0. So beside this file only
the door of the command line (``cli``), the door of training (``pipeline.train`` is so decorated) and
``training.fit`` know of launchers, and nothing is printed or written twice.

Whoever fails says why, once: the first process where all fail alike, else the one that failed.
"""

import atexit
import os
import pickle
import re
import signal
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial, wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

from terramamba.core.errors import InputError
from terramamba.core.launcher import LaunchedProcess, launched_process
from terramamba.core.processes import Report, Work, join
from terramamba.core.termination import ENDING

P = ParamSpec("P")
T = TypeVar("T")

WAITING = timedelta(days=365)
"""How long the others wait for the first process, which may read data for hours."""
FIRST_SPEAKS_SECONDS = 1.0
"""How long a process that failed waits whether the first one failed alike."""
LEAVING_SECONDS = 3.0
"""How long the first process stays, after a failure, for the others."""
SECONDS_BETWEEN_LOOKS = 0.05
BROKEN = (
    "Connection closed by peer|Connection reset by peer|Broken pipe|remote process exited|ncclRemoteError"
)
"""How PyTorch says that a process it exchanges with is gone."""


class ProcessGroup:
    """The processes of a job, seen from one of them; all must make it at the same time, and once."""

    def __init__(self, here: LaunchedProcess) -> None:
        os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # else a lost connection is told in C++
        os.environ |= here.variables()
        from torch import distributed

        _use_own_threads(here)
        join()
        self.process = here
        self._distributed = distributed
        self._talk = distributed.new_group(backend="gloo", timeout=WAITING)
        store: Any = distributed.TCPStore  # type: ignore[attr-defined]
        self._store = store(here.address, here.port, is_master=False, wait_for_workers=False)
        self.leads = False
        """Whether this is the first process, and in a command."""
        self._in_touch = True
        """Whether the others listen to the first, so that all can end together."""
        self._failed = False
        """Whether what this process did with the others went wrong here."""
        atexit.register(self._close)

    def distribute(self, work: Work, report: Report) -> None:
        """Have all processes do ``work``, this one, the first, as rank 0.

        Raises what went wrong here; ends this process where another has said what went wrong there.
        """
        self._tell("work", pickle.dumps(work))
        self._in_touch = False
        try:
            work(0, self.process.world, report)
        except KeyboardInterrupt:
            self._speaks_first()
            raise
        except Exception as error:
            if not self._speaks_first():
                self._leave()
            self._failed = True
            raise _reason(error) from error
        self._in_touch = True

    def end(self, kind: str, result: Any = None) -> None:
        """Let the others go: the command is "over", with a ``result``, or has "failed"."""
        if self._in_touch:  # else they end when this process does
            self._tell(kind, result)

    def serve(self) -> Any:
        """Work for the first process until it ends the job; returns what it gave to ``end``."""
        for number in (signal.SIGINT, *ENDING):  # they reach all; the first process decides
            signal.signal(number, signal.SIG_IGN)
        while True:
            kind, content = self._hear()
            if kind == "over":
                return content
            if kind == "failed":
                raise SystemExit(1)
            self._in_touch = False
            try:
                pickle.loads(content)(self.process.rank, self.process.world, _silent)
            except Exception as error:
                self._say(_reason(error))
                with suppress(RuntimeError):  # the first process may be gone
                    self._store.add("left", 1)
                self._failed = True
                raise SystemExit(1) from error
            self._in_touch = True

    def _tell(self, kind: str, content: Any) -> None:
        self._distributed.broadcast_object_list([kind, content], src=0, group=self._talk)

    def _hear(self) -> tuple[str, Any]:
        said: list[Any] = [None, None]
        try:
            self._distributed.broadcast_object_list(said, src=0, group=self._talk)
        except RuntimeError as error:
            self._in_touch = False
            raise SystemExit(1) from error  # the first process is gone, and has said why if it could
        return said[0], said[1]

    def _close(self) -> None:
        """End the exchange when all have come here: who ended at once would break that of the others.

        After a failure the others may be gone, or still ask what the first process keeps for them.
        """
        if self._failed:
            self._leave()
        if self._in_touch:
            with suppress(RuntimeError):  # another ended nevertheless
                self._distributed.barrier(group=self._talk)
            self._distributed.destroy_process_group()

    def _say(self, error: Exception) -> None:
        """Say why this process failed, unless another has said it or the first one does."""
        try:
            end = time.monotonic() + FIRST_SPEAKS_SECONDS
            while time.monotonic() < end and not self._store.check(["failed"]):
                time.sleep(SECONDS_BETWEEN_LOOKS)
            speaks = self._speaks_first()
        except RuntimeError:
            return  # the first process, which keeps what is asked for here, is gone
        if speaks:
            if not isinstance(error, InputError):
                traceback.print_exception(error)
            where = f"process {self.process.rank} of {self.process.world} on {socket.gethostname()}"
            print(f"error: {where}: {error}", file=sys.stderr, flush=True)

    def _leave(self) -> NoReturn:
        """End this process at once: what PyTorch keeps of the exchange aborts where another process is gone.

        The first one stays, not for long, until all others have asked whether one of them is to say why.
        """
        if self.process.rank == 0:
            end = time.monotonic() + LEAVING_SECONDS
            while time.monotonic() < end and self._store.add("left", 0) < self.process.world - 1:
                time.sleep(SECONDS_BETWEEN_LOOKS)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)

    def _speaks_first(self) -> bool:
        """Whether no process has said before that it failed; from now on one has."""
        return bool(self._store.add("failed", 1) == 1)


_GROUPS: list[ProcessGroup] = []
"""The job of this process, once it has joined it."""


def leading_group() -> ProcessGroup | None:
    """Return the job that this process leads."""
    return _GROUPS[0] if _GROUPS and _GROUPS[0].leads else None


def run_on_rank_zero(command: Callable[[], T]) -> T:
    """Run ``command`` in the first process of a launched job, and have the others work for it.

    Returns its result in all of them. Where no launcher started several processes, and within a job that is
    led already, this is no more than a call.
    """
    here = launched_process()
    if here is None or leading_group() is not None:
        return command()
    if not _GROUPS:
        _GROUPS.append(ProcessGroup(here))
    joined = _GROUPS[0]
    if here.rank > 0:
        return joined.serve()
    joined.leads = True
    try:
        result = command()
    except BaseException:
        joined.end("failed")
        raise
    finally:
        joined.leads = False
    joined.end("over", result)
    return result


def on_rank_zero(command: Callable[P, T]) -> Callable[P, T]:
    """Have ``run_on_rank_zero`` run ``command`` wherever it is called."""

    @wraps(command)
    def call(*args: P.args, **options: P.kwargs) -> T:
        return run_on_rank_zero(partial(command, *args, **options))

    return call


def _use_own_threads(here: LaunchedProcess) -> None:
    """Compute on the cores that the launcher gave to this process, else on its fraction of the machine's."""
    import torch

    from terramamba.core.devices import use_threads

    if "OMP_NUM_THREADS" not in os.environ:  # torchrun sets it for several processes, users may
        given = os.environ.get("SLURM_CPUS_PER_TASK")
        use_threads(int(given) if given else max(1, torch.get_num_threads() // here.local_world))


def _reason(error: Exception) -> Exception:
    """``error``, in words for users where it is that another process is gone."""
    if isinstance(error, RuntimeError) and re.search(BROKEN, str(error)):
        return InputError(
            "another process of the job was ended from outside; what started it may say why. --resume goes on"
            " after the last complete epoch"
        )
    return error


def _silent(amount: float, remark: str = "") -> None:
    """Report nothing: the first process does."""
