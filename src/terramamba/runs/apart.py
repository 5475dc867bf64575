"""Training that replaces an earlier run leaves that as it is until the new one is complete."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from terramamba.core.errors import InputError
from terramamba.core.folder_lock import remove_any
from terramamba.core.progress import say
from terramamba.core.run_files import CHECKPOINT, METRICS
from terramamba.core.unwritable import unwritable
from terramamba.runs.clearing import holds_run, is_run_folder
from terramamba.runs.exchange import NEW, exchange, has_begun, place_of, refuse_links
from terramamba.runs.folder import check_folder
from terramamba.runs.run_lock import at_work, refuse_at_work
from terramamba.training.settings import TrainSettings

S = TypeVar("S", bound=TrainSettings)


@contextmanager
def trained_apart(settings: S) -> Iterator[S]:
    """Yield ``settings`` with the folder in which to train: their own, or a new one in that of a run.

    That new one takes the place of the run on a clean exit. What has failed before there was anything to go
    on with is removed; else it stays, to be gone on with by ``resume``. The folder is held meanwhile.

    Raises:
        InputError: another job holds the folder, or it cannot be replaced.
    """
    folder = Path(settings.out)
    refuse_at_work(folder)
    goes_on = settings.resume and has_begun(folder)
    place = place_of(folder, resume=settings.resume)
    if settings.seeds > 1 and is_run_folder(place) and not settings.overwrite:
        raise InputError(f"{place} is a run of one seed; give --overwrite to replace it, or another --out")
    if not goes_on and not (settings.overwrite and holds_run(folder)):
        yield settings
        return
    check_folder(folder, resume=settings.resume, overwrite=settings.overwrite, seeds=settings.seeds)
    refuse_links(folder)
    with at_work(folder):
        new = folder / NEW
        if settings.resume and not has_begun(folder):
            raise InputError(f"{folder}: another job has finished the new run here; look at that")
        if settings.overwrite and settings.seeds > 1:
            remove_any(new)
        say(f"the run in {folder} stays as it is until the new one, made in {new}, is complete")
        try:
            yield replace(settings, out=str(new))
        except Exception as error:
            if any(new.rglob(Path(CHECKPOINT).name)) or any(new.rglob(METRICS)):
                error.add_note(f"the earlier run is as it was, and {new} keeps what was done of the new one")
            else:
                remove_any(new)
            raise
        try:
            exchange(folder)
        except OSError as error:
            wrong = unwritable(folder, error)
            wrong.add_note("the new run is complete, and --resume puts it in its place")
            raise wrong from error
