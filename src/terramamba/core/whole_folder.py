"""A new folder that appears with all its files, checked, or not at all."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from terramamba.core.durable import make_folder, remove_if_empty, replace, sync_tree
from terramamba.core.errors import InputError
from terramamba.core.folder_lock import work_folder
from terramamba.core.output_place import named, require_place
from terramamba.core.unwritable import unwritable

DRAFT = "draft"


def make_whole(out: Path, fill: Callable[[Path], None]) -> None:
    """Make the folder ``out`` of what ``fill`` writes into an empty one beside it.

    What a kill leaves of that goes with the next that makes ``out``.

    Raises:
        InputError: ``out`` is there, another process makes it or it cannot be written, or ``fill`` raises it.
            Nothing is left then.
    """
    require_place(out)
    out = named(out)
    work = out.with_name(f".{out.name}.fetched")
    with ExitStack() as leaving:
        try:
            for made in make_folder(out.parent):
                leaving.callback(remove_if_empty, made)
            leaving.enter_context(work_folder(work, out))
            if out.exists():  # looked at while nobody else may write it
                raise InputError(f"{out}: is there already; give another folder with --out")
            draft = work / DRAFT
            draft.mkdir()
            fill(draft)
            sync_tree(draft)
            replace(draft, out)
        except OSError as error:
            raise unwritable(out, error) from error
