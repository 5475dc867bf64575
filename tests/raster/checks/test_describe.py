"""What a scene is, in words."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine

from terramamba.core.words import percent, ranges
from terramamba.raster.checks.describe import describe
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.windows import Window

Make = Callable[..., Path]


def test_a_scene_is_described(geotiff: Make, tmp_path: Path) -> None:
    values = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)
    values[1] = -1
    values[0, 0, 0] = -1
    values[2, 1, 1] = np.inf
    path = geotiff(tmp_path / "a.tif", values, nodata=-1)
    with rasterio.open(path, "r+") as file:
        file.descriptions = ("450 nm", "550 nm", "650 nm")
        file.update_tags(2, bbl="0")
    lines = describe(open_scene(path))
    assert lines["size"] == "4 rows x 5 columns, 3 bands"
    assert lines["values"] == "float32, 1 to 59"
    assert lines["no data"] == "nodata value -1; 0 % of the pixels have no data, 5 % lack some bands"
    assert lines["coordinates"] == "EPSG:32633 (WGS 84 / UTM zone 33N)"
    assert lines["pixel"] == "30 metres"
    assert lines["extent"] == "x 500000 to 500150, y 5799880 to 5800000"
    assert lines["wavelengths"] == "450 to 650 nm"
    assert lines["bad bands"] == "2 (the header's bad-band list)"
    assert lines["empty bands"] == "2 (no valid pixel)"
    assert lines["not finite"].startswith("2.564 %")
    assert describe(open_scene(path))["size"] == "4 rows x 5 columns, 3 bands"


def test_pixel_sizes_have_their_units(geotiff: Make, tmp_path: Path) -> None:
    values = np.zeros((1, 3, 3), np.uint8)
    degrees = Affine(0.5, 0, 10, 0, -0.25, 50)
    path = geotiff(tmp_path / "a.tif", values, crs=rasterio.CRS.from_epsg(4326), transform=degrees)
    assert describe(open_scene(path))["pixel"] == "0.5 x 0.25 degrees"
    path = geotiff(tmp_path / "b.tif", values, transform=Affine(1, 0, 5, 0, -1, 5))
    assert describe(open_scene(path))["pixel"] == "1 metre"
    path = geotiff(tmp_path / "c.tif", values, transform=Affine.rotation(20), crs=None)
    assert describe(open_scene(path))["pixel"] == "1 unit, rotated by 20 degrees"


@pytest.mark.parametrize("overviews", [True, False])
def test_few_pixels_of_large_scenes_are_read(
    geotiff: Make, tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch, overviews: bool
) -> None:
    """Of a file without overviews few blocks, and of one with them no more pixels."""
    monkeypatch.setattr("terramamba.raster.sample_statistics.MOST_VALUES", 20_000)
    rng = np.random.default_rng(seed)
    values = rng.integers(20, 200, (2, 2100, 1700), dtype=np.uint8)
    missing = int(rng.integers(300, 1400))
    values[:, :, :missing] = 0
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256}
    path = geotiff(tmp_path / "a.tif", values, nodata=0, **tiles)
    if overviews:
        with rasterio.open(path, "r+") as file:
            file.build_overviews([8, 32])
    scene = open_scene(path)
    assert scene.overviews == overviews
    read: list[tuple[int, int]] = []

    class Counting:
        def read(self, window: Window, bands: Sequence[int], shape: tuple[int, int]) -> Any:
            read.append(shape)
            return scene.source.read(window, bands, shape)

    found = sample_statistics(replace(scene, source=Counting()))
    assert 2 * sum(height * width for height, width in read) <= 20_000
    assert (found.minimum, found.maximum) == (20, 199)
    assert found.all_missing == pytest.approx(missing / 1700, abs=0.1)
    assert found.sampled == pytest.approx(10_000 / (2100 * 1700), rel=0.2)
    assert describe(scene)["looked at"] == f"{percent(found.sampled)} of the pixels, spread over the scene"


def test_words() -> None:
    assert ranges([0, 1, 2, 7, 9, 10]) == "1-3, 8, 10-11"
    assert (percent(0.5), percent(0.0), percent(1e-6)) == ("50 %", "0 %", "less than 0.01 %")
