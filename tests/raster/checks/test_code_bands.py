"""Bands of codes among bands of measurements are known by their names, or by how few values they hold."""

import re
from dataclasses import dataclass, replace

import numpy as np
import pytest
from jaxtyping import Bool, Shaped

from terramamba.raster.checks.code_bands import notes_on_codes
from terramamba.raster.geogrid import Grid
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

SIDE = 40


@dataclass(frozen=True)
class Held:
    values: Shaped[np.ndarray, "c h w"]

    def read(
        self, window: Window, bands: tuple[int, ...], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        part = self.values[list(bands)][:, *window.slices]
        return part, np.ones(part.shape, bool)


def scene(names: tuple[str, ...] | None, *bands: np.ndarray) -> Scene:
    values = np.stack(bands)
    names = tuple(f"band {i + 1}" for i in range(len(values))) if names is None else names
    grid = Grid(SIDE, SIDE, None, None)
    return Scene("a.tif", "made up", len(values), values.dtype.name, grid, Held(values), band_names=names)


def measured(seed: int, spread: float = 300) -> np.ndarray:
    return np.random.default_rng(seed).normal(2000, spread, (SIDE, SIDE)).round()


def codes(*values: float) -> np.ndarray:
    return np.random.default_rng(0).choice(np.array(values, float), (SIDE, SIDE))


def test_of_few_pixels_few_values_say_nothing() -> None:
    whole = scene(None, measured(0), measured(1), codes(1, 2, 3))
    assert notes_on_codes(whole, range(3))
    assert not notes_on_codes(replace(whole, grid=Grid(14, 14, None, None)), range(3))


def test_bands_that_are_not_used_are_not_advised() -> None:
    notes = notes_on_codes(scene(("B2", "B3", "B4", "SCL"), *map(measured, range(4))), (0, 2, 3))
    assert "--bands 1,3 leaves it out" in notes[0]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("B2", "B3", "SCL"), "the model uses SCL, by name codes .*; --bands 1-2 leaves it out"),
        (("SR_B2", "QA_PIXEL", "SR_B3"), "uses QA_PIXEL, .*; --bands 1,3 leaves it out"),
        (("S2_MSK_CLDPRB", "B2", "QA60"), "uses S2_MSK_CLDPRB, QA60, by .*; --bands 2 leaves them out"),
        (("QA_PIXEL", "SCL", "QA10"), None),  # nothing else is there to learn from
        (("B2", "B3", "SCALE"), None),
    ],
)
def test_codes_of_quality_are_known_by_name(names: tuple[str, ...], said: str | None) -> None:
    notes = notes_on_codes(scene(names, *map(measured, range(3))), range(3))
    assert len(notes) == (said is not None)
    assert said is None or re.search(said, notes[0])


@pytest.mark.parametrize(
    ("last", "said"),
    [
        (
            codes(4, 5, 6, 8, 9, 11),
            "uses band 3, which holds 4,5,6,8,9,11 alone, as codes do, and",
        ),
        (codes(*range(1, 13)), "holds 1,2,3,4,5,6, ... alone"),
        (codes(0, 1024, 2048), "holds 0,1024,2048 alone"),
        (codes(0, 1), "holds 0,1 alone"),
        (codes(0.1, 0.2), None),  # a stretched picture is no code
        (codes(7), None),  # says nothing, and is known as constant
        (measured(3, spread=12), None),  # dark water has few values, and more than codes
    ],
)
def test_codes_without_a_name_are_known_by_their_few_values(last: np.ndarray, said: str | None) -> None:
    notes = notes_on_codes(scene(None, measured(1), measured(2), last), range(3))
    assert len(notes) == (said is not None)
    assert said is None or said in notes[0]


@pytest.mark.parametrize("gap", [np.nan, np.inf])
def test_a_few_pixels_that_are_not_finite_hide_no_codes(gap: float) -> None:
    holed = measured(1)
    holed[:3] = gap
    (said,) = notes_on_codes(scene(None, holed, measured(2), codes(4, 5, 6)), range(3))
    assert "uses band 3, which holds 4,5,6 alone" in said


def test_where_all_bands_have_few_values_none_is_accused() -> None:
    flat = [codes(*range(8)) + 100 * band for band in range(3)]
    assert notes_on_codes(scene(None, *flat), range(3)) == ()


def test_bands_that_are_not_used_need_no_word() -> None:
    assert notes_on_codes(scene(("B2", "B3", "SCL"), measured(1), measured(2), codes(4, 5)), (0, 1)) == ()


def test_the_only_band_may_be_a_map_of_classes() -> None:
    (said,) = notes_on_codes(scene(None, codes(1, 2, 3, 4)), (0,))
    assert said == "the only band of a.tif holds 1,2,3,4 alone, as maps of classes do: is it the scene?"
    assert notes_on_codes(scene(None, measured(0)), (0,)) == ()
    assert notes_on_codes(scene(None, codes(7)), (0,)) == ()
    assert notes_on_codes(scene(None, codes(*range(131, 140))), (0,)) == ()  # heat, as Landsat 5 has it
