"""How much work a training run is, and about how long that takes: a sum, without a step of training.

A step costs a fixed time for every tensor of weights, which is what small models spend theirs on, and three
times the forward pass's FLOPs at the rate of the device (forward once, backward twice).
"""

import math
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
    # The ratio of both from 25 steps of 10 models, their size from 15 trainings, each on one thread of an
    # AVX-512 server (docs/recipes.md).
    "cpu": Rate(5.5e10, 1.8e-4),
    # Not measured here. The paper's 0.646 ms a sample (SSA-Mamba, 0.617 GFLOP, RTX 4090) is 1e12; some ten
    # kernels a tensor, 10 µs each, are 1e-4 s.
    "cuda": Rate(1e12, 1e-4),
    # Not measured: a third of that.
    "mps": Rate(3e11, 3e-4),
}


@dataclass(frozen=True)
class Volume:
    """How much there is to train on, in an epoch."""

    samples: int
    """Training samples."""
    validation: float
    """Validation samples, in sizes of a training sample."""
    shape: tuple[int, ...]
    """Of one sample, or of a smaller one where FLOPs grow with the area."""
    scale: float = 1.0
    """How many times larger than ``shape`` a sample is."""


@dataclass(frozen=True)
class Workload:
    """What a recipe is sized to."""

    volume: Volume
    parameters: int
    tensors: int
    """Tensors of weights."""
    flops: float
    """FLOPs of one training sample, forward."""
    device: str
    """cpu, cuda or mps."""
    threads: int = 1
    """Threads that compute on a CPU."""
    devices: int = 1

    def steps(self, batch_size: int) -> int:
        """Count the steps of an epoch."""
        return math.ceil(self.volume.samples / (batch_size * self.devices))

    def seconds(self, epochs: int, batch_size: int) -> float:
        """Estimate the seconds of training, validation included; right to a factor of about two on a CPU."""
        rate = RATES[self.device]
        per_second = rate.flops_per_second * (self.threads if self.device == "cpu" else 1)
        step = rate.seconds_per_tensor * self.tensors + 3 * self.flops * batch_size / per_second
        validation = self.volume.validation * self.flops / per_second / self.devices
        return epochs * (self.steps(batch_size) * step + validation)


def workload(model: nn.Module, volume: Volume, device: torch.device, devices: int = 1) -> Workload:
    """Count the work of training ``model``, on the CPU now, with ``volume`` on one ``device`` or several."""
    cost = model_cost(model, (1, *volume.shape), on_meta=False)
    tensors = sum(1 for _ in model.parameters())
    flops, threads = cost.flops * volume.scale, torch.get_num_threads()
    return Workload(volume, cost.parameters, tensors, flops, device.type, threads, devices)
