"""Training with PyTorch Lightning: any model, either task, one process or several, resumable.

Lightning moves data and model, runs the precision, the clipping and the exchange of gradients. What decides a
result is here or in plain functions beside it: the order of samples (from seed and epoch), the learning rate
(from the place in the run), the exact validation counts, the checkpoint. An epoch therefore has the same
outcome whether or not the run was broken off before it.
"""

import logging
import math
import random
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytorch_lightning as lightning
import torch
from jaxtyping import Float
from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
from pytorch_lightning.strategies import DDPStrategy, Strategy
from torch import Tensor, distributed, nn
from torch.utils.data import Dataset

from terramamba.batches import TrainingBatches
from terramamba.checkpoint import TrainState, fingerprint, load_state, on_cpu, save_state
from terramamba.devices import resolve_device
from terramamba.errors import InputError
from terramamba.evaluation import Batch, Share, evaluate_change, evaluate_classes, evaluating
from terramamba.objectives import Task, make_objective
from terramamba.processes import Report, run_in_processes
from terramamba.recipe import TrainConfig, config_for, learning_rate, make_optimizer

__all__ = [
    "FitResult",
    "TrainConfig",
    "config_for",
    "evaluate_change",
    "evaluate_classes",
    "fit",
    "resolve_device",
    "seed_everything",
]

SECONDS_BETWEEN_REPORTS = 0.5
FINEST_REPORT = 1024
"""Parts of an epoch that progress is counted in: a power of 2, so that the parts add up to 1 exactly."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitResult:
    """How training went. Epochs are counted from 1."""

    best_epoch: int
    best_score: float
    """Validation score of the best epoch: overall accuracy, or F1 of the class "changed"."""
    threshold: float | None
    """Probability from which on a pixel counts as changed, chosen with the best epoch."""
    epochs_run: int
    stopped: str
    """Why training ended, in words."""


def fit(
    model: nn.Module,
    task: Task,
    train: Dataset[Batch],
    validation: Dataset[Batch],
    config: TrainConfig,
    folder: Path,
    *,
    resume: bool = False,
    on_progress: Report | None = None,
) -> FitResult:
    """Train ``model``, which ends with the weights of its best epoch, on the CPU.

    ``folder`` gets ``history.csv`` and ``checkpoints/last.ckpt`` after every epoch; ``resume`` goes on from
    the latter, and does nothing when the run had ended. Samples are as ``objectives.Classification`` and
    ``ChangeDetection`` say; a data set's ``set_epoch(epoch)``, if it has one, is called before each epoch.
    ``on_progress`` is called with the share of an epoch that was done, and a remark.

    Raises ``InputError`` when the loss is no longer a number, when the device is not there, or when the run
    to resume had other settings. ``KeyboardInterrupt`` leaves the checkpoint of the last complete epoch.
    """
    for name, dataset in (("training", train), ("validation", validation)):
        if not len(dataset):  # type: ignore[arg-type]
            raise InputError(f"there is no {name} sample; choose another split")
    same = fingerprint(model, task, train, validation, config)
    state = load_state(folder, same) if resume else None
    if state is None or not state.stopped:
        if state is not None:
            log.info("resuming after epoch %d of %d", len(state.history), config.epochs)
        keep = partial(save_state, folder, same)
        work = partial(_train, model, task, train, validation, config, keep, state)
        report = on_progress or _silent
        if config.devices == 1:
            work(0, 1, report)
        else:
            _check_devices(config)
            run_in_processes(work, config.devices, report)
    else:
        save_state(folder, same, state)  # the history may be missing
        log.info("already finished: %s; there is nothing to resume", state.stopped)
    state = load_state(folder, same)
    model.load_state_dict(state.best_weights)
    return FitResult(
        best_epoch=state.best_epoch,
        best_score=state.best_score,
        threshold=state.best_threshold,
        epochs_run=len(state.history),
        stopped=state.stopped,
    )


def seed_everything(seed: int) -> None:
    """Seed the generators of Python, NumPy and PyTorch, on every device."""
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002  (models of others may draw from it)
    torch.manual_seed(seed)


def _silent(amount: float, remark: str = "") -> None:
    """Report nothing."""


class _Training(lightning.LightningModule):
    """One process's part in training. All know how the epochs went; the first process keeps it."""

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        batches: TrainingBatches,
        validation: Dataset[Batch],
        state: TrainState | None,
        keep: Callable[[TrainState], None],
        report: Report,
    ) -> None:
        super().__init__()
        self.model, self.batches, self.validation, self.state = model, batches, validation, state
        self.config, self.share, self.keep, self.report = batches.config, batches.share, keep, report
        self.objective = make_objective(task, self.config)
        self.first_epoch = len(state.history) if state else 0
        self.steps = len(batches)
        self.lr, self.remark = self.config.lr, ""
        self._start_epoch_sums()

    def _start_epoch_sums(self) -> None:
        self.begun = self.reported_at = time.monotonic()
        self.reported = 0.0
        self.seen = 0
        self.loss_sum = torch.zeros((), dtype=torch.float32, device=self.device)

    @property
    def epoch(self) -> int:
        """The current epoch of the whole run, from 0."""
        return self.first_epoch + self.current_epoch

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """The optimiser, as it was when the run was broken off."""
        optimizer = make_optimizer(self.model, self.config)
        if self.state is not None:
            optimizer.load_state_dict(self.state.optimizer)
        return optimizer

    def on_train_epoch_start(self) -> None:
        """Make all that is random in this epoch a function of seed, epoch and process."""
        place = np.random.SeedSequence([self.config.seed, self.epoch, self.share.rank])
        seed_everything(int(place.generate_state(1)[0]))
        self.batches.epoch = self.epoch
        self._start_epoch_sums()

    def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
        """Set the learning rate."""
        self.lr = learning_rate(self.config, self.epoch, batch_idx, self.steps)
        for group in self._optimizer().param_groups:
            group["lr"] = self.lr

    def training_step(self, batch: Batch, batch_idx: int) -> Float[Tensor, ""]:
        """Loss of one batch."""
        loss = self.objective.loss(self.model, batch)
        samples = len(batch["image"])
        self.loss_sum += loss.detach() * samples
        self.seen += samples
        return loss

    def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
        """Report now and then, which is also when a loss that is no number is noticed early."""
        if time.monotonic() - self.reported_at < SECONDS_BETWEEN_REPORTS:
            return
        loss = float(self.loss_sum) / self.seen
        self._require_number(loss)
        done = min((batch_idx + 1) * FINEST_REPORT // self.steps, FINEST_REPORT - 1) / FINEST_REPORT
        self._report(done, f"loss {loss:.4g}{self.remark}")

    def on_train_epoch_end(self) -> None:
        """Validate; keep the state; stop when nothing gets better any more."""
        train_loss = self._train_loss()
        self._require_number(train_loss)
        self._agree_on_buffers()
        with evaluating(self.model, self.device):
            looked = self.objective.validate(self.model, self.validation, self.device, self.share)
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
            optimizer=on_cpu(self._optimizer().state_dict()),
            history=[*(before.history if before else []), row],
            best_epoch=number,
            best_score=looked.score,
            best_threshold=looked.threshold,
            best_weights=weights,
        )
        if before is not None and not looked.score > before.best_score:
            state = state.with_best_of(before)
        state = replace(state, stopped=self._why_stop(state))
        self.state = state
        if self.share.rank == 0:
            self.keep(state)
        self.trainer.should_stop = bool(state.stopped)
        self.remark = f", {looked.remark} after epoch {number}, best in epoch {state.best_epoch}"
        self._report(1.0, f"loss {train_loss:.4g}{self.remark}")

    def _why_stop(self, state: TrainState) -> str:
        if len(state.history) == self.config.epochs:
            return f"all {self.config.epochs} epochs were run"
        if self.config.patience and state.waited >= self.config.patience:
            return f"no better validation score for {self.config.patience} epochs"
        return ""

    def _train_loss(self) -> float:
        sums = torch.stack([self.loss_sum.double(), torch.tensor(float(self.seen), device=self.device)])
        if self.share.world > 1:
            distributed.all_reduce(sums)
        return float(sums[0] / sums[1])

    def _agree_on_buffers(self) -> None:
        """Give all processes the batch statistics of the first, so that they validate one model."""
        if self.share.world > 1:
            for buffer in self.model.buffers():
                distributed.broadcast(buffer, src=0)

    def _require_number(self, loss: float) -> None:
        numbers = all(bool(torch.isfinite(parameter).all()) for parameter in self.model.parameters())
        if not math.isfinite(loss) or not numbers:
            raise InputError(
                f"the training loss is {loss:g} in epoch {self.epoch + 1} at learning rate {self.lr:.3g}:"
                " lower --lr, or check the images for values out of range"
            )

    def _report(self, done: float, text: str) -> None:
        if self.share.rank == 0:
            rate = self.seen * self.share.world / max(time.monotonic() - self.begun, 1e-9)
            self.report(done - self.reported, f"{rate:,.3g} samples/s, {text}")
            self.reported = done
        self.reported_at = time.monotonic()

    def _optimizer(self) -> torch.optim.Optimizer:
        return cast(torch.optim.Optimizer, self.optimizers(use_pl_optimizer=False))


def _train(
    model: nn.Module,
    task: Task,
    train: Dataset[Batch],
    validation: Dataset[Batch],
    config: TrainConfig,
    keep: Callable[[TrainState], None],
    state: TrainState | None,
    rank: int,
    world: int,
    report: Report,
) -> None:
    """Train as process ``rank`` of ``world`` to the end, calling ``keep`` with the state after each epoch."""
    device = resolve_device(config.device)
    if world > 1:
        torch.set_num_threads(max(1, torch.get_num_threads() // world))
    model.train()
    if state is not None:
        model.load_state_dict(state.weights)
    batches = TrainingBatches(train, config, Share(rank, world))
    module = _Training(model, task, batches, validation, state, keep, report)
    single: int | list[int] = 1 if device.index is None else [device.index]
    with _without_noise(), _interruptible():
        trainer = lightning.Trainer(
            accelerator="gpu" if device.type == "cuda" else device.type,
            devices=world if world > 1 else single,
            strategy=_strategy(device, world),
            plugins=[LightningEnvironment()],  # never that of a cluster found by chance
            max_epochs=config.epochs - module.first_epoch,
            precision="bf16-mixed" if config.precision == "bf16" else "32-true",
            gradient_clip_val=config.clip_norm or None,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(module, batches)


def _strategy(device: torch.device, world: int) -> Strategy | str:
    if world == 1:
        return "auto"
    return DDPStrategy(process_group_backend="nccl" if device.type == "cuda" else "gloo")


def _check_devices(config: TrainConfig) -> None:
    device = resolve_device(config.device)
    if ":" in config.device or device.type == "mps":
        raise InputError(f"--devices {config.devices} with --device {config.device}: use cuda or cpu")
    if device.type == "cuda" and config.devices > torch.cuda.device_count():
        raise InputError(f"--devices {config.devices}: there are {torch.cuda.device_count()} CUDA devices")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let Ctrl-C through as ``KeyboardInterrupt``; Lightning makes an exit of it, and ignores the next."""
    in_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    try:
        yield
    except SystemExit as exit_:
        if not isinstance(exit_.__context__, KeyboardInterrupt):
            raise
        raise KeyboardInterrupt from None
    finally:
        if in_main_thread:
            signal.signal(signal.SIGINT, handler)


@contextmanager
def _without_noise() -> Iterator[None]:
    """Keep Lightning's advice and announcements off the terminal."""
    loggers = [logging.getLogger(name) for name in ("pytorch_lightning", "lightning_fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # of the installed Lightning about the installed PyTorch
            warnings.filterwarnings("ignore", r".*LeafSpec.* is deprecated", FutureWarning)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
