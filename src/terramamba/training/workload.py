"""How much work a training run is, and about how long that takes: a sum, without a step of training.

A step costs a fixed time for every tensor of weights, which is what small models spend theirs on, and three
times the forward pass's FLOPs at the rate of the device (forward once, backward twice).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from terramamba.models.cost import model_cost


@dataclass(frozen=True)
class Rate:
    """How fast a kind of device trains."""

    flops_per_second: float
    """Floating-point operations a second; of a CPU, on one thread."""
    seconds_per_tensor: float
    """Time that each tensor of weights adds to a step, whatever its size."""


RATES = {
    # Least squares over 25 steps of 10 models on one thread of an AVX-512 server core: in a factor of 1.5 of 20.
    "cpu": Rate(4e10, 2.5e-4),
    # Not measured here. The paper's 0.646 ms a sample (SSA-Mamba, 0.617 GFLOP, RTX 4090) is 1e12; some ten
    # kernels a tensor, 10 µs each, are 1e-4 s.
    "cuda": Rate(1e12, 1e-4),
    # Not measured: a third of that.
    "mps": Rate(3e11, 3e-4),
}


@dataclass(frozen=True)
class Workload:
    """What a recipe is sized to."""

    samples: int
    """Training samples of an epoch."""
    validation: float
    """Validation samples, in sizes of a training sample."""
    parameters: int
    tensors: int
    """Tensors of weights."""
    flops: float
    """FLOPs of one training sample, forward."""
    device: str
    """cpu, cuda or mps."""
    threads: int
    """Threads that compute on a CPU."""
    devices: int = 1

    def steps(self, batch_size: int) -> int:
        """Steps of an epoch."""
        return math.ceil(self.samples / (batch_size * self.devices))

    def seconds(self, epochs: int, batch_size: int) -> float:
        """Expected time of training, validation included; right to a factor of about two on a CPU."""
        rate = RATES[self.device]
        per_second = rate.flops_per_second * (self.threads if self.device == "cpu" else 1)
        step = rate.seconds_per_tensor * self.tensors + 3 * self.flops * batch_size / per_second
        return epochs * (
            self.steps(batch_size) * step + self.validation * self.flops / per_second / self.devices
        )


def workload(
    model: nn.Module,
    shape: Sequence[int],
    *,
    samples: int,
    validation: float,
    device: torch.device,
    devices: int = 1,
    scale: float = 1.0,
) -> Workload:
    """The workload of training ``model``, on the CPU, with samples of ``scale`` times the size ``shape``."""
    cost = model_cost(model, (1, *shape), hollow=False)
    tensors = sum(1 for _ in model.parameters())
    flops, threads = cost.flops * scale, torch.get_num_threads()
    return Workload(samples, validation, cost.parameters, tensors, flops, device.type, threads, devices)
