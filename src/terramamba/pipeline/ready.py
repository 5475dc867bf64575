"""Training, scoring and mapping for any task: the one place that says in which order things come about.

What differs between jobs is asked of the task that the caller hands in.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from terramamba._version import __version__
from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath, write_json
from terramamba.core.leading import led
from terramamba.core.options import part_of
from terramamba.core.progress import progress, say
from terramamba.core.provenance import code_version
from terramamba.core.run_files import METRICS, PLAN, SCORES, WEIGHTS, WRITTEN
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
from terramamba.models.encoders.pretrained import read_encoder_weights
from terramamba.models.model import Model
from terramamba.models.registry import create_model, model_spec
from terramamba.models.spec import ModelSpec
from terramamba.models.weights import save_model
from terramamba.raster.output.cog import check_raster_name
from terramamba.raster.output.staging import check_outputs
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import require_held
from terramamba.report.page import write_run_pages
from terramamba.runs.beginning import Beginning, begin_with, begun_with, with_model, with_sizes_of
from terramamba.runs.folder import Run, as_begun, check_folder, load_run, run_folder
from terramamba.runs.model_card import MadeBy, ModelCard, write_card
from terramamba.runs.repeats import train_seeds
from terramamba.runs.result_folder import check_result_folder, result_folder
from terramamba.training.checkpoint import refuse_other_contents
from terramamba.training.config import check_ability, check_choices
from terramamba.training.fit import fit, training_processes
from terramamba.training.loop import seed_everything
from terramamba.training.plan import Plan
from terramamba.training.recipes import recipe_in_words, resolve
from terramamba.training.settings import AUTO, TrainSettings
from terramamba.training.task import Prepared, Task
from terramamba.training.timing import timed_seconds
from terramamba.training.workload import Workload, workload

S = TypeVar("S", bound=TrainSettings)

TIMED_FROM = 20.0
"""Where a sum expects training to take more seconds than this, a few steps are timed for the plan."""


@led
def train(task: Task, settings: TrainSettings) -> dict[str, Any]:
    """Train, choose the best epoch on validation, score once on test; write the run folder.

    Returns the content of ``metrics.json``; with ``settings.seeds`` above 1, means and deviations over them.

    Raises:
        InputError: input that cannot be used, with the file, the value and the remedy.
    """
    if settings.dry_run:
        raise InputError("--dry-run: trains nothing; ask for the plan alone")
    settings = _searched(task, _named(task, settings))
    result = train_seeds(settings, partial(_train_one, task))
    write_run_pages(task, settings.out)
    return result


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
    if out is not None:
        check_result_folder(out, SCORES, overwrite=overwrite)
    scored = task.evaluate(loaded, **options)
    result = {"folder": str(loaded.folder), **scored.found, "code": code_version()}
    if out is not None:
        with result_folder(out, SCORES, overwrite=overwrite) as (folder, record):
            scored.write(folder)
            record |= result
    return result


def plan_training(task: Task, settings: TrainSettings) -> Plan:
    """Say what ``train`` understands of the files and what it would do. Writes nothing.

    Raises:
        InputError: as ``train``.
    """
    return _plan(task, _ready(task, _named(task, settings)))


def understood(task: Task, settings: TrainSettings) -> Plan:
    """Say what ``train`` understands of the files alone: no model is made. Writes nothing.

    Raises:
        InputError: what training would refuse of the files.
    """
    settings = _named(task, settings)
    return task.prepare(settings, _spec(task, settings)).plan


def resolved(task: Task, settings: S) -> S:
    """``settings`` as ``train`` would keep them: with all that they leave to the recipe. Writes nothing.

    Raises:
        InputError: as ``train``.
    """
    return _ready(task, _named(task, settings)).settings


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
    sent = str(run) if by_others and not isinstance(run, Run) else loaded
    plan = task.plan_map(MapInputs(loaded, sent, scenes, temperature), str(Path(out)), settings)
    notes = plan.notes
    return replace(plan, notes=lambda: [*nodata_note(loaded, given), *notes()])


def _named(task: Task, settings: Any) -> Any:
    """``settings`` with files and model by their names."""
    settings = task.named(settings)
    if settings.model != AUTO:
        return settings
    return with_model(settings, begun_with(settings.init, task.ready_weights), task.best_model)


def _searched(task: Task, settings: Any) -> Any:
    """``settings``, or those of their alternatives with the best score on validation; nothing is tested."""
    tried = task.alternatives(settings)
    if not tried:
        return settings
    if len(tried) == 1:
        return next(iter(tried.values()))
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    scores = {}
    for name, one in tried.items():
        with TemporaryDirectory(prefix="terramamba-") as folder:
            _, _, fitted = _fitted(task, _ready(task, one), Path(folder))
        scores[name] = fitted["best_score"]
    best = max(scores, key=scores.__getitem__)
    found = ", ".join(f"{name}: {100 * score:.2f}" for name, score in scores.items())
    say(f"{best} has the best score on validation, in % ({found})")
    return tried[best]


@dataclass(frozen=True)
class _Ready:
    """All that training needs, with nothing written yet."""

    settings: Any
    """With nothing left to decide."""
    spec: ModelSpec
    prepared: Prepared
    model: Model
    """With its first weights."""
    work: Workload | None
    """None where no recipe trains it."""
    beginning: Beginning | None
    """What the model begins with; None: from scratch."""


def _ready(task: Task, settings: Any) -> _Ready:
    begun = begun_with(settings.init, task.ready_weights)
    settings = with_sizes_of(settings, begun, task.name)
    spec, device = _spec(task, settings), resolve_device(settings.device)
    prepared = task.prepare(settings, spec)
    settings = prepared.settings
    seed_everything(settings.seed)
    model = _untrained(spec, settings, prepared)
    beginning = _beginning(model, settings, begun, prepared)
    check_ability(model, recompute=settings.recompute, compile=settings.compile, precision=settings.precision)
    prepared.check(model)
    work = None
    if spec.by_steps:
        settings = replace(settings, devices=training_processes(settings))
        work = workload(model, prepared.volume(), device, settings.devices)
    return _Ready(resolve(settings, spec, work, task.practical), spec, prepared, model, work, beginning)


def _plan(task: Task, ready: _Ready) -> Plan:
    """What the files were taken for, with model, recipe and the expected time."""
    settings, work = ready.settings, ready.work
    if work is None:
        words = f"{settings.model}, {settings.preset}{_sampled(ready)}"
        return ready.prepared.plan.with_facts({"model": words})
    seconds = work.seconds(settings.epochs, settings.batch_size)
    if seconds > TIMED_FROM:
        config, objective = part_of(settings, task.config), _objective(task, ready.prepared)
        samples, device = ready.prepared.training_set(), resolve_device(settings.device)
        seconds = timed_seconds(ready.model, objective, samples, config, work, device)
    facts = recipe_in_words(settings, work, seconds)
    if ready.beginning is not None:
        facts = {"begins with": "\n".join([ready.beginning.words, *ready.beginning.notes])} | facts
    return ready.prepared.plan.with_facts(facts)


def _sampled(ready: _Ready) -> str:
    """How many of the samples a model that is solved for takes, where it cannot take all."""
    most = ready.spec.most_fitted
    if most is None:
        return ""
    volume = ready.prepared.volume()
    train, validation = volume.samples, round(volume.validation)
    if max(train, validation) <= most:
        return ""
    return (
        f"; fitted on {min(most, train):,} of {train:,} training samples and chosen on"
        f" {min(most, validation):,} of {validation:,} validation samples, drawn by class"
    )


def _objective(task: Task, prepared: Prepared) -> Any:
    objective: Any = task.objective
    weights = prepared.class_weights
    return objective if weights is None else partial(objective, class_weights=weights)


def _spec(task: Task, settings: Any) -> ModelSpec:
    spec = model_spec(settings.model)
    if spec.task != task.name:
        raise InputError(f"--model {settings.model}: it is for {spec.task}; see `terramamba models`")
    check_choices(settings, spec)
    return spec


def _train_one(task: Task, settings: Any) -> dict[str, Any]:
    _spec(task, settings)
    check_folder(settings.out, resume=settings.resume, overwrite=settings.overwrite)
    ready = _ready(task, as_begun(settings))
    settings, prepared = ready.settings, ready.prepared
    plan = _plan(task, ready)
    read = [name for name, _ in prepared.inputs.states]
    check_outputs([Path(settings.out, name) for name in WRITTEN], overwrite=True, inputs=read)
    with run_folder(settings) as folder:
        if settings.resume:
            refuse_other_contents(folder, prepared.contents)
        say(plan.text())
        write_json(folder / PLAN, asdict(plan))
        prepared.write_split(folder)
        start = time.monotonic()
        model, threshold, fitted = _fitted(task, ready, folder)
        fitted["minutes"] = (time.monotonic() - start) / 60
        judged = prepared.judge(model, threshold)
        prepared.inputs.require_same("start again with --overwrite, and with files that stay as they are")
        made_by = MadeBy(__version__, code_version()["commit"])
        saved = save_model(model, folder / WEIGHTS)
        write_card(folder, ModelCard(task.name, saved, prepared.card, judged.card, made_by))
        judged.write(folder)
        result = {
            "folder": str(folder),
            "task": task.name,
            "protocol": prepared.card.protocol,
            "split_id": prepared.card.split_id,
            **judged.facts,
            **prepared.facts,
            "notes": [*prepared.notes, *(ready.beginning.notes if ready.beginning else ())],
            "seed": settings.seed,
            "model": settings.model,
            "preset": settings.preset,
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **fitted,
            **judged.scores,
            "code": code_version(),
        }
        write_json(folder / METRICS, result)
    return result


def _untrained(spec: ModelSpec, settings: TrainSettings, prepared: Prepared) -> Model:
    """The model before training; of one that is solved for, the solver chooses the size."""
    if spec.fit is not None:
        return create_model(settings.model, **prepared.model_options)
    return create_model(settings.model, preset=settings.preset, **{**prepared.model_options, **settings.set})


def _beginning(
    model: Model, settings: TrainSettings, begun: Run | None, prepared: Prepared
) -> Beginning | None:
    """Have ``model`` begin with an earlier run, or its encoder with somebody's weights, and say with what."""
    if begun is not None:
        return begin_with(model, begun, str(settings.init), prepared.card.split_id)
    if settings.encoder_weights is None:
        return None
    tensors, words = read_encoder_weights(settings.encoder_weights)
    model.load_encoder(tensors)
    return Beginning(f"the encoder of {words}")


def _fitted(task: Task, ready: _Ready, folder: Path) -> tuple[Model, float | None, dict[str, Any]]:
    """The model after training, the threshold that validation chose, and how training went.

    A model that is solved for is made here; one with nothing to learn is as it was.
    """
    settings, spec, prepared, model = ready.settings, ready.spec, ready.prepared, ready.model
    if spec.fit is not None:
        solved, record = prepared.solve(spec)
        return solved, None, record
    if ready.work is None:
        return model, None, {"device": str(resolve_device(settings.device))}
    config = part_of(settings, task.config)
    with progress(f"train {spec.name}", config.epochs, "epochs") as advance:
        outcome = fit(
            model,
            _objective(task, prepared),
            prepared.training_set(),
            prepared.validation_set(),
            config,
            folder,
            contents=prepared.contents,
            resume=settings.resume,
            on_progress=advance,
        )
    went = asdict(outcome)
    return model, went.pop("threshold"), {**went, "device": str(resolve_device(config.device))}
