"""What training would do, said before it does it."""

from typing import TypeVar

from terramamba.core.devices import resolve_device
from terramamba.core.options import part_of
from terramamba.pipeline.ready import Ready, make_ready, named, objective_of, spec_of
from terramamba.training.plan import Plan
from terramamba.training.recipes import recipe_in_words
from terramamba.training.settings import TrainSettings
from terramamba.training.task import Task
from terramamba.training.timing import timed_seconds

S = TypeVar("S", bound=TrainSettings)

TIMED_FROM = 20.0
"""Where a sum expects training to take more seconds than this, a few steps are timed for the plan."""


def plan_training(task: Task, settings: TrainSettings) -> Plan:
    """Say what ``train`` understands of the files and what it would do. Writes nothing.

    Raises:
        InputError: as ``train``.
    """
    return plan_of(task, make_ready(task, named(task, settings)))


def plan_data(task: Task, settings: TrainSettings) -> Plan:
    """Say what ``train`` understands of the files alone: no model is made. Writes nothing.

    Raises:
        InputError: what training would refuse of the files.
    """
    settings = named(task, settings)
    return task.prepare(settings, spec_of(task, settings)).plan


def resolved(task: Task, settings: S) -> S:
    """Return ``settings`` as ``train`` would keep them, with all they leave to the recipe. Writes nothing.

    Raises:
        InputError: as ``train``.
    """
    return make_ready(task, named(task, settings)).settings


def plan_of(task: Task, ready: Ready) -> Plan:
    """Say what the files were taken for, with model, recipe and the expected time."""
    settings, work = ready.settings, ready.work
    if work is None:
        words = f"{settings.model}, {settings.preset}{_sampled(ready)}"
        return ready.prepared.plan.with_facts({"model": words})
    seconds = work.seconds(settings.epochs, settings.batch_size)
    if seconds > TIMED_FROM:
        config, objective = part_of(settings, task.config), objective_of(task, ready.prepared)
        samples, device = ready.prepared.training_set(), resolve_device(settings.device)
        seconds = timed_seconds(ready.model, objective, samples, config, work, device)
    facts = recipe_in_words(settings, work, seconds)
    if ready.beginning is not None:
        facts = {"begins with": "\n".join([ready.beginning.words, *ready.beginning.notes])} | facts
    return ready.prepared.plan.with_facts(facts)


def _sampled(ready: Ready) -> str:
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
