"""World files beside images that say where they are by themselves."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

PLACE = Affine(30, 0, 600_000, 0, -30, 5_600_000)
RIGHT = "30\n0\n0\n-30\n600015\n5599985\n"


@pytest.mark.parametrize(
    ("written", "noted"),
    [
        (RIGHT, False),
        (RIGHT.replace("600015", "600000").replace("5599985", "5600000"), False),  # the corner for the middle
        (RIGHT.replace("600015", "600020"), False),
        (RIGHT.replace("600015", "612015"), True),
        (RIGHT.replace("30\n0", "10\n0"), True),
        (RIGHT.replace("600015", "600015,0"), False),
        ("30\n0\n", False),
        ("no numbers at all in it\n", False),
    ],
)
def test_a_world_file_that_says_another_place_is_noted(tmp_path: Path, written: str, noted: bool) -> None:
    write_geotiff(
        tmp_path / "a.tif", np.ones((1, 20, 30), np.uint8), Grid(20, 30, CRS.from_epsg(32633), PLACE)
    )
    (tmp_path / "a.tfw").write_text(written)
    scene = open_scene(tmp_path / "a.tif")
    assert scene.transform == PLACE
    assert any("a.tfw beside it puts " in note for note in scene.notes) == noted


def test_where_corners_agree_the_size_of_pixels_is_named_and_a_picture_s_own_file_is_left_alone(
    tmp_path: Path,
) -> None:
    grid = Grid(20, 30, CRS.from_epsg(32633), PLACE)
    write_geotiff(tmp_path / "a.tif", np.ones((1, 20, 30), np.uint8), grid)
    (tmp_path / "a.wld").write_text("120\n0\n0\n-120\n600060\n5599940\n")
    (note,) = [note for note in open_scene(tmp_path / "a.tif").notes if "a.wld" in note]
    assert "puts a step of one pixel at 120, -120, its own tags at 30, -30" in note
    (tmp_path / "a.png").touch()
    assert not [note for note in open_scene(tmp_path / "a.tif").notes if "a.wld" in note]
