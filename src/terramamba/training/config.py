"""What a model can obey of a training configuration, and what that makes: learning rates, the optimiser."""

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

import torch

from terramamba.core.errors import InputError
from terramamba.core.options import flag_of, options_of
from terramamba.models.model import Model
from terramamba.models.registry import list_models, model_spec
from terramamba.models.spec import ModelSpec
from terramamba.training.settings import Precision, TrainConfig, TrainSettings

S = TypeVar("S", bound=TrainSettings)


def check_ability(model: Model, *, recompute: bool, compile: bool, precision: Precision) -> None:
    """Raise ``InputError`` where ``model`` cannot do what is requested; it need not be trained for that."""
    for flag, requested, done in (
        ("--recompute", recompute, "run again"),
        ("--compile", compile, "compiled"),
    ):
        if requested and not model.checkpoint_blocks():
            raise InputError(f"{flag}: {model.spec_name} has no blocks that could be {done}; leave it out")
    model.check_precision(precision)


def unobeyed(kind: type[TrainSettings], spec: ModelSpec) -> frozenset[str]:
    """Name the settings of ``kind`` that training a model obeys only by gradient steps, where it has none.

    A solver chooses the size and the options of its model itself.
    """
    if spec.by_steps:
        return frozenset()
    names = {option.name for option in options_of(kind) if option.by_steps}
    return frozenset(names | ({"preset", "set"} if spec.fit is not None else set()))


def refuse_unobeyed(
    given: Mapping[str, Any],
    kind: type[TrainSettings],
    spec: ModelSpec,
    spelled: Callable[[str], str] = flag_of,
) -> None:
    """Raise ``InputError`` where ``given``, settings of ``kind``, has one that the model cannot obey.

    A setting that is as it would be without anybody's word is none; ``spelled`` says how others are called.
    """
    cannot, without = unobeyed(kind, spec), {"preset": spec.default_preset}
    for option in options_of(kind):
        value = given.get(option.name)
        if option.name not in cannot or value in (None, option.default, without.get(option.name)):
            continue
        if isinstance(value, Mapping):
            value = ",".join(f"{name}={one}" for name, one in value.items())
        raise InputError(
            where=spelled(option.name),
            value=None if value is True else value,
            what=f"{spec.name} {_REASONS.get(option.name, 'is not trained by gradient steps')}",
            remedy="leave it out",
        )


_REASONS = {
    "preset": "has no sizes, its solver decides",
    "set": "takes no options, its solver chooses them",
}


def check_choices(settings: TrainSettings, spec: ModelSpec) -> None:
    """Raise ``InputError`` where ``settings`` ask for what the model of ``spec`` cannot obey."""
    kind, decided = type(settings), settings.decided
    given = {option.name: getattr(settings, option.name) for option in options_of(kind)}
    refuse_unobeyed({name: value for name, value in given.items() if name not in decided}, kind, spec)


def with_encoder(settings: S) -> S:
    """Return ``settings``, whose model has its own name, with their encoder among the model's options.

    Raises:
        InputError: the model cannot be built on it, or its options name another.
    """
    asked = settings.encoder
    if asked is None:
        return settings
    known = model_spec(settings.model).encoders
    if asked not in known:
        others = [name for name in list_models() if asked in model_spec(name).encoders]
        can = f"its encoders are {', '.join(known)}" if known else "its encoder is its own alone"
        remedy = f"leave it out, or train {' or '.join(others)}" if others else "leave it out"
        raise InputError(where="--encoder", value=asked, what=f"{settings.model}: {can}", remedy=remedy)
    if settings.set.get("encoder", asked) != asked:
        raise InputError(f"--encoder {asked} and --set encoder={settings.set['encoder']}; give one of them")
    return replace(settings, set={**settings.set, "encoder": asked})


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
