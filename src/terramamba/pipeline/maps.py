"""Mapping with a run of any task."""

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.core.files import StrPath
from terramamba.core.progress import say
from terramamba.mapping.fit_to_run import (
    chosen_nodata,
    chosen_temperature,
    nodata_note,
    open_for,
    open_run,
)
from terramamba.mapping.jobs import carry_out
from terramamba.mapping.join import join_command
from terramamba.mapping.plan import MapInputs, MapPlan
from terramamba.mapping.settings import MapSettings
from terramamba.mapping.summary import MapSummary
from terramamba.raster.output.cog import check_raster_name
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked, noted_of_masks
from terramamba.raster.views.nodata import require_held
from terramamba.runs.folder import Run
from terramamba.training.task import Task


def map(
    task: Task,
    run: str | Path | Run,
    inputs: Sequence[StrPath | Scene],
    out: str | Path,
    settings: MapSettings,
) -> MapSummary:
    """Map ``inputs``, as many as the task takes, to ``out``; a map that was ended goes on.

    Returns the task's summary of what was mapped.

    Raises:
        InputError: as ``plan_map``; an output exists, or parts of a map with other arguments are there.
    """
    start = time.monotonic()
    plan = plan_map(task, run, inputs, out, settings)
    notes = tuple(plan.notes())
    for note in notes:
        say(f"note: {note}")
    outcome = carry_out(
        plan.output,
        plan.work,
        plan.facts,
        settings,
        device=settings.device,
        overwrite=settings.overwrite,
        inputs=plan.inputs,
        states=plan.states,
    )
    summary = plan.output.summary(outcome, time.monotonic() - start)
    join = "" if outcome.result is not None else join_command(plan.output)
    return replace(summary, notes=notes, join=join)


def plan_map(
    task: Task,
    run: str | Path | Run,
    inputs: Sequence[StrPath | Scene],
    out: str | Path,
    settings: MapSettings,
) -> MapPlan:
    """Open all that a map is made of and check that it fits. Writes nothing, and reads no pixel.

    Raises:
        InputError: run or inputs cannot be read, they do not fit each other or the settings, or no map can
            have the name ``out``.
    """
    check_raster_name(out)
    loaded = open_run(run, task.name)
    loaded.model.check_precision(settings.precision)
    temperature = chosen_temperature(loaded, settings.calibrated)
    given = settings.nodata
    settings = replace(settings, nodata=list(chosen_nodata(loaded, given)) or None)
    # what the run knows settles the axes of bare arrays, and which band is which
    known = [open_for(loaded, one) for one in inputs]
    opened = task.open_inputs(known, settings)
    require_held(list(opened.values()), given or ())
    scenes = {name: masked(scene, settings.mask or ()) for name, scene in opened.items()}
    by_others = settings.workers > 1 or settings.dask is not None
    sent = str(loaded.folder) if by_others and not isinstance(run, Run) else loaded
    plan = task.plan_map(MapInputs(loaded, sent, scenes, temperature), str(Path(out)), settings)
    notes = plan.notes

    def said() -> list[str]:
        of_masks = [note for scene in scenes.values() for note in noted_of_masks(scene)]
        return [*nodata_note(loaded, given), *dict.fromkeys(of_masks), *notes()]

    return replace(plan, notes=said)
