"""Who works on a map: a hold on the folder of its part files, and whether these are of the same job."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from terramamba.core.durable import make_folder, remove_if_empty
from terramamba.core.errors import InputError
from terramamba.core.file_states import ChangedFileError
from terramamba.core.folder_lock import PATIENCE_SECONDS, FolderLock, at_work_error, lock_folder
from terramamba.core.output_place import require_place
from terramamba.core.unwritable import unwritable
from terramamba.mapping.fingerprint import Facts, first_difference
from terramamba.mapping.part_files import PartFiles


class _OtherJobError(InputError):
    """The part files that are there come from other arguments."""


def same_job(
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
def claimed(files: PartFiles, targets: Sequence[Path], *, alone: bool) -> Iterator[FolderLock]:
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
