"""A folder of results, such as an explanation: there when it is complete, with a record of its files."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from terramamba.core.durable import make_folder, sync_folder, sync_tree
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.raster.output.staging import remove_if_empty


def check_result_folder(out: str | Path, record: str, *, overwrite: bool = False) -> Path:
    """Return ``out`` as a path, where results with the file ``record`` may be written; nothing is touched.

    Raises:
        InputError: it is a file, or is not empty and either without such a record or not to be replaced.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --out")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"{folder} is not empty; give --overwrite to replace it, or another --out")
        _listed(folder, record)
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
    folder = check_result_folder(out, record, overwrite=overwrite)
    with ExitStack() as cleaning:
        try:
            for made in make_folder(folder.parent):
                cleaning.callback(remove_if_empty, made)
            temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); name another place") from error
        cleaning.callback(shutil.rmtree, temporary, ignore_errors=True)
        draft, content = temporary / folder.name, dict[str, Any]()
        draft.mkdir()
        try:
            yield draft, content
            content["files"] = sorted(path.name for path in draft.iterdir())
            write_json(draft / record, content)
            sync_tree(draft)
            _replace(folder, draft, record)
            sync_folder(folder)
            sync_folder(folder.parent)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(
                f"{folder}: cannot be written ({reason}); check the space and rights there"
            ) from error


def _replace(folder: Path, draft: Path, record: str) -> None:
    if not folder.is_dir():
        draft.rename(folder)
        return
    if any(folder.iterdir()):
        for name in _listed(folder, record):
            (folder / name).unlink(missing_ok=True)
        (folder / record).unlink()
    for path in sorted(draft.iterdir(), key=lambda path: path.name == record):  # the record last
        if path.name == record:
            sync_folder(folder)
        path.replace(folder / path.name)


def _listed(folder: Path, record: str) -> list[str]:
    """The files of the results in ``folder``; raises ``InputError`` where there are none."""
    try:
        names = json.loads((folder / record).read_text(encoding="utf-8"))["files"]
        return [name for name in names if Path(name).name == name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} is not empty and holds no {record} of such results, so it stays; give another --out"
        ) from error
