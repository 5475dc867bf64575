"""The folder of an explanation: there when it is complete, with a record that names its files."""

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.raster.output.staging import make_folder, remove_if_empty

RECORD = "explain.json"


def check_folder(out: str | Path, *, overwrite: bool = False) -> Path:
    """Return ``out`` as a path, where an explanation may be written; nothing is touched.

    Raises:
        InputError: it is a file, or is not empty and either no explanation or not to be replaced.
    """
    folder = Path(out)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --out")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"{folder} is not empty; give --overwrite to replace it, or another --out")
        _listed(folder)
    return folder


@contextmanager
def explanation_folder(out: str | Path, *, overwrite: bool = False) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield a folder to fill and a record to complete; both become ``out`` on a clean exit.

    After an exception nothing is left, and an earlier explanation stays. Replacing one removes the files that
    its record lists, and no others.

    Raises:
        InputError: as ``check_folder``, or ``out`` cannot be written.
    """
    folder = check_folder(out, overwrite=overwrite)
    with ExitStack() as cleaning:
        try:
            for made in make_folder(folder.parent):
                cleaning.callback(remove_if_empty, made)
            temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
        except OSError as error:
            raise InputError(f"{folder}: cannot be written ({error.strerror}); name another place") from error
        cleaning.callback(shutil.rmtree, temporary, ignore_errors=True)
        draft, record = temporary / folder.name, dict[str, Any]()
        draft.mkdir()
        try:
            yield draft, record
            record["files"] = sorted(path.name for path in draft.iterdir())
            write_json(draft / RECORD, record)
            _replace(folder, draft)
        except OSError as error:
            reason = error.strerror or error
            raise InputError(
                f"{folder}: cannot be written ({reason}); check the space and rights there"
            ) from error


def _replace(folder: Path, draft: Path) -> None:
    if not folder.is_dir():
        draft.rename(folder)
        return
    if any(folder.iterdir()):
        for name in _listed(folder):
            (folder / name).unlink(missing_ok=True)
        (folder / RECORD).unlink()
    for path in sorted(draft.iterdir(), key=lambda path: path.name == RECORD):  # the record last
        path.replace(folder / path.name)


def _listed(folder: Path) -> list[str]:
    """The files of the explanation in ``folder``; raises ``InputError`` where there is none."""
    try:
        names = json.loads((folder / RECORD).read_text(encoding="utf-8"))["files"]
        return [name for name in names if Path(name).name == name]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{folder} is not empty and holds no explanation, so it stays; give another --out"
        ) from error
