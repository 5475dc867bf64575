"""What happens in an epoch, as far as it decides the result.

The order of samples, all that is random, the learning rate, the exact validation counts, the best epoch and
the end. Everything is a function of the settings, the epoch and the state after the epoch before, so an epoch
has the same outcome whether or not the run was broken off before it.
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
from torch.utils.data import Dataset

from terramamba.core.errors import InputError
from terramamba.core.processes import Report
from terramamba.models.model import Model
from terramamba.training.batches import TrainingBatches
from terramamba.training.checkpoint import TrainState, on_cpu
from terramamba.training.config import learning_rate, make_optimizer
from terramamba.training.objective import Objective, Validation
from terramamba.training.predict import Batch, evaluating

SECONDS_BETWEEN_REPORTS = 0.5
FINEST_REPORT = 1024
"""Parts of an epoch that progress is counted in: a power of 2, so that the parts add up to 1 exactly."""


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch, on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (models of others may draw from it)
    torch.manual_seed(seed)


class TrainingLoop:
    """One process's part in training. All processes know how the epochs went; the first one keeps it.

    ``keep`` is called with the state after every epoch, ``report`` with the share of an epoch that was done.
    """

    def __init__(
        self,
        model: Model,
        objective: Objective,
        batches: TrainingBatches,
        validation: Dataset[Batch],
        state: TrainState | None,
        keep: Callable[[TrainState], None],
        report: Report,
    ) -> None:
        self.model, self.objective, self.batches, self.validation = model, objective, batches, validation
        self.config, self.share, self.state = batches.config, batches.share, state
        self.keep, self.report = keep, report
        self.first_epoch = self.epoch = len(state.history) if state else 0
        self.steps = len(batches)
        self.lr, self.remark = self.config.lr, ""

    def make_optimizer(self) -> torch.optim.Optimizer:
        """The optimiser, as it was when the run was broken off; the model must be on its device."""
        self.optimizer = make_optimizer(self.model, self.config)
        if self.state is not None:
            self.optimizer.load_state_dict(self.state.optimizer)
        return self.optimizer

    def start_epoch(self, epoch: int, device: torch.device) -> None:
        """Begin ``epoch`` (of the whole run, from 0): seed all generators from seed, epoch and process."""
        place = np.random.SeedSequence([self.config.seed, epoch, self.share.rank])
        seed_everything(int(place.generate_state(1)[0]))
        self.epoch = self.batches.epoch = epoch
        self.device = device
        self.begun = self.reported_at = time.monotonic()
        self.reported, self.seen = 0.0, 0
        self.loss_sum = torch.zeros((), device=device)

    def start_step(self, step: int) -> None:
        """Set the learning rate."""
        self.lr = learning_rate(self.config, self.epoch, step, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    def loss(self, batch: Batch) -> Float[Tensor, ""]:
        """Training loss of one batch, which is also counted into the epoch's."""
        loss = self.objective.loss(self.model, batch)
        samples = len(batch["image"])
        self.loss_sum += loss.detach() * samples
        self.seen += samples
        return loss

    def clip_gradients(self) -> None:
        """Scale all gradients down to the norm ``clip_norm`` together, unless they are below it."""
        if self.config.clip_norm:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)

    def end_step(self, step: int) -> None:
        """Report now and then, which is also when a loss that is no number is noticed early."""
        if time.monotonic() - self.reported_at < SECONDS_BETWEEN_REPORTS:
            return
        loss = float(self.loss_sum) / self.seen
        self._require_number(loss)
        done = min((step + 1) * FINEST_REPORT // self.steps, FINEST_REPORT - 1) / FINEST_REPORT
        self._report(done, f"loss {loss:.4g}{self.remark}")

    def end_epoch(self) -> bool:
        """Validate and keep the state; returns whether training is over."""
        train_loss = self._train_loss()
        self._require_number(train_loss)
        self._agree_on_buffers()
        with evaluating(self.model, self.device):
            looked = self.objective.validate(self.model, self.validation, self.device, self.share)
        self.state = self._next_state(train_loss, looked)
        if self.share.rank == 0:
            self.keep(self.state)
        number = self.epoch + 1
        self.remark = f", {looked.remark} after epoch {number}, best in epoch {self.state.best_epoch}"
        self._report(1.0, f"loss {train_loss:.4g}{self.remark}")
        return bool(self.state.stopped)

    def _next_state(self, train_loss: float, looked: Validation) -> TrainState:
        before, number = self.state, self.epoch + 1
        row = {
            "epoch": number,
            "train_loss": train_loss,
            "val_loss": looked.loss,
            **looked.scores,
            "lr": self.lr,
            "seconds": round(time.monotonic() - self.begun, 3),
        }
        weights = on_cpu(self.model.state_dict())
        state = TrainState(
            weights=weights,
            optimizer=on_cpu(self.optimizer.state_dict()),
            best_epoch=number,
            best_score=looked.score,
            best_threshold=looked.threshold,
            best_weights=weights,
            history=[*(before.history if before else []), row],
        )
        if before is not None and not looked.score > before.best_score:
            state = state.with_best_of(before)
        return replace(state, stopped=self._why_stop(state))

    def _why_stop(self, state: TrainState) -> str:
        if len(state.history) == self.config.epochs:
            return f"all {self.config.epochs} epochs were run"
        if self.config.patience and state.waited >= self.config.patience:
            return f"no better validation score for {self.config.patience} epochs"
        return ""

    def _train_loss(self) -> float:
        sums = torch.stack([self.loss_sum, torch.tensor(float(self.seen), device=self.device)])
        if self.share.world > 1:
            distributed.all_reduce(sums)
        return float(sums[0]) / float(sums[1])

    def _agree_on_buffers(self) -> None:
        """Give all processes the batch statistics of the first, so that they validate one model."""
        if self.share.world > 1:
            for buffer in self.model.buffers():
                distributed.broadcast(buffer, src=0)

    def _require_number(self, loss: float) -> None:
        weights = all(bool(torch.isfinite(parameter).all()) for parameter in self.model.parameters())
        if not math.isfinite(loss) or not weights:
            what = f"loss is {loss:g}" if not math.isfinite(loss) else "loss gave weights that are no numbers"
            raise InputError(
                f"the training {what} in epoch {self.epoch + 1} at learning rate {self.lr:.3g}:"
                " lower --lr, or check the images for values out of range"
            )

    def _report(self, done: float, text: str) -> None:
        if self.share.rank == 0:
            rate = self.seen * self.share.world / max(time.monotonic() - self.begun, 1e-9)
            self.report(done - self.reported, f"{rate:,.3g} samples/s, {text}")
            self.reported = done
        self.reported_at = time.monotonic()
