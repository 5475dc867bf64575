"""Training of any model for either task, in one process or several, resumable.

``fit`` sees to where it happens: from which epoch on, in which processes, on which device. What decides a
result is in ``loop.run_epochs``.
"""

import logging
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch
from torch.utils.data import Dataset

from terramamba.core.devices import resolve_device, use_threads
from terramamba.core.errors import InputError
from terramamba.core.processes import Report, Work, join, run_in_processes
from terramamba.core.rank_zero import leading_group
from terramamba.core.run_files import CHECKPOINT
from terramamba.models.model import Model
from terramamba.models.recomputing import compiling, recomputing
from terramamba.training.batches import Batch, EvaluationBatches, Shard, TrainingBatches
from terramamba.training.checkpoint import Contents, TrainState, fingerprint, load_state, save_state
from terramamba.training.config import check_ability
from terramamba.training.loop import run_epochs
from terramamba.training.objective import MakeObjective, Objective
from terramamba.training.recipes import settled
from terramamba.training.settings import TrainConfig

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
    contents: Contents | None = None,
    resume: bool = False,
    on_progress: Report | None = None,
) -> FitResult:
    """Train ``model``, which ends with the weights of its best epoch, on the CPU.

    ``folder`` gets ``history.csv`` and ``checkpoints/last.ckpt`` after every epoch; ``resume`` goes on from
    the latter, and does nothing when the run had ended; ``contents`` are digests of what is trained on, which
    must be the same then. Samples are as ``make_objective``'s objective says; a data set's
    ``set_epoch(epoch)``, if it has one, is called before each epoch. What ``config`` leaves to a recipe is as
    where recipes are silent.
    ``on_progress`` is called with the fraction of an epoch that was done, and a remark. In a job of several
    processes that a launcher started, all of them train (``core.rank_zero``).

    Raises ``InputError`` when the model cannot do what ``config`` asks for, when the loss is no longer a
    number, when the device is not there, or when the run to resume had other settings or contents.
    ``KeyboardInterrupt`` leaves the checkpoint of the last complete epoch.
    """
    for name, dataset in (("training", train), ("validation", validation)):
        if not len(dataset):  # type: ignore[arg-type]
            raise InputError(f"there is no {name} sample; choose another split")
    config = settled(replace(config, devices=training_processes(config)))
    objective = make_objective(config)
    check_ability(model, recompute=config.recompute, compile=config.compile, precision=config.precision)
    contents = contents or {}
    same = fingerprint(model, objective.task, train, validation, config)
    state = (
        load_state(folder, same, contents, type(config))
        if resume and (folder / CHECKPOINT).is_file()
        else None
    )
    if state is not None and state.weights.keys() != model.state_dict().keys():
        raise InputError(
            f"{folder / CHECKPOINT}: its weights are of an earlier version of {model.spec_name}, with which"
            " training cannot go on; start again with --overwrite"
        )
    if state is None or not state.stopped:
        if state is not None:
            log.info("resuming after epoch %d of %d", len(state.history), config.epochs)
        keep = partial(save_state, folder, same, contents)
        work = partial(_train, model, objective, train, validation, config, keep, state)
        report = on_progress or _silent
        if (group := leading_group()) is not None:
            group.distribute(work, report)
        elif config.devices > 1:
            run_in_processes(partial(_joined, work), config.devices, report)
        else:
            work(0, 1, report)
    else:
        save_state(folder, same, contents, state)  # the history may be missing
        log.info("already finished: %s; there is nothing to resume", state.stopped)
    state = load_state(folder, same, contents, type(config))
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


def training_processes(config: TrainConfig) -> int:
    """Count the processes that will train together; raises ``InputError`` where they cannot."""
    group = leading_group()
    if group is None:
        said, world, here = f"--devices {config.devices}", config.devices, config.devices
    else:
        process = group.process
        said, world, here = f"{process.world} processes", process.world, process.local_world
        if config.devices not in (1, world):
            raise InputError(
                f"--devices {config.devices}: {process.launcher} has started {world} processes already;"
                " leave out --devices"
            )
    if world > 1:
        device = resolve_device(config.device)
        if ":" in config.device or device.type == "mps":
            raise InputError(f"{said} with --device {config.device}: use cuda or cpu")
        # srun may have given each process a device that it alone sees.
        alone = group is not None and group.process.launcher == "srun" and torch.cuda.device_count() == 1
        if device.type == "cuda" and here > torch.cuda.device_count() and not alone:
            raise InputError(f"{said}: there are {torch.cuda.device_count()} CUDA devices")
    return world


def _joined(work: Work, rank: int, world: int, report: Report) -> None:
    """Do ``work`` in a process that was started for it, on its cores."""
    use_threads(max(1, torch.get_num_threads() // world))
    join()
    work(rank, world, report)


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
    device, shard = resolve_device(config.device), Shard(rank, world)
    batches = TrainingBatches(train, config, shard, device)
    evaluation = EvaluationBatches(
        validation, objective.validated_at_once, device, shard=shard, workers=config.loader_workers
    )
    if state is not None:
        model.load_state_dict(state.weights)
    model.to(device).train()
    with (
        compiling(model) if config.compile else nullcontext(),
        recomputing(model) if config.recompute else nullcontext(),
    ):
        run_epochs(model, objective, batches, evaluation, state, keep, report)
    model.cpu()
