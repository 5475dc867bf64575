"""Samples of torchgeo's convention, of its older and newer releases: read, trained on, mapped, and given."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from affine import Affine
from torch.utils.data import DataLoader, Dataset

import terramamba as tm
from terramamba.data.synthetic.files import make_pairs

PLACE = Affine(10, 0, 300_000, 0, -10, 5_800_000)
WEST, EAST, SOUTH, NORTH = 300_000.0, 300_060.0, 5_799_960.0, 5_800_000.0
NEVER = ("2000-01-01", "2001-01-01")
BOUNDS = {
    # 0.7: what the dataset was asked for; 0.8 and newer: its numbers; up to 0.6: a box with names
    "slices": (slice(WEST, EAST, 10), slice(SOUTH, NORTH, 10), slice(*NEVER, 1)),
    "numbers": torch.tensor([WEST, EAST, 10, SOUTH, NORTH, 10, 0, 1, 1], dtype=torch.float64),
    "box": SimpleNamespace(minx=WEST, maxx=EAST, miny=SOUTH, maxy=NORTH, mint=0.0, maxt=1.0),
    "six": [WEST, EAST, SOUTH, NORTH, 0.0, 1.0],
}


def sample(**more: Any) -> dict[str, Any]:
    """6 x 4 pixels, 3 bands."""
    image = torch.arange(3 * 4 * 6, dtype=torch.float32).reshape(3, 4, 6)
    return {"image": image, "crs": "EPSG:32633", **more}


@pytest.mark.parametrize("kind", BOUNDS)
def test_a_sample_is_a_scene_where_it_says_it_lies(kind: str) -> None:
    scene = tm.open_scene(sample(bounds=BOUNDS[kind]))
    assert (scene.height, scene.width, scene.bands) == (4, 6, 3)
    assert scene.crs is not None
    assert scene.crs.to_epsg() == 32633
    assert scene.transform is not None
    assert scene.transform.almost_equals(PLACE)
    np.testing.assert_array_equal(scene.read()[0], sample()["image"].numpy())


def test_a_transform_says_it_better_and_reference_systems_are_those_of_pyproj() -> None:
    system = SimpleNamespace(to_wkt=lambda: tm.open_scene(sample(transform=[*PLACE][:6])).crs.to_wkt())
    scene = tm.open_scene(sample(transform=torch.tensor([*PLACE][:6]), bounds=[0] * 9, crs=system))
    assert scene.transform == PLACE
    assert scene.crs.to_epsg() == 32633


@pytest.mark.parametrize("bounds", [None, slice(WEST, EAST), (slice(None, EAST), slice(SOUTH, NORTH))])
def test_bounds_that_leave_a_side_open_place_nothing(bounds: Any) -> None:
    assert tm.open_scene(sample(bounds=bounds)).transform is None


@pytest.mark.parametrize("old", [True, False])
def test_two_dates_are_a_pair_of_scenes(old: bool) -> None:
    first = sample()["image"]
    given = {"bounds": BOUNDS["slices"], "crs": "EPSG:32633"}
    dates = {"image1": first, "image2": first + 1} if old else {"image": torch.stack([first, first + 1])}
    before, after = tm.pair_from_sample(given | dates)
    assert before.grid == after.grid
    assert before.transform is not None
    np.testing.assert_array_equal(after.read()[0], before.read()[0] + 1)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"images": 1}, "sample: has no 'image' but images"),
        ({"image": torch.zeros(2, 3, 4, 6)}, "two dates to pair_from_sample"),
        ({"image": torch.zeros(3, 4, 6), "bounds": [1, 2, 3]}, "bounds of a sample: 3 numbers"),
    ],
)
def test_what_is_no_sample_of_one_scene_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(tm.InputError, match=said):
        tm.open_scene(wrong)


def test_a_sample_with_a_mask_trains_a_classifier_that_maps_it(tmp_path: Path, seed: int) -> None:
    pytest.importorskip("xarray", reason="xarray is not installed: maps are not turned into its arrays")
    codes = torch.arange(1, 4).repeat_interleave(10)[:, None].repeat(1, 30)
    noise = torch.rand((5, 30, 30), generator=torch.Generator().manual_seed(seed))
    given = {"image": codes + 0.1 * noise, "mask": codes[None], "transform": [*PLACE][:6], "crs": 32633}
    settings = tm.ClassifySettings(out=str(tmp_path / "run"), model="svm", patch_size=3, split="random")
    tm.train_classifier(settings, scene=given, labels=given, progress=False)
    found = tm.map_classes(tmp_path / "run", given, progress=False)
    np.testing.assert_array_equal(found.values, codes.numpy())
    array = found.to_xarray()
    again = tm.open_scene(array)
    assert again.grid == found.grid
    assert again.nodata == found.nodata
    np.testing.assert_array_equal(again.read()[0][0], found.values)


def test_labels_that_are_no_whole_numbers_are_refused(tmp_path: Path) -> None:
    given = sample(mask=torch.rand(4, 6))
    settings = tm.ClassifySettings(out=str(tmp_path / "run"), model="svm")
    with pytest.raises(tm.InputError, match="mask of a sample: float32"):
        tm.train_classifier(settings, scene=given, labels=given)


class Foreign(Dataset[dict[str, torch.Tensor]]):
    """As the datasets of torchgeo: a length, and samples by number, of any number."""

    def __init__(self, samples: list[dict[str, torch.Tensor]]) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return self.samples[index % len(self.samples)]


def test_pairs_are_given_as_samples_and_written_from_them(tmp_path: Path) -> None:
    made = make_pairs(tmp_path / "pairs", 0, train=2, val=1, test=1, size=32, scene=(64, 64))
    ours = {split: tm.PairSamples(made.root, split=split) for split in ("train", "val", "test")}
    batch = next(iter(DataLoader(ours["train"], batch_size=2)))
    assert (batch["image"].shape, batch["image"].dtype) == ((2, 2, 3, 32, 32), torch.float32)
    assert (batch["mask"].shape, batch["mask"].dtype) == ((2, 1, 32, 32), torch.int64)
    foreign = {split: Foreign([one[i] for i in range(len(one))]) for split, one in ours.items()}
    again = tm.write_pairs(foreign, tmp_path / "again")
    for split, samples in ours.items():
        read = tm.PairSamples(again, split=split)
        assert len(read) == len(samples)
        for mine, theirs in zip(samples, read, strict=True):
            torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    with pytest.raises(tm.InputError, match="again: is there already"):
        tm.write_pairs(foreign, again)
    with pytest.raises(tm.InputError, match="no subset 'trial'; it has "):
        tm.PairSamples(again, split="trial")


def test_a_mask_with_other_numbers_leaves_no_folder(tmp_path: Path) -> None:
    image = torch.zeros(2, 3, 8, 8)
    wrong = {"image": image, "mask": torch.full((8, 8), -1)}
    with pytest.raises(tm.InputError, match=r"mask of sample train 0: holds -1; give 0 unchanged, 1 changed"):
        tm.write_pairs({"train": [wrong]}, tmp_path / "pairs")
    assert not list(tmp_path.iterdir())


def test_a_scene_is_given_as_tiles_that_know_their_place() -> None:
    values = np.arange(2 * 7 * 9, dtype=np.float32).reshape(2, 7, 9) + 1
    values[:, 6, 8] = np.nan
    scene = tm.scene_from_array(values, crs="EPSG:32633", transform=PLACE)
    codes = np.arange(63).reshape(7, 9) % 3
    tiles = tm.SceneSamples(scene, codes, size=4)
    assert tiles.crs == scene.crs
    assert tiles.names == {1: "class 1", 2: "class 2"}
    batch = next(iter(DataLoader(tiles, batch_size=len(tiles))))
    assert batch["image"].shape == (6, 2, 4, 4)
    assert batch["mask"].dtype == torch.int64
    last = tiles[len(tiles) - 1]
    assert last["mask"][-1, -1] == 0
    assert (last["image"][:, -1, -1] == 0).all()
    np.testing.assert_array_equal(last["mask"][:-1], codes[3:6, 5:])
    west, east, across, south, north, down = last["bounds"][:6].tolist()
    assert (west, east, across) == (300_050, 300_090, 10)
    assert (south, north, down) == (5_799_930, 5_799_970, 10)
    again = tm.open_scene(last | {"crs": tiles.crs})
    assert again.transform == Affine(10, 0, 300_050, 0, -10, 5_799_970)
    with pytest.raises(tm.InputError, match="overlap 4: give 0 or more, and less than the size, 4"):
        tm.SceneSamples(scene, size=4, overlap=4)
