"""The one reader of a finished run: settings, card, scores and tables, without its model.

A report reads all of it (``read_runs``); scoring, explaining, experiments and repeats what they need of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar, cast

from terramamba.core.display import Shown
from terramamba.core.documents import read_json, read_yaml
from terramamba.core.errors import InputError
from terramamba.core.run_files import (
    CARD,
    CONFIG,
    CONFUSION,
    HISTORY,
    METRICS,
    PLAN,
    RELIABILITY,
    SEED_FOLDERS,
    THRESHOLDS,
    not_finished,
)
from terramamba.core.tables import read_rows
from terramamba.core.typed import FieldError, Finite, Fraction, typed, typed_row
from terramamba.data.splits.leakage import Leakage
from terramamba.runs.exchange import refuse_unsettled
from terramamba.runs.model_card import ModelCard, read_card
from terramamba.scores.score import tested
from terramamba.scores.scores_file import require_scores
from terramamba.training.plan import Plan

S = TypeVar("S")
REMEDY = "restore it or train the run anew"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """``metrics.json``: what a run scored, and how it came about; None: not known of this run."""

    test: Mapping[str, Any]
    """Scores on the run's own test pixels or pairs, by name; empty where nothing was tested."""
    validation: Mapping[str, Any] = field(default_factory=dict)
    model: str | None = None
    preset: str | None = None
    parameters: int = 0
    seed: int | None = None
    protocol: str | None = None
    split_id: str | None = None
    leakage: Leakage | None = None
    leakage_in_words: str | None = None
    notes: tuple[str, ...] = ()
    threshold: float | None = None
    threshold_from: str | None = None
    epochs_run: int | None = None
    best_epoch: int | None = None
    minutes: float | None = None
    device: str | None = None
    code: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ReliabilityBin:
    """A row of ``reliability.csv``: samples with a probability from ``low`` to ``high``."""

    part: str
    temperature: Finite
    """1: probabilities as they are."""
    low: Fraction
    high: Fraction
    samples: int
    frequency: Fraction | None
    """Fraction of the samples for which it came true."""


@dataclass(frozen=True)
class ThresholdScores:
    """A row of ``thresholds.csv``: scores of the class "changed" at a threshold."""

    part: str
    threshold: Fraction
    precision: Fraction | None
    recall: Fraction | None
    f1: Fraction | None
    chosen: bool
    """It is the run's own."""


@dataclass(frozen=True)
class RunRecord:
    """A finished run; tables that it has not are empty."""

    folder: Path
    name: str
    """How a page calls it: the name of its folder, or the whole path where two runs have one name."""
    card: ModelCard
    metrics: Metrics
    settings: Mapping[str, Any]
    """``config.yaml``; empty where only the model was kept."""
    history: Mapping[str, Sequence[float | None]]
    """Columns of ``history.csv``; empty for models that are not trained by epochs."""
    confusion: Sequence[Sequence[int]]
    """Test pixels: a row for each class of the truth, a column for each predicted one."""
    class_names: Sequence[str]
    """Of the rows and columns of ``confusion``."""
    reliability: Sequence[ReliabilityBin]
    thresholds: Sequence[ThresholdScores]
    plan: Plan | None = None
    """What was understood of the files before training; None of a run that kept none."""
    pretrained: Shown | None = None
    """What is said of pretrained weights, which have no test of their own here."""

    @property
    def task(self) -> str:
        """``classify`` or ``change``."""
        return self.card.task

    @property
    def test(self) -> Mapping[str, Any]:
        """Scores on the run's own test pixels or pairs."""
        return self.metrics.test

    def tested(self, key: str) -> Any:
        """Return what the run's test has under ``key``, which that of every run for this job has.

        Raises:
            InputError: it is not there: the scores are another job's, or somebody changed them.
        """
        if self.test.get(key) is None:
            raise InputError(f"{self.folder / METRICS}: test.{key} is missing; train the run anew")
        return self.test[key]


def read_runs(folders: Sequence[str | Path]) -> list[RunRecord]:
    """Read the runs in ``folders``; one of several seeds stands for its ``seed-*`` runs.

    Raises:
        InputError: a folder holds no finished run, a file of it is damaged, a run is named twice, or runs are
            for different tasks.
    """
    paths = [run for folder in folders for run in _with_seeds(Path(folder))]
    for index, path in enumerate(paths):
        if path.resolve() in [other.resolve() for other in paths[:index]]:
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


def read_settings(folder: Path, kind: type[S]) -> S:
    """Read the settings that a run was trained with, as the ``kind`` of its job.

    Raises:
        InputError: ``config.yaml`` is missing or damaged.
    """
    if not has_settings(folder):
        raise InputError(
            f"{folder}: no {CONFIG} in it, which says what the run was trained on; restore it, or train the"
            " run anew"
        )
    record = read_yaml(folder / CONFIG, REMEDY)
    known = {entry.name for entry in fields(cast(Any, kind))}
    try:
        return kind(**{key: value for key, value in record.items() if key in known})
    except TypeError as error:
        raise InputError(f"{folder / CONFIG}: lacks settings ({error}); train the run anew") from error
    except InputError as error:
        raise InputError(f"{folder / CONFIG}: {error}") from error


def has_settings(folder: Path) -> bool:
    """Tell whether more was kept of the run in ``folder`` than its model."""
    return (folder / CONFIG).is_file()


def read_metrics(folder: Path) -> Metrics:
    """Read the scores of the run in ``folder``; raises ``InputError`` where they are missing or damaged."""
    record = all_metrics(folder)
    try:
        metrics = typed(Metrics, record | {"test": tested(record)} if "test" in record else record)
        require_scores(metrics.test, "test")
        require_scores(metrics.validation, "validation")
        return metrics
    except FieldError as error:
        raise InputError(f"{folder / METRICS}: {error}; train the run anew") from error


def all_metrics(folder: Path) -> dict[str, Any]:
    """Read all of ``metrics.json``, to be averaged over seeds; raises as ``read_metrics``."""
    path = _finished(folder, METRICS)
    record = read_json(path, REMEDY)
    if not isinstance(record, dict):
        raise InputError(f"{path}: holds no mapping of names to values; train the run anew")
    return record


def _with_seeds(folder: Path) -> list[Path]:
    refuse_unsettled(folder)
    if not folder.is_dir():
        raise InputError(f"{folder}: no such run folder; name the folder that training wrote with --out")
    if (folder / CARD).exists():
        return [folder]
    seeds = sorted(path.parent for path in folder.glob(f"{SEED_FOLDERS}/{CARD}"))
    return seeds or [folder]


def _read(folder: Path, name: str) -> RunRecord:
    card, metrics = read_card(_finished(folder, CARD).parent), read_metrics(folder)
    class_names, confusion = confusion_table(folder / CONFUSION)
    return RunRecord(
        folder,
        name,
        card,
        metrics,
        read_yaml(folder / CONFIG, REMEDY) if has_settings(folder) else {},
        _columns(folder / HISTORY),
        confusion,
        class_names,
        _rows(folder / RELIABILITY, ReliabilityBin),
        _rows(folder / THRESHOLDS, ThresholdScores),
        _plan(folder / PLAN),
    )


def _plan(path: Path) -> Plan | None:
    if not path.is_file():
        return None
    try:
        return typed(Plan, read_json(path, REMEDY))
    except ValueError as error:
        raise InputError(f"{path}: is not as training wrote it ({error}); train the run anew") from error


def _finished(folder: Path, name: str) -> Path:
    if not (folder / name).is_file():
        raise InputError(not_finished(folder, name))
    return folder / name


def confusion_table(path: Path) -> tuple[list[str], list[list[int]]]:
    """Read the names of the classes and the matrix that ``write_confusion`` wrote; raises ``InputError``."""
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


def _rows(path: Path, kind: type[S]) -> tuple[S, ...]:
    header, rows = _table(path)
    lacking = [entry.name for entry in fields(cast(Any, kind)) if entry.name not in header]
    if lacking and path.is_file():
        raise InputError(f"{path}: is not as training wrote it (no {lacking[0]}); train the run anew")
    try:
        return tuple(typed_row(kind, dict(zip(header, row, strict=True))) for row in rows)
    except ValueError as error:
        raise InputError(f"{path}: is not as training wrote it ({error}); train the run anew") from error


def _finite(value: float) -> float | None:
    return value if isfinite(value) else None


def _table(path: Path) -> tuple[list[str], list[list[str]]]:
    if not path.is_file():
        return [], []
    header, *rows = read_rows(path, REMEDY) or [[]]
    return header, rows
