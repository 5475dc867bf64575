"""What a model costs: parameters, and floating-point operations (FLOPs) of one forward pass.

Counted: every matrix product, convolution and attention, a multiplication and an addition being two FLOPs
(``torch.utils.flop_counter``); and every scan by the field's formula 9 B L I N (batch, tokens, channels,
states; four paths through a map are four times the channels). Not counted: elementwise functions, norms,
pooling, resizing, Fourier transforms.

A scan's own operations depend on its backend, so they are never looked at. A module that calls a scan has the
method ``stated_flops(*inputs) -> int``: given what its ``forward`` is given, the FLOPs of the whole module,
scan by formula and its own matrix products. They replace what was counted while that module ran.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode


@dataclass(frozen=True)
class Cost:
    """Cost of one forward pass."""

    parameters: int
    """Numbers that training can change."""
    flops: int
    """Floating-point operations, as counted above."""


def scan_flops(batch: int, tokens: int, channels: int, states: int) -> int:
    """9 B L I N: FLOPs of a state-space scan."""
    return 9 * batch * tokens * channels * states


def model_cost(model: nn.Module, shape: Sequence[int]) -> Cost:
    """Parameters, and FLOPs for an input of ``shape`` (batch included), in evaluation mode.

    Tensors without content are sent through the model, so that it takes little time and no memory; a model
    without weights or buffers, such as a classical detector, runs for real.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    fake = FakeTensorMode() if tensors else nullcontext()
    counter = FlopCounterMode(display=False)
    begun: list[int] = []
    stated = 0

    def before(module: nn.Module, inputs: tuple[Any, ...]) -> None:
        begun.append(counter.get_total_flops())

    def after(module: Any, inputs: tuple[Any, ...], output: Any) -> None:
        nonlocal stated
        stated += module.stated_flops(*inputs) - (counter.get_total_flops() - begun.pop())

    training = model.training
    hooks = []
    for module in model.modules():
        if hasattr(module, "stated_flops"):
            hooks += [module.register_forward_pre_hook(before), module.register_forward_hook(after)]
    try:
        model.eval()
        # The counter knows the products inside attention, but not every fused form of it.
        with torch.no_grad(), fake, sdpa_kernel(SDPBackend.MATH), counter:
            hollow = {name: torch.empty(tensor.shape, dtype=tensor.dtype) for name, tensor in tensors.items()}
            functional_call(model, hollow, (torch.zeros(*shape),))
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Cost(parameters, counter.get_total_flops() + stated)
