"""Places that people name, and the patches and windows that lie there."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.explain.pixels import named_pixels, named_window, window_around
from terramamba.raster.geogrid import Grid, apply
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.views.cropped import cropped
from terramamba.raster.windows import Window

UTM = CRS.from_epsg(32632)


def test_coordinates_anywhere_in_a_pixel_name_it(seed) -> None:
    rng = np.random.default_rng(seed)
    turned = Affine(3.0, 0.5, 1e5, 0.4, -2.5, 5e6)
    grid = Grid(30, 40, UTM, turned)
    places = [(int(rng.integers(30)), int(rng.integers(40))) for _ in range(5)]
    inside = rng.uniform(0.01, 0.99, (5, 2))
    at = [apply(turned, c + right, r + down) for (r, c), (right, down) in zip(places, inside, strict=True)]
    text = " ".join(f"{x!r},{y!r}" for x, y in at)
    assert named_pixels("scene", grid, None, text) == list(dict.fromkeys(places))
    assert named_pixels("scene", grid, "3,4; 5,6 3,4", None) == [(3, 4), (5, 6)]
    assert named_pixels("scene", grid, None, None) == []


@pytest.mark.parametrize(
    ("pixel", "at", "error"),
    [
        ("30,0", None, "outside"),
        ("-1,0", None, "outside"),
        ("a,b", None, "is not ROW,COL"),
        ("nan,1", None, "is not ROW,COL"),
        ("", None, "names nothing"),
        (None, "1,2", "no georeference"),
    ],
)
def test_what_is_no_pixel_is_refused(pixel, at, error) -> None:
    with pytest.raises(InputError, match=error):
        named_pixels("scene", Grid(30, 40), pixel, at)


def test_windows_around_a_pixel_lie_inside(seed) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(50):
        height, width, size = rng.integers(1, 60, 3).tolist()
        row, col = int(rng.integers(height)), int(rng.integers(width))
        window = window_around(Grid(height, width), (row, col), size)
        assert window.shape == (min(size, height), min(size, width))
        assert Window.whole(height, width).contains(window)
        assert window.contains(Window(row, col, 1, 1))


def test_a_window_is_four_whole_numbers_inside() -> None:
    grid = Grid(30, 40)
    assert named_window("scene", grid, "1,2,29,38") == Window(1, 2, 29, 38)
    for text in ("1,2,30,38", "0,0,0,4", "0,0,1.5,4", "-1,0,4,4", "0,0,4,4 1,1,4,4"):
        with pytest.raises(InputError, match="--window"):
            named_window("scene", grid, text)


def test_a_cropped_scene_is_the_window_of_the_scene(seed, tmp_path) -> None:
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 9, (2, 20, 30)).astype(np.uint8)
    write_geotiff(tmp_path / "a.tif", values, Grid(20, 30, UTM, Affine(2, 0, 10, 0, -2, 90)), nodata=0)
    scene = open_scene(tmp_path / "a.tif")
    whole, valid = scene.read()
    outer = Window(3, 5, 12, 20)
    inner = cropped(cropped(scene, outer), Window(2, 1, 7, 11))
    np.testing.assert_array_equal(inner.read()[0], whole[:, 5:12, 6:17])
    np.testing.assert_array_equal(inner.read()[1], valid[:, 5:12, 6:17])
    assert inner.grid == scene.grid.crop(Window(5, 6, 7, 11))
    with pytest.raises(ValueError, match="not inside"):
        cropped(scene, Window(0, 0, 21, 5))
