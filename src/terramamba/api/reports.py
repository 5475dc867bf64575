"""The page about runs, and experiments: what is made of many runs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from terramamba import pipeline
from terramamba.api.paths import texts_of
from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath
from terramamba.core.progress import OnProgress, told
from terramamba.experiments import experiment
from terramamba.report import page
from terramamba.report.maps import MapFiles
from terramamba.report.weights_record import record_of_weights
from terramamba.runs.record import read_runs
from terramamba.tasks import TASKS, task_named


@checked
def write_report(
    runs: Sequence[StrPath],
    out: StrPath,
    *,
    map_files: MapFiles | None = None,
    overwrite: bool = False,
) -> Path:
    """Write one HTML page about ``runs``, and about the map in ``map_files`` that the first of them made.

    In place of runs, the weights that made a map: by their name, their folder, or on the hub.

    Raises:
        InputError: a run or file cannot be read, they do not belong together, or ``out`` exists.
    """
    named = texts_of(runs)
    if not named:
        raise InputError("runs: none is named; give one or more run folders")
    weights = record_of_weights(named[0], map_files) if len(named) == 1 else None
    records = read_runs([Path(run) for run in named]) if weights is None else [weights]
    task = task_named(records[0].task)
    return page.write_report(task, records, Path(out), map_files=map_files, overwrite=overwrite)


@checked
def run_experiment(
    file: StrPath,
    out: StrPath,
    *,
    variables: Mapping[str, Any] | None = None,
    jobs: int = 1,
    device: str = "auto",
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
    progress: bool = True,
) -> experiment.Outcome:
    """Do every run of an experiment's YAML file that is not done; write results and tables to ``out``.

    Runs in ``out`` that were ended go on. ``overwrite`` trains anew those that have other settings.

    Raises:
        InputError: a file that is wrong, with the key; or runs in ``out`` with other settings.
    """
    with told(on_progress, shown=progress):
        return experiment.run_experiment(
            Path(file),
            Path(out),
            tasks=TASKS,
            train=pipeline.train,
            variables=variables,
            jobs=jobs,
            device=device,
            overwrite=overwrite,
        )
