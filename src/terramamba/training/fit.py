"""Training of any model for either task, in one process or several, resumable.

PyTorch Lightning, used here alone, moves data and model, runs the precision and the exchange of gradients.
What decides a result is in ``loop.TrainingLoop``.
"""

import logging
import signal
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor
from torch.utils.data import Dataset

from terramamba.core.devices import resolve_device, use_threads
from terramamba.core.errors import InputError
from terramamba.core.processes import Report, run_in_processes
from terramamba.core.run_files import CHECKPOINT
from terramamba.models.model import Model
from terramamba.models.recomputing import compile_blocks, recomputing
from terramamba.training.batches import TrainingBatches
from terramamba.training.checkpoint import TrainState, fingerprint, load_state, save_state
from terramamba.training.config import check_ability
from terramamba.training.loop import TrainingLoop, seed_everything
from terramamba.training.objective import MakeObjective, Objective
from terramamba.training.predict import Batch, Share, evaluate_change, evaluate_classes
from terramamba.training.recipes import settled
from terramamba.training.settings import TrainConfig

__all__ = [
    "FitResult",
    "TrainConfig",
    "evaluate_change",
    "evaluate_classes",
    "fit",
    "resolve_device",
    "seed_everything",
]

log = logging.getLogger(__name__)

C = TypeVar("C", bound=TrainConfig)


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
    model: Model,
    make_objective: MakeObjective[C],
    train: Dataset[Batch],
    validation: Dataset[Batch],
    config: C,
    folder: Path,
    *,
    resume: bool = False,
    on_progress: Report | None = None,
) -> FitResult:
    """Train ``model``, which ends with the weights of its best epoch, on the CPU.

    ``folder`` gets ``history.csv`` and ``checkpoints/last.ckpt`` after every epoch; ``resume`` goes on from
    the latter, and does nothing when the run had ended. Samples are as ``make_objective``'s objective says; a
    data set's ``set_epoch(epoch)``, if it has one, is called before each epoch.
    What ``config`` leaves to a recipe is as where recipes are silent.
    ``on_progress`` is called with the share of an epoch that was done, and a remark.

    Raises ``InputError`` when the model cannot do what ``config`` asks for, when the loss is no longer a
    number, when the device is not there, or when the run to resume had other settings. ``KeyboardInterrupt``
    leaves the checkpoint of the last complete epoch.
    """
    for name, dataset in (("training", train), ("validation", validation)):
        if not len(dataset):  # type: ignore[arg-type]
            raise InputError(f"there is no {name} sample; choose another split")
    config = settled(config)
    objective = make_objective(config)
    check_ability(model, recompute=config.recompute, compile=config.compile, precision=config.precision)
    same = fingerprint(model, objective.task, train, validation, config)
    state = load_state(folder, same) if resume and (folder / CHECKPOINT).is_file() else None
    if state is None or not state.stopped:
        if state is not None:
            log.info("resuming after epoch %d of %d", len(state.history), config.epochs)
        keep = partial(save_state, folder, same)
        work = partial(_train, model, objective, train, validation, config, keep, state)
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


def _silent(amount: float, remark: str = "") -> None:
    """Report nothing."""


def _train(
    model: Model,
    objective: Objective,
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
    import pytorch_lightning as lightning
    from pytorch_lightning.plugins.environments import LightningEnvironment  # type: ignore[attr-defined]
    from pytorch_lightning.strategies import DDPStrategy

    device = resolve_device(config.device)
    if world > 1:
        use_threads(max(1, torch.get_num_threads() // world))
    model.train()
    if state is not None:
        model.load_state_dict(state.weights)
    batches = TrainingBatches(train, config, Share(rank, world))
    loop = TrainingLoop(model, objective, batches, validation, state, keep, report)
    backend = "nccl" if device.type == "cuda" else "gloo"
    if config.compile:
        compile_blocks(model)
    less_memory = recomputing(model) if config.recompute else nullcontext()
    with _without_noise(), _interruptible(), less_memory:
        trainer = lightning.Trainer(
            accelerator="gpu" if device.type == "cuda" else device.type,
            devices=[device.index] if world == 1 and device.index is not None else world,
            strategy="auto" if world == 1 else DDPStrategy(process_group_backend=backend),
            plugins=[LightningEnvironment()],  # never that of a cluster found by chance
            max_epochs=config.epochs - loop.first_epoch,
            precision="bf16-mixed" if config.precision == "bf16" else "32-true",
            limit_val_batches=0,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(_lightning_module(loop), batches)


def _lightning_module(loop: TrainingLoop) -> Any:
    """What Lightning calls, passed on to ``loop``; it is imported where it is used, as it takes seconds."""
    import pytorch_lightning as lightning

    on_termination = signal.getsignal(signal.SIGTERM)

    class Module(lightning.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = loop.model

        def on_train_start(self) -> None:
            # Lightning would wait for the end of the epoch and exit with status 0.
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, on_termination)

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return loop.make_optimizer()

        def on_train_epoch_start(self) -> None:
            loop.start_epoch(loop.first_epoch + self.current_epoch, self.device)

        def on_train_batch_start(self, batch: Batch, batch_idx: int) -> None:
            loop.start_step(batch_idx)

        def training_step(self, batch: Batch, batch_idx: int) -> Float[Tensor, ""]:
            return loop.loss(batch)

        def on_before_optimizer_step(self, optimizer: torch.optim.Optimizer) -> None:
            # Lightning refuses to clip for a fused optimizer in mixed precision, which would matter to a
            # gradient scaler alone; bfloat16 has none.
            loop.clip_gradients()

        def on_train_batch_end(self, outputs: Any, batch: Batch, batch_idx: int) -> None:
            loop.end_step(batch_idx)

        def on_train_epoch_end(self) -> None:
            self.trainer.should_stop = loop.end_epoch()

    return Module()


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
