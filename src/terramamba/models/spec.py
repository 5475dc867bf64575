"""The record by which a model is known: how to build it, its sizes, its published recipe and claims."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from torch import Tensor

from terramamba.models.model import Model

FitFunction = Callable[..., tuple[Model, dict[str, Any]]]
"""fit(train_x: "m c", train_y: " m", val_x: "m2 c", val_y: " m2", *, num_classes, seed) -> (model, record)

Spectra are scaled as the model will see them, classes count from 0. The record says what was chosen.
"""


@dataclass(frozen=True)
class ModelSpec:
    """What `create_model`, `terramamba models` and the training jobs know of a model."""

    name: str
    """Name to ask for it by."""
    task: str
    """classify: (b, c, p, p) to logits (b, k); change: (b, 2, c, h, w) to logits (b, num_classes, h, w)."""
    title: str
    """What it is, in a few words."""
    paper: str
    """Where it was published."""
    build: Callable[..., Model]
    """build(**options) makes the model."""
    presets: Mapping[str, Mapping[str, Any]]
    """Named sizes: options that differ from the defaults."""
    default_preset: str
    """Preset used when none is named."""
    recipe: Mapping[str, Any]
    """The published training recipe, by the names of the training configuration."""
    claims: Mapping[str, str]
    """Published figures, word for word."""
    example: tuple[int, ...]
    """Input shape, batch 1, at which FLOPs are stated."""
    config: type | None = None
    """Dataclass whose fields are the options, where the signature of ``build`` does not show them."""
    options_of_before: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    """Of a saved model, which an earlier version may have written, to those that build the same today."""
    weights_of_before: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]] = dict
    """Of a saved model, likewise, to those that mean the same today."""
    trainable: bool = True
    """False: a detector that has nothing to learn."""
    fit: FitFunction | None = None
    """For a model that is solved for rather than trained by gradient descent: the function that does it."""
    most_fitted: int | None = None
    """Most spectra of a subset that ``fit`` takes in reasonable time; of more a sample is drawn by class."""

    @property
    def by_steps(self) -> bool:
        """Whether gradient steps train it; else a solver makes it, or it has nothing to learn."""
        return self.trainable and self.fit is None

    @property
    def encoders(self) -> tuple[str, ...]:
        """Names of the encoders that it can be built on, as its option ``encoder`` has them; () of none."""
        option = self.parameters().get("encoder")
        return () if option is None else get_args(option.annotation)

    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Return the options by name, with default and type."""
        return inspect.signature(self.config or self.build, eval_str=True).parameters
