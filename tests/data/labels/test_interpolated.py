"""Codes of classes that were interpolated or measured are told from those of any map of classes."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter, zoom

from terramamba.data.labels.interpolated import ENOUGH, Borders
from terramamba.data.labels.labels import read_labels
from terramamba.raster.readers.open import open_scene


def drawn(seed: int, classes: int = 6, side: int = 120) -> np.ndarray:
    """Patches of classes with codes from 1 on, and unlabelled pixels between some."""
    random = np.random.default_rng(seed)
    field = np.stack([gaussian_filter(random.normal(0, 1, (side, side)), 4) for _ in range(classes)])
    return np.where(field.max(axis=0) > 0.02, field.argmax(axis=0) + 1, 0)


def borders(codes: np.ndarray) -> Borders:
    found = Borders()
    for rows in np.array_split(codes, 3):
        found.add(rows)
    return found


def test_no_more_borders_are_counted_than_are_enough(seed: int) -> None:
    found = Borders()
    found.add(np.random.default_rng(seed).integers(1, 9, (1500, 1600)))
    assert ENOUGH <= sum(ends.shape[1] for ends in found.ends) < 2 * ENOUGH


@pytest.mark.parametrize("times", [1.5, 2, 3, 5])
def test_interpolated_codes_are_told(seed: int, times: float) -> None:
    codes = zoom(drawn(seed).astype(float), times, order=1).round().astype(np.int64)
    said = borders(codes).interpolated()
    assert said is not None
    assert "resample codes by nearest neighbour" in said
    assert borders(zoom(drawn(seed), times, order=0)).interpolated() is None


@pytest.mark.parametrize("times", [2, 5])
def test_codes_that_a_spline_overshot_are_told(seed: int, times: float) -> None:
    codes = drawn(seed) + 2  # nothing is cut off below
    assert (
        borders(zoom(codes.astype(float), times, order=3).round().astype(np.int64)).interpolated() is not None
    )


def test_steps_of_a_height_thin_lines_noise_and_codes_below_0_are_not(seed: int) -> None:
    height = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (200, 200)), 8)
    codes = drawn(seed)
    lined = codes.copy()
    lined[::9] = lined[:, ::7] = 3  # roads between fields
    for right in (
        np.digitize(height, np.quantile(height, [0.2, 0.4, 0.6, 0.8])) + 1,
        codes,
        lined,
        np.random.default_rng(seed).integers(1, 9, (100, 100)),
        codes - 1,
        np.ones((4, 4), np.int64),
        np.ones((2, 1), np.int64),
    ):
        assert borders(right).interpolated() is None


def test_a_thin_rim_between_two_classes_is_one(seed: int) -> None:
    depth = gaussian_filter(np.random.default_rng(seed).normal(0, 1, (200, 200)), 8)
    rims = np.digitize(depth, [0, 0.003])
    for codes in (rims + 1, np.array([1, 2, 9])[rims], np.digitize(depth, [0, 0.003, 0.006]) + 1):
        assert borders(codes).all > 100
        assert borders(codes).interpolated() is None


def test_maps_of_many_classes_are_not_measured(seed: int) -> None:
    random = np.random.default_rng(seed)
    patches = random.integers(1, 61, (20, 20)).repeat(8, axis=0).repeat(8, axis=1)
    groups = (random.integers(0, 10, (5, 5)) * 6).repeat(32, axis=0).repeat(32, axis=1)
    for right in (
        random.integers(1, 61, (100, 100)),
        patches,
        6993 + 15 * patches,  # LANDFIRE has 7008 to 7998
        np.where(patches > 44, 999, patches),
        groups + patches % 6 + 1,  # what lies together has codes of one group
    ):
        assert borders(right).measured(len(np.unique(right))) is None


def test_many_codes_that_change_little_are_said_and_never_refused(tmp_path: Path, seed: int) -> None:
    Image.fromarray((zoom(drawn(seed), 4, order=0) * 40).astype(np.uint8)).save(tmp_path / "a.jpg")
    saved = np.asarray(Image.open(tmp_path / "a.jpg")).astype(np.int64)
    assert borders(saved).measured(len(np.unique(saved))) is not None
    np.save(tmp_path / "scene.npy", np.ones((40, 50, 5), np.float32))
    scene = open_scene(tmp_path / "scene.npy", shape=(40, 50))
    steps = (np.arange(2000).reshape(40, 50) // 20 + 1).astype(np.uint8)
    labels = tmp_path / "labels.npy", tmp_path / "labels.png"
    for rare in (False, True):
        steps[0, 0] = 150 if rare else 1
        np.save(labels[0], steps)
        Image.fromarray(steps).save(labels[1])
        for path in map(str, labels):
            assert any("maybe they are measurements" in note for note in read_labels(path, scene).notes)
