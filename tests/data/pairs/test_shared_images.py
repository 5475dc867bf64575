"""A pair that begins with the image with which another ends shows the same place, and is named."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.change.subsets import Subsets
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.shared_images import shared_images

SIDE = 40


def saved(path: Path, values: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)


def series(home: Path, seed: int, flat: bool = False) -> list[np.ndarray]:
    """Three dates of one place in two pairs, and a pair of another place, in as many subsets."""
    rng = np.random.default_rng(seed)
    dates = [rng.integers(0, 255, (SIDE, SIDE, 3), np.uint8) for _ in range(5)]
    if flat:
        dates[1][:] = 7
    for subset, (before, after) in {"train": (0, 1), "val": (1, 2), "test": (3, 4)}.items():
        for folder, values in (("A", dates[before]), ("B", dates[after])):
            saved(home / subset / folder / f"{subset}.png", values)
        saved(home / subset / "label" / f"{subset}.png", np.eye(SIDE, dtype=np.uint8) * 255)
    return dates


def test_the_image_in_common_is_named_in_either_order(tmp_path: Path, seed: int) -> None:
    series(tmp_path, seed)
    pairs = find_pairs(tmp_path)
    later, earlier = tmp_path / "train" / "B" / "train.png", tmp_path / "val" / "A" / "val.png"
    assert shared_images(pairs["train"], pairs["val"]) == [f"{earlier} (the same as {later})"]
    assert shared_images(pairs["val"], pairs["train"]) == [f"{later} (the same as {earlier})"]
    assert shared_images(pairs["train"], pairs["test"]) == []


def test_training_says_so_of_each_subset(tmp_path: Path, seed: int) -> None:
    series(tmp_path, seed)
    (note,) = Subsets(find_pairs(tmp_path), {}, {}).notes()
    assert note.startswith("1 of 1 val pairs have an image of a train pair, the first ")
    assert note.endswith("split a series by places")


def test_whole_copies_and_images_of_one_value_are_none(tmp_path: Path, seed: int) -> None:
    dates = series(tmp_path / "flat", seed, flat=True)
    pairs = find_pairs(tmp_path / "flat")
    assert shared_images(pairs["train"], pairs["val"]) == []
    for folder, values in (("A", dates[4]), ("B", dates[3])):
        saved(tmp_path / "flat" / "train" / folder / "swapped.png", values)
    saved(tmp_path / "flat" / "train" / "label" / "swapped.png", np.eye(SIDE, dtype=np.uint8) * 255)
    pairs = find_pairs(tmp_path / "flat")
    assert shared_images(pairs["train"], pairs["test"]) == []


@pytest.mark.parametrize(("row", "expected"), [(0, 1), (20, 0)])
def test_windows_of_one_image_count_where_they_overlap(
    tmp_path: Path, seed: int, row: int, expected: int
) -> None:
    dates = series(tmp_path, seed)
    for number, values in enumerate(dates[:3]):
        saved(tmp_path / f"{number}.png", values)
    saved(tmp_path / "label.png", np.eye(SIDE, dtype=np.uint8) * 255)
    (tmp_path / "pairs.csv").write_text(
        "split,before,after,label,row,col,height,width\n"
        "train,0.png,1.png,label.png,0,0,20,40\n"
        f"val,1.png,2.png,label.png,{row},0,20,40\n"
    )
    pairs = find_pairs(tmp_path / "pairs.csv")
    assert len(shared_images(pairs["train"], pairs["val"])) == expected
