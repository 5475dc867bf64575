"""How a model is trained: a published recipe, what the user changes, and the learning rate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import torch
from torch import nn

from terramamba.core.errors import InputError

Optimizer = Literal["adam", "adamw"]
Schedule = Literal["cosine", "poly", "constant"]
Loss = Literal["cross_entropy", "bce", "bce_dice", "focal"]
Precision = Literal["32", "bf16"]


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Everything that ``training.fit`` obeys; a model's ``recipe`` has the same names."""

    epochs: int
    """Passes over the training samples."""
    batch_size: int = 16
    """Samples a step, on each device."""
    lr: float = 1e-3
    """Peak learning rate."""
    weight_decay: float = 0.0
    optimizer: Optimizer = "adam"
    schedule: Schedule = "cosine"
    """cosine: to 0, step by step; poly: (1 - epoch / epochs)^poly_power, epoch by epoch; constant."""
    poly_power: float = 0.9
    warmup_epochs: int = 0
    """Epochs in which the learning rate rises linearly, step by step."""
    clip_norm: float = 0.0
    """Largest norm of the gradient; 0: not clipped."""
    loss: Loss = "cross_entropy"
    pos_weight: float | None = None
    """Weight of changed pixels in the cross-entropy."""
    class_weights: tuple[float, ...] | None = None
    """Weights of the classes in the cross-entropy."""
    token_loss: float = 0.0
    """Weight of the extra cross-entropy on tokens with a label of their own."""
    patience: int = 0
    """Epochs without a better validation score after which training stops; 0: never."""
    seed: int = 42
    device: str = "auto"
    devices: int = 1
    """Processes that train together, one a device."""
    precision: Precision = "32"
    loader_workers: int | None = None
    """Processes that read samples ahead; None: as ``batches.readers`` says."""
    recompute: bool = False
    """Keep the input of each block alone and run it again in the backward pass."""
    compile: bool = False
    """Run the model's blocks through torch.compile."""

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch_size", 1), ("devices", 1)):
            _require(getattr(self, name) >= least, name, getattr(self, name), f"at least {least} is needed")
        for name in ("weight_decay", "clip_norm", "patience", "warmup_epochs", "token_loss", "seed"):
            _require(0 <= getattr(self, name) < math.inf, name, getattr(self, name), "at least 0 is needed")
        workers = self.loader_workers
        _require(workers is None or workers >= 0, "loader_workers", workers, "at least 0 is needed")
        _require(0 < self.lr < math.inf, "lr", self.lr, "a number above 0 is needed")
        weight = self.pos_weight
        _require(weight is None or 0 < weight < math.inf, "pos_weight", weight, "a number above 0 is needed")
        for name, known in (
            ("optimizer", Optimizer),
            ("schedule", Schedule),
            ("loss", Loss),
            ("precision", Precision),
        ):
            names = get_args(known)
            _require(
                getattr(self, name) in names, name, getattr(self, name), f"not one of {', '.join(names)}"
            )
        if self.warmup_epochs:
            remedy = f"must be below the {self.epochs} epochs"
            _require(self.warmup_epochs < self.epochs, "warmup_epochs", self.warmup_epochs, remedy)


@runtime_checkable
class HasRecipe(Protocol):
    """A model's entry in the registry, as far as training needs it."""

    @property
    def recipe(self) -> Mapping[str, Any]:
        """Published values of ``TrainConfig``'s fields."""


def config_for(
    spec: HasRecipe, settings: Any, *, class_weights: tuple[float, ...] | None = None
) -> TrainConfig:
    """The recipe of ``spec`` with the user's ``settings`` (``TrainSettings``) over it; None: the recipe.

    A recipe's warm-up that does not fit in the epochs asked for is cut to a quarter of them. Raises
    ``InputError`` for a value that cannot be.
    """
    names = {field.name for field in fields(TrainConfig)} - {"class_weights"}
    given = {name: getattr(settings, name) for name in names if getattr(settings, name, None) is not None}
    values = {**spec.recipe, **given, "class_weights": class_weights}
    if "warmup_epochs" not in given:
        values["warmup_epochs"] = min(values.get("warmup_epochs", 0), values["epochs"] // 4)
    return TrainConfig(**values)


def learning_rate(config: TrainConfig, epoch: int, step: int, steps: int) -> float:
    """Learning rate of step ``step`` of ``steps`` in ``epoch``, all counted from 0.

    A function of the place in the run alone, so that a resumed run needs no memory of it.
    """
    done, warm, total = epoch * steps + step, config.warmup_epochs * steps, config.epochs * steps
    if done < warm:
        return config.lr * (done + 1) / warm
    if config.schedule == "cosine":
        return config.lr * (1 + math.cos(math.pi * (done - warm) / (total - warm))) / 2
    if config.schedule == "poly":
        return config.lr * (1 - epoch / config.epochs) ** config.poly_power
    return config.lr


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """Adam or AdamW over the model's own ``parameter_groups(weight_decay)`` if it has them.

    Fused: PyTorch's loop over the parameters takes a tenth of a small model's training on a CPU.
    """
    groups = getattr(model, "parameter_groups", None)
    parameters = model.parameters() if groups is None else groups(config.weight_decay)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _require(good: bool, name: str, value: object, remedy: str) -> None:
    if not good:
        raise InputError(f"--{name.replace('_', '-')} {value}: {remedy}")
