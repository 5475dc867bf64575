"""An experiment from its file to its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.folder_lock import require_no_link
from terramamba.core.output_place import require_place
from terramamba.core.progress import progress
from terramamba.experiments.file import read_experiment
from terramamba.experiments.plan import PlannedRun, Train, is_done, other_settings, plan_runs
from terramamba.experiments.pool import run_all
from terramamba.experiments.render import write_tables
from terramamba.experiments.results import Row, rows_of, write_results
from terramamba.experiments.search import require_optuna, run_search, searched_sets
from terramamba.experiments.values import Experiment, Tasks
from terramamba.runs.run_lock import at_work, refuse_at_work


@dataclass(frozen=True)
class Outcome:
    """What came of an experiment."""

    rows: list[Row]
    """The rows of ``results.csv`` that are runs."""
    skipped: int
    """Runs that had been done before."""
    failed: dict[str, str]
    """Why each run that failed did."""
    written: tuple[Path, ...]


def run_experiment(
    file: str | Path,
    out: str | Path,
    *,
    tasks: Tasks,
    train: Train,
    variables: Mapping[str, Any] | None = None,
    jobs: int = 1,
    device: str = "auto",
    overwrite: bool = False,
) -> Outcome:
    """Do every run of the file that is not done, and write results and tables.

    Runs in ``out`` that were ended go on. Results are written also where this call is interrupted.
    ``overwrite`` trains anew the runs in ``out`` that have other settings; each stays as it is until its new
    one is complete, and counts for no table meanwhile. Runs are for any of ``tasks``, by
    name, and each is trained by ``train``.

    Raises:
        InputError: a file that is wrong, with the key; files that it names and cannot be used; runs in
            ``out`` with other settings; or another process that is at work in ``out``.
    """
    if jobs < 1:
        raise InputError(f"--jobs {jobs}: at least 1 is needed")
    resolve_device(device)
    folder = Path(out)
    require_place(folder)
    experiment = read_experiment(Path(file), tasks, variables)
    require_optuna(experiment)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; give another --out")
    with at_work(folder):
        return _do_all(experiment, file, folder, tasks, train, jobs, device, overwrite)


def _do_all(
    experiment: Experiment,
    file: str | Path,
    folder: Path,
    tasks: Tasks,
    train: Train,
    jobs: int,
    device: str,
    overwrite: bool,
) -> Outcome:
    """Do the runs in ``folder``, which is held."""
    runs = list(plan_runs(experiment, folder, device))
    _refuse_others(runs, folder, overwrite=overwrite)
    _look_at_files(runs, file)
    done = sum(is_done(run) for run in runs)
    searches = [
        (search, where) for search in experiment.searches for where in searched_sets(experiment, search)
    ]
    seeds = {data.name: len(data.seeds) for data in experiment.data}
    total = len(runs) + sum(seeds[name] * search.trials for search, (name, _) in searches)
    failed: dict[str, str] = {}
    with progress(experiment.name, total, "runs", done=done) as advance:

        def on_done(run: PlannedRun, reason: str | None) -> None:
            if reason is not None:
                failed[run.name] = reason
            advance(1, run.name if reason is None else f"{run.name}: {reason}")

        def do(planned: Sequence[PlannedRun]) -> None:
            left = [run for run in planned if not is_done(run)]
            anew = [replace(run, settings=replace(run.settings, overwrite=overwrite)) for run in left]
            run_all(anew, train, jobs, on_done)

        def run_proposed(proposed: Sequence[PlannedRun]) -> None:
            nonlocal done
            known = {run.folder for run in runs}
            new = [run for run in proposed if run.folder not in known]
            _refuse_others(new, folder, overwrite=overwrite)
            done += sum(is_done(run) for run in new)
            runs.extend(new)
            do(new)

        try:
            do(runs)
            for search, where in searches:
                run_search(experiment, search, where, folder, device, run_proposed)
        finally:
            rows = rows_of(experiment, runs, folder)
            results = write_results(folder, rows)
    written = (*results, *write_tables(folder, tasks))
    return Outcome(rows[: len(runs)], done, failed, written)


def _look_at_files(runs: Sequence[PlannedRun], file: str | Path) -> None:
    """Open the files of each set that is still to be trained on, once: what is wrong fails all its runs."""
    for (data, _), run in {(run.data, run.split): run for run in runs if not is_done(run)}.items():
        try:
            run.task.experiment.look(run.settings)
        except InputError as error:
            raise InputError(f"{file}: data.{data}: {error}") from error


def _refuse_others(runs: Sequence[PlannedRun], out: Path, *, overwrite: bool) -> None:
    for path in dict.fromkeys(path for run in runs for path in [run.folder, *run.folder.parents]):
        if path.is_relative_to(out) and path != out:
            require_no_link(path)
    for run in runs:
        refuse_at_work(run.folder)
    others = [(run, reason) for run in runs if (reason := other_settings(run)) is not None]
    if others and not overwrite:
        first = others[0][1].partition(";")[0]
        raise InputError(
            f"{first}; {len(others)} of {len(runs)} runs in {out} have other settings: give --overwrite to"
            " train those anew, or another --out"
        )
