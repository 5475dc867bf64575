"""How fast training samples come: one by one in the loop, as plain loops read them, and by the loader.

An epoch is read without a model, and with one that is trained on it; the ways take turns in one process, and
times are medians. Ratios above 1 say that the loader is faster.

    python benchmarks/engine.py --readers 0 1 2
"""

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch.utils.data import default_collate

from terramamba.bench.timing import Work, take_turns
from terramamba.core.devices import resolve_device
from terramamba.landcover.objective import Classification
from terramamba.landcover.patches import PatchDataset
from terramamba.models.registry import create_model
from terramamba.training.batches import Batch, Shard, TrainingBatches, epoch_order
from terramamba.training.config import make_optimizer
from terramamba.training.loop import Learner
from terramamba.training.settings import TrainConfig

BANDS, SIDE, PATCH, CLASSES = 144, 120, 7, 9
SAMPLES = 1024
ONE_BY_ONE = "one by one"


def samples() -> PatchDataset:
    random = np.random.default_rng(0)
    cube = random.random((BANDS, SIDE, SIDE), np.float32)
    pixels, targets = random.integers(SIDE, size=(SAMPLES, 2)), random.integers(CLASSES, size=SAMPLES)
    return PatchDataset(cube, pixels, targets, patch_size=PATCH, augment=True, seed=0)


def one_by_one(dataset: PatchDataset, config: TrainConfig, device: torch.device) -> Iterator[Batch]:
    for indices in epoch_order(len(dataset), config.batch_size, config.seed, 0):
        batch = default_collate([dataset[index] for index in indices])
        yield {name: values.to(device) for name, values in batch.items()}


def epochs(config: TrainConfig, readers: list[int], device: torch.device) -> Mapping[str, Work]:
    """Functions that begin an epoch, by how its samples are read."""
    dataset = samples()
    ways: dict[str, Work] = {ONE_BY_ONE: partial(one_by_one, dataset, config, device)}
    for count in readers:
        batches = TrainingBatches(dataset, replace(config, loader_workers=count), Shard(), device)
        ways[f"loader, {count} processes"] = partial(batches.epoch, 0)
    return ways


def training(begin: Work, config: TrainConfig, device: torch.device) -> Work:
    torch.manual_seed(0)
    model = create_model("ssa_mamba", preset="tiny", in_channels=BANDS, num_classes=CLASSES).to(device)
    learner = Learner(model.train(), Classification(config), config.precision, device)
    optimizer = make_optimizer(model, config)

    def epoch() -> None:
        for batch in begin():
            optimizer.zero_grad()
            learner(batch).backward()
            optimizer.step()

    return epoch


def reading(begin: Work) -> Work:
    return lambda: sum(len(batch["image"]) for batch in begin())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--readers", type=int, nargs="*", default=[0, 1, 2], help="processes that read ahead")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seconds", type=float, default=20.0, help="time for each of both tables")
    arguments = parser.parse_args()
    device = resolve_device(arguments.device)
    config = TrainConfig(epochs=1, batch_size=arguments.batch_size)
    ways = epochs(config, arguments.readers, device)
    for what, works in (
        ("reading", {name: reading(begin) for name, begin in ways.items()}),
        ("training", {name: training(begin, config, device) for name, begin in ways.items()}),
    ):
        times = take_turns(works, arguments.seconds)
        for name, time in times.items():
            ratio = times[ONE_BY_ONE].median / time.median
            print(f"{what:9} {name:21} {SAMPLES / time.median:8,.0f} samples/s  {ratio:5.2f} x", flush=True)


if __name__ == "__main__":
    main()
