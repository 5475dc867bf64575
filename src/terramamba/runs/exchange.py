"""A run that is trained anew takes the place of the earlier one when it is complete, and at once.

It is made in ``NEW``, a hidden folder of the earlier one's. Complete, it is named ``WHOLE``: from then on it
is the run, and the files of the earlier one are removed. When those are gone it is named ``MOVED``, and its
files go to their places. So each step can be repeated by whoever comes next after a kill.
"""

from pathlib import Path

from terramamba.core.durable import make_folder, replace, sync_tree
from terramamba.core.errors import InputError
from terramamba.core.folder_lock import remove_any, require_no_link
from terramamba.core.run_files import CARD, CONFIG, METRICS, SEED_FOLDERS
from terramamba.runs.clearing import LOCK, clear, holds_run

NEW = ".new-run"
WHOLE = f"{NEW}.whole"
MOVED = f"{NEW}.moved"
LAST = (METRICS, CARD)
"""By these a run is a finished one, so they come last."""


def has_begun(folder: Path) -> bool:
    """Tell whether a run that is to replace the one in ``folder`` has begun, and is not complete."""
    return holds_run(folder / NEW)


def place_of(folder: Path, *, resume: bool) -> Path:
    """Return where the run is made that goes on, or begins, in ``folder``."""
    return folder / NEW if resume and has_begun(folder) else folder


def final(folder: str) -> str:
    """Return the name that a run made in ``folder``, or a seed of it, has when it is complete."""
    parts = Path(folder).parts
    return str(Path(*(part for part in parts if part != NEW))) if NEW in parts else folder


def exchange(folder: Path) -> None:
    """Put the new run, which is complete, in the place of the one in ``folder``, which is held."""
    sync_tree(folder / NEW)
    replace(folder / NEW, folder / WHOLE)
    settle(folder)


def is_settled(folder: Path) -> bool:
    """Tell whether no exchange in ``folder`` was interrupted."""
    try:
        return not ((folder / WHOLE).is_dir() or (folder / MOVED).is_dir())
    except PermissionError:  # which reading the run, or writing it, says of a file that people know
        return True


def refuse_unsettled(folder: Path) -> None:
    """Raise ``InputError`` where one run is just taking the place of another, all its seeds' with it."""
    exchanged = folder.parent if folder.match(SEED_FOLDERS) and is_settled(folder) else folder
    if not is_settled(exchanged):
        raise InputError(
            f"{exchanged}: a new run is being put in its place; where nothing is at work on that, give the"
            " command that trained it with --resume, which finishes it"
        )


def refuse_links(folder: Path) -> None:
    """Raise ``InputError`` where what an exchange removes and writes would lie outside of ``folder``."""
    for path in (*folder.glob(SEED_FOLDERS), folder / NEW):
        require_no_link(path)


def settle(folder: Path) -> None:
    """Finish the exchange in ``folder``, which is held, that a kill interrupted; drop what has not begun."""
    for path in (folder / name for name in (NEW, WHOLE, MOVED)):
        if path.is_symlink() or (path.exists() and not path.is_dir()):  # none of ours
            path.unlink()
    for name in (NEW, WHOLE):
        if (folder / name).is_dir() and not holds_run(folder / name):
            remove_any(folder / name)
    if (folder / WHOLE).is_dir():
        clear(folder, keep_settings=(folder / WHOLE / CONFIG).is_file())
        replace(folder / WHOLE, folder / MOVED)
    if (folder / MOVED).is_dir():
        _move(folder / MOVED, folder)


def _move(source: Path, target: Path) -> None:
    """Move all files below ``source`` to the same places below ``target``, and remove it."""
    make_folder(target)
    for path in sorted(source.iterdir(), key=lambda path: path.name in LAST):
        if path.name == LOCK or path.is_symlink():  # none of ours is a link
            continue
        if path.is_dir():
            require_no_link(target / path.name)
            _move(path, target / path.name)
        else:
            replace(path, target / path.name)
    remove_any(source)
