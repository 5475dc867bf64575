"""How long training will take, from a few steps of it."""

import time
from copy import deepcopy
from itertools import islice
from typing import Any

import torch
from torch.utils.data import Dataset

from terramamba.models.model import Model
from terramamba.training.batches import Batch, Shard, TrainingBatches
from terramamba.training.config import make_optimizer
from terramamba.training.loop import Learner
from terramamba.training.objective import MakeObjective
from terramamba.training.recipes import settled
from terramamba.training.settings import TrainConfig
from terramamba.training.workload import Workload

STEPS = 4
"""Steps that are timed after the first one, which warms up, ..."""
SECONDS = 5.0
"""... but no further one is begun after this long."""
FORWARD_FRACTION = 1 / 3
"""Of the time of a training step, that of the forward pass, which validation takes for as many samples."""


def timed_seconds(
    model: Model,
    make_objective: MakeObjective[Any],
    samples: Dataset[Batch],
    config: TrainConfig,
    work: Workload,
    device: torch.device,
) -> float:
    """Return the seconds that all epochs of ``config`` take if its steps take as long as a few take now.

    The steps train a copy of ``model`` on ``device`` with the first batches of the first epoch, reading
    included: nothing that training starts from changes. Several devices are taken to share the steps.
    """
    config = settled(config)
    learner = Learner(deepcopy(model).to(device).train(), make_objective(config), config.precision, device)
    optimizer = make_optimizer(learner.model, config)
    batches = TrainingBatches(samples, config, Shard(), device)
    start, times = time.monotonic(), []
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        now = start
        for batch in islice(batches.epoch(0), STEPS + 1):
            loss = learner(batch)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()  # waits for the device
            before, now = now, time.monotonic()
            times.append(now - before)
            if now - start > SECONDS:
                break
    step = min(times[1:], default=times[0])
    steps = work.steps(config.batch_size)
    sample = step * FORWARD_FRACTION / config.batch_size
    return config.epochs * (steps * step + work.volume.validation * sample / work.devices)
