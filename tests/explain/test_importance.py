"""Permutation importance where it is known: of models that read one band, and of made-up scenes."""

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from terramamba.api import train_classifier
from terramamba.core.errors import InputError
from terramamba.explain.importance import MOST_GROUPS, band_groups, permutation_importance
from terramamba.landcover.explain.explain import explain_classes
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.scores.metrics import overall_accuracy


class ReadsOneBand(nn.Module):
    """Class 1 where the middle pixel's band is above 0.5, else class 0."""

    def __init__(self, band: int) -> None:
        super().__init__()
        self.band = band

    def forward(self, x):
        above = x[:, self.band, x.shape[2] // 2, x.shape[3] // 2] > 0.5
        return torch.stack([~above, above], dim=1).float()


def test_a_band_that_is_not_read_has_no_importance(seed) -> None:
    rng = np.random.default_rng(seed)
    bands, pixels = 6, 4000
    read = int(rng.integers(bands))
    images = torch.from_numpy(rng.random((pixels, bands, 3, 3), dtype=np.float32))
    share = rng.uniform(0.3, 0.7)
    targets = (rng.random(pixels) < share).astype(np.int64)
    images[:, read, 1, 1] = torch.from_numpy((0.6 * targets + 0.2).astype(np.float32))
    found = permutation_importance(
        ReadsOneBand(read),
        images,
        targets,
        band_groups(range(bands), None, 1),
        num_classes=2,
        repeats=3,
        seed=int(rng.integers(1000)),
    )
    assert overall_accuracy(found.base) == 1
    others = np.arange(bands) != read
    assert not found.oa[others].any()
    assert not found.recall[others].any()
    # A shuffled label is right by chance: p^2 + (1 - p)^2, with a standard deviation below 0.01 here.
    p = targets.mean()
    assert found.oa[read] == pytest.approx(2 * p * (1 - p), abs=0.06)
    assert found.aa[read] == pytest.approx(0.5, abs=0.06)
    assert found.recall[read, :, 1] == pytest.approx(1 - p, abs=0.06)
    assert found.oa[read].std() > 0  # repeats are shuffled anew


def test_the_same_seed_shuffles_alike(seed) -> None:
    rng = np.random.default_rng(seed)
    images = torch.from_numpy(rng.random((50, 3, 1, 1), dtype=np.float32))
    targets = rng.integers(0, 2, 50)
    groups = band_groups(range(3), None, 1)

    def drops(number: int) -> np.ndarray:
        return permutation_importance(
            ReadsOneBand(0), images, targets, groups, num_classes=2, repeats=2, seed=number
        ).oa

    np.testing.assert_array_equal(drops(5), drops(5))


def test_groups_are_neighbours_in_wavelength(seed) -> None:
    rng = np.random.default_rng(seed)
    total = int(rng.integers(30, 300))
    wavelengths = rng.permutation(np.linspace(400, 2500, total)).tolist()
    used = np.sort(rng.choice(total, int(rng.integers(1, total)), replace=False)).tolist()
    groups = band_groups(used, wavelengths)
    assert len(groups) <= MOST_GROUPS
    assert sorted(place for group in groups for place in group.channels) == list(range(len(used)))
    for group in groups:
        assert [used[place] + 1 for place in group.channels] == list(group.bands)
        assert group.wavelengths == (wavelengths[group.bands[0] - 1], wavelengths[group.bands[-1] - 1])
    for lower, upper in itertools.pairwise(groups):
        assert lower.wavelengths[1] < upper.wavelengths[0]


def test_groups_have_names() -> None:
    assert [group.name for group in band_groups([0, 1, 4], None, 2)] == ["bands 1-2", "band 5"]
    assert band_groups([0, 1], [400.0, 410.0], 2)[0].name == "bands 1-2 (400-410 nm)"
    with pytest.raises(InputError, match="--bands-per-group 0"):
        band_groups([0], None, 0)


def test_the_band_that_tells_the_classes_apart_is_found_in_a_scene(seed, tmp_path) -> None:
    rng = np.random.default_rng(seed)
    bands, side = 5, 24
    informative = int(rng.integers(bands))
    labels = rng.integers(1, 3, (1, side, side)).astype(np.uint8)
    values = rng.random((bands, side, side), dtype=np.float32)
    values[informative] = 0.1 * values[informative] + labels[0]
    for name, array in (("scene.tif", values), ("labels.tif", labels)):
        write_geotiff(tmp_path / name, array, Grid(side, side))
    train_classifier(
        ClassifySettings(
            out=str(tmp_path / "run"),
            scene=str(tmp_path / "scene.tif"),
            labels=str(tmp_path / "labels.tif"),
            model="random_forest",
            split="random",
            train_fraction=0.3,
            val_fraction=0.3,
            patch_size=1,
            device="cpu",
        )
    )
    found = explain_classes(tmp_path / "run", out=tmp_path / "why", repeats=3, device="cpu")
    drops = [group["oa_drop"] for group in found["importance"]["groups"]]
    assert len(drops) == bands
    assert int(np.argmax(drops)) == informative
    assert drops[informative] > 0.2
    assert np.abs(np.delete(drops, informative)).max() < 0.1
    assert found["attention"] is None
    assert (tmp_path / "why" / "band_importance.png").is_file()
