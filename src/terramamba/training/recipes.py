"""From what was given to what is done: every setting that was not given is decided here, once.

A size and a recipe are two things: ``preset`` is how large the model is, a recipe how it is trained. The
*published* recipe is the paper's, as the model's record has it. The *practical* one goes over it with what
the task's rule makes of the number of samples, the model and the device (docs/recipes.md).
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

from terramamba.core.options import options_of
from terramamba.core.words import about, count
from terramamba.training.settings import TrainConfig, TrainSettings
from terramamba.training.workload import Workload

C = TypeVar("C", bound=TrainConfig)
S = TypeVar("S", bound=TrainSettings)

Values = Mapping[str, Any]
Practical = Callable[[Workload, Values, Values], Values]
"""(work, published values, given ones) -> the values of the practical recipe where it has others."""

LARGEST_WARMUP = 4
"""A warm-up that was not given is at most the epochs divided by this."""


@runtime_checkable
class HasRecipe(Protocol):
    """A model's record, as far as a recipe needs it."""

    @property
    def recipe(self) -> Values:
        """Published values of settings, by their names."""

    @property
    def default_preset(self) -> str:
        """The size where none is given."""


def resolve(settings: S, spec: HasRecipe, work: Workload | None, practical: Practical) -> S:
    """Return ``settings`` with every value that they leave to the recipe; the same where none is left.

    ``work`` is None for a model that no recipe trains. The names of what was decided are in ``decided``.
    """
    settings = decide(settings, {"preset": spec.default_preset})
    if work is None:
        return settings
    given = {name: value for name, value in _by_recipe(settings).items() if value is not None}
    values = {**_silent(settings), **spec.recipe}
    if settings.recipe == "practical":
        values |= practical(work, values, given)
    shortest = given.get("epochs", values["epochs"])
    values["warmup_epochs"] = min(values["warmup_epochs"], shortest // LARGEST_WARMUP)
    return decide(settings, values)


def decide(settings: C, values: Values) -> C:
    """Return ``settings`` with ``values`` for what was not given, which is noted in ``decided``."""
    left = [name for name, value in _by_recipe(settings).items() if value is None]
    new = {name: values[name] for name in left if values.get(name) is not None}
    return replace(settings, decided=[*settings.decided, *new], **new) if new else settings


def settled(config: C) -> C:
    """Return ``config`` with the values where recipes are silent, to train without a recipe."""
    return decide(config, _silent(config))


@dataclass(frozen=True)
class Length:
    """How long practical training is."""

    steps: int
    """Steps that a model should learn by, and ..."""
    epochs: int
    """... times that it should see each sample, at least; but ..."""
    minutes: float
    """... no longer than this is expected to take ..."""
    least: int
    """... unless that were fewer epochs than these."""

    def epochs_for(self, work: Workload, batch_size: int, most: int) -> int:
        """Return the epochs of ``batch_size``, ``most`` at most."""
        enough = max(math.ceil(self.steps / work.steps(batch_size)), self.epochs)
        affordable = int(60 * self.minutes / work.seconds(1, batch_size))
        return max(1, min(enough, max(affordable, self.least), most))


def power_of_two(near: float, least: int, most: int) -> int:
    """Return the power of two that is nearest to ``near`` by ratio, between two others."""
    return min(max(2 ** round(math.log2(max(near, 1))), least), most)


def recipe_in_words(settings: TrainSettings, work: Workload, seconds: float) -> dict[str, str]:
    """Say what is about to be trained, how, and for how long."""
    changed = "".join(f", {name}={value}" for name, value in settings.set.items())
    epochs = count(settings.epochs, "epoch")
    return {
        "model": f"{settings.model}, {settings.preset}{changed}: {work.parameters:,} parameters",
        "recipe": (
            f"{settings.recipe}: {epochs} of {work.steps(settings.batch_size)} steps, batch "
            f"size {settings.batch_size}, {settings.optimizer}, learning rate {settings.lr:.3g}, "
            f"{settings.schedule}"
        ),
        "time": f"about {about(seconds)} on {work.device}",
    }


def _by_recipe(settings: Any) -> dict[str, Any]:
    options = options_of(type(settings))
    return {option.name: getattr(settings, option.name) for option in options if option.by_recipe}


def _silent(settings: Any) -> dict[str, Any]:
    options = options_of(type(settings))
    return {option.name: option.silent for option in options if option.by_recipe}
