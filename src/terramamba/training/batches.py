"""Batches of samples: which come together, who reads them, and how they reach the device.

PyTorch's ``DataLoader`` reads them, in this process or ahead of it in others. What it reads follows from the
seed and the epoch alone, and a sample's augmentation from seed, epoch and its index, so any number of readers
gives the same batches to the bit.
"""

import math
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Subset, default_collate

from terramamba.core.errors import InputError
from terramamba.core.processes import end_with_parent
from terramamba.training.settings import TrainConfig

Batch = dict[str, Tensor]
Stack = Callable[[list[Batch]], list[Batch]]
"""Makes one batch, or several, of samples that are read together."""
Key = tuple[int | None, Sequence[int]]
"""Samples of a batch, and the epoch whose augmentation they get; None: they have none."""
Loader = DataLoader[list[Batch] | InputError]

PIXELS_AT_ONCE = 2**20
"""Pixels of an image that go through the model together, unless a single sample has more."""
MOST_READERS = 4
"""Processes that read for one GPU unless more are requested; each has decoded pairs of its own in memory."""


@dataclass(frozen=True)
class Shard:
    """The work of process ``rank`` of ``world``: whole batches, one in ``world``.

    So the model sees the very batches that a single process would make.
    """

    rank: int = 0
    world: int = 1

    def batches(self, samples: int, batch_size: int) -> list[range]:
        """Return the indices of the samples of each batch."""
        starts = range(0, samples, batch_size)[self.rank :: self.world]
        return [range(start, min(start + batch_size, samples)) for start in starts]


def epoch_order(
    samples: int,
    batch_size: int,
    seed: int,
    epoch: int,
    shard: Shard = Shard(),
) -> list[list[int]]:
    """Return the indices of the training samples of each of one process's batches in ``epoch`` (from 0).

    All processes get as many: where the shards would be uneven, the first samples of the order come again. A
    last batch of one sample, of which batch normalisation knows no variance, joins the one before it.
    """
    order = np.random.default_rng([seed, epoch]).permutation(samples)
    padded = np.resize(order, math.ceil(samples / shard.world) * shard.world)
    mine: list[int] = padded[shard.rank :: shard.world].tolist()
    batches = [mine[start : start + batch_size] for start in range(0, len(mine), batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1 and batch_size > 1:
        batches[-2:] = [batches[-2] + batches[-1]]
    return batches


def readers(device: torch.device, requested: int | None = None) -> int:
    """Count the processes that read samples ahead of a model on ``device``: ``requested``, else by this rule.

    None for a model on a CPU, whose cores it needs itself, and where processes cannot be forked, so that each
    would hold a copy of the scene. Else one for each core that falls to the GPU, but one, and at most
    ``MOST_READERS``.
    """
    if requested is not None:
        return requested
    if device.type != "cuda" or sys.platform != "linux":
        return 0
    cores = len(os.sched_getaffinity(0)) // max(1, torch.cuda.device_count())
    return min(MOST_READERS, max(0, cores - 1))


class TrainingBatches:
    """One process's batches of the training samples, epoch by epoch, on its device."""

    def __init__(
        self, samples: Dataset[Batch], config: TrainConfig, shard: Shard, device: torch.device
    ) -> None:
        self.config, self.shard, self.device = config, shard, device
        self._samples: int = len(samples)  # type: ignore[arg-type]
        self.steps = len(self._order(0))
        """Batches of an epoch."""
        self._order_of_epoch: list[Key] = []
        workers = readers(device, config.loader_workers)
        self._loader = make_loader(samples, self._order_of_epoch, all_together, device, workers)

    def epoch(self, epoch: int) -> Iterator[Batch]:
        """Return the batches of ``epoch``, from 0."""
        self._order_of_epoch[:] = [(epoch, indices) for indices in self._order(epoch)]
        return _read(self._loader, self.device)

    def _order(self, epoch: int) -> list[list[int]]:
        return epoch_order(self._samples, self.config.batch_size, self.config.seed, epoch, self.shard)


class EvaluationBatches:
    """One process's shard of a data set in the order of its samples, those of one size together."""

    def __init__(
        self,
        samples: Dataset[Batch],
        batch_size: int,
        device: torch.device,
        *,
        shard: Shard = Shard(),
        workers: int | None = None,
    ) -> None:
        self.dataset, self.device, self.shard = samples, device, shard
        self.batch_size, self.workers = batch_size, workers
        self.samples: int = len(samples)  # type: ignore[arg-type]
        """Of all processes together."""
        order: list[Key] = [(None, indices) for indices in shard.batches(self.samples, batch_size)]
        self._loader = make_loader(samples, order, alike, device, readers(device, workers))

    def __iter__(self) -> Iterator[Batch]:
        return _read(self._loader, self.device)

    def only(self, indices: Sequence[int]) -> "EvaluationBatches":
        """Return the same of the samples with these ``indices`` alone."""
        some = Subset(self.dataset, indices)
        return EvaluationBatches(some, self.batch_size, self.device, shard=self.shard, workers=self.workers)


def make_loader(
    samples: Dataset[Batch], order: list[Key], stack: Stack, device: torch.device, workers: int
) -> Loader:
    """Make a loader of the batches that ``order`` names when it is iterated over; its processes stay."""
    return DataLoader(
        _Stacked(samples, stack),
        batch_size=None,
        sampler=order,
        num_workers=workers,
        persistent_workers=workers > 0,
        pin_memory=device.type == "cuda",
        generator=torch.Generator(),  # or it would draw from the one that the model draws from
        multiprocessing_context="fork" if workers and sys.platform == "linux" else None,
        worker_init_fn=_start_reader,
    )


def _read(loader: Loader, device: torch.device) -> Iterator[Batch]:
    """The batches of ``loader`` on ``device``; raises ``InputError`` as reading a sample does."""
    try:
        for batches in loader:
            if isinstance(batches, InputError):
                raise batches
            for batch in batches:
                yield on_device(batch, device)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise InputError(
            "a process that reads samples was ended from outside, perhaps for lack of memory or of shared"
            " memory (/dev/shm); give fewer --loader-workers, or 0"
        ) from error


class _Stacked(Dataset[list[Batch] | InputError]):
    """Whole batches by epoch and indices of their samples, whichever process reads them."""

    def __init__(self, samples: Dataset[Batch], stack: Stack) -> None:
        self.samples, self.stack = samples, stack

    def __getitem__(self, key: Key) -> list[Batch] | InputError:
        epoch, indices = key
        if epoch is not None and hasattr(self.samples, "set_epoch"):
            self.samples.set_epoch(epoch)
        try:
            if hasattr(self.samples, "__getitems__"):
                return self.stack(self.samples.__getitems__(list(indices)))
            return self.stack([self.samples[index] for index in indices])
        except InputError as error:
            return error  # what a reader raises arrives as the text of a traceback


def _start_reader(_: int) -> None:
    end_with_parent()


def on_device(batch: Batch, device: torch.device) -> Batch:
    """Copy ``batch`` to ``device``; a GPU copies while the model still works on the batch before."""
    ahead = device.type == "cuda"
    return {name: values.to(device, non_blocking=ahead) for name, values in batch.items()}


def all_together(samples: list[Batch]) -> list[Batch]:
    """Stack samples, which must have one size."""
    shapes = sorted({tuple(sample["image"].shape) for sample in samples})
    if len(shapes) > 1:
        raise InputError(
            f"training images differ in size, {shapes[0]} and {shapes[-1]}: choose a --crop-size"
            " that all of them have, or --batch-size 1"
        )
    return [default_collate(samples)]


def alike(samples: list[Batch]) -> list[Batch]:
    """Stack neighbouring samples of the same size, not more than ``PIXELS_AT_ONCE`` together."""
    batches: list[Batch] = []
    together: list[Batch] = []
    for sample in samples:
        shape = sample["image"].shape
        if together and (
            shape != together[0]["image"].shape
            or (len(together) + 1) * math.prod(shape[-2:]) > PIXELS_AT_ONCE
        ):
            batches.append(default_collate(together))
            together = []
        together.append(sample)
    return [*batches, default_collate(together)] if together else batches
