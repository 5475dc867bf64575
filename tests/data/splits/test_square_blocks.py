"""A split by square blocks: every class in every subset, half a patch apart, and what is refused."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from drawn import listed, subset_map
from terramamba.core.errors import InputError
from terramamba.data.splits.block_grid import BlockGrid
from terramamba.data.splits.block_size import BlockSize
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION, within
from terramamba.data.splits.split_files import load_split, save_split
from terramamba.data.splits.square_blocks import square_block_split
from terramamba.raster.geogrid import Grid

USUAL: dict[str, Any] = {"train_fraction": 0.2, "val_fraction": 0.2, "min_per_class": 1, "patch_size": 5}
UTM = CRS.from_epsg(32633)


def stripes(height: int = 96, width: int = 120) -> np.ndarray:
    """Three classes side by side, and gaps without labels."""
    classes = np.repeat([1, 2, 3], width // 3)[None].repeat(height, axis=0)
    classes[:, ::15] = 0
    return classes


def blocks(size: str, grid: Grid, patch_size: int = 5) -> BlockGrid:
    return BlockGrid.on(grid, parsed(size), patch_size, "scene.tif")


def parsed(text: str) -> BlockSize:
    size = BlockSize.parse(text)
    assert size is not None
    return size


@pytest.mark.parametrize("side", [8, 12])
def test_a_block_is_in_one_subset_but_for_the_buffer(seed: int, side: int) -> None:
    classes = stripes()
    split = square_block_split(*listed(classes), blocks(f"{side}px", Grid(96, 120)), **USUAL, seed=seed)
    subsets = subset_map(split)
    for row in range(0, 96, side):
        for col in range(0, 120, side):
            block = slice(row, row + side), slice(col, col + side)
            inside = subsets[block][classes[block] > 0]
            assert len(set(inside.tolist()) - {LEFT_OUT}) <= 1
            assert TRAIN not in inside or (inside == TRAIN).all()
    left_out = (classes > 0) & (subsets == LEFT_OUT)
    near = within(subsets == TRAIN, 2) & (subsets != TRAIN) & (classes > 0)
    np.testing.assert_array_equal(left_out, near)
    assert split.leakage.shared == 0
    assert split.notes == (
        f"{left_out.sum():,} of {(classes > 0).sum():,} labelled pixels are in no subset: they lie within 2 "
        "pixels of a training block",
    )


def test_every_class_has_its_quota_as_nearly_as_blocks_allow(seed: int) -> None:
    classes = stripes()
    split = square_block_split(*listed(classes), blocks("8px", Grid(96, 120)), **USUAL, seed=seed)
    counts = split.counts(classes[classes > 0] - 1)
    totals = np.bincount(classes[classes > 0] - 1)
    np.testing.assert_allclose(counts["train"], 0.2 * totals, rtol=0.27)
    assert min(map(min, (counts["train"], counts["validation"], counts["test"]))) > 0


def test_the_seed_and_the_size_decide_and_name_the_split(seed: int) -> None:
    grid = Grid(96, 120, UTM, Affine(30, 0, 5e5, 0, -30, 5e6))
    first, again, other = (
        square_block_split(*listed(stripes()), blocks("240m", grid), **USUAL, seed=s)
        for s in (seed, seed, seed + 1)
    )
    assert first.id == again.id != other.id
    assert first.block_size == "240m"
    # 240 m are 8 pixels here: the same subsets, called otherwise
    in_pixels = square_block_split(*listed(stripes()), blocks("8px", grid), **USUAL, seed=seed)
    np.testing.assert_array_equal(first.subsets, in_pixels.subsets)
    assert first.id != in_pixels.id
    assert first.id == square_block_split(*listed(stripes()), blocks("0.24km", grid), **USUAL, seed=seed).id


def test_saved_and_loaded_it_still_says_its_blocks(tmp_path: Path, seed: int) -> None:
    classes = stripes()
    split = square_block_split(*listed(classes), blocks("8", Grid(96, 120)), **USUAL, seed=seed)
    save_split(split, tmp_path, Grid(96, 120), classes[classes > 0] - 1)
    assert json.loads((tmp_path / "split.json").read_text())["block_size"] == "8px"
    loaded = load_split(tmp_path)
    assert (loaded.id, loaded.block_size) == (split.id, "8px")


def test_pixels_belong_to_the_block_that_their_centre_is_in() -> None:
    grid = Grid(10, 7, UTM, Affine(30, 0, 5e5, 0, -30, 5e6))
    laid = blocks("100m", grid, patch_size=1)
    assert (laid.rows, laid.cols) == (pytest.approx(10 / 3), pytest.approx(10 / 3))
    (pixels, *_) = listed(np.ones((10, 7), int))
    across = np.array([0, 0, 0, 1, 1, 1, 1])  # centres at 15, 45, 75, 105, 135, 165 and 195 m
    down = np.array([0, 0, 0, 1, 1, 1, 1, 2, 2, 2])
    np.testing.assert_array_equal(laid.block_of(pixels).reshape(10, 7), down[:, None] * 2 + across)


def test_degrees_are_measured_in_the_middle_of_the_scene() -> None:
    grid = Grid(200, 200, CRS.from_epsg(4326), Affine(0.001, 0, 10, 0, -0.001, 60.1))
    laid = blocks("1km", grid)
    assert laid.rows == pytest.approx(1000 / 111.41, rel=1e-3)
    assert laid.cols == pytest.approx(1000 / 55.80, rel=1e-3)  # at 60 degrees a degree is half as wide


@pytest.mark.parametrize(
    ("size", "grid", "said"),
    [
        ("500m", Grid(96, 120), r"pixels of unknown size \(no georeferencing\); give the side in pixels"),
        ("500m", Grid(96, 120, None, Affine.identity()), "no coordinate reference system"),
        ("4px", Grid(96, 120), "--block-size 4px: less than a patch of 5 x 5 pixels"),
        ("90m", Grid(96, 120, UTM, Affine(30, 0, 5e5, 0, -30, 5e6)), "90m: 3 x 3 pixels, less than a patch"),
        ("120", Grid(96, 120), "--block-size 120px: as large as scene.tif, which has 96 x 120"),
    ],
)
def test_sizes_that_make_no_blocks_are_refused(size: str, grid: Grid, said: str) -> None:
    with pytest.raises(InputError, match=said):
        blocks(size, grid)


@pytest.mark.parametrize("text", ["", "0", "0m", "-5m", "5 acres", "m", "1e3m", "nanm", "50 px m"])
def test_other_texts_are_no_size(text: str) -> None:
    assert BlockSize.parse(text) is None


def test_a_class_in_two_blocks_is_refused(seed: int) -> None:
    classes = stripes()
    classes[:10, :20] = 4
    with pytest.raises(
        InputError, match=r"class 'oats' lies in 2 blocks, a split by blocks needs at least 3"
    ):
        square_block_split(
            *listed(classes),
            blocks("10px", Grid(96, 120)),
            **USUAL,
            seed=seed,
            names=["corn", "wood", "soil", "oats"],
        )
    with pytest.raises(InputError, match=r"class 'class 4' lies in 1 block, a"):
        square_block_split(*listed(classes), blocks("20px", Grid(96, 120)), **USUAL, seed=seed)


def test_classes_that_share_all_blocks_are_all_in_all_subsets(seed: int) -> None:
    classes = 1 + np.indices((96, 120)).sum(axis=0) % 4
    split = square_block_split(*listed(classes), blocks("12px", Grid(96, 120)), **USUAL, seed=seed)
    subsets = subset_map(split)
    for c in (1, 2, 3, 4):
        assert {TRAIN, VALIDATION, TEST} <= set(subsets[classes == c].tolist())


def test_blocks_with_no_room_beside_training_are_refused(seed: int) -> None:
    classes = np.zeros((18, 18), int)
    classes[8:10, 8:10] = 1  # one pixel in each of four blocks
    with pytest.raises(InputError, match=r"--block-size 9px: no (validation|test) pixel is left beside the"):
        square_block_split(*listed(classes), blocks("9px", Grid(18, 18)), **USUAL, seed=seed)
