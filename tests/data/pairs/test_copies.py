"""Copies of pairs that are other files are found by what they show; different places are not accused."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.change.subsets import labelled_pairs, three_subsets
from terramamba.core.errors import InputError
from terramamba.data.pairs.copies import SUSPECT, _likeness, _may_be_alike, find_copies
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.layouts import find_pairs

SIDE = 96


def ground(rng: np.random.Generator, size: int) -> np.ndarray:
    """An image with fields of different brightness, and a little noise."""
    fields = np.kron(rng.integers(40, 200, (size // 8, size // 8, 3)), np.ones((8, 8, 1)))
    return (fields + rng.normal(0, 4, fields.shape)).clip(0, 255).astype(np.uint8)


def save(folder: Path, name: str, dates: tuple[np.ndarray, np.ndarray], **options: int) -> None:
    for date, values in zip("AB", dates, strict=True):
        (folder / date).mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(folder / date / name, **options)


@pytest.fixture
def dates(seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(seed)
    made = []
    for _ in range(4):
        before = ground(rng, SIDE)
        after = before.copy()
        after[20:60, 20:50] = ground(rng, SIDE)[20:60, 20:50]
        made.append((before, after))
    return made


def test_what_is_compared_in_full_is_chosen_so_that_no_copy_is_passed_over(seed: int) -> None:
    """Pictures that are as unlike as copies may be, mirrored, turned, and with their dates exchanged."""
    rng = np.random.default_rng(seed)
    known, noise = (rng.normal(size=(64, 2, 32, 32)).astype(np.float32) for _ in range(2))
    asked = np.rot90(known + 1.1 * noise, axes=(2, 3))[:, ::-1, ::-1]
    asked = asked / np.linalg.norm(asked, axis=(2, 3), keepdims=True)
    known /= np.linalg.norm(known, axis=(2, 3), keepdims=True)
    suspected = _likeness(known, asked) >= SUSPECT
    looked_at = _may_be_alike(known, asked)
    assert suspected.diagonal().sum() > 32
    assert not (suspected & ~looked_at).any()
    assert looked_at.sum() < 2 * len(known)


def pairs_of(root: Path) -> list[PairFiles]:
    return find_pairs(root)["all"]


@pytest.mark.parametrize(
    "change",
    [
        lambda values: values,
        lambda values: values[:, ::-1],
        lambda values: values[::-1],
        lambda values: values[::-1, ::-1],
        lambda values: values.swapaxes(0, 1),
        lambda values: np.rot90(values, 3),
        lambda values: np.rot90(values),
        lambda values: np.rot90(values[::-1], 3),
        lambda values: (values * 0.7 + 30).astype(np.uint8),
        lambda values: np.asarray(Image.fromarray(values).resize((80, 80))),
    ],
    ids=[
        "saved anew",
        "mirrored",
        "upside down",
        "half turn",
        "transposed",
        "turned back",
        "turned",
        "both",
        "brighter",
        "smaller",
    ],
)
@pytest.mark.parametrize("exchanged", [False, True])
def test_copies_are_found(
    tmp_path: Path, dates: list, change: Callable[[np.ndarray], np.ndarray], exchanged: bool
) -> None:
    for number, pair in enumerate(dates):
        save(tmp_path / "own", f"{number}.png", pair)
    altered = tuple(np.ascontiguousarray(change(values)) for values in dates[2])
    save(tmp_path / "other", "x.jpg", altered[::-1] if exchanged else altered, quality=50)
    (copy,) = find_copies(pairs_of(tmp_path / "own"), pairs_of(tmp_path / "other"))
    assert (copy.pair.name, copy.of.name) == ("x", "2")


def test_neighbours_and_one_date_in_common_are_no_copies(tmp_path: Path, dates: list, seed: int) -> None:
    scene = ground(np.random.default_rng(seed), 2 * SIDE)
    save(tmp_path / "own", "scene.png", (scene[:SIDE, :SIDE], scene[:SIDE, :SIDE]))
    save(tmp_path / "own", "one.png", dates[0])
    save(tmp_path / "other", "beside.png", (scene[:SIDE, SIDE:], scene[:SIDE, SIDE:]))
    save(tmp_path / "other", "date.png", (dates[0][0], dates[1][1]))
    assert find_copies(pairs_of(tmp_path / "own"), pairs_of(tmp_path / "other")) == []


def test_a_mark_that_all_images_have_makes_no_copies_and_hides_none(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    soft = [tuple((ground(rng, SIDE) // 8 + 90).astype(np.uint8) for _ in "AB") for _ in range(5)]
    for number, dates in enumerate([*soft, soft[2]]):
        for date in dates:
            date[-14:-6, -40:-6] = 255
        folder, options = tmp_path / str(number // 3), {} if number < 5 else {"quality": 80}
        save(folder, f"{number}.{'png' if number < 5 else 'jpg'}", dates, **options)
    (found,) = find_copies(pairs_of(tmp_path / "0"), pairs_of(tmp_path / "1"))
    assert (found.pair.name, found.of.name) == ("5", "2")


def test_images_that_are_flat_but_for_a_little_are_found_and_not_mistaken(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for number in range(12):
        dates = tuple(np.zeros((128, 128, 3), np.uint8) for _ in "AB")
        for date in dates:
            for row, col in rng.integers(0, 112, (2, 2)):
                date[row : row + 16, col : col + 16] = rng.integers(60, 255)
        save(tmp_path / "one", f"{number}.png", dates)
        save(tmp_path / "other", f"{number}.bmp", dates)
    found = find_copies(pairs_of(tmp_path / "one"), pairs_of(tmp_path / "other"))
    assert all(copy.pair.name == copy.of.name for copy in found)
    assert len(found) == 12


def test_images_without_detail_are_no_copies(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    ramp = np.broadcast_to(np.linspace(60, 160, SIDE)[:, None, None], (SIDE, SIDE, 3))
    for folder in ("own", "other"):
        save(tmp_path / folder, "flat.png", (np.full((SIDE, SIDE, 3), 90, np.uint8),) * 2)
        water = tuple((ramp + rng.normal(0, 3, ramp.shape)).clip(0, 255).astype(np.uint8) for _ in "AB")
        save(tmp_path / folder, "water.png", water)
    assert find_copies(pairs_of(tmp_path / "own"), pairs_of(tmp_path / "other")) == []


def test_a_copy_of_a_test_pair_in_training_is_refused_with_both(tmp_path: Path, dates: list) -> None:
    for number, part in enumerate(("train", "val", "test")):
        save(tmp_path / part, f"{number}.png", dates[number])
        (tmp_path / part / "label").mkdir()
        Image.fromarray(np.eye(SIDE, dtype=np.uint8) * 255).save(tmp_path / part / "label" / f"{number}.png")
    assert set(labelled_pairs(str(tmp_path), None, chosen_on_test=False)) == {"train", "val", "test"}
    save(tmp_path / "train", "copy.jpg", tuple(values[::-1] for values in dates[2]), quality=80)
    Image.fromarray(np.eye(SIDE, dtype=np.uint8) * 255).save(tmp_path / "train" / "label" / "copy.png")
    with pytest.raises(InputError, match=r"share .*2\.png \(which shows the same as .*copy\.jpg\); a"):
        labelled_pairs(str(tmp_path), None, chosen_on_test=False)
    for date in "AB":
        (tmp_path / "train" / date / "copy.jpg").unlink()
        shutil.copy(tmp_path / "test" / date / "2.png", tmp_path / "train" / date / "copy.png")
    with pytest.raises(InputError, match=r"share .*2\.png \(which has the same files as .*copy\.png\); a"):
        labelled_pairs(str(tmp_path), None, chosen_on_test=False)


def test_subsets_by_other_names_are_said_not_to_be_used(tmp_path: Path, dates: list) -> None:
    for number, part in enumerate(("train", "val", "tset")):
        save(tmp_path / part, "1.png", dates[number])
        (tmp_path / part / "label").mkdir()
        Image.fromarray(np.eye(SIDE, dtype=np.uint8) * 255).save(tmp_path / part / "label" / "1.png")
    subsets = three_subsets(find_pairs(tmp_path), str(tmp_path), None, chosen_on_test=False)
    assert subsets.notes() == ["1 pair in subset 'tset' not used: training takes train, val and test"]


def test_real_windows_of_one_set_are_not_accused(real_data: Callable[[str], Path]) -> None:
    parts = find_pairs(real_data("change/levir_cd"))
    assert find_copies(parts["train"], parts["test"]) == []
