"""Subsets that the files do not name are drawn by image or by block, and fewer pairs may train."""

import csv
import json

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image

import terramamba as tm
from terramamba.change.settings import Dividing
from terramamba.change.splitting import divided
from terramamba.cli import main
from terramamba.core.errors import InputError
from terramamba.data.pairs.layouts import find_pairs


def write(path, values, metres=10):
    profile = {"driver": "GTiff", "count": len(values), "height": values.shape[1], "width": values.shape[2]}
    place = {"crs": "EPSG:32633", "transform": Affine(metres, 0, 4e5, 0, -metres, 5e6)}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", **profile, **place, dtype="uint8") as file:
        file.write(values)


def folder_of(root, count, side):
    """Pairs in A, B and label side by side, of no subset."""
    random = np.random.default_rng(0)
    for i in range(count):
        before = random.integers(1, 120, (3, side, side), dtype=np.uint8)
        changed = random.random((side, side)) < 0.2
        after = np.where(changed, 250, before).astype(np.uint8)
        for name, values in (("A", before), ("B", after), ("label", changed[None] * np.uint8(255))):
            write(root / name / f"{i:02d}.tif", values)
    return root


def names(found):
    return {subset: [pair.name for pair in files] for subset, files in found.items()}


def test_images_are_dealt_to_three_subsets_by_the_seed(tmp_path):
    pairs = find_pairs(folder_of(tmp_path, 10, 8))
    found, notes = divided(pairs, Dividing(split="image"), "data", 3)
    dealt = names(found)
    assert {subset: len(own) for subset, own in dealt.items()} == {"train": 6, "val": 2, "test": 2}
    assert sorted(name for own in dealt.values() for name in own) == [f"{i:02d}" for i in range(10)]
    assert names(divided(pairs, Dividing(split="image"), "data", 3)[0]) == dealt
    assert names(divided(pairs, Dividing(split="image"), "data", 4)[0]) != dealt
    assert "drawn by image" in notes[0]


def test_windows_of_one_image_stay_together(tmp_path):
    root = folder_of(tmp_path, 5, 16)
    rows = [["before", "after", "label", "row", "col", "height", "width"]]
    for i in range(5):
        files = [f"{name}/{i:02d}.tif" for name in ("A", "B", "label")]
        rows += [[*files, row, 0, 8, 16] for row in (0, 8)]
    with (root / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found, _ = divided(find_pairs(root / "t.csv"), Dividing(split="image"), "data", 0)
    images = {subset: {pair.before for pair in files} for subset, files in found.items()}
    assert not images["train"] & (images["val"] | images["test"])
    assert not images["val"] & images["test"]


def test_dates_that_follow_one_another_stay_together(tmp_path):
    root = folder_of(tmp_path, 6, 8)
    rows = [["before", "after", "label"]]
    for i, j in ((0, 1), (2, 3), (1, 2), (4, 4), (5, 5)):  # four dates in a row, found in parts
        rows.append([f"A/{i:02d}.tif", f"{'B' if i == j else 'A'}/{j:02d}.tif", f"label/{i:02d}.tif"])
    with (root / "t.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    found, _ = divided(find_pairs(root / "t.csv"), Dividing(split="image"), "data", 0)
    sizes = sorted(len(files) for files in found.values())
    assert sizes == [1, 1, 3]


@pytest.mark.parametrize(("size", "side"), [("12px", 12), ("120m", 12), ("0.2km", 20)])
def test_blocks_of_one_pair_cover_it_once(tmp_path, size, side):
    pairs = find_pairs(folder_of(tmp_path, 1, 50))
    found, notes = divided(pairs, Dividing(split="block", block_size=size), "data", 0)
    seen = np.zeros((50, 50), int)
    for pair in (pair for files in found.values() for pair in files):
        assert max(pair.window.shape) <= side
        seen[pair.window.slices] += 1
    assert (seen == 1).all()
    assert set(found) == {"train", "val", "test"}
    assert "not other places or dates" in notes[0]


def test_of_two_numbers_of_pairs_the_larger_has_all_of_the_smaller(tmp_path):
    pairs = find_pairs(folder_of(tmp_path, 20, 4))
    kept = [
        set(names(divided(pairs, Dividing(split="image", max_pairs=n), "data", 0)[0])["train"])
        for n in (2, 5, 12)
    ]
    assert [len(one) for one in kept] == [2, 5, 12]
    assert kept[0] < kept[1] < kept[2]
    half = names(divided(pairs, Dividing(split="image", labelled_fraction=0.5), "data", 0)[0])["train"]
    assert len(half) == 6


def test_one_pair_trains_from_its_blocks_and_says_what_that_proves(tmp_path):
    root = folder_of(tmp_path / "data", 1, 48)
    settings = tm.ChangeSettings(data=str(root), out=str(tmp_path / "run"), model="cva", split="block")
    found = tm.train_change_detector(
        tm.ChangeSettings(**{**vars(settings), "block_size": "16px"}), progress=False
    )
    assert found["protocol"] == "pairs-5-2-2-block"
    assert any("not other places or dates" in note for note in found["notes"])
    assert json.loads((tmp_path / "run" / "split.json").read_text())["kind"] == "block"
    assert found["test"]["pairs"] == 2


def test_shares_of_change_are_those_of_the_blocks(tmp_path, capsys):
    root = folder_of(tmp_path / "data", 1, 48)
    words = ["change", "train", "--data", str(root), "--model", "cva", "--out", str(tmp_path / "run")]
    assert main([*words, "--split", "block", "--block-size", "16px", "--dry-run"]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    said = {line[0]: line[1:3] for line in lines if line and line[0] in ("train", "validation", "test")}
    with rasterio.open(root / "label" / "00.tif") as file:
        changed = file.read(1) > 0
    pairs = find_pairs(root)
    for subset, files in divided(pairs, Dividing(split="block", block_size="16px"), "data", 42)[0].items():
        share = 100 * np.mean([changed[pair.window.slices] for pair in files])
        assert said[{"val": "validation"}.get(subset, subset)] == [str(len(files)), f"{share:.2f}"]


def test_a_run_knows_that_it_has_learnt_from_blocks_of_a_pair(tmp_path):
    root = folder_of(tmp_path / "data", 1, 48)
    settings = tm.ChangeSettings(
        data=str(root), out=str(tmp_path / "run"), model="cva", split="block", block_size="16px"
    )
    tm.train_change_detector(settings, progress=False)
    found = tm.evaluate_change_detector(tmp_path / "run", data=root, split="all", progress=False)
    assert any("trained the model: their scores are no test" in note for note in found["notes"])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "have them drawn with --split image, or with --split block"),
        (("--split", "image"), "1 image is too few for train, val and test; use --split block"),
        (("--split", "block", "--block-size", "40px"), "give smaller blocks with --block-size, as in 20px"),
        (("--block-size", "4px"), "goes with --split block"),
        (("--val-share", "0.3"), "the subsets are given"),
        (("--max-pairs", "0"), "--max-pairs"),
    ],
)
def test_what_cannot_be_divided_is_refused(tmp_path, capsys, words, said):
    root = folder_of(tmp_path / "data", 1, 40)
    command = ["change", "train", "--data", str(root), "--model", "cva", "--out", str(tmp_path / "run")]
    assert main([*command, *words]) != 0
    assert said in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_metres_need_an_image_that_says_how_large_its_pixels_are(tmp_path):
    for name in ("A", "B", "label"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((20, 20), np.uint8)).save(tmp_path / name / "0.png")
    pairs = find_pairs(tmp_path)
    with pytest.raises(InputError, match="does not say how large its pixels are; give pixels"):
        divided(pairs, Dividing(split="block", block_size="50m"), "data", 0)
