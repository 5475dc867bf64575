"""The folder of a run belongs to one job at a time, and what a killed job left in it counts for nothing."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from terramamba.core.drafts import PART
from terramamba.core.durable import make_folder, remove_if_empty
from terramamba.core.folder_lock import held, remove_any
from terramamba.core.run_files import CHECKPOINT, CONFIG, WRITTEN
from terramamba.core.unwritable import unwritable
from terramamba.runs.clearing import LOCK
from terramamba.runs.exchange import NEW, has_begun, is_settled, settle

_STEMS = "|".join({re.escape(Path(name).stem) for name in (CONFIG, *WRITTEN)})
_LEFT_OVER = re.compile(rf"\.({_STEMS})\.(.+\.)?[^.]+{re.escape(PART)}(\.\w+)?")
"""Names of drafts of a run's files, and of the hidden folders in which images are drafted."""


def contents(folder: Path) -> list[Path]:
    """List what is in ``folder`` but what a killed job has left of files that it was writing."""
    ignored = {LOCK} if has_begun(folder) else {LOCK, NEW}
    return [path for path in folder.iterdir() if path.name not in ignored and not _is_left_over(path)]


def refuse_at_work(folder: Path) -> None:
    """Raise ``InputError`` where another job holds ``folder``; finish what a kill left of an exchange."""
    if (folder / LOCK).is_dir() or not is_settled(folder):
        try:
            with held(folder / LOCK, folder):
                settle(folder)
        except OSError as error:
            raise unwritable(folder, error) from error


@contextmanager
def at_work(folder: Path) -> Iterator[None]:
    """Make ``folder`` and hold it, without what a killed job has left; what is empty at the end is removed.

    Raises:
        InputError: another job holds it, or it cannot be made.
    """
    with ExitStack() as leaving:
        try:
            for made in make_folder(folder):
                leaving.callback(remove_if_empty, made)
            leaving.enter_context(held(folder / LOCK, folder))
            settle(folder)
        except OSError as error:
            raise unwritable(folder, error) from error
        remove_left_overs(folder)
        yield


def remove_left_overs(folder: Path) -> None:
    """Remove what a killed job has left of files that it was writing in ``folder``, which is held."""
    for parent in (folder, (folder / CHECKPOINT).parent):
        for path in parent.iterdir() if parent.is_dir() and not parent.is_symlink() else ():
            if _is_left_over(path):
                remove_any(path)


def _is_left_over(path: Path) -> bool:
    return _LEFT_OVER.fullmatch(path.name) is not None
