"""What a training configuration comes to: the learning rate of every step, and the optimiser."""

import math

import torch

from terramamba.core.errors import InputError
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.training.settings import Precision, TrainConfig, TrainSettings


def check_ability(model: Model, *, recompute: bool, compile: bool, precision: Precision) -> None:
    """Raise ``InputError`` where ``model`` cannot do what is requested; it need not be trained for that."""
    for flag, requested, done in (
        ("--recompute", recompute, "run again"),
        ("--compile", compile, "compiled"),
    ):
        if requested and not model.checkpoint_blocks():
            raise InputError(f"{flag}: {model.spec_name} has no blocks that could be {done}; leave it out")
    model.check_precision(precision)


def check_choices(settings: TrainSettings, spec: ModelSpec) -> None:
    """Raise ``InputError`` where a model that is not trained by steps is given what only such training has.

    A solver chooses the size and the options of its model itself, and works in one process.
    """
    if spec.fit is not None:
        if settings.preset not in (None, spec.default_preset):
            raise InputError(
                f"--preset {settings.preset}: {spec.name} has no sizes, its solver decides; leave it out"
            )
        for name, value in settings.set.items():
            raise InputError(
                f"--set {name}={value}: {spec.name} takes no options, its solver chooses them; leave it out"
            )
    if settings.devices > 1 and (spec.fit is not None or not spec.trainable):
        raise InputError(
            f"--devices {settings.devices}: {spec.name} is not trained by gradient steps, one process does"
            " all; leave it out"
        )


def learning_rate(config: TrainConfig, epoch: int, step: int, steps: int) -> float:
    """Return the learning rate of step ``step`` of ``steps`` in ``epoch``, all counted from 0.

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


def make_optimizer(model: Model, config: TrainConfig) -> torch.optim.Optimizer:
    """Make Adam or AdamW over the model's own ``parameter_groups(weight_decay)``.

    Fused: PyTorch's loop over the parameters takes a tenth of a small model's training on a CPU.
    """
    parameters = model.parameter_groups(config.weight_decay)
    kind = torch.optim.AdamW if config.optimizer == "adamw" else torch.optim.Adam
    return kind(parameters, lr=config.lr, weight_decay=config.weight_decay, fused=True)
