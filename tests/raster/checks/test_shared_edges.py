"""Two images of one place are told from images of two, whatever changed of light."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from terramamba.raster.checks.pair import check_pair
from terramamba.raster.checks.shared_edges import LEAST, shared_edges, turned_date
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.scene import Scene


def ground(seed: int, side: int = 256) -> np.ndarray:
    """Levels of brightness, a few pixels wide."""
    rough = gaussian_filter(np.random.default_rng(seed).normal(size=(side, side)), 1.5)
    return np.round(4 * rough / rough.std()) * 20 + 120


def scene(grey: np.ndarray, noise: int = 0) -> Scene:
    added = np.random.default_rng(noise).normal(0, 3, grey.shape)
    return scene_from_array(np.repeat((grey + added)[None], 3, axis=0).clip(0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "seen", [lambda it: it, lambda it: 255 - it, lambda it: np.roll(it, (3, -5), (0, 1))]
)
def test_one_place_shares_its_edges_in_other_light_and_a_little_off(seen) -> None:
    assert shared_edges(scene(ground(0)), scene(seen(ground(0)), 1)) > 5 * LEAST


def test_two_places_share_hardly_any_and_the_check_says_so() -> None:
    one, other = scene(ground(0)), scene(ground(1), 1)
    assert shared_edges(one, other) < LEAST
    said = "hardly any edge in common"
    assert said in check_pair(one, other).verdict
    assert said not in check_pair(one, scene(ground(0), 2)).verdict


@pytest.mark.parametrize(
    ("turn", "way"),
    [
        (lambda it: it[::-1], "upside down"),
        (lambda it: it[:, ::-1], "mirrored from left to right"),
        (lambda it: it.T, "with rows and columns exchanged"),
        (lambda it: np.rot90(it, -1), "turned by a quarter to the left"),
        (lambda it: np.rot90(it, 2).T, "with rows and columns exchanged, upside down"),
    ],
)
def test_a_date_that_is_stored_turned_is_said_to_be(turn, way: str) -> None:
    one, other = scene(ground(0, 300)), scene(turn(ground(0, 300)), 1)
    assert turned_date(one, other) == way
    assert turned_date(one, scene(ground(0, 300), 1)) is None
    assert turned_date(one, scene(ground(1, 300), 1)) is None
    found = check_pair(one, other)
    assert [finding.kind for finding in found.findings] == ["turned dates"]
    assert f"shows what {one.path} shows {way}: probably one of the two" in found.notes[-1]


def test_what_looks_the_same_turned_is_not_said_to_be_turned() -> None:
    half = ground(0, 300)
    assert turned_date(scene(half + half[::-1] - 120), scene(half + half[::-1] - 120, 1)) is None


def test_of_images_that_are_no_squares_rows_and_columns_are_not_exchanged() -> None:
    one = scene(ground(0, 300)[:280])
    assert turned_date(one, scene(ground(0, 300)[:280][::-1], 1)) == "upside down"
    assert turned_date(scene(ground(0, 100)), scene(ground(0, 100)[::-1], 1)) is None


def test_small_images_tell_nothing() -> None:
    assert shared_edges(scene(ground(0, 96)), scene(ground(1, 96))) is None
