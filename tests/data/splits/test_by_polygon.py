"""Whole polygons in one part each, by class, and apart by half a patch."""

from typing import Any

import numpy as np
import pytest

from drawn import listed, subset_map
from terramamba.core.errors import InputError
from terramamba.data.splits.by_polygon import polygon_split
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, within

USUAL: dict[str, Any] = {"train_fraction": 0.3, "val_fraction": 0.2, "min_per_class": 1, "patch_size": 5}


def parcels(
    rng: np.random.Generator, gap: int = 0, side: int = 10
) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """6 x 8 rectangles of 3 classes, ``gap`` unlabelled pixels apart, numbered at random."""
    crops = rng.permutation(np.repeat([1, 2, 3], [10, 14, 24])).reshape(6, 8)
    numbers = rng.permutation(np.arange(1, 49) * 3).reshape(6, 8)
    grid = [array.repeat(side, 0).repeat(side, 1) for array in (crops, numbers)]
    place = np.indices(grid[0].shape) % side
    grid[0][(place < gap).any(axis=0)] = 0
    grid[1][(place < gap).any(axis=0)] = 0
    return grid[0], grid[1], ["a", "b", "c"]


def test_polygons_are_shared_out_by_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes, features, names = parcels(rng, gap=3)
    split = polygon_split(*listed(classes, features), **USUAL, seed=seed, names=names)
    numbers = {part: set(features[subset_map(split) == part].tolist()) for part in (TRAIN, VALIDATION, TEST)}
    assert not numbers[TRAIN] & numbers[VALIDATION]
    assert not numbers[TRAIN] & numbers[TEST]
    assert not numbers[VALIDATION] & numbers[TEST]
    assert subset_map(split)[classes > 0].all()  # 3 pixels apart is farther than half a patch
    for c, count in ((1, 10), (2, 14), (3, 24)):
        own = set(features[classes == c].tolist())
        train, val = round(0.3 * count), round(0.2 * count)
        assert [len(own & numbers[part]) for part in (TRAIN, VALIDATION, TEST)] == [
            train,
            val,
            count - train - val,
        ]
    assert split.leakage.shared == 0
    assert split.kind == "polygon"
    again = polygon_split(*listed(classes, features), **USUAL, seed=seed, names=names)
    assert split.id == again.id
    assert split.id != polygon_split(*listed(classes, features), **USUAL, seed=seed + 1, names=names).id


@pytest.mark.parametrize("patch_size", [1, 5, 9])
def test_a_margin_is_dropped_and_counted(seed: int, patch_size: int) -> None:
    rng = np.random.default_rng(seed)
    classes, features, names = parcels(rng)
    options = {**USUAL, "patch_size": patch_size}
    split = polygon_split(*listed(classes, features), **options, seed=seed, names=names)
    assert split.leakage.shared == 0
    dropped = subset_map(split) == LEFT_OUT
    expected = within(subset_map(split) == TRAIN, patch_size // 2) & (subset_map(split) != TRAIN)
    np.testing.assert_array_equal(dropped, expected)
    if dropped.any():
        note = (
            f"{dropped.sum():,} of 4,800 labelled pixels are in no subset: they lie within {patch_size // 2}"
        )
        assert split.notes[-1].startswith(note)
    else:
        assert not split.notes


def test_more_polygons_where_they_are_small(seed: int) -> None:
    """Points: one pixel each."""
    rng = np.random.default_rng(seed)
    classes, features = np.zeros((60, 60), int), np.zeros((60, 60), int)
    places = rng.permutation(900)[:80]
    rows, cols = 2 * (places // 30), 2 * (places % 30)
    classes[rows, cols] = np.repeat([1, 2], [50, 30])
    features[rows, cols] = np.arange(1, 81)
    options = {"train_fraction": 0.1, "val_fraction": 0.1, "patch_size": 1, "seed": seed, "names": ["a", "b"]}
    labelled = listed(classes, features)
    counts = polygon_split(*labelled, min_per_class=20, **options).counts(labelled[1])
    assert counts["train"] == [20, 15]
    assert counts["validation"] == [5, 3]
    numbers = {"train_fraction": 4, "val_fraction": 7}
    fixed = polygon_split(*labelled, min_per_class=0, **{**options, **numbers}).counts(labelled[1])
    assert fixed["train"] == [4, 4]
    assert fixed["validation"] == [7, 7]


def test_three_polygons_are_enough_and_two_are_not(seed: int) -> None:
    classes, features = np.zeros((30, 40), int), np.zeros((30, 40), int)
    for number in range(6):
        box = slice(1, 9), slice(6 * number, 6 * number + 4)
        classes[box], features[box] = 1 + number % 2, number + 1
    names = ["corn", "wood"]
    options = {**USUAL, "min_per_class": 500, "patch_size": 3}
    split = polygon_split(*listed(classes, features), **options, seed=seed, names=names)
    for part in ("train", "validation", "test"):
        assert split.counts(classes[classes > 0] - 1)[part] == [32, 32]
    classes[features == 6] = 0
    with pytest.raises(
        InputError, match="class 'wood' has 2 polygons on the scene, a polygon split needs at"
    ):
        polygon_split(*listed(classes, features), **options, seed=seed, names=names)


def test_a_seed_gives_the_split_that_runs_of_version_0_1_have() -> None:
    classes, features, names = parcels(np.random.default_rng(0))
    assert polygon_split(*listed(classes, features), **USUAL, seed=0, names=names).id == "e1fca821d1bf"


def test_polygons_too_close_for_the_patch_are_refused(seed: int) -> None:
    classes, features, names = parcels(np.random.default_rng(seed), side=3)
    with pytest.raises(InputError, match=r"no (validation|test) pixel is left .* patches of 41"):
        polygon_split(*listed(classes, features), **{**USUAL, "patch_size": 41}, seed=seed, names=names)
    with pytest.raises(InputError, match="whole number of polygons per class"):
        polygon_split(*listed(classes, features), **{**USUAL, "train_fraction": 1.5}, seed=seed, names=names)
