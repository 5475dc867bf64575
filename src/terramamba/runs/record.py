"""What a run folder says about itself, read without its model: scores, training history, settings."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.files import read_yaml


@dataclass(frozen=True)
class RunRecord:
    """A finished run: its files as they are."""

    folder: Path
    name: str
    """How the page calls it: the last part of its folder, or all of it where two runs end alike."""
    card: Mapping[str, Any]
    """model.json"""
    metrics: Mapping[str, Any]
    config: Mapping[str, Any]
    history: Mapping[str, Sequence[float | None]]
    """Columns of history.csv; empty for models that are not trained by epochs."""
    confusion: Sequence[Sequence[int]]
    """Test pixels: a row for each class of the truth, a column for each predicted one."""
    class_names: Sequence[str]

    @property
    def task(self) -> str:
        """``classify`` or ``change``."""
        return str(self.card["task"])

    @property
    def test(self) -> Mapping[str, Any]:
        """Scores on the run's own test pixels or pairs."""
        return dict(self.metrics["test"])


def read_runs(folders: Sequence[str | Path]) -> list[RunRecord]:
    """The runs in ``folders``; one of several seeds stands for its ``seed-*`` runs.

    Raises:
        InputError: a folder holds no finished run, a file of it is damaged, a run is named twice, or runs are
            for different tasks.
    """
    paths = [run for folder in folders for run in _with_seeds(Path(folder))]
    for place, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:place]]:
            raise InputError(f"{path}: this run is named twice; name each run once")
    last = [path.resolve().name for path in paths]
    runs = [
        _read(path, str(path) if last.count(name) > 1 else name)
        for path, name in zip(paths, last, strict=True)
    ]
    for run in runs[1:]:
        if run.task != runs[0].task:
            raise InputError(
                f"{run.folder}: is for {run.task}, but {runs[0].folder} for {runs[0].task};"
                " make a report for each task"
            )
    return runs


def _with_seeds(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder; name the folder that training wrote with --out")
    if (folder / "model.json").exists():
        return [folder]
    seeds = sorted(path.parent for path in folder.glob("seed-*/model.json"))
    return seeds or [folder]


def _read(folder: Path, name: str) -> RunRecord:
    card, metrics = _json(folder / "model.json"), _json(folder / "metrics.json")
    if card.get("task") not in ("classify", "change") or not isinstance(metrics.get("test"), dict):
        raise InputError(
            f"{folder}: model.json or metrics.json is not as training wrote it; train the run anew"
        )
    config = folder / "config.yaml"
    names, confusion = _confusion(folder / "confusion.csv")
    return RunRecord(
        folder,
        name,
        card,
        metrics,
        read_yaml(config) if config.is_file() else {},
        _columns(folder / "history.csv"),
        confusion,
        names,
    )


def _json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(
            f"{path.parent}: no {path.name} in it, so it is no finished run; train first, or name another"
        )
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: this is not JSON ({error}); train the run anew") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: holds no mapping of names to values; train the run anew")
    return record


def _confusion(path: Path) -> tuple[list[str], list[list[int]]]:
    header, rows = _table(path)
    try:
        cells = [[int(cell) for cell in row[1:]] for row in rows]
    except ValueError as error:
        raise InputError(f"{path}: holds other than whole numbers ({error}); train the run anew") from error
    names = header[1:]
    if [row[0] for row in rows] != names or any(len(row) != len(names) for row in cells):
        raise InputError(f"{path}: rows and columns are not the same classes; train the run anew")
    return names, cells


def _columns(path: Path) -> dict[str, list[float | None]]:
    header, rows = _table(path)
    try:
        values = [[_finite(float(cell)) if cell else None for cell in row] for row in rows]
        return {name: list(column) for name, column in zip(header, zip(*values, strict=True), strict=True)}
    except ValueError as error:
        if not rows:
            return {}
        raise InputError(f"{path}: is no table of numbers ({error}); train the run anew") from error


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    if not path.is_file():
        return [], []
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = list(csv.reader(file)) or [[]]
    return header, rows
