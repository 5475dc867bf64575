"""Labels that lie the other way round, or by other pairs, are told from those in their places."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_places import misplaced_labels, repeated_labels
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.settle_labels import settle_labels

SIDE, PAIRS = 32, 60


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A folder of pairs of which a rectangle has changed, and where: some have not at all."""
    rng = np.random.default_rng(5)
    root, labels = tmp_path_factory.mktemp("images"), np.zeros((PAIRS, SIDE, SIDE), np.uint8)
    for number in range(PAIRS):
        before = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
        after = before.copy()
        if number % 20:
            row, col = rng.integers(-4, SIDE - 4, 2)
            part = np.s_[max(0, row) : row + 8, max(0, col) : col + 8]
            after[part] = rng.integers(0, 256, after[part].shape)
            labels[number][part] = 255
        for name, values in (("a", before), ("b", after)):
            Image.fromarray(values).save(root / f"{name}{number}.png")
    return root, labels


def settled(
    images: tuple[Path, np.ndarray], folder: Path, labels: np.ndarray
) -> Mapping[str, list[PairFiles]]:
    root, _ = images
    rows = []
    for number, label in enumerate(labels):
        Image.fromarray(np.ascontiguousarray(label)).save(folder / f"{number}.png")
        rows.append((root / f"a{number}.png", root / f"b{number}.png", folder / f"{number}.png"))
    table = folder / "pairs.csv"
    lines = ["before,after,label", *(",".join(map(str, row)) for row in rows)]
    table.write_text("\n".join(lines))
    return settle_labels(find_pairs(table)).pairs


def said_of(images: tuple[Path, np.ndarray], folder: Path, labels: np.ndarray) -> list[str]:
    return misplaced_labels(settled(images, folder, labels))


def test_a_reversed_mask_among_others_is_named(images: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    labels = images[1].copy()
    labels[7] = 255 - labels[7]
    (said,) = said_of(images, tmp_path, labels)
    assert said.startswith("1 mask of 60 with more than 75 % changed")
    assert "probably reversed" in said
    assert "7.png (" in said
    labels[7] = 255  # all of it is called changed: it may be so
    assert said_of(images, tmp_path, labels) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda labels: labels[:36, ::-1], "far better upside down than as they lie"),
        (lambda labels: labels[:36, :, ::-1], "far better mirrored from left to right"),
        (lambda labels: labels[:36, ::-1, ::-1], "far better turned by half a circle"),
        (lambda labels: labels[:36].swapaxes(1, 2), "far better with rows and columns exchanged"),
        (lambda labels: np.roll(labels, 1, axis=0)[:36], "worse than the label of the pair after each"),
        (lambda labels: np.roll(labels, -1, axis=0)[:36], "worse than the label of the pair before each"),
        (lambda labels: 255 - labels[:36], "far better reversed than as they lie"),
        (lambda labels: np.roll(labels, 7, axis=0), "no better than those of other pairs would"),
    ],
)
def test_labels_out_of_their_places_are_said_to_be(
    images: tuple[Path, np.ndarray], tmp_path: Path, change: Callable[[np.ndarray], np.ndarray], words: str
) -> None:
    said = said_of(images, tmp_path, change(images[1]))
    assert len(said) == 1
    assert words in said[0]


def test_what_no_small_part_tells_all_together_do(images: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    (pairs,) = settled(images, tmp_path, images[1][:36, :, ::-1]).values()
    parts = {f"part {start}": pairs[start : start + 6] for start in range(0, 36, 6)}
    assert [said[:29] for said in misplaced_labels(parts)] == ["the labels of all pairs fit w"]
    assert misplaced_labels({"train": pairs[:6]}) == []


@pytest.mark.parametrize("number", [PAIRS, 5])
def test_labels_in_their_places_and_few_need_no_word(
    images: tuple[Path, np.ndarray], tmp_path: Path, number: int
) -> None:
    assert said_of(images, tmp_path, images[1][:number]) == []


def test_one_label_for_two_places_is_said(images: tuple[Path, np.ndarray], tmp_path: Path) -> None:
    labels = images[1][:6].copy()
    assert repeated_labels(settled(images, tmp_path, labels)) == []
    labels[4] = labels[2]
    (said,) = repeated_labels(settled(images, tmp_path, labels))
    assert said.startswith("1 pair of other images than another one's, but with the same label: of")
    assert said.endswith("4.png; give each pair its own")


def test_masks_of_no_change_that_are_all_transparent_are_no_repetition(
    images: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    labels = np.repeat((images[1][:21] > 0)[..., None] * np.uint8(255), 4, axis=-1)
    assert not labels[[0, 20]].any()
    assert repeated_labels(settled(images, tmp_path, labels)) == []


def test_what_differs_elsewhere_in_a_few_pairs_is_no_proof(
    images: tuple[Path, np.ndarray], tmp_path: Path
) -> None:
    """Labels of 20 pairs that are anybody's: too few to say so."""
    assert said_of(images, tmp_path, np.roll(images[1], 7, axis=0)[:20]) == []


def test_faint_change_beside_seasons_is_not_called_reversed(tmp_path: Path) -> None:
    """Fields differ all over but where something was built, which hardly shows."""
    rng, labels = np.random.default_rng(6), np.zeros((PAIRS, SIDE, SIDE), np.uint8)
    for number in range(PAIRS):
        before = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
        after = rng.integers(0, 256, (SIDE, SIDE), np.uint8)
        row, col = rng.integers(0, SIDE - 6, 2)
        part = np.s_[row : row + 6, col : col + 6]
        after[part], labels[number][part] = before[part], 255
        for name, values in (("a", before), ("b", after)):
            Image.fromarray(values).save(tmp_path / f"{name}{number}.png")
    assert said_of((tmp_path, labels), tmp_path, labels) == []
