"""The part files of a map that is being made: a hidden folder beside it, with the arrays of each part.

::

    .MAP.tif.parts/
        job.json      what determines the result, and all that is needed to finish it
        000000.npz    arrays of the first part, and so on
        lock          held by the processes that work here; who leaves nothing beside it removes the folder
"""

import json
import os
import tempfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from terramamba.core.durable import remove, replace, sync_folder
from terramamba.core.errors import InputError
from terramamba.core.files import write_json
from terramamba.core.regular import require_regular
from terramamba.core.typed import of_kind
from terramamba.core.unwritable import unwritable

RECORD = "job.json"
SUFFIX = ".npz"

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]


@dataclass(frozen=True)
class PartFiles:
    """The part files of the map ``out``, numbered from 0."""

    out: Path

    @property
    def folder(self) -> Path:
        """Where they lie; the folder may be there or not."""
        return self.out.with_name(f".{self.out.name}.parts")

    def write(self, part: int, arrays: Arrays) -> None:
        """Keep the arrays of a part; nobody ever sees half of them.

        Raises:
            InputError: the disk is full, or the folder cannot be written.
        """
        try:
            handle, name = tempfile.mkstemp(prefix=".", suffix=SUFFIX, dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    np.savez(file, **arrays)  # type: ignore[arg-type]
                    file.flush()
                    os.fsync(handle)
                replace(self.folder / Path(name).name, self._path(part))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            raise unwritable(self.out, error) from error

    def read(self, part: int) -> dict[str, Shaped[np.ndarray, "..."]]:
        """Return the arrays of a part.

        Raises:
            InputError: the file is damaged, as after a power failure; it is removed.
        """
        path = self._path(part)
        try:
            with np.load(path, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
            path.unlink(missing_ok=True)
            raise InputError(
                f"{self.out}: part {part + 1} was damaged and has been removed; the same command maps it anew"
            ) from error

    def done(self) -> set[int]:
        """Return the parts whose files are there, and whole."""
        parts = [path for path in self.folder.glob(f"[0-9]*{SUFFIX}") if path.is_file()]
        return {int(path.stem) for path in parts if zipfile.is_zipfile(path)}

    def count(self) -> int:
        """Return how many parts there are, whole or not, also where nothing can be opened for the moment."""
        return len([*self.folder.glob(f"[0-9]*{SUFFIX}")])

    def record(self) -> dict[str, Any] | None:
        """Return what ``job.json`` says; None where there is none, or it does not say of what job it is.

        Raises:
            InputError: it is a pipe, of which reading has no end.
        """
        require_regular(self.folder / RECORD)
        try:
            found = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
            record: dict[str, Any] = of_kind(dict[str, Any], found)
            of_kind(dict[str, tuple[str, str]], record.get("facts", {}))
        except (FileNotFoundError, NotADirectoryError, ValueError, RecursionError):
            return None
        return record

    def save_record(self, record: Mapping[str, Any]) -> None:
        """Write ``job.json``; raises ``InputError`` where the disk is full."""
        write_json(self.folder / RECORD, record)
        sync_folder(self.folder.parent)

    def remove(self, parts: Iterable[int]) -> None:
        """Remove the files of ``parts``, which are to be mapped anew."""
        remove(self._path(part) for part in parts)

    def clear(self) -> None:
        """Remove all part files, and what writing left behind when it was killed; ``job.json`` goes last."""
        self.remove_drafts()
        remove(self.folder.glob(f"*{SUFFIX}"))
        remove([self.folder / RECORD])

    def remove_drafts(self) -> None:
        """Remove what writing left behind when it was killed; nobody else may be writing."""
        remove(self.folder.glob(".*"))

    def _path(self, part: int) -> Path:
        return self.folder / f"{part:06d}{SUFFIX}"
