"""Scoring a run of any task."""

from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError
from terramamba.core.provenance import code_version
from terramamba.core.run_files import SCORES
from terramamba.runs.folder import Run, load_run
from terramamba.runs.result_folder import result_folder
from terramamba.training.task import Task


def evaluate(
    task: Task,
    run: str | Path | Run,
    *,
    out: str | Path | None = None,
    overwrite: bool = False,
    **options: Any,
) -> dict[str, Any]:
    """Score a trained run on the samples that ``options``, the task's own, name.

    ``out`` gets ``scores.json``, which holds what is returned, with the tables and images behind it.

    Raises:
        InputError: a damaged run, one for another task, samples that do not fit the model, or a folder
            ``out`` that holds other things.
    """
    loaded = run if isinstance(run, Run) else load_run(run)
    if loaded.task != task.name:
        raise InputError(
            f"{loaded.folder}: this run is for {loaded.task}; use `terramamba {loaded.task} evaluate`"
        )

    def scored(folder: Path | None = None) -> dict[str, Any]:
        found = task.evaluate(loaded, folder, **options)
        return {"folder": str(loaded.folder), **found, "code": code_version()}

    if out is None:
        return scored()
    with result_folder(out, SCORES, overwrite=overwrite) as (folder, record):
        result = scored(folder)
        record |= result
    return result
