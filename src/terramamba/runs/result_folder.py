"""A folder of results, such as an explanation: there when it is complete, with a record of its files.

Results are drafted in a hidden folder beside it. Once they are whole, a kill while they replace earlier ones
leaves what the next command finishes, whichever it is: none finds half of one and half of the other.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from terramamba.core.documents import read_json
from terramamba.core.durable import make_folder, remove, remove_if_empty, replace, sync_tree
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.folder_lock import held, remove_any
from terramamba.core.output_place import named, require_place
from terramamba.core.run_files import CARD, CONFIG
from terramamba.core.typed import of_kind
from terramamba.core.unwritable import unwritable

DRAFT = "draft"
WHOLE = ".whole"
"""Ends the name of a draft that is whole; it begins with the name of the record."""


def check_result_folder(out: str | Path, record: str, *, overwrite: bool = False) -> Path:
    """Return ``out`` as a path, where results with the file ``record`` may be written.

    What a kill has left beside it is put right; nothing else is touched.

    Raises:
        InputError: it is a file, or is not empty and either without such a record or not to be replaced; or
            another process writes it.
    """
    folder = named(out)
    require_place(folder)
    require_place(_work_of(folder))
    if _work_of(folder).is_dir():
        with held(_work_of(folder), folder):
            _settle(folder)
    _check(folder, record, overwrite=overwrite)
    return folder


@contextmanager
def result_folder(
    out: str | Path, record: str, *, overwrite: bool = False
) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a folder to fill and the content of its file ``record``; both become ``out`` on a clean exit.

    After an exception nothing is left, and earlier results stay. Replacing them removes the files that
    their record lists, and no others.

    Raises:
        InputError: as ``check_result_folder``, or ``out`` cannot be written.
    """
    folder = named(out)
    work = _work_of(folder)
    with ExitStack() as leaving:
        try:
            for made in make_folder(folder.parent):
                leaving.callback(remove_if_empty, made)
            leaving.enter_context(held(work, folder))
        except OSError as error:
            raise unwritable(folder, error) from error
        try:
            _settle(folder)
            _check(folder, record, overwrite=overwrite)
            draft, content = work / DRAFT, dict[str, Any]()
            leaving.callback(remove_any, draft)
            draft.mkdir()
            yield draft, content
            content["files"] = sorted(path.name for path in draft.iterdir())
            write_json(draft / record, content)
            sync_tree(draft)
            if folder.is_dir():
                replace(draft, work / f"{record}{WHOLE}")
                _settle(folder)
            else:
                replace(draft, folder)
        except OSError as error:
            raise unwritable(folder, error) from error


def _work_of(folder: Path) -> Path:
    """Where the results ``folder`` are drafted."""
    return folder.with_name(f".{folder.name}.part")


def _settle(folder: Path) -> None:
    """Put what lies whole beside ``folder`` in its place, and remove what is not whole."""
    work = _work_of(folder)
    remove_any(work / DRAFT)
    for whole in work.glob(f"*{WHOLE}"):
        if whole.is_symlink():  # none of ours is
            whole.unlink()
            continue
        _replace(folder, whole, whole.name.removesuffix(WHOLE))


def _replace(folder: Path, whole: Path, record: str) -> None:
    """Move all of ``whole`` into ``folder``, its record last: from then on nothing is left to do."""
    folder.mkdir(exist_ok=True)
    if (whole / record).is_file():
        old = set(_listed(folder, record)) if (folder / record).is_file() else set()
        remove(folder / name for name in old - set(_listed(whole, record)))
        for path in sorted(whole.iterdir(), key=lambda path: path.name == record):
            replace(path, folder / path.name)
    remove_any(whole)


def _check(folder: Path, record: str, *, overwrite: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --out")
    if any((folder / name).exists() for name in (CONFIG, CARD)):
        raise InputError(f"{folder} is a run folder, in which training alone writes; give another --out")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"{folder} is not empty; give --overwrite to replace it, or another --out")
        _listed(folder, record)


def _listed(folder: Path, record: str) -> list[str]:
    """The files of the results in ``folder``; raises ``InputError`` where there are none."""
    try:
        names = of_kind(list[str], read_json(folder / record, "restore it")["files"])
        own = [name for name in names if Path(name).name == name and "\0" not in name]
        return [name for name in own if not (folder / name).is_dir()]
    except (InputError, OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} is not empty and holds no {record} of such results, so it stays; give another --out"
        ) from error
