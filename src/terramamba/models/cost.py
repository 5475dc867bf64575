"""What a model costs: parameters, and floating-point operations (FLOPs) of one forward pass.

Counted: every matrix product, convolution and attention, a multiplication and an addition being two FLOPs
(``torch.utils.flop_counter``); and every scan by the field's formula 9 B L I N (batch, tokens, channels,
states; four paths through a map are four times the channels). Not counted: elementwise functions, norms,
pooling, resizing, Fourier transforms.

A scan's own operations depend on its backend, so they are never looked at: a module that calls a scan is a
``ScanModule``, which states the FLOPs of all that it does and is not run for the count.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.attention import SDPBackend, sdpa_kernel

from terramamba.models.meta_flops import FlopCounter, MetaFlopCounter


@dataclass(frozen=True)
class Cost:
    """Cost of one forward pass."""

    parameters: int
    """Numbers that training can change."""
    flops: int
    """Floating-point operations, as counted above."""


class ScanModule(nn.Module, ABC):
    """A module that calls a scan, takes one tensor and returns one of its shape."""

    @abstractmethod
    def stated_flops(self, x: Tensor) -> int:
        """State the FLOPs of ``forward``: the scan by ``scan_flops``, and all other matrix products."""


def scan_flops(batch: int, tokens: int, channels: int, states: int) -> int:
    """Count the FLOPs of a state-space scan: 9 B L I N."""
    return 9 * batch * tokens * channels * states


def model_cost(model: nn.Module, shape: Sequence[int], *, on_meta: bool = True) -> Cost:
    """Count the parameters, and the FLOPs for an input of ``shape`` (batch included), in evaluation mode.

    Tensors without content are sent through the model, so that it takes no memory and as much time for a
    large input as for a small one. A model without weights or buffers, such as a classical detector, runs for
    real, and so does one where ``on_meta`` is not asked for: on a small input that is several times as fast.
    """
    tensors = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    on_meta = on_meta and bool(tensors)
    counter = MetaFlopCounter() if on_meta else FlopCounter()
    training = model.training
    model.eval()
    try:
        # The counter knows the products inside attention, but not every fused form of it.
        with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter, _scans_stated(model) as stated:
            given = torch.zeros(*shape)
            if on_meta:
                empty = {name: torch.empty_like(tensor, device="meta") for name, tensor in tensors.items()}
                functional_call(model, empty, (given,))
            else:
                model(given)
    finally:
        model.train(training)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    return Cost(parameters, counter.flops + sum(stated))


@contextmanager
def _scans_stated(model: nn.Module) -> Iterator[list[int]]:
    """Have scan modules do nothing but state their FLOPs and hand their input on; yields what they state."""
    stated: list[int] = []

    def state(module: ScanModule, x: Tensor) -> Tensor:
        stated.append(module.stated_flops(x))
        return x

    scans = [module for module in model.modules() if isinstance(module, ScanModule)]
    for module in scans:
        vars(module)["forward"] = partial(state, module)
    try:
        yield stated
    finally:
        for module in scans:
            del vars(module)["forward"]
