"""What a run says of pixels of other sizes than those that it learnt from."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from cards import change_card, plain_scaling
from terramamba.change.training_domain import notes_on_domain
from terramamba.models.registry import create_model
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.runs.folder import Run


@pytest.mark.parametrize(
    ("metres", "than"),
    [(0.3, "smaller"), (0.45, None), (0.5, None), (2, None), (2.4, None), (2.6, "larger"), (30, "larger")],
)
def test_pixels_that_are_nearly_as_large_are_as_good(metres: float, than: str | None) -> None:
    card = change_card(source_bands=3, scaling=plain_scaling(3), pixel_sizes=(0.5, 2.0))
    run = Run(Path("RUN"), create_model("cva", in_channels=3), card)
    colours = np.random.default_rng(0).integers(0, 255, (3, 8, 8), dtype=np.uint8)
    date = scene_from_array(colours)
    grid = Grid(8, 8, CRS.from_epsg(32633), Affine(metres, 0, 4e5, 0, -metres, 5e6))
    notes = notes_on_domain(run, (date, date), grid, None, 1)
    assert [f", {than} than those" in note for note in notes] == [True] * (than is not None)


@pytest.mark.parametrize(
    ("metres", "what", "enlarge", "said"),
    [
        (1.0, "buildings", 1, None),
        (1.8, "buildings", 1, "what changed, with and without --enlarge 2, or map"),
        (3.0, "buildings", 1, "what changed, with and without --enlarge 2, or map"),
        (3.0, "buildings", 2, None),
        (3.0, "fields", 1, None),
        (30, "buildings", 1, "what changed, or map with --model ir_mad"),
        (30, "buildings", 4, "30 m wide, seen as 7.5 m, larger"),
        (1.0, "buildings", 4, "1 m wide, seen as 0.25 m, smaller"),
    ],
)
def test_each_meaning_has_sizes_of_its_own_and_images_can_be_enlarged_to_them(
    metres: float, what: str, enlarge: int, said: str | None
) -> None:
    sizes = {"buildings": (0.5, 1.25), "fields": (1.0, 4.0)}
    card = change_card(source_bands=3, scaling=plain_scaling(3), pixel_sizes=(0.5, 4.0), pixel_sizes_of=sizes)
    run = Run(Path("RUN"), create_model("cva", in_channels=3), card)
    date = scene_from_array(np.random.default_rng(0).integers(0, 255, (3, 8, 8), dtype=np.uint8))
    grid = Grid(8, 8, CRS.from_epsg(32633), Affine(metres, 0, 4e5, 0, -metres, 5e6))
    notes = notes_on_domain(run, (date, date), grid, what, enlarge)
    assert [said is not None and said in note and f"for {what}" in note for note in notes] == [True] * (
        said is not None
    )
    assert all(("--enlarge" in note) == ("--enlarge" in str(said)) for note in notes)
