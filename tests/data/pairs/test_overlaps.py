"""Crops of one large image in two subsets, saved as files of their own, are found where they overlap."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

from terramamba.change.subsets import labelled_pairs
from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.overlaps import overlapping_pairs, squares_of

CROP = 96


def large(seed: int, side: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """Two dates of one ground, with fields of unlike brightness, and noise."""
    rng = np.random.default_rng(seed)
    fields = np.kron(rng.integers(40, 200, (side // 10, side // 10, 3)), np.ones((10, 10, 1)))
    before = (fields + rng.normal(0, 4, fields.shape)).clip(0, 255).astype(np.uint8)
    after = (0.8 * fields + rng.normal(0, 4, fields.shape)).clip(0, 255).astype(np.uint8)
    return before, after


def cut(folder: Path, name: str, dates: tuple[np.ndarray, np.ndarray], row: int, col: int) -> None:
    for date, values in zip("AB", dates, strict=True):
        (folder / date).mkdir(parents=True, exist_ok=True)
        Image.fromarray(values[row : row + CROP, col : col + CROP]).save(folder / date / f"{name}.png")


def place(folder: Path, name: str, dates: tuple[np.ndarray, np.ndarray], row: int, col: int) -> None:
    """A georeferenced crop, each with noise of its own as compression leaves it."""
    rng = np.random.default_rng(row + col)
    for date, values in zip("AB", dates, strict=True):
        part = values[row : row + CROP, col : col + CROP].astype(float)
        part = (part + rng.normal(0, 1, part.shape)).clip(0, 255).astype(np.uint8).transpose(2, 0, 1)
        (folder / date).mkdir(parents=True, exist_ok=True)
        where = Affine(0.5, 0, 400_000.25 + 0.5 * col, 0, -0.5, 5_800_000.75 - 0.5 * row)
        shape = {"count": 3, "height": CROP, "width": CROP, "dtype": "uint8", "driver": "GTiff"}
        with rasterio.open(
            folder / date / f"{name}.tif", "w", crs="EPSG:32633", transform=where, **shape
        ) as file:
            file.write(part)


def pairs_of(root: Path) -> list[PairFiles]:
    return find_pairs(root)["all"]


@pytest.mark.parametrize(
    ("row", "col", "size"), [(48, 0, "48 x 96"), (30, 40, "66 x 56"), (-20, 60, "76 x 36")]
)
@pytest.mark.parametrize("save", [cut, place])
def test_crops_that_overlap_are_found(
    tmp_path: Path, seed: int, row: int, col: int, size: str, save: object
) -> None:
    dates, other = large(seed), large(seed + 1)
    assert callable(save)
    for name, (at_row, at_col) in {"a": (100, 100), "b": (0, 0)}.items():
        save(tmp_path / "one", name, dates, at_row, at_col)
    save(tmp_path / "two", "c", other, 200, 200)
    save(tmp_path / "two", "d", dates, 100 + row, 100 + col)
    (found,) = overlapping_pairs(pairs_of(tmp_path / "one"), pairs_of(tmp_path / "two"))
    end = ".png" if save is cut else ".tif"
    first, second = tmp_path / "one" / "A" / f"a{end}", tmp_path / "two" / "A" / f"d{end}"
    assert found == f"{second} (which overlaps {first} by {size} pixels)"


def test_neighbours_and_other_dates_of_one_ground_are_not_accused(tmp_path: Path, seed: int) -> None:
    dates, later = large(seed), large(seed)
    other = (dates[1], large(seed + 1)[1])
    cut(tmp_path / "one", "a", dates, 0, 0)
    cut(tmp_path / "two", "b", dates, CROP, 0)
    cut(tmp_path / "two", "c", other, 20, 20)
    place(tmp_path / "three", "a", dates, 0, 0)
    place(tmp_path / "four", "b", dates, CROP - 4, 0)
    place(tmp_path / "four", "c", other, 20, 20)
    for one, two in (("one", "two"), ("three", "four")):
        assert overlapping_pairs(pairs_of(tmp_path / one), pairs_of(tmp_path / two)) == []
    assert np.array_equal(later[0], dates[0])


def test_images_without_texture_pick_no_squares(seed: int) -> None:
    assert len(squares_of(np.zeros((200, 200), np.uint8)).hashes) == 0
    assert len(squares_of(np.tile(np.arange(200, dtype=np.uint8), (200, 1)) // 16).hashes) == 0
    noise = np.random.default_rng(seed).normal(size=(256, 256)).astype(np.float32)
    assert 100 < len(squares_of(noise).hashes) < 500


def test_training_and_test_that_overlap_are_refused(tmp_path: Path, seed: int) -> None:
    grounds = [large(seed + step) for step in range(3)]
    for step, subset in enumerate(("train", "val", "test")):
        cut(tmp_path / subset, "1", grounds[step], 0, 0)
        (tmp_path / subset / "label").mkdir()
        mask = np.zeros((CROP, CROP), np.uint8)
        mask[10:30, 10:30] = 255
        Image.fromarray(mask).save(tmp_path / subset / "label" / "1.png")
    assert len(labelled_pairs(str(tmp_path), None, chosen_on_test=False)["test"]) == 1
    cut(tmp_path / "test", "1", grounds[0], 40, 40)
    with pytest.raises(InputError, match=r"training and test share .*1\.png \(which overlaps .* by 56 x 56 "):
        labelled_pairs(str(tmp_path), None, chosen_on_test=False)
