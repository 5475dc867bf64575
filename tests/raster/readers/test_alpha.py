"""A band that a file calls transparency is a mask or a band, as its values say, and one thing in a set."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.enums import ColorInterp

from terramamba.core.errors import InputError
from terramamba.raster.readers.alpha import judge_alpha
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

PLACE = Affine(30, 0, 500_000, 0, -30, 5_800_000)


def colours(seed: int, dtype: str = "uint8", side: int = 16, count: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 200, (count, side, side)).astype(dtype)


def opaque(full: int, dtype: str = "uint8", side: int = 16) -> np.ndarray:
    """Full, but for a corner."""
    alpha = np.full((1, side, side), full, dtype)
    alpha[:, :4, :4] = 0
    return alpha


def save(path: Path, values: np.ndarray, transform: Affine = PLACE, **profile: object) -> Path:
    count, height, width = values.shape
    known = {"driver": "GTiff", "dtype": values.dtype, "crs": "EPSG:32633", "transform": transform} | profile
    with rasterio.open(path, "w", count=count, height=height, width=width, **known) as file:
        file.write(values)
    return path


def called_alpha(path: Path, band: int) -> bool:
    with rasterio.open(path) as file:
        return file.colorinterp[band - 1] == ColorInterp.alpha


def alpha_note(scene: Scene) -> str:
    (note,) = (note for note in scene.notes if "transparency" in note)
    return note


def test_near_infrared_as_gdal_writes_it_by_default_is_a_band(tmp_path: Path, seed: int) -> None:
    values = colours(seed, count=4)
    path = save(tmp_path / "nir.tif", values)
    assert called_alpha(path, 4)
    scene = open_scene(path)
    read, valid = scene.read()
    assert (scene.bands, valid.all()) == (4, True)
    assert np.array_equal(read, values)
    assert alpha_note(scene).endswith("neither 0 nor full: used as a band")


@pytest.mark.parametrize(
    ("dtype", "full"), [("uint8", 255), ("uint16", 255), ("uint16", 65535), ("int16", 32767), ("float32", 1)]
)
def test_transparency_of_any_type_is_a_mask(tmp_path: Path, seed: int, dtype: str, full: int) -> None:
    values = np.concatenate([colours(seed, dtype), opaque(full, dtype)])
    scene = open_scene(save(tmp_path / "a.tif", values, photometric="RGB", alpha="yes"))
    assert scene.bands == 3
    assert np.array_equal(scene.read()[1], np.broadcast_to(values[3] > 0, (3, 16, 16)))
    assert alpha_note(scene) == "band 4 is transparency: used as a mask, not as a band"


@pytest.mark.parametrize(("dtype", "most"), [("uint8", 90), ("uint16", 10_000), ("float32", 1)])
def test_graded_values_of_any_type_are_a_band(tmp_path: Path, seed: int, dtype: str, most: int) -> None:
    graded = (np.random.default_rng(seed).random((1, 16, 16)) * most).astype(dtype)
    values = np.concatenate([colours(seed, dtype), graded])
    assert open_scene(save(tmp_path / "a.tif", values, photometric="RGB", alpha="yes")).bands == 4


def test_grey_with_transparency_and_two_measured_bands_are_told_apart(tmp_path: Path, seed: int) -> None:
    masked = np.concatenate([colours(seed, count=1), opaque(255)])
    assert open_scene(save(tmp_path / "la.tif", masked, alpha="yes")).bands == 1
    assert open_scene(save(tmp_path / "vv_vh.tif", colours(seed, count=2), alpha="yes")).bands == 2


def test_transparency_in_the_middle_leaves_the_other_bands_their_places(tmp_path: Path, seed: int) -> None:
    values = np.concatenate([colours(seed), opaque(255), colours(seed + 1, count=1)])
    path = save(tmp_path / "five.tif", values, photometric="RGB", alpha="yes")
    assert called_alpha(path, 4)
    scene = open_scene(path)
    assert scene.band_names == ("band 1", "band 2", "band 3", "band 5")
    assert np.array_equal(scene.read()[0], values[[0, 1, 2, 4]])


def test_a_png_with_soft_edges_keeps_its_mask(tmp_path: Path, seed: int) -> None:
    alpha = opaque(255)
    alpha[0, 4, :4] = (60, 120, 180, 240)
    picture = np.moveaxis(np.concatenate([colours(seed), alpha]), 0, -1)
    Image.fromarray(picture).save(tmp_path / "a.png")
    assert open_scene(tmp_path / "a.png").bands == 3


def test_an_image_that_is_mostly_empty_is_judged_by_what_it_shows() -> None:
    values = np.zeros(10_000, np.uint8)
    assert judge_alpha(values) is None
    values[:50] = 255
    assert judge_alpha(values) == "mask"
    values[:50] = np.arange(50, 100)
    assert judge_alpha(values) == "band"


def test_somebody_may_say_what_it_is(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "nir.tif", colours(seed, count=4))
    scene = open_scene(path, alpha="mask")
    assert scene.bands == 3
    assert "though its values are graded" in alpha_note(scene)
    full = save(tmp_path / "a.tif", np.concatenate([colours(seed), opaque(255)]))
    assert open_scene(full, alpha="band").bands == 4


def test_tiles_of_one_scene_have_one_alpha(tmp_path: Path, seed: int) -> None:
    """A tile whose fourth band is 0 says nothing; the others decide for it."""
    empty = colours(seed, count=4)
    empty[3] = 0
    save(tmp_path / "1.tif", empty)
    save(tmp_path / "2.tif", colours(seed + 1, count=4), PLACE @ Affine.translation(16, 0))
    scene = open_scene(tmp_path)
    assert (scene.bands, scene.width) == (4, 32)
    assert scene.read()[1].all()


def test_tiles_that_disagree_are_refused_with_the_flag_that_settles_it(tmp_path: Path, seed: int) -> None:
    save(tmp_path / "1.tif", np.concatenate([colours(seed), opaque(255)]))
    save(tmp_path / "2.tif", colours(seed, count=4), PLACE @ Affine.translation(16, 0))
    with pytest.raises(InputError, match=r"band 4 is transparency in .*1\.tif and .*2\.tif.*--bands 1-4"):
        open_scene(tmp_path)


def test_tiles_whose_bands_have_another_order_are_put_right(tmp_path: Path, seed: int) -> None:
    values, names = colours(seed, "uint16"), ("red", "green", "blue")
    first = save(tmp_path / "1.tif", values)
    second = save(tmp_path / "2.tif", values[::-1], PLACE @ Affine.translation(16, 0))
    for path, said in ((first, names), (second, names[::-1])):
        with rasterio.open(path, "r+") as file:
            file.descriptions = said
    read, _ = open_scene(tmp_path).read()
    assert np.array_equal(read, np.concatenate([values, values], axis=2))
    with rasterio.open(second, "r+") as file:
        file.descriptions = ("red", "green", "nir")
    with pytest.raises(
        InputError, match=r"2\.tif: has the bands red, green, nir, but .*1\.tif has red, green"
    ):
        open_scene(tmp_path)


def test_real_transparency_is_a_mask(real_data: Callable[[str], Path]) -> None:
    for name, size in (("alpha.tif", (3, 1223, 1223)), ("RGBA.uint16.tif", (3, 411, 634))):
        scene = open_scene(real_data(f"raster/rasterio_tests/{name}"))
        assert (scene.bands, scene.height, scene.width) == size
        assert "used as a mask" in alpha_note(scene)
