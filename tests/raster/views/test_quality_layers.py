"""Quality layers of providers, in which good pixels are not 0, leave out what is bad."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import MaskedSource, doubtful_masks, masked, noted_of_masks

HERE = Grid(6, 8, CRS.from_epsg(32633), Affine(20, 0, 500_000, 0, -20, 5_800_000))


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    write_geotiff(tmp_path / "scene.tif", np.full((2, 6, 8), 9, np.uint8), HERE)
    return open_scene(tmp_path / "scene.tif")


def written(path: Path, bands: np.ndarray, names: tuple[str, ...] = ()) -> Path:
    profile = {"width": 8, "height": 6, "count": len(bands), "crs": HERE.crs, "transform": HERE.transform}
    with rasterio.open(path, "w", driver="GTiff", dtype=bands.dtype, **profile) as file:
        file.write(bands)
        if names:
            file.descriptions = names
    return path


def marked(scene: Scene) -> np.ndarray:
    assert isinstance(scene.source, MaskedSource)
    return scene.source.marked(scene.grid.window, scene.grid.window.shape)


@pytest.mark.parametrize(
    ("name", "band", "good", "bad"),
    [
        (
            "LC09_L2SP_193023_20230601_20230603_02_T1_QA_PIXEL.TIF",
            "",
            [21824, 21952, 30048],
            [22280, 23888, 1],
        ),
        ("exported.tif", "QA_PIXEL", [21824, 5440], [5896, 5442]),
        ("HLS.L30.T33UUP.2023152T101031.v2.0.Fmask.tif", "", [64, 192, 224, 0, 16], [66, 200, 255, 4]),
        ("T33UUP_20230601T101031_SCL_20m.tif", "", [2, 4, 5, 6, 7, 11], [0, 1, 3, 8, 9, 10]),
        ("clouds_QA60.tif", "", [0], [1024, 2048]),
        ("SCL.tif", "", [0], [1]),  # a mask that was made of it
        ("cloud_probability.tif", "", [0], [255]),
        ("a_SCL.tif", "", [0], []),
    ],
)
def test_bad_pixels_alone_are_left_out(
    scene: Scene, tmp_path: Path, name: str, band: str, good: list[int], bad: list[int]
) -> None:
    codes = np.array([*good, *bad])
    index = np.arange(48).reshape(6, 8) % len(codes)
    path = written(tmp_path / name, codes[index][None].astype(np.uint16), (band,) if band else ())
    found = masked(scene, [path])
    np.testing.assert_array_equal(marked(found), index >= len(good))
    assert any("taken for" in note for note in noted_of_masks(found)) == (len(good) > 1)


def test_planets_usable_data_mask_leaves_out_what_is_not_clear(scene: Scene, tmp_path: Path) -> None:
    names = ("clear", "snow", "shadow", "haze_light", "haze_heavy", "cloud", "confidence", "unusable_data")
    bands = np.zeros((8, 6, 8), np.uint8)
    bands[0, :, 2:], bands[5, :, :2], bands[6] = 1, 1, 80
    for path in (
        written(tmp_path / "20230601_3B_udm2_clip.tif", bands),
        written(tmp_path / "m.tif", bands, names),
    ):
        np.testing.assert_array_equal(marked(masked(scene, [path])), bands[0] == 0)


@pytest.mark.parametrize(
    "name", ["MSK_CLDPRB_20m.tif", "LT05_1_MTLFmask.tif", "cloud_probability.tif", "LE07_pixel_qa.tif"]
)
def test_layers_that_say_no_good_pixels_are_refused(scene: Scene, tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, np.full((1, 6, 8), 4, np.uint8))
    with pytest.raises(InputError, match=r"good \(such as gdal_calc\.py"):
        masked(scene, [path])


def test_a_mask_that_leaves_out_most_is_said_to(scene: Scene, tmp_path: Path) -> None:
    valid = np.ones((1, 6, 8), np.uint8)
    valid[..., :2] = 0
    (said,) = doubtful_masks(masked(scene, [written(tmp_path / "valid.tif", valid)]))
    assert said.startswith("masks leave out 75 % of the pixels of ")
    assert doubtful_masks(masked(scene, [written(tmp_path / "clouds.tif", 1 - valid)])) == []
