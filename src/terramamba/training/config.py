"""What a training configuration comes to: the learning rate of every step, and the optimiser."""

import math

import torch
from torch import nn

from terramamba.training.settings import TrainConfig


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
