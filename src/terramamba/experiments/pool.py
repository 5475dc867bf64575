"""Runs in processes of their own, several at a time: one that fails or is killed leaves the others alone."""

import io
import logging
import multiprocessing.connection
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr, suppress
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.files import write_text
from terramamba.core.processes import end_with_parent, process_context, script_hidden
from terramamba.core.run_files import LOG
from terramamba.experiments.plan import PlannedRun, Train, failure_of, failure_path

PRELOADED = ["sklearn.svm", "sklearn.ensemble", "torch._dynamo", "torch.utils.flop_counter"]
"""Imported once for all runs; so the memory of a run has all libraries in it, whichever it needs.

The last two are what counting FLOPs imports.
"""

OnDone = Callable[[PlannedRun, str | None], None]
"""Called with a run that has ended and why it failed, None where it did not."""


def run_all(runs: Sequence[PlannedRun], train: Train, jobs: int, on_done: OnDone) -> None:
    """Do the runs, ``jobs`` at a time; what ends this call, also Ctrl-C, ends them, to be gone on with later.

    Why a run failed is written beside its folder and reported to ``on_done``.
    """
    context = process_context(train.__module__, *PRELOADED)
    waiting = list(reversed(runs))
    working: dict[Any, tuple[Any, PlannedRun]] = {}
    try:
        while waiting or working:
            while waiting and len(working) < jobs:
                run = waiting.pop()
                failure_path(run).unlink(missing_ok=True)
                process = context.Process(target=_work, args=(run, train, jobs), name=run.name)
                with script_hidden():
                    process.start()
                working[process.sentinel] = process, run
            for ended in multiprocessing.connection.wait(list(working)):
                process, run = working.pop(ended)
                process.join()
                on_done(run, _reason(run, process.exitcode))
    finally:
        for process, _ in working.values():
            process.kill()
            process.join()


def _reason(run: PlannedRun, status: int) -> str | None:
    if status == 0:
        return None
    if failure_of(run) is None:
        killed = f"the process was killed by signal {-status}; is there memory enough for --jobs?"
        write_failure(run, killed if status < 0 else f"the process ended with status {status}")
    return failure_of(run)


def write_failure(run: PlannedRun, reason: str) -> None:
    """Keep why a run failed."""
    write_text(failure_path(run), " ".join(reason.split()) + "\n")


def _work(run: PlannedRun, train: Train, jobs: int) -> None:
    """In the process of the run."""
    end_with_parent()
    import torch

    from terramamba.core.devices import use_threads
    from terramamba.experiments.one_run import do_run

    use_threads(max(1, torch.get_num_threads() // jobs))
    try:
        # Runs side by side would write over each other; the log of each is in its folder.
        logging.lastResort = None
        with redirect_stderr(io.StringIO()):
            do_run(run, train)
    except Exception as error:
        # Where the disk does not take the reason either, whoever waits finds none, and says that of the disk.
        with suppress(OSError, InputError):
            _keep_reason(run, error)
        sys.exit(1)


def _keep_reason(run: PlannedRun, error: Exception) -> None:
    """Write why a run failed, and for what nobody foresaw where it happened."""
    if isinstance(error, InputError):
        write_failure(run, "; ".join([error.message, *getattr(error, "__notes__", ())]))
        return
    write_failure(run, f"{type(error).__name__}: {error or 'no message'}")
    path = run.folder / LOG
    if run.folder.is_dir() and not path.is_symlink() and (path.is_file() or not path.exists()):
        with path.open("a", encoding="utf-8") as log:
            traceback.print_exception(error, file=log)
