"""Which training samples come together, in which epoch: a function of the seed and nothing else."""

import math
from collections.abc import Iterator

import numpy as np
from torch.utils.data import Dataset, default_collate

from terramamba.core.errors import InputError
from terramamba.training.predict import Batch, Share
from terramamba.training.settings import TrainConfig


def epoch_order(
    samples: int,
    batch_size: int,
    seed: int,
    epoch: int,
    share: Share = Share(),  # noqa: B008  (frozen)
) -> list[list[int]]:
    """Indices of the training samples of each of one process's batches in ``epoch`` (from 0).

    All processes get as many: where the shares would be uneven, the first samples of the order come again. A
    last batch of one sample, of which batch normalisation knows no variance, joins the one before it.
    """
    order = np.random.default_rng([seed, epoch]).permutation(samples)
    padded = np.resize(order, math.ceil(samples / share.world) * share.world)
    mine: list[int] = padded[share.rank :: share.world].tolist()
    batches = [mine[start : start + batch_size] for start in range(0, len(mine), batch_size)]
    if len(batches) > 1 and len(batches[-1]) == 1 and batch_size > 1:
        batches[-2:] = [batches[-2] + batches[-1]]
    return batches


class TrainingBatches:
    """One process's batches of the epoch that ``epoch`` says when the first of them is asked for."""

    def __init__(self, dataset: Dataset[Batch], config: TrainConfig, share: Share) -> None:
        self.dataset, self.config, self.share = dataset, config, share
        self.epoch = 0

    def __len__(self) -> int:
        return len(self._order())

    def __iter__(self) -> Iterator[Batch]:
        if hasattr(self.dataset, "set_epoch"):
            self.dataset.set_epoch(self.epoch)
        for indices in self._order():
            samples = [self.dataset[index] for index in indices]
            shapes = sorted({tuple(sample["image"].shape) for sample in samples})
            if len(shapes) > 1:
                raise InputError(
                    f"training images differ in size, {shapes[0]} and {shapes[-1]}: choose a --crop-size"
                    " that all of them have, or --batch-size 1"
                )
            yield default_collate(samples)

    def _order(self) -> list[list[int]]:
        samples: int = len(self.dataset)  # type: ignore[arg-type]
        return epoch_order(samples, self.config.batch_size, self.config.seed, self.epoch, self.share)
