"""Pairs of one set that hold other values or pixels than the others are named; places that differ are not."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from scipy.ndimage import gaussian_filter

from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.quality_report import doubts, survey
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff

PARTS = ("train", "train", "train", "val", "val", "test", "test")
Change = Callable[[str, int, np.ndarray], np.ndarray]


def as_it_is(part: str, number: int, values: np.ndarray) -> np.ndarray:
    return values


def subsets(
    root: Path, seed: int, change: Change = as_it_is, wide: float = 0.5
) -> dict[str, list[PairFiles]]:
    """Places of three bands of 8 bits, light and dark; ``change`` is done to both dates of a pair."""
    rng = np.random.default_rng(seed)
    found: dict[str, list[PairFiles]] = {}
    for number, part in enumerate(PARTS):
        fields = gaussian_filter(rng.normal(size=(3, 40, 40)), (0, 4, 4)) * 100
        ground = np.array([40, 90, 170])[:, None, None] * rng.uniform(0.8, 1.2) + fields
        paths = []
        side = wide if part == "test" else 0.5
        grid = Grid(40, 40, CRS.from_epsg(32633), Affine(side, 0, 5e5 + 1000 * number, 0, -side, 5e6))
        for date in "AB":
            values = (ground + rng.normal(0, 3, ground.shape)).clip(1, 255).astype(np.uint8)
            paths.append(str(root / f"{number}{date}.tif"))
            write_geotiff(paths[-1], change(part, number, values), grid)
        found.setdefault(part, []).append(PairFiles(*paths, None, None, None, str(number), part))
    return found


def test_light_and_dark_places_are_of_one_kind(tmp_path: Path, seed: int) -> None:
    pairs = subsets(tmp_path, seed)
    assert doubts(pairs) == []
    assert not any("pixels are" in note for note in survey(pairs))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda part, number, values: values.astype(np.uint16) * 257 if number == 1 else values,
            r"the values of 1 pair of 7 are in other units than those of most (uint8)",
        ),
        (
            lambda part, number, values: values[[0, 0, 0]] if part == "test" else values,
            "the bands of 2 pairs of 7 are all alike, as in radar or a grey picture, those of others are not",
        ),
        (
            lambda part, number, values: values.astype(np.uint16) * 10 if part == "test" else values,
            r"the values of 2 pairs of 7 are in other units than those of most (uint8)",
        ),
        (
            lambda part, number, values: values.astype(np.float32) / (255 if part == "val" else 1),
            r"the values of 2 pairs of 7 are in other units than those of most (float32)",
        ),
        (
            lambda part, number, values: values.astype(np.uint16) + (1000 if part == "test" else 0),
            "the values of the test pairs are higher than those of the train pairs by about",
        ),
    ],
    ids=["one pair", "grey", "tenfold", "reflectance", "offset"],
)
def test_other_values_are_named_where_one_rule_scales_all(
    tmp_path: Path, seed: int, change: Change, said: str
) -> None:
    pairs = subsets(tmp_path, seed, change)
    (doubt,) = doubts(pairs)
    assert said in doubt
    assert doubt in survey(pairs)
    assert doubts(pairs, one_rule=False) == []


def test_bands_of_a_subset_in_another_order_are_named(tmp_path: Path, seed: int) -> None:
    pairs = subsets(tmp_path, seed, lambda part, number, values: values[::-1] if part == "test" else values)
    assert any("the bands of the test pairs" in doubt and "order 3, 2, 1" in doubt for doubt in doubts(pairs))


def test_pixels_of_other_sizes_in_one_set_are_said(tmp_path: Path, seed: int) -> None:
    (note,) = [note for note in survey(subsets(tmp_path, seed, wide=10.0)) if note.startswith("pixels are")]
    assert "0.5 m wide in" in note
    assert "10 m in" in note


@pytest.mark.parametrize(("wrong", "said"), [(0, False), (1, False), (3, True)])
def test_dates_that_names_bring_together_wrongly_are_said_of_the_set(
    tmp_path: Path, wrong: int, said: bool
) -> None:
    """One pair of six that shows nothing twice is found in every set; half of them are not."""
    pairs = []
    for number in range(6):
        paths = []
        for date, place in enumerate((number, number + 100 if number < wrong else number)):
            rough = gaussian_filter(np.random.default_rng(place).normal(size=(256, 256)), 1.5)
            noise = np.random.default_rng(1000 + 2 * number + date).normal(0, 3, (3, 256, 256))
            values = 120 + 80 * np.round(rough / rough.std()) / 3 + noise
            paths.append(str(tmp_path / f"{number}{date}.tif"))
            write_geotiff(paths[-1], values.clip(0, 255).astype(np.uint8), Grid(256, 256, None, None))
        pairs.append(PairFiles(*paths, None, None, None, str(number), "train"))
    notes = [note for note in doubts({"train": pairs}) if note.startswith("hardly an edge in common")]
    assert len(notes) == said
    if said:
        assert notes[0].startswith("hardly an edge in common in 3 of 6 pairs; the first: ")
        assert "00.tif and " in notes[0]
        assert "check that names bring together what belongs together" in notes[0]
