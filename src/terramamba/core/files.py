"""Writing files so that a reader finds the old one, the new one, or none: never half of one."""

import csv
import json
import math
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any

from terramamba.core.drafts import draft
from terramamba.core.durable import make_folder, replace, sync_file
from terramamba.core.tables import as_cell
from terramamba.core.unwritable import unwritable

StrPath = str | os.PathLike[str]
"""What names a file."""

YAML_MARK = "# Written by terramamba."
"""First line of every YAML file of ours."""


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path in ``path``'s folder; on a clean exit it takes ``path``'s place in one step.

    A power cut leaves the old file or the new one, and the new one once this has returned. The temporary
    name keeps the suffix, by which some writers choose the format. After an exception it is removed and
    ``path`` is as it was. Raises ``InputError`` where the disk is full or must not be written to.
    """
    try:
        make_folder(path.parent)
        with draft(path) as temporary:
            yield temporary
            sync_file(temporary)
            replace(temporary, path)
    except OSError as error:
        raise unwritable(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 ``text``."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write ``record`` as JSON; numbers that are not finite become null, as JSON has no word for them."""
    write_text(path, json.dumps(plain(record), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_yaml(path: Path, record: Mapping[str, Any]) -> None:
    """Write ``record`` as YAML in the order of its keys, below a line that says who wrote it."""
    import yaml

    write_text(path, f"{YAML_MARK}\n" + yaml.safe_dump(plain(record), sort_keys=False, allow_unicode=True))


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write ``rows``, which share their keys, as CSV with a header; floats keep all their digits."""
    write_table(path, list(rows[0]) if rows else [], [list(row.values()) for row in rows])


def write_table(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Write ``rows`` as CSV below ``header``, no cell a formula to a spreadsheet."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerows(map(as_cell, row) for row in (header, *rows))


def plain(value: Any) -> Any:
    """Turn ``value`` into words of JSON: dataclasses, paths, tuples and numpy values, nan and inf to None."""
    if is_dataclass(value) and not isinstance(value, type):
        value = asdict(value)
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry) for entry in value]
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
