"""What training does to the blocks that a model repeats: run them again, or compile them.

Activation checkpointing: blocks keep their input alone, and run again in the backward pass (Chen et al.,
"Training Deep Nets with Sublinear Memory Cost", 2016, arXiv 1604.06174). Results do not change: random
numbers are drawn again, and batch norms count a batch once.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from terramamba.models.model import Model


@contextmanager
def recomputing(model: Model) -> Iterator[None]:
    """Have training of ``model`` take less memory, and about a quarter more time, within the context."""
    with _other_forwards(model, lambda block, forward: partial(_forward, block, forward)):
        yield


@contextmanager
def compiling(model: Model) -> Iterator[None]:
    """Run each block through ``torch.compile`` within the context, which compiles for each way of use.

    Not the whole model: that takes minutes where blocks take seconds, and PyTorch 2.13 then loses gradients
    of GLMamba on a CPU (those of everything before its decoder come out as 0). Not for what comes after the
    training, which goes through its data once.
    """
    with _other_forwards(model, lambda block, forward: torch.compile(forward)):
        yield


@contextmanager
def _other_forwards(model: Model, other: Callable[[nn.Module, Any], Any]) -> Iterator[None]:
    """Put ``other`` of a block and its ``forward`` in the place of the latter within the context."""
    blocks = model.checkpoint_blocks()
    before = [vars(block).get("forward") for block in blocks]
    for block in blocks:
        block.forward = other(block, block.forward)
    try:
        yield
    finally:
        for block, forward in zip(blocks, before, strict=True):
            del block.forward  # that of the class comes back
            if forward is not None:
                block.forward = forward


def _forward(block: nn.Module, forward: Any, x: torch.Tensor) -> torch.Tensor:
    if not (block.training and torch.is_grad_enabled()):
        return forward(x)
    return checkpoint(forward, x, use_reentrant=False, context_fn=partial(_contexts, block))


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """Make the contexts of the first run and of the second."""
    return nullcontext(), _statistics_as_they_are(block)


@contextmanager
def _statistics_as_they_are(block: nn.Module) -> Iterator[None]:
    norms = [module for module in block.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked -= 1
