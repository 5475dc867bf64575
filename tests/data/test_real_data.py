"""Counts on real imagery that its makers, or a count by hand, have stated."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from drawn import class_map, parted
from terramamba.change.samples import PairDataset
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_label_subsets, read_labels
from terramamba.data.labels.raster_labels import label_shape
from terramamba.data.pairs.image_pair import same_pairs
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.statistics import fit_pair_scaling
from terramamba.data.splits.leakage import TEST, TRAIN, leakage
from terramamba.data.splits.split import block_split, given_split, random_split
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

Find = Callable[[str], Path]

PINES = (46, 1428, 830, 237, 483, 730, 28, 478, 20, 972, 2455, 593, 205, 1265, 386, 93)
DISJOINT = (2, 3, 5, 6, 8, 10, 11, 12, 14, 1, 4, 7, 9, 13, 15, 16)
USUAL = {"train_fraction": 0.1, "val_fraction": 0.1, "min_per_class": 20, "patch_size": 7}


def counts(targets: np.ndarray) -> tuple[int, ...]:
    return tuple(np.bincount(targets).tolist())


@pytest.fixture
def pines(real_data: Find) -> tuple[Scene, Path]:
    folder = real_data("hyperspectral/indian_pines_mnf20")
    shape = label_shape(str(folder / "Indian_pines_gt.mat"))
    return open_scene(folder / "MNF_20_Indian.mat", shape=shape), folder


def test_indian_pines_at_random_leaks_as_stated(pines: tuple[Scene, Path]) -> None:
    scene, folder = pines
    labels = read_labels(str(folder / "Indian_pines_gt.mat"), scene)
    assert counts(labels.targets) == PINES
    assert labels.classes.codes == tuple(range(1, 17))
    split = random_split(labels.pixels, labels.targets, **USUAL, seed=0)
    assert split.leakage.shared == pytest.approx(0.98, abs=0.01)
    assert "98 %" in split.leakage.in_words()


@pytest.mark.parametrize("patch_size", [5, 7, 9])
def test_indian_pines_in_blocks_tests_every_class_and_leaks_nothing(
    pines: tuple[Scene, Path], seed: int, patch_size: int
) -> None:
    scene, folder = pines
    labels = read_labels(str(folder / "Indian_pines_gt.mat"), scene)
    split = block_split(labels.pixels, labels.targets, **{**USUAL, "patch_size": patch_size}, seed=seed)
    assert split.leakage.shared == 0.0
    found = split.counts(labels.targets)
    print(found)
    for part in ("train", "validation", "test"):
        assert min(found[part]) >= 2
    large = np.array(PINES) > 200
    np.testing.assert_allclose(np.array(found["train"])[large], 0.1 * np.array(PINES)[large], rtol=0.27)
    assert sum(found["left_out"]) < 0.3 * sum(PINES)


def test_the_disjoint_map_of_indian_pines_still_leaks(pines: tuple[Scene, Path]) -> None:
    scene, folder = pines
    classes = class_map(read_labels(str(folder / "Indian_pines_gt.mat"), scene))
    disjoint = read_labels(str(folder / "indianpines_disjoint_dset.mat"), scene)
    renumbered = np.array([0, *DISJOINT])[class_map(disjoint)]
    assert np.count_nonzero(renumbered) == 5689
    assert ((renumbered == classes) & (classes > 0)).sum() / 5689 == pytest.approx(0.973, abs=0.02)
    roles = np.where(classes > 0, TEST, 0).astype(np.uint8)
    roles[renumbered > 0] = TRAIN
    assert leakage(*parted(roles), 7).shared == pytest.approx(0.57, abs=0.01)
    parts = {"train": "indianpines_disjoint_dset.mat", "test": "Indian_pines_gt.mat"}
    with pytest.raises(InputError, match="number the classes alike"):
        read_label_subsets({part: str(folder / name) for part, name in parts.items()}, scene)


def test_enmap_tiles_are_laid_on_the_mosaic(real_data: Find) -> None:
    folder = real_data("hyperspectral/enmap_potsdam")
    scene = open_scene(folder / "images")
    labels = read_labels(str(folder / "labels"), scene)
    assert counts(labels.targets) == (505, 953, 1694, 2070, 91, 359)
    tables = {part: str(folder / f"{name}_files.csv") for part, name in PARTS.items()}
    given, masks = read_label_subsets(tables, scene)
    assert given.classes.codes == (1, 2, 3, 4, 5, 6)
    np.testing.assert_array_equal(class_map(given), class_map(labels))
    parts = (masks[part] for part in ("train", "val", "test"))
    split = given_split(given.pixels, given.targets, *parts, patch_size=7)
    assert split.counts(given.targets)["test"][5] == 0
    assert "class 'class 6' has no test pixel" in split.notes


PARTS = {"train": "train", "val": "validation", "test": "test"}


@pytest.mark.parametrize(
    ("cube", "labels", "expected", "names"),
    [
        (
            "jasper_ridge/jasperRidge2_R198.mat",
            "jasper_ridge/end4.mat",
            (2314, 3205, 1022, 418),
            ("tree", "water", "dirt", "road"),
        ),
        ("samson/samson_1.mat", "samson/end3.mat", (2230, 2474, 1878), ("rock", "Tree", "water")),
    ],
)
def test_abundances_become_labels(
    real_data: Find, cube: str, labels: str, expected: tuple[int, ...], names: tuple[str, ...]
) -> None:
    folder = real_data("hyperspectral")
    assert label_shape(str(folder / labels)) is None
    found = read_labels(str(folder / labels), open_scene(folder / cube))
    assert counts(found.targets) == expected
    assert found.classes.names == names


def test_a_stack_of_abundances_named_by_the_caller(real_data: Find) -> None:
    path = str(real_data("hyperspectral/muufl_crop/muffle_dataset_130_90.mat"))
    scene = open_scene(path, variable="Y", shape=label_shape(path, "label"))
    with pytest.raises(InputError, match=r"several 2-D or 3-D arrays.*--label-variable"):
        read_labels(path, scene)
    labels = read_labels(path, scene, variable="label", min_abundance=0.0)
    assert counts(labels.targets) == (1565, 1938, 1196, 2255, 1146)


def changed(root: Path, part: str, bands: int = 3) -> tuple[int, float, int]:
    """Pairs, share of changed pixels among those with a reference, and pairs without change."""
    pairs = find_pairs(root, part)[part]
    data = PairDataset(pairs, fit_pair_scaling(pairs[:1], bands), crop_size=None, augment=False, seed=0)
    masks = [data[index]["mask"].numpy() for index in range(len(data))]
    known = np.concatenate([mask[mask < 255] for mask in masks])
    return len(pairs), float(known.mean()), sum(not (mask == 1).any() for mask in masks)


@pytest.mark.parametrize(
    ("root", "part", "expected"),
    [
        ("clcd", "val", (24, 0.124, 1)),
        ("clcd", "test", (40, 0.161, 0)),
        ("levir_cd", "test", (11, 0.134, 2)),
        ("dsifn_cd", "val", (4, 0.310, 0)),
        ("whu_cd", "train", (3, 0.241, 0)),
        ("sztaki_airchange", "test", (1, 0.0625, 0)),
    ],
)
def test_pairs_changed_pixels_and_empty_masks(
    real_data: Find, root: str, part: str, expected: tuple[int, float, int]
) -> None:
    found = changed(real_data(f"change/{root}"), part)
    assert found == (expected[0], pytest.approx(expected[1], abs=0.001), expected[2])


def test_clcd_has_its_parts_and_shares_no_file(real_data: Find) -> None:
    parts = find_pairs(real_data("change/clcd"))
    assert {part: len(pairs) for part, pairs in parts.items()} == {
        "train": 150,
        "val": 24,
        "test": 40,
        "full512": 4,
    }
    assert same_pairs(parts["val"], parts["test"]) == []


def test_radar_pairs_from_a_table(real_data: Find, tmp_path: Path) -> None:
    rows = [f"{n}/{n}_1.bmp,{n}/{n}_2.bmp,{n}/{n}_gt.bmp" for n in ("bern", "ottawa")]
    (tmp_path / "sar.csv").write_text("\n".join(["before,after,label", *rows]))
    pairs = find_pairs(tmp_path / "sar.csv", root=real_data("change/sar"))["all"]
    data = PairDataset(pairs, fit_pair_scaling(pairs, 3), crop_size=None, augment=False, seed=0)
    masks = [data[index]["mask"] for index in range(2)]
    assert [tuple(mask.shape) for mask in masks] == [(301, 301), (350, 290)]
    assert [int(mask.sum()) for mask in masks] == [1155, 16049]


def test_reference_on_a_part_of_the_pixels(real_data: Find, tmp_path: Path) -> None:
    files = "2000TM,2003TM,change.bmp,unchanged.bmp"
    (tmp_path / "halves.csv").write_text(
        "split,before,after,label,unchanged,row,col,height,width\n"
        f"train,{files},0,0,400,200\ntest,{files},0,200,400,200\nwhole,{files},,,,\n"
    )
    parts = find_pairs(tmp_path / "halves.csv", root=real_data("change/landsat_taizhou"))
    assert same_pairs(parts["train"], parts["test"]) == []
    scaling = fit_pair_scaling(parts["train"], 6)
    total = np.zeros(256, np.int64)
    for part, pairs in parts.items():
        sample = PairDataset(pairs, scaling, crop_size=None, augment=False, seed=0)[0]
        values = np.bincount(sample["mask"].numpy().ravel(), minlength=256)
        if part == "whole":
            np.testing.assert_array_equal(values, total)
        total += values
        assert sample["image"].shape[:2] == (2, 6)
    assert (total[0] // 2, total[1] // 2) == (17163, 4227)
