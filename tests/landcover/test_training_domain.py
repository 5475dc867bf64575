"""What a run of land cover says of pixels of another size than those that it learnt from."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from cards import cover_card
from terramamba.landcover.training_domain import notes_on_domain, sizes_of_pixels
from terramamba.models.registry import create_model
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.scene import Scene
from terramamba.runs.folder import Run

UTM = CRS.from_epsg(32633)


def scene_of(metres: float, crs: CRS | None = UTM) -> Scene:
    values = np.random.default_rng(0).normal(0.5, 0.1, (4, 8, 8)).astype(np.float32)
    return scene_from_array(values, crs=crs, transform=Affine(metres, 0, 4e5, 0, -metres, 5e6))


@pytest.mark.parametrize(
    ("metres", "said"), [(10, ""), (5, ""), (20, ""), (4, "4"), (30, "30"), (300, "300"), (1113.2, "1,113")]
)
def test_pixels_of_another_size_are_named(metres: float, said: str) -> None:
    card = cover_card(source_bands=4, pixel_sizes=sizes_of_pixels(scene_of(10)))
    run = Run(Path("RUN"), create_model("one_d_cnn", in_channels=4, num_classes=3), card)
    notes = [note for note in notes_on_domain(run, scene_of(metres)) if " m wide, those " in note]
    assert len(notes) == bool(said)
    assert all(f"pixels are {said} m wide" in note and "trained on 10 m" in note for note in notes)
    assert not [note for note in notes_on_domain(run, scene_of(metres, None)) if " m wide" in note]


def test_where_pixels_have_no_size_none_is_kept() -> None:
    assert sizes_of_pixels(scene_of(10, None)) is None
