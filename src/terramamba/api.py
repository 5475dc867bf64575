"""The public functions: each looks up its job and hands it to the engine that does the work."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from terramamba import pipeline
from terramamba.change.map import map_change
from terramamba.change.map_output import ChangeSummary
from terramamba.change.settings import ChangeSettings
from terramamba.experiments import experiment
from terramamba.landcover.map import map_classes
from terramamba.landcover.map_output import ClassSummary
from terramamba.landcover.settings import ClassifySettings
from terramamba.mapping import join
from terramamba.mapping.area_table import ClassArea
from terramamba.report import page
from terramamba.report.maps import MapFiles
from terramamba.runs.folder import Run
from terramamba.runs.record import read_runs
from terramamba.tasks import CHANGE, LAND_COVER, TASKS, task_named

__all__ = [
    "ChangeSummary",
    "ClassArea",
    "ClassSummary",
    "evaluate_change_detector",
    "evaluate_classifier",
    "join_map",
    "map_change",
    "map_classes",
    "run_experiment",
    "train_change_detector",
    "train_classifier",
    "write_report",
]


def train_classifier(settings: ClassifySettings) -> dict[str, Any]:
    """Train a land-cover classifier, choose the best epoch on validation, score once on test; write the run.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    return pipeline.train(LAND_COVER, settings)


def train_change_detector(settings: ChangeSettings) -> dict[str, Any]:
    """Train a change detector, choose epoch and threshold on validation, score once on test; write the run.

    Returns and raises as ``train_classifier``.
    """
    return pipeline.train(CHANGE, settings)


def evaluate_classifier(run: str | Path | Run, **options: Any) -> dict[str, Any]:
    """Score a classifier; the options are those of ``landcover.evaluation.evaluate``."""
    return pipeline.evaluate(LAND_COVER, run, **options)


def evaluate_change_detector(run: str | Path | Run, **options: Any) -> dict[str, Any]:
    """Score a change detector; the options are those of ``change.evaluation.evaluate``."""
    return pipeline.evaluate(CHANGE, run, **options)


def join_map(out: str | Path, *, overwrite: bool = False) -> ClassSummary | ChangeSummary:
    """Put the map ``out`` together from the part files of its shards: ``mapping.join.join_map``."""
    outputs = {name: task.map_output for name, task in TASKS.items()}
    return join.join_map(outputs, out, overwrite=overwrite)


def write_report(
    runs: Sequence[str | Path],
    out: str | Path,
    *,
    map_files: MapFiles | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one HTML page about ``runs``, and about the map in ``map_files`` that the first of them made.

    Raises:
        InputError: a run or file cannot be read, they do not belong together, or ``out`` exists.
    """
    records = read_runs(runs)
    task = task_named(records[0].task)
    return page.write_report(task, records, out, map_files=map_files, overwrite=overwrite)


def run_experiment(
    file: str | Path,
    out: str | Path,
    *,
    variables: Mapping[str, Any] | None = None,
    jobs: int = 1,
    device: str = "auto",
    overwrite: bool = False,
) -> experiment.Outcome:
    """Do every run of an experiment's YAML file that is not done; write results and tables to ``out``.

    Runs in ``out`` that were ended go on. ``overwrite`` trains anew those that have other settings.

    Raises:
        InputError: a file that is wrong, with the key; or runs in ``out`` with other settings.
    """
    return experiment.run_experiment(
        file,
        out,
        tasks=TASKS,
        train=pipeline.train,
        variables=variables,
        jobs=jobs,
        device=device,
        overwrite=overwrite,
    )
