"""Splits: every class in every part, exact numbers, nothing shared, the same again for the same seed."""

import json
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from scipy.ndimage import label

from drawn import listed, parted, subset_map
from terramamba.core.errors import InputError
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, leakage, within
from terramamba.data.splits.split import Split, block_split, given_split, random_split
from terramamba.data.splits.split_files import load_split, save_split
from terramamba.raster.geogrid import Grid

USUAL = {"train_fraction": 0.1, "val_fraction": 0.1, "min_per_class": 20, "patch_size": 7}


def fields(seed: int, height: int = 60, width: int = 80, classes: int = 6, side: int = 20) -> np.ndarray:
    """Rectangular fields of classes 1..K with unlabelled margins; each class has at least one whole field."""
    rng = np.random.default_rng(seed)
    plots = (height // side) * (width // side)
    crops = rng.permutation(
        np.concatenate([np.arange(1, classes + 1), rng.integers(0, classes + 1, plots - classes)])
    )
    labels = crops.reshape(height // side, width // side).repeat(side, 0).repeat(side, 1).astype(np.int16)
    labels[::side], labels[:, ::side] = 0, 0
    return labels


def test_random_has_the_asked_numbers_of_every_class(seed: int) -> None:
    classes = fields(seed)
    split = random_split(*listed(classes), **USUAL, seed=seed)
    counts = split.counts(classes[classes > 0] - 1)
    totals = np.bincount(classes.ravel())[1:]
    assert counts["train"] == [max(round(0.1 * n), 20) for n in totals]
    assert counts["validation"] == [round(0.1 * n) for n in totals]
    assert counts["left_out"] == [0] * len(totals)
    assert (np.array(counts["train"]) + counts["validation"] + counts["test"] == totals).all()
    assert (subset_map(split)[classes == 0] == LEFT_OUT).all()
    assert split.leakage.shared > 0.5


@pytest.mark.parametrize(
    ("total", "train", "val"), [(3, 1, 1), (9, 4, 1), (20, 10, 2), (46, 20, 5), (300, 30, 30)]
)
def test_random_never_trains_on_more_than_half_of_a_small_class(total: int, train: int, val: int) -> None:
    classes = np.full((30, 30), 1, np.int16)
    classes.flat[:total] = 2
    counts = random_split(*listed(classes), **USUAL, seed=1).counts(classes[classes > 0] - 1)
    assert [counts[part][1] for part in ("train", "validation", "test")] == [train, val, total - train - val]


def test_a_whole_number_is_a_count_per_class() -> None:
    classes = np.repeat(np.array([1, 2], np.int16), [300, 100]).reshape(20, 20)
    options = {**USUAL, "train_fraction": 60.0, "val_fraction": 30.0, "min_per_class": 5}
    counts = random_split(*listed(classes), **options, seed=0).counts(classes[classes > 0] - 1)
    assert counts["train"] == [60, 50]  # at most half
    assert counts["validation"] == [30, 30]


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([3, 5, 7, 9]),
    st.floats(0.02, 0.5),
    st.floats(0.02, 0.4),
    st.integers(0, 30),
)
def test_block_shares_no_pixel_and_has_every_class_in_every_part(
    seed: int, patch_size: int, train: float, val: float, least: int
) -> None:
    classes = fields(seed)
    split = block_split(
        *listed(classes),
        train_fraction=train,
        val_fraction=val,
        min_per_class=least,
        patch_size=patch_size,
        seed=seed,
    )
    assert leakage(split.pixels, split.subsets, patch_size).shared == 0.0
    held_out = (subset_map(split) == VALIDATION) | (subset_map(split) == TEST)
    near = within(subset_map(split) == TRAIN, patch_size // 2)
    assert not (held_out & near).any()
    assert (subset_map(split)[classes == 0] == LEFT_OUT).all()
    # left out is the buffer and nothing else
    assert near[(classes > 0) & (subset_map(split) == LEFT_OUT)].all()
    counts = split.counts(classes[classes > 0] - 1)
    assert min(map(min, (counts["train"], counts["validation"], counts["test"]))) > 0
    totals = np.bincount(classes.ravel())[1:]
    asked = np.maximum(np.maximum(np.round(train * totals), np.minimum(least, totals // 2)), 1)
    assert (np.array(counts["train"]) <= np.ceil(1.25 * asked)).all()


def test_block_keeps_the_fractions_where_there_is_room(seed: int) -> None:
    classes = fields(seed, 120, 160)
    split = block_split(*listed(classes), **USUAL, seed=seed)
    totals = np.bincount(classes.ravel())[1:]
    counts = split.counts(classes[classes > 0] - 1)
    for part in ("train", "validation"):
        np.testing.assert_allclose(counts[part], 0.1 * totals, rtol=0.27, atol=1)
    assert sum(counts["left_out"]) < 0.35 * totals.sum()
    assert "they lie within 3 pixels of a training pixel" in split.notes[-1]


def test_block_cuts_inside_a_class_of_one_component() -> None:
    classes = np.ones((40, 40), np.int16)
    classes[2:12, 2:4] = 2  # 20 pixels in one piece: 10 rows of 2
    for seed in range(5):
        split = block_split(*listed(classes), **USUAL, seed=seed)
        counts = split.counts(classes[classes > 0] - 1)
        assert all(counts[part][1] >= 2 for part in ("train", "validation", "test"))
        assert split.leakage.shared == 0.0


def test_smoothing_widens_the_buffer_and_leaves_the_blocks_as_many(seed: int) -> None:
    classes = fields(seed, 120, 160, classes=3, side=40)
    options = {**USUAL, "train_fraction": 0.05, "patch_size": 3, "seed": seed}
    plain = subset_map(block_split(*listed(classes), **options))
    wide = subset_map(split := block_split(*listed(classes), **options, reach=6))
    assert split.reach == 6
    assert not (within(wide == TRAIN, 7) & (wide == TEST)).any()
    for c in np.unique(classes[classes > 0]):
        blocks, most = (label((image == TRAIN) & (classes == c))[1] for image in (wide, plain))
        assert blocks >= most - 1 >= 2


def test_block_says_which_class_cannot_be_tested() -> None:
    classes = np.ones((40, 40), np.int16)
    classes[10:13, 10:13] = 2
    split = block_split(*listed(classes), **USUAL, seed=3, names=["soil", "pond"])
    assert split.counts(classes[classes > 0] - 1)["train"][1] == 9
    assert "class 'pond' (9 pixels) has no room" in split.notes[0]
    assert split.leakage.shared == 0.0


def test_block_takes_small_components_whole() -> None:
    classes = np.zeros((60, 60), np.int16)
    for row in range(0, 60, 10):
        for col in range(0, 60, 10):
            classes[row : row + 4, col : col + 5] = 1 + (row // 10 + col // 10) % 2
    split = block_split(*listed(classes), **{**USUAL, "train_fraction": 0.2}, seed=5)
    for row in range(0, 60, 10):
        for col in range(0, 60, 10):
            roles = set(subset_map(split)[row : row + 4, col : col + 5].ravel().tolist())
            assert TRAIN not in roles or roles == {TRAIN}
    assert not split.notes  # far enough apart: nothing is left out


def test_block_where_no_class_has_room_is_refused() -> None:
    classes = np.ones((6, 6), np.int16)
    classes[3:] = 2
    with pytest.raises(InputError, match="no validation pixel is left"):
        block_split(*listed(classes), **{**USUAL, "patch_size": 13}, seed=0)


@pytest.mark.parametrize("make", [random_split, block_split])
def test_the_seed_decides(make: type, seed: int) -> None:
    classes = fields(seed)
    first, again, other = (make(*listed(classes), **USUAL, seed=s) for s in (seed, seed, seed + 1))
    np.testing.assert_array_equal(subset_map(first), subset_map(again))
    assert first.id == again.id != other.id


@pytest.mark.parametrize("make", [random_split, block_split])
def test_refusals_name_the_class_and_what_it_lacks(make: type) -> None:
    classes = np.ones((20, 20), np.int16)
    classes[5, 5:7] = 2
    with pytest.raises(InputError, match=r"class 'oats' has 2 labelled pixels, a \w+ split needs at least 3"):
        make(*listed(classes), **USUAL, seed=0, names=["soil", "oats"])
    classes[5, 7] = 2
    with pytest.raises(InputError, match="leave nothing to test"):
        make(*listed(classes), **{**USUAL, "train_fraction": 0.6, "val_fraction": 0.4}, seed=0)
    for wrong in (0.0, -0.1, 1.0, 2.5):
        with pytest.raises(InputError, match="--val-fraction"):
            make(*listed(classes), **{**USUAL, "val_fraction": wrong}, seed=0)
    with pytest.raises(InputError, match="--patch-size 6"):
        make(*listed(classes), **{**USUAL, "patch_size": 6}, seed=0)


def test_given_keeps_a_pixel_in_its_earliest_part_and_counts_that() -> None:
    classes = np.ones((8, 8), np.int16)
    classes[4:] = 2
    train, val, test = np.zeros((3, 8, 8), bool)
    train[:, :3], val[:, 2:5], test[:4] = True, True, True
    split = given_split(*listed(classes, train, val, test), patch_size=3)
    assert split.counts(classes[classes > 0] - 1) == {
        "train": [12, 12],
        "validation": [8, 8],
        "test": [12, 0],
        "left_out": [0, 12],
    }
    assert split.notes == (
        "8 validation pixels are in an earlier subset too and count only there",
        "20 test pixels are in an earlier subset too and count only there",
        "class 'class 2' has no test pixel",
    )


def test_given_without_test_pixels_of_its_own_is_refused() -> None:
    classes = np.ones((4, 4), np.int16)
    left = np.zeros((4, 4), bool)
    left[:, :2] = True
    with pytest.raises(InputError, match="no test pixel of its own"):
        given_split(*listed(classes, left, ~left, np.ones((4, 4), bool)), patch_size=3)
    with pytest.raises(InputError, match="no validation pixel;"):
        given_split(*listed(classes, left, np.zeros((4, 4), bool), ~left), patch_size=3)


@pytest.mark.parametrize("located", [True, False])
def test_saved_and_loaded_is_the_same(tmp_path: Path, seed: int, located: bool) -> None:
    classes = fields(seed)
    place = (CRS.from_epsg(32633), Affine(30, 0, 5e5, 0, -30, 5e6)) if located else (None, None)
    split = block_split(*listed(classes), **USUAL, seed=seed)
    save_split(split, tmp_path, Grid(*classes.shape, *place), classes[classes > 0] - 1)
    assert (tmp_path / ("split.tif" if located else "split.npy")).exists()
    record = json.loads((tmp_path / "split.json").read_text())
    assert record["counts"] == split.counts(classes[classes > 0] - 1)
    assert record["leakage"] == {"shared": 0.0, "overlap": split.leakage.overlap}
    loaded = load_split(tmp_path)
    assert (loaded.kind, loaded.seed, loaded.notes, loaded.id) == ("block", seed, split.notes, split.id)
    np.testing.assert_array_equal(subset_map(loaded), subset_map(split))


def test_a_split_of_two_halves_is_refused(tmp_path: Path) -> None:
    classes = fields(1)
    split = random_split(*listed(classes), **USUAL, seed=1)
    save_split(split, tmp_path, Grid(*classes.shape), classes[classes > 0] - 1)
    np.save(tmp_path / "split.npy", np.zeros(classes.shape, np.uint8))
    with pytest.raises(InputError, match="another split"):
        load_split(tmp_path)
    (tmp_path / "split.npy").unlink()
    with pytest.raises(InputError, match=r"without split\.tif"):
        load_split(tmp_path)
    (tmp_path / "split.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read as a split"):
        load_split(tmp_path)


def test_leakage_is_that_of_the_subsets() -> None:
    roles = np.zeros((5, 20), np.uint8)
    roles[2, 0], roles[2, 3], roles[2, 6], roles[2, 7] = TRAIN, TEST, TEST, TEST
    split = Split("given", 0, 7, *parted(roles))
    assert (split.leakage.shared, split.leakage.overlap) == (1 / 3, 2 / 3)


@pytest.mark.parametrize(
    ("make", "patch_size", "known"),
    [
        (random_split, 3, "a8c309260d18"),
        (random_split, 7, "60fe7e4ca433"),
        (block_split, 3, "ba790d322282"),
        (block_split, 7, "1a90c0b0e2a8"),
    ],
)
def test_a_seed_gives_one_split_on_every_machine(make: type, patch_size: int, known: str) -> None:
    assert make(*listed(fields(0)), **{**USUAL, "patch_size": patch_size}, seed=0).id == known
