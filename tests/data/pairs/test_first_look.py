"""What is asked of the pixels of pairs is asked while their files are open, with the same answers."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image

from terramamba.change.subsets import three_subsets
from terramamba.core.errors import InputError
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs.first_look import look_at
from terramamba.data.pairs.pair_bands import Look
from terramamba.data.pairs.scorable import require_scorable
from terramamba.data.pairs.settle_labels import settle_labels
from terramamba.data.pairs.statistics import fit_pairs

SIDE = 32
EACH = 4
"""Pairs of a subset: three have more files than stay open."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Pairs in three subsets, all of them different."""
    rng = np.random.default_rng(0)
    for subset in ("train", "val", "test"):
        for folder in ("A", "B", "label"):
            (tmp_path / subset / folder).mkdir(parents=True)
        for number in range(EACH):
            for folder, values in (
                ("A", rng.integers(0, 256, (SIDE, SIDE, 3))),
                ("B", rng.integers(0, 256, (SIDE, SIDE, 3))),
                ("label", 255 * np.eye(SIDE)),
            ):
                Image.fromarray(values.astype(np.uint8)).save(tmp_path / subset / folder / f"{number}.png")
    return tmp_path


def understood(root: Path, look: Look | None) -> Any:
    """What is found of the pairs before anything is trained, or why they are refused."""
    try:
        found, *_ = load_pairs(str(root), None, physical=True, look=look)
        subsets = three_subsets(found, str(root), None, chosen_on_test=False)
        settled = settle_labels(subsets.pairs)
        empty = [note for part in ("val", "test") for note in require_scorable(settled.pairs[part], part)]
        fitted = fit_pairs(settled.pairs["train"], 3)
    except InputError as error:
        return str(error)
    return settled, subsets.notes(), empty, (fitted.scaling, fitted.digest, fitted.scales.rows)


def test_each_file_is_opened_once_for_all_that_is_asked_before_training(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: Counter[str] = Counter()
    really = rasterio.DatasetReader

    def counted(path: str, **options: Any) -> Any:
        opened[path] += 1
        return really(path, **options)

    monkeypatch.setattr(rasterio, "DatasetReader", counted)
    settled, notes, empty, _ = understood(root, look_at)
    assert settled.pixels["val"].changed == EACH * SIDE
    assert (notes, empty) == ([], [])
    assert opened == Counter(dict.fromkeys(map(str, root.rglob("*.png")), 1))


def copied(root: Path) -> None:
    for folder in "AB":
        image = Image.open(root / "train" / folder / "3.png").transpose(Image.Transpose.ROTATE_90)
        image.save(root / "val" / folder / "1.png")


def with_alpha(root: Path) -> None:
    """A fourth band that is called transparency and is measured, in the last image of all alone."""
    rng = np.random.default_rng(1)
    Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 4), np.uint8)).save(root / "val" / "B" / "3.png")


def damaged(root: Path) -> None:
    path = root / "test" / "A" / "2.png"
    content = bytearray(path.read_bytes())
    content[200:300] = bytes(100)
    path.write_bytes(content)


def without_reference(root: Path) -> None:
    Image.fromarray(np.full((SIDE, SIDE), 255, np.uint8)).save(root / "test" / "label" / "0.png")


@pytest.mark.parametrize("change", [copied, with_alpha, damaged, without_reference])
def test_what_is_found_and_refused_is_the_same_whether_pairs_are_looked_at_early_or_not(
    root: Path, change: Any
) -> None:
    before = understood(root, None)
    change(root)
    found = understood(root, look_at)
    assert found == understood(root, None)
    assert found != before


def test_windows_beyond_the_image_are_refused_as_they_are_without_a_look(root: Path) -> None:
    table = root / "pairs.csv"
    table.write_text("before,after,row,col,height,width\ntrain/A/0.png,train/B/0.png,20,0,16,16\n")
    for look in (None, look_at):
        with pytest.raises(
            InputError, match=r"rows 20 to 35, columns 0 to 15 are not all in its 32 x 32 pixels"
        ):
            load_pairs(str(table), None, look=look)
