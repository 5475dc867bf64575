"""Patches as samples: their classes, those of their pixels, and augmentation that a seed decides."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from terramamba.data.augment import SYMMETRIES, turn
from terramamba.data.patch_store import PatchStore
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.landcover.patches import NOISE, PatchDataset
from terramamba.raster.readers.open import open_scene

SHAPE = (12, 9)
AS_STORED = Scaling("minmax", (0, 1, 2, 3), (0.0,) * 4, (1.0,) * 4, (0.0,) * 4)


@pytest.fixture
def cube(tmp_path: Path, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal((4, *SHAPE)).astype(np.float32)
    np.save(tmp_path / "scene.npy", values)
    return values


def make(folder: Path, seed: int, *, augment: bool, tokens: bool = False) -> PatchDataset:
    pixels, targets = drawn(seed)
    scene = open_scene(folder / "scene.npy", shape=SHAPE)
    store = PatchStore.read(scene, AS_STORED, PixelList.at(pixels, SHAPE), 5, "reflect")
    return PatchDataset(store, pixels, targets, label_tokens=tokens, augment=augment, seed=seed)


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """40 pixels and their classes."""
    rng = np.random.default_rng(seed)
    return rng.permutation(np.argwhere(np.ones(SHAPE, bool)))[:40], rng.integers(0, 5, 40)


def test_samples_carry_their_class_and_the_classes_of_their_pixels(
    cube: np.ndarray, tmp_path: Path, seed: int
) -> None:
    data = make(tmp_path, seed, augment=False, tokens=True)
    pixels, targets = drawn(seed)
    known = np.full((16, 13), -1)  # two pixels more on each side
    known[tuple(pixels.T + 2)] = targets
    assert len(data) == 40
    for index, (row, col) in enumerate(pixels):
        sample = data[index]
        assert sample["image"].shape == (4, 5, 5)
        assert sample["image"].dtype == torch.float32
        np.testing.assert_array_equal(sample["image"][:, 2, 2].numpy(), cube[:, row, col])
        assert sample["label"].shape == ()
        assert int(sample["label"]) == targets[index]
        np.testing.assert_array_equal(sample["token_label"].numpy(), known[row : row + 5, col : col + 5])


def test_augmented_samples_are_turned_copies_with_a_little_noise(
    cube: np.ndarray, tmp_path: Path, seed: int
) -> None:
    plain, augmented = (make(tmp_path, seed, augment=augment, tokens=True) for augment in (False, True))
    seen = set()
    for index in range(len(plain)):
        before, after = plain[index], augmented[index]
        assert int(before["label"]) == int(after["label"])
        # at the mirrored edge of the scene several symmetries give the same image
        noise = [after["image"] - turn(before["image"], s) for s in range(SYMMETRIES)]
        fitting = {
            s
            for s in range(SYMMETRIES)
            if torch.equal(after["token_label"], turn(before["token_label"], s))
            and float(noise[s].std(dim=(1, 2)).max()) < 1e-6  # one offset for all pixels of a band
        }
        assert fitting
        assert 0 < float(noise[min(fitting)].abs().max()) < 6 * NOISE
        seen |= fitting
    assert len(seen) >= 5


def test_a_sample_depends_on_seed_epoch_and_index_alone(cube: np.ndarray, tmp_path: Path, seed: int) -> None:
    data, again = make(tmp_path, seed, augment=True), make(tmp_path, seed, augment=True)
    data.set_epoch(3)
    again.set_epoch(2)
    earlier = again[7]["image"]
    again.set_epoch(3)
    batch = data.__getitems__([3, 7, 5])
    np.testing.assert_array_equal(batch[1]["image"], again[7]["image"])
    assert not torch.equal(batch[1]["image"], earlier)


def test_a_loader_takes_whole_batches(cube: np.ndarray, tmp_path: Path, seed: int) -> None:
    data = make(tmp_path, seed, augment=True, tokens=True)
    batches = list(DataLoader(data, batch_size=16))
    assert [len(batch["label"]) for batch in batches] == [16, 16, 8]
    np.testing.assert_array_equal(batches[1]["image"][3], data[19]["image"])
    assert batches[0]["token_label"].shape == (16, 5, 5)


def test_augmenting_leaves_the_scene_as_it_was(cube: np.ndarray, tmp_path: Path, seed: int) -> None:
    data = make(tmp_path, seed, augment=True)
    before = data._store.values.clone()
    data.__getitems__(list(range(40)))
    assert torch.equal(before, data._store.values)
