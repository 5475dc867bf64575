"""Patches against cutting them one by one from a padded array."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from terramamba.core.errors import InputError
from terramamba.data.augment import SYMMETRIES, turn
from terramamba.landcover.patches import NOISE, PatchDataset, gather_patches, pad_cube


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(5, 11),
    st.integers(5, 11),
    st.sampled_from([1, 3, 5, 9]),
    st.sampled_from(["reflect", "zeros"]),
)
def test_patches_equal_those_of_a_padded_array(
    seed: int, height: int, width: int, patch_size: int, border: str
) -> None:
    rng = np.random.default_rng(seed)
    cube = rng.standard_normal((3, height, width)).astype(np.float32)
    half = patch_size // 2
    mode = {"reflect": "reflect", "zeros": "constant"}[border]
    padded = np.pad(cube, ((0, 0), (half, half), (half, half)), mode=mode)
    pixels = np.argwhere(np.ones((height, width), bool))
    expected = [padded[:, r : r + patch_size, c : c + patch_size] for r, c in pixels]
    rows, cols = torch.from_numpy(pixels.T.copy())
    found = gather_patches(pad_cube(torch.from_numpy(cube), patch_size, border), rows, cols, patch_size)
    np.testing.assert_array_equal(found.numpy(), expected)
    np.testing.assert_array_equal(found[:, :, half, half].T.numpy().reshape(cube.shape), cube)


def test_a_scene_too_small_to_mirror_is_refused() -> None:
    with pytest.raises(InputError, match="3 x 9 pixels: too small to mirror 3"):
        pad_cube(torch.zeros(2, 3, 9), 7)
    assert pad_cube(torch.zeros(2, 3, 9), 7, "zeros").shape == (2, 9, 15)


def make(seed: int, *, augment: bool, tokens: bool = False) -> PatchDataset:
    rng = np.random.default_rng(seed)
    cube = rng.standard_normal((4, 12, 9)).astype(np.float32)
    pixels = rng.permutation(np.argwhere(np.ones((12, 9), bool)))[:40]
    targets = rng.integers(0, 5, 40)
    token_targets = rng.integers(-1, 5, (12, 9)) if tokens else None
    return PatchDataset(
        cube, pixels, targets, patch_size=5, token_targets=token_targets, augment=augment, seed=seed
    )


def test_samples_carry_their_class_and_the_classes_of_their_pixels(seed: int) -> None:
    data = make(seed, augment=False, tokens=True)
    rng = np.random.default_rng(seed)
    cube = rng.standard_normal((4, 12, 9)).astype(np.float32)
    pixels = rng.permutation(np.argwhere(np.ones((12, 9), bool)))[:40]
    targets, token_targets = rng.integers(0, 5, 40), rng.integers(-1, 5, (12, 9))
    padded = np.pad(token_targets, 2, constant_values=-1)
    assert len(data) == 40
    for index, (row, col) in enumerate(pixels):
        sample = data[index]
        assert sample["image"].shape == (4, 5, 5)
        assert sample["image"].dtype == torch.float32
        np.testing.assert_array_equal(sample["image"][:, 2, 2].numpy(), cube[:, row, col])
        assert sample["label"].shape == ()
        assert int(sample["label"]) == targets[index]
        np.testing.assert_array_equal(sample["token_label"].numpy(), padded[row : row + 5, col : col + 5])


def test_augmented_samples_are_turned_copies_with_a_little_noise(seed: int) -> None:
    plain, augmented = make(seed, augment=False, tokens=True), make(seed, augment=True, tokens=True)
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


def test_a_sample_depends_on_seed_epoch_and_index_alone(seed: int) -> None:
    data, again = make(seed, augment=True), make(seed, augment=True)
    data.set_epoch(3)
    again.set_epoch(2)
    earlier = again[7]["image"]
    again.set_epoch(3)
    batch = data.__getitems__([3, 7, 5])
    np.testing.assert_array_equal(batch[1]["image"], again[7]["image"])
    assert not torch.equal(batch[1]["image"], earlier)


def test_a_loader_takes_whole_batches(seed: int) -> None:
    data = make(seed, augment=True, tokens=True)
    batches = list(DataLoader(data, batch_size=16))
    assert [len(batch["label"]) for batch in batches] == [16, 16, 8]
    np.testing.assert_array_equal(batches[1]["image"][3], data[19]["image"])
    assert batches[0]["token_label"].shape == (16, 5, 5)


def test_augmenting_leaves_the_scene_as_it_was(seed: int) -> None:
    data = make(seed, augment=True)
    before = data._padded.clone()
    data.__getitems__(list(range(40)))
    assert torch.equal(before, data._padded)
