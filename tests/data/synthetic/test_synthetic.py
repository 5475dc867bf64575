"""Made-up scenes and pairs: what is in them, and that they are as hard as they claim to be."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from drawn import class_map
from terramamba.data.labels.labels import read_labels
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.splits.leakage import TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import block_split
from terramamba.data.synthetic.files import (
    NODATA,
    UTM,
    SyntheticPairs,
    SyntheticScene,
    make_pairs,
    make_scene,
)
from terramamba.data.synthetic.pair import draw_pair
from terramamba.data.synthetic.scene import CLASSES, draw_scene
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.scores.metrics import change_f1, class_counts, confusion_matrix


@pytest.fixture
def scene(tmp_path: Path, seed: int) -> SyntheticScene:
    return make_scene(tmp_path / "scene", seed)


@pytest.fixture
def pairs(tmp_path: Path, seed: int) -> SyntheticPairs:
    return make_pairs(tmp_path / "pairs", seed, train=3, val=1, test=2, size=64, scene=(96, 160))


def test_scene_is_a_georeferenced_hyperspectral_image(scene: SyntheticScene) -> None:
    image = open_scene(scene.scene)
    assert (image.height, image.width, image.bands, image.dtype) == (120, 120, 48, "uint16")
    assert image.crs == UTM
    assert image.transform is not None
    assert image.transform.a == 4
    assert image.wavelengths is not None
    np.testing.assert_allclose(image.wavelengths, np.linspace(420, 2400, 48), atol=0.05)
    assert sample_statistics(image).empty_bands == (scene.dead_band,)
    _, valid = image.read(bands=[0])
    assert 0.001 < 1 - valid.mean() < 0.05


def test_labels_keep_names_and_colours_and_lie_on_data(scene: SyntheticScene) -> None:
    image = open_scene(scene.scene)
    labels = read_labels(str(scene.labels), image)
    assert dict(zip(labels.classes.names, labels.classes.colours, strict=True)) == CLASSES
    _, valid = image.read(bands=[0])
    assert valid[0][class_map(labels) > 0].all()
    assert 0.1 < (class_map(labels) > 0).mean() < 0.6


def test_every_class_can_be_on_all_sides_of_a_block_split(scene: SyntheticScene, seed: int) -> None:
    labels = read_labels(str(scene.labels), open_scene(scene.scene))
    sizes = {"train_fraction": 0.3, "val_fraction": 0.1, "min_per_class": 20, "patch_size": 7}
    split = block_split(labels.pixels, labels.targets, **sizes, seed=seed)
    assert split.leakage.shared == 0
    for role in (TRAIN, VALIDATION, TEST):
        assert set(np.unique(labels.targets[split.subsets == role])) == set(range(len(CLASSES)))


def test_spectra_are_mixed_at_borders_and_shaded(seed: int) -> None:
    arrays = draw_scene(np.random.default_rng(seed), 80, 80, 24, dead_band=3, nodata=NODATA)
    values = arrays.reflectance[:, (arrays.reflectance > NODATA).sum(axis=0) == 23].astype(float)
    assert len(np.unique(values, axis=1).T) == values.shape[1]
    brightness = [
        arrays.reflectance[:, arrays.labels == code].mean(axis=0).std()
        / arrays.reflectance[:, arrays.labels == code].mean()
        for code in np.unique(arrays.labels[arrays.labels > 0])
    ]
    assert min(brightness) > 0.03


def test_pairs_lie_as_readers_expect(pairs: SyntheticPairs) -> None:
    found = find_pairs(str(pairs.root))
    assert {part: len(files) for part, files in found.items()} == {"train": 3, "val": 1, "test": 2}
    for path in pairs.root.glob("*/label/*.png"):
        with Image.open(path) as label, Image.open(path.parents[1] / "A" / path.name) as before:
            assert label.size == before.size == (64, 64)
            assert before.mode == "RGB"
            assert set(np.unique(label)) <= {0, 255}
    before, after, truth = map(open_scene, (pairs.before, pairs.after, pairs.truth))
    assert before.grid == after.grid == truth.grid
    assert (before.height, before.width, before.crs) == (96, 160, UTM)
    assert before.read()[1].all()
    assert not after.read()[1].all()


def test_one_seed_makes_the_same_files_and_another_makes_others(tmp_path: Path, seed: int) -> None:
    folders = [tmp_path / name for name in ("first", "second", "third")]
    for folder, number in zip(folders, (seed, seed, seed + 1), strict=True):
        make_scene(folder / "s", number, height=60, width=60, bands=12)
        make_pairs(folder / "p", number, train=1, val=1, test=1, size=64, scene=(64, 64))
    files = [sorted(path for path in folder.rglob("*") if path.is_file()) for folder in folders]
    first, second = ([path.read_bytes() for path in paths] for paths in files[:2])
    assert first == second
    for name in ("s/scene.tif", "p/train/A/train_001.png", "p/scene/after.tif"):
        assert (folders[0] / name).read_bytes() != (folders[2] / name).read_bytes()


def test_what_must_not_count_drowns_a_plain_difference(seed: int) -> None:
    random = np.random.default_rng(seed)
    pairs = [draw_pair(random, 128, 128) for _ in range(6)]
    changed = np.stack([pair.changed for pair in pairs])
    assert 0.01 < changed.mean() < 0.2
    difference = np.stack(
        [np.linalg.norm(pair.after.astype(float) - pair.before.astype(float), axis=0) for pair in pairs]
    )
    cuts = np.quantile(difference, np.linspace(0.5, 0.995, 40))
    confusions = [confusion_matrix(changed.astype(int), (difference > c).astype(int), 2) for c in cuts]
    # Even with the best threshold there is, which only the truth can tell.
    assert change_f1(class_counts(np.stack(confusions))).max() < 0.6


@pytest.mark.parametrize("date", ["before", "after"])
def test_values_leave_zero_for_no_data(seed: int, date: str) -> None:
    pair = draw_pair(np.random.default_rng(seed), 48, 80)
    image = getattr(pair, date)
    assert image.shape == (3, 48, 80)
    assert image.min() > NODATA
