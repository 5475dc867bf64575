"""What training needs, with every decision taken and nothing written yet."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from terramamba.core.devices import resolve_device
from terramamba.core.errors import InputError
from terramamba.models.encoders.pretrained import begin_encoder
from terramamba.models.model import Model
from terramamba.models.registry import create_model, model_spec
from terramamba.models.spec import ModelSpec
from terramamba.runs.folder import Run
from terramamba.runs.initial_weights import Beginning, begin_with, begun_with, with_model, with_sizes_of
from terramamba.training.config import check_ability, check_choices, with_encoder
from terramamba.training.fit import training_processes
from terramamba.training.loop import seed_everything
from terramamba.training.recipes import resolve
from terramamba.training.settings import AUTO, TrainSettings
from terramamba.training.task import Prepared, Task
from terramamba.training.workload import Workload, workload


def named(task: Task, settings: Any) -> Any:
    """Return ``settings`` with files and model by their names, and the encoder as an option of the model."""
    settings = task.named(settings)
    if settings.model == AUTO:
        settings = with_model(settings, begun_with(settings.init, task.pretrained_run), task.best_model)
    return with_encoder(settings)


@dataclass(frozen=True)
class Ready:
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


def make_ready(task: Task, settings: Any) -> Ready:
    """Open the data, make the model and decide what the settings leave to the recipe. Writes nothing.

    Raises:
        InputError: files, model and settings do not fit each other, or something cannot be read.
    """
    begun = begun_with(settings.init, task.pretrained_run)
    settings = with_sizes_of(settings, begun, task.name)
    spec, device = spec_of(task, settings), resolve_device(settings.device)
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
    return Ready(resolve(settings, spec, work, task.practical), spec, prepared, model, work, beginning)


def spec_of(task: Task, settings: Any) -> ModelSpec:
    """Return the record of the model that ``settings`` name.

    Raises:
        InputError: there is none, it is for another task, or it cannot do what is asked.
    """
    spec = model_spec(settings.model, task.name)
    if spec.task != task.name:
        raise InputError(f"--model {settings.model}: it is for {spec.task}; see `terramamba models`")
    check_choices(settings, spec)
    return spec


def objective_of(task: Task, prepared: Prepared) -> Any:
    """Return what makes the task's objective, with the weights of classes that the samples ask for."""
    objective: Any = task.objective
    weights = prepared.class_weights
    return objective if weights is None else partial(objective, class_weights=weights)


def _untrained(spec: ModelSpec, settings: TrainSettings, prepared: Prepared) -> Model:
    """The model before training; of one that is solved for, the solver chooses the size."""
    if spec.fit is not None:
        return create_model(settings.model, **prepared.model_options)
    return create_model(settings.model, preset=settings.preset, **{**prepared.model_options, **settings.set})


def _beginning(
    model: Model, settings: TrainSettings, begun: Run | None, prepared: Prepared
) -> Beginning | None:
    """Have ``model`` begin with an earlier run, or its encoder with somebody's weights, and say with what."""
    beginning = None
    if begun is not None:
        beginning = begin_with(model, begun, str(settings.init), prepared.card)
    elif settings.encoder_weights is not None:
        origin = begin_encoder(model, settings.encoder_weights, model_spec(settings.model).encoders)
        beginning = Beginning(f"the encoder of {origin.words}", origin=origin)
    if settings.encoder_rate is not None:
        if beginning is None:
            raise InputError(
                f"--encoder-rate {settings.encoder_rate:g}: the encoder begins from scratch and learns as the"
                " rest does; leave it out, or name --encoder-weights or --init"
            )
        model.set_encoder_rate(settings.encoder_rate)
    return beginning
