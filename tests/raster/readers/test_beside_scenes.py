"""Layers of quality, pictures and references beside the images of a scene are left out, and said to be."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from PIL import Image

from terramamba.raster.readers.open import open_scene

Make = Callable[..., Path]


@pytest.mark.parametrize(
    ("images", "quality", "hint"),
    [
        ({"20200801_10_3B_AnalyticMS_SR_8b_clip.tif": 8}, {"20200801_10_3B_udm2_clip.tif": 8}, True),
        ({"20200801_10_3B_AnalyticMS_SR.tif": 4}, {"20200801_10_3B_AnalyticMS_DN_udm.tif": 1}, False),
        ({"B02.tif": 1, "B03.tif": 1, "B8A.tif": 1}, {"SCL.tif": 1}, True),
        ({"red.tif": 1, "nir.tif": 1}, {"scene_QA_PIXEL.tif": 1, "scene_SR_QA_AEROSOL.tif": 1}, True),
        ({"red.tif": 1, "nir.tif": 1}, {"scene_MSK_CLDPRB_20m.tif": 1}, False),
        ({"20200801_10_3B_Visual.tif": 3}, {"20200801_10_3B_udm2.tif": 8}, True),
    ],
)
def test_layers_of_quality_beside_a_scene_are_left_out_and_said(
    geotiff: Make, tmp_path: Path, images: dict[str, int], quality: dict[str, int], hint: bool
) -> None:
    for name, bands in images.items():
        geotiff(tmp_path / name, np.ones((bands, 6, 7), np.uint16))
    alone = open_scene(tmp_path)
    for name, bands in quality.items():
        geotiff(tmp_path / name, np.ones((bands, 6, 7), np.uint8))
    scene = open_scene(tmp_path)
    assert (scene.bands, scene.dtype) == (alone.bands, "uint16")
    (said,) = set(scene.notes) - set(alone.notes)
    assert all(name in said for name in quality)
    assert ("--mask" in said) == hint


def test_a_folder_of_masks_alone_is_read(geotiff: Make, tmp_path: Path) -> None:
    geotiff(tmp_path / "a_SCL.tif", np.ones((1, 6, 7), np.uint8))
    assert open_scene(tmp_path).bands == 1


@pytest.mark.parametrize(
    ("bands", "others", "left_out"),
    [
        (("B02.tif", "B8A.tif"), ("SCL.tif", "AOT.tif", "WVP.tif", "TCI.tif"), 4),
        (("red.tif", "nir.tif"), ("scl.tif", "visual.tif", "thumbnail.jpg"), 3),
        (("a_R1C1.TIF",), ("a-BROWSE.JPG", "map of it.png"), 2),
        (("green.tif", "nir.tif"), ("plot_preview.tif",), 1),
        (("red.tif", "nir.tif"), ("sun_zenith.tif", "VAA.tif", "cloud_mask.tif", "x_msk.tif"), 4),
    ],
)
def test_pictures_and_derived_layers_beside_a_scene_are_no_bands(
    geotiff: Make, tmp_path: Path, bands: tuple[str, ...], others: tuple[str, ...], left_out: int
) -> None:
    for name in bands:
        geotiff(tmp_path / name, np.ones((1, 6, 7), np.uint16))
    alone = open_scene(tmp_path)
    for name in others:
        if name.endswith(".tif"):
            colours = 3 if name in ("TCI.tif", "visual.tif") else 1
            geotiff(tmp_path / name, np.ones((colours, 6, 7), np.uint16))
        else:
            Image.new("RGB", (7, 6)).save(tmp_path / name)
    scene = open_scene(tmp_path)
    assert (scene.bands, scene.band_names) == (alone.bands, alone.band_names)
    (said,) = set(scene.notes) - set(alone.notes)
    assert said.startswith("no bands, left out: ")
    assert sum(name in said for name in others) == left_out


def test_pictures_that_have_a_place_or_are_all_there_is_are_read(geotiff: Make, tmp_path: Path) -> None:
    Image.new("RGB", (7, 6)).save(tmp_path / "overview.png")
    assert open_scene(tmp_path).bands == 3
    place = Affine(10, 0, 400_000, 0, -10, 5_800_000)
    (tmp_path / "overview.png").rename(tmp_path / "a.png")
    (tmp_path / "a.pgw").write_text("10\n0\n0\n-10\n400075\n5799995\n", encoding="utf-8")
    geotiff(tmp_path / "b.tif", np.ones((3, 6, 7), np.uint8), crs=None, transform=place)
    assert open_scene(tmp_path).width == 14


def test_what_a_system_hides_beside_an_image_is_no_image(geotiff: Make, tmp_path: Path) -> None:
    geotiff(tmp_path / "a.tif", np.ones((3, 6, 7), np.uint16))
    (tmp_path / "._a.tif").write_bytes(bytes(4096))
    scene = open_scene(tmp_path)
    assert (scene.bands, scene.notes) == (3, open_scene(tmp_path / "a.tif").notes)
