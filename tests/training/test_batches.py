"""Batches are the same whoever reads them, and a GPU's are copied while it works."""

import os
import signal

import numpy as np
import pytest
import torch

from terramamba.change.samples import PairDataset
from terramamba.core.errors import InputError
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.statistics import fit_pair_scaling
from terramamba.data.patch_store import PatchStore
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.data.synthetic.files import make_pairs
from terramamba.landcover.patches import PatchDataset
from terramamba.raster.readers.open import open_scene
from terramamba.training.batches import (
    MOST_READERS,
    EvaluationBatches,
    Shard,
    TrainingBatches,
    alike,
    epoch_order,
    make_loader,
    on_device,
    readers,
)
from terramamba.training.settings import TrainConfig
from toys import Pairs, Patches

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.fixture(scope="module")
def patches(tmp_path_factory):
    random = np.random.default_rng(0)
    values, pixels = random.random((5, 20, 30), np.float32), random.permutation(20 * 30)[:70]
    pixels = np.stack(np.unravel_index(pixels, (20, 30)), axis=1)
    path = tmp_path_factory.mktemp("patches") / "scene.npy"
    np.save(path, values)
    scene = open_scene(path, shape=(20, 30))
    as_stored = Scaling("standard", tuple(range(5)), (0.0,) * 5, (1.0,) * 5, (0.0,) * 5)
    store = PatchStore.read(scene, as_stored, PixelList.at(pixels, (20, 30)), 5, "reflect")
    return PatchDataset(store, pixels, pixels[:, 0], augment=True, seed=9)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    made = make_pairs(tmp_path_factory.mktemp("pairs"), 0, train=3, val=1, test=1, size=64, scene=(96, 128))
    found = find_pairs(made.root, "train")["train"]
    return PairDataset(
        found,
        fit_pair_scaling(found, 3),
        crop_size=32,
        crops_per_pair=2,
        augment=True,
        exchange_dates=0.5,
        jitter=0.2,
        seed=9,
    )


def assert_same_batches(some, others):
    for one, other in zip(some, others, strict=True):
        assert one.keys() == other.keys()
        for name in one:
            assert torch.equal(one[name], other[name])


def two_epochs(samples, workers):
    config = TrainConfig(epochs=2, batch_size=4, seed=5, loader_workers=workers)
    batches = TrainingBatches(samples, config, Shard(), CPU)
    return [batch for epoch in (0, 1) for batch in batches.epoch(epoch)]


@pytest.mark.parametrize("name", ["patches", "pairs"])
def test_any_number_of_readers_gives_the_same_bits(name, request):
    samples = request.getfixturevalue(name)
    alone = two_epochs(samples, 0)
    orders = [epoch_order(len(samples), 4, seed=5, epoch=epoch) for epoch in (0, 1)]
    one_by_one = []
    for epoch, order in enumerate(orders):
        samples.set_epoch(epoch)
        one_by_one += [alike([samples[index] for index in indices])[0] for indices in order]
    assert_same_batches(alone, one_by_one)
    half = len(alone) // 2
    assert not torch.equal(alone[0]["image"], alone[half]["image"])
    for workers in (1, 2):
        assert_same_batches(alone, two_epochs(samples, workers))


def test_reading_leaves_the_generators_of_the_model_alone(patches):
    before = torch.get_rng_state()
    two_epochs(patches, 0)
    assert torch.equal(before, torch.get_rng_state())


def test_images_of_one_size_are_scored_together_in_their_order():
    samples = Pairs(5, 1, sizes=(16, 16, 20))
    for workers in (0, 1):
        batches = list(EvaluationBatches(samples, 4, CPU, workers=workers))
        assert [len(batch["image"]) for batch in batches] == [2, 1, 1, 1]
        masks = [mask for batch in batches for mask in batch["mask"]]
        assert all(torch.equal(mask, sample["mask"]) for mask, sample in zip(masks, samples, strict=False))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_refusal_arrives_as_it_was_raised(workers):
    config = TrainConfig(epochs=1, batch_size=4, loader_workers=workers)
    batches = TrainingBatches(Pairs(4, 1, sizes=(16, 20)), config, Shard(), CPU)
    with pytest.raises(InputError, match=r"^training images differ in size, .* or --batch-size 1$"):
        list(batches.epoch(0))


class Deadly(Patches):
    """Ends the process that reads it."""

    def __getitem__(self, index):
        os.kill(os.getpid(), signal.SIGKILL)


def test_a_reader_that_is_killed_is_told_in_one_line():
    with pytest.raises(InputError, match=r"a process that reads samples was ended .* --loader-workers"):
        list(EvaluationBatches(Deadly(4, 1), 2, CPU, workers=1))


def test_memory_is_pinned_for_cuda_alone():
    for device, pinned in ((CPU, False), (torch.device("mps"), False), (CUDA, True)):
        assert make_loader(Patches(4, 1), [], alike, device, workers=0).pin_memory is pinned


class Moved(torch.Tensor):
    """A tensor that remembers how it was asked to move."""

    def to(self, device, *, non_blocking):
        self.asked = device, non_blocking
        return self


def test_copies_go_on_beside_the_work_of_cuda_alone():
    for device, beside in ((CPU, False), (torch.device("mps"), False), (CUDA, True)):
        values = torch.zeros(3).as_subclass(Moved)
        assert on_device({"image": values}, device)["image"].asked == (device, beside)


def test_readers_are_as_asked_or_by_the_rule():
    assert [readers(device, 3) for device in (CPU, CUDA)] == [3, 3]
    assert readers(CPU) == readers(torch.device("mps")) == 0
    assert 0 <= readers(CUDA) <= MOST_READERS
