"""The training loop: epochs of steps, validation after each, and what that decides.

Everything is a function of the settings, the epoch and the state after the epoch before, so an epoch has the
same outcome whether or not the run was broken off before it.
"""

import math
import random
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

from terramamba.core.errors import InputError
from terramamba.core.processes import Report
from terramamba.core.progress import pace_of
from terramamba.models.model import Model
from terramamba.training.batches import Batch, EvaluationBatches, Shard, TrainingBatches
from terramamba.training.checkpoint import TrainState, on_cpu
from terramamba.training.config import learning_rate, make_optimizer
from terramamba.training.objective import Objective, Validation
from terramamba.training.predict import evaluating
from terramamba.training.settings import TrainConfig

SECONDS_BETWEEN_REPORTS = 0.5
FINEST_REPORT = 1024
"""Steps that progress counts in an epoch: a power of 2, so that they add up to 1 exactly."""


def run_epochs(
    model: Model,
    objective: Objective,
    batches: TrainingBatches,
    validation: EvaluationBatches,
    state: TrainState | None,
    keep: Callable[[TrainState], None],
    report: Report,
) -> None:
    """Train ``model``, which is on the device of ``batches``, from ``state`` (None: the start) to the end.

    All processes of a job do this together, each on its own batches, and know how every epoch went. The first
    calls ``keep`` with the state after each epoch, and ``report`` with the fraction of an epoch done.
    """
    config, shard = batches.config, batches.shard
    learner = _learner(model, objective, batches)
    optimizer = make_optimizer(model, config)
    if state is not None:
        optimizer.load_state_dict(state.optimizer)
    said = _silent if shard.rank else report
    remark = ""
    for epoch in range(len(state.history) if state else 0, config.epochs):
        seed_everything(epoch_seed(config.seed, epoch, shard))
        progress = EpochProgress(batches, epoch, said, remark)
        for step, batch in enumerate(batches.epoch(epoch)):
            progress.lr = learning_rate(config, epoch, step, batches.steps)
            for group in optimizer.param_groups:
                group["lr"] = progress.lr * group.get("lr_scale", 1.0)
            loss = learner(batch)
            optimizer.zero_grad()
            loss.backward()
            if config.clip_norm:
                nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
            optimizer.step()
            progress.add(loss, len(batch["image"]), step, model)
        train_loss = progress.loss(model)
        _agree_on_buffers(model, shard)
        with evaluating(model, batches.device):
            validated = objective.validate(model, validation)
        row = {"epoch": epoch + 1, "train_loss": train_loss, "val_loss": validated.loss, **validated.scores}
        row |= {"lr": progress.lr, "seconds": progress.seconds}
        state = _next_state(state, row, validated, model, optimizer, config)
        if shard.rank == 0:
            keep(state)
        remark = f", {validated.remark} after epoch {epoch + 1}, best in epoch {state.best_epoch}"
        progress.end(f"loss {train_loss:.4g}{remark}")
        if state.stopped:
            return


class Learner(nn.Module):
    """A model with what it minimises: of a batch, the training loss in the precision of the configuration."""

    def __init__(self, model: Model, objective: Objective, precision: str, device: torch.device) -> None:
        super().__init__()
        self.model, self.objective = model, objective
        self.precision, self.device_type = precision, device.type

    def forward(self, batch: Batch) -> Float[Tensor, ""]:
        """Compute the loss; matrix products in bfloat16 where that is set, sums in float32."""
        bf16 = self.precision == "bf16"
        # With its cache, gradients of a weight that is used twice would be added up in bfloat16.
        with torch.autocast(self.device_type, torch.bfloat16, enabled=bf16, cache_enabled=False):
            return self.objective.loss(self.model, batch)


def _learner(model: Model, objective: Objective, batches: TrainingBatches) -> nn.Module:
    """The learner; with several processes one that gives all of them the mean of their gradients."""
    learner = Learner(model, objective, batches.config.precision, batches.device)
    if batches.shard.world == 1:
        return learner
    return DistributedDataParallel(
        learner,
        [batches.device] if batches.device.type == "cuda" else None,
        find_unused_parameters=model.may_skip_weights,
    )


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch, on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (models of others may draw from it)
    torch.manual_seed(seed)


def epoch_seed(seed: int, epoch: int, shard: Shard) -> int:
    """Return the seed of all generators in ``epoch`` (from 0) of one process, each with its own dropout."""
    return int(np.random.SeedSequence([seed, epoch, shard.rank]).generate_state(1)[0])


class EpochProgress:
    """The training loss of an epoch as it comes in, and reports of it now and then."""

    def __init__(self, batches: TrainingBatches, epoch: int, report: Report, remark: str) -> None:
        self.epoch, self.steps, self.shard, self.device = epoch, batches.steps, batches.shard, batches.device
        self.report, self.remark = report, remark
        self.begun = self.reported_at = time.monotonic()
        self.reported, self.seen, self.lr = 0.0, 0, batches.config.lr
        self.loss_sum = torch.zeros((), device=batches.device)

    @property
    def seconds(self) -> float:
        """Since the epoch began."""
        return round(time.monotonic() - self.begun, 3)

    def add(self, loss: Float[Tensor, ""], samples: int, step: int, model: Model) -> None:
        """Count the mean ``loss`` of ``samples``; when a report is due, require that training goes well."""
        self.loss_sum += loss.detach() * samples
        self.seen += samples
        if time.monotonic() - self.reported_at < SECONDS_BETWEEN_REPORTS:
            return
        so_far = float(self.loss_sum) / self.seen
        self._require_number(so_far, model)
        done = min((step + 1) * FINEST_REPORT // self.steps, FINEST_REPORT - 1) / FINEST_REPORT
        self._say(done, f"loss {so_far:.4g}{self.remark}")

    def loss(self, model: Model) -> float:
        """Return the mean loss of all samples of all processes; ``InputError`` where it is no number."""
        sums = torch.stack([self.loss_sum, torch.tensor(float(self.seen), device=self.device)])
        if self.shard.world > 1:
            distributed.all_reduce(sums)
        loss = float(sums[0]) / float(sums[1])
        self._require_number(loss, model)
        return loss

    def end(self, text: str) -> None:
        """Report the whole epoch."""
        self._say(1.0, text)

    def _require_number(self, loss: float, model: Model) -> None:
        # A sum is no number where one of its terms is none; a look at every weight takes four times as long.
        sums = [parameter.detach().sum(dtype=torch.float32) for parameter in model.parameters()]
        weights = bool(torch.isfinite(torch.stack(sums)).all())
        if not math.isfinite(loss) or not weights:
            what = f"loss is {loss:g}" if not math.isfinite(loss) else "loss gave weights that are no numbers"
            raise InputError(
                f"the training {what} in epoch {self.epoch + 1} at learning rate {self.lr:.3g}:"
                " lower --lr, or check the images for values out of range"
            )

    def _say(self, done: float, text: str) -> None:
        rate = self.seen * self.shard.world / max(time.monotonic() - self.begun, 1e-9)
        self.report(done - self.reported, f"{pace_of(rate, 'samples')}, {text}")
        self.reported, self.reported_at = done, time.monotonic()


def _agree_on_buffers(model: Model, shard: Shard) -> None:
    """Give all processes the batch statistics of the first, so that they validate one model."""
    if shard.world > 1:
        for buffer in model.buffers():
            distributed.broadcast(buffer, src=0)


def _next_state(
    before: TrainState | None,
    row: dict[str, int | float],
    validated: Validation,
    model: Model,
    optimizer: torch.optim.Optimizer,
    config: TrainConfig,
) -> TrainState:
    """The state after the epoch of which the history gets ``row``; the best epoch is the first of equals."""
    weights = on_cpu(model.state_dict())
    state = TrainState(
        weights=weights,
        optimizer=on_cpu(optimizer.state_dict()),
        best_epoch=int(row["epoch"]),
        best_score=validated.score,
        best_threshold=validated.threshold,
        best_weights=weights,
        history=[*(before.history if before else []), row],
    )
    if before is not None and not validated.score > before.best_score:
        state = state.with_best_of(before)
    return replace(state, stopped=_why_stop(state, config))


def _why_stop(state: TrainState, config: TrainConfig) -> str:
    if len(state.history) == config.epochs:
        return f"all {config.epochs} epochs were run"
    if config.patience and state.waited >= config.patience:
        return f"no better validation score for {config.patience} epochs"
    return ""


def _silent(amount: float, remark: str = "") -> None:
    """Report nothing."""
