"""Paths and runs as users give them, as settings and engines take them."""

import os
from collections.abc import Sequence
from pathlib import Path

from terramamba.core.files import StrPath
from terramamba.runs.folder import Run


def run_of(run: StrPath | Run) -> Run | Path:
    """Return a loaded run as it is, and the folder of another as a path."""
    return run if isinstance(run, Run) else Path(run)


def text_of(path: StrPath | None) -> str | None:
    """Return a path as text; None stays None."""
    return None if path is None else os.fspath(path)


def texts_of(paths: StrPath | Sequence[StrPath]) -> list[str]:
    """Return a path, or several, as a list of texts."""
    if isinstance(paths, str | os.PathLike):
        return [os.fspath(paths)]
    return [os.fspath(path) for path in paths]
