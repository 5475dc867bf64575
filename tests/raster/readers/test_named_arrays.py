"""A name of an array is refused where files have none; archives say how their content is opened."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.raster.readers.given_scene import opened
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.readers.open import open_scene

Make = Callable[..., Path]


def test_formats_of_one_image_refuse_a_name(geotiff: Make, tmp_path: Path) -> None:
    image = geotiff(tmp_path / "one.tif", np.ones((2, 4, 5), np.uint8))
    bare = tmp_path / "one.npy"
    np.save(bare, np.ones((4, 5, 2)))
    table = tmp_path / "tiles.csv"
    table.write_text("image\none.tif\n", encoding="utf-8")
    for path in (image, bare, table, image.parent):
        said = (
            "no array 'cube'" if path == bare else "--scene-variable cube: .* holds one image.*; leave it out"
        )
        with pytest.raises(InputError, match=said):
            open_scene(path, variable="cube")
    with pytest.raises(InputError, match="--scene-variable cube: is for one file"):
        open_scene([image], variable="cube")
    with pytest.raises(InputError, match="scene_variable cube: is for files"):
        opened(scene_from_array(np.ones((2, 4, 5))), variable="cube")


def test_a_zip_names_the_only_image_in_it(geotiff: Make, tmp_path: Path) -> None:
    image = geotiff(tmp_path / "one.tif", np.ones((2, 4, 5), np.uint8))
    packed = tmp_path / "packed.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(image, "deep/one.tif")
        archive.writestr("__MACOSX/deep/._one.tif", b"")
    with pytest.raises(InputError, match="is an archive") as refused:
        open_scene(packed)
    address = str(refused.value).partition("give ")[2].partition(", or")[0]
    assert open_scene(address).bands == 2


@pytest.mark.parametrize("name", ["several.zip", "landsat.tar", "scene.tif.gz"])
def test_other_archives_are_to_be_unpacked(tmp_path: Path, name: str) -> None:
    packed = tmp_path / name
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("B02.tif", b"")
        archive.writestr("B03.tif", b"")
    with pytest.raises(InputError, match=r"is an archive, .*; unpack it"):
        open_scene(packed)


def test_a_damaged_zip_says_so(tmp_path: Path) -> None:
    (tmp_path / "bad.zip").write_bytes(b"no archive")
    with pytest.raises(InputError, match="cannot be read as a zip archive"):
        open_scene(tmp_path / "bad.zip")


def test_the_layout_of_neon_before_2016_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "old.h5"
    with h5py.File(path, "w") as file:
        file["Reflectance"] = np.ones((6, 4, 5), np.int16)
        file["wavelength"] = np.linspace(0.4, 2.5, 6)[None]
        file["fwhm"] = np.full((1, 6), 0.005)
        file["map info"] = np.array([b"UTM,1,1,256521.0,4112571.0,1.0,1.0,11,North,WGS-84,units=Meters"])
        file["spatialInfo/xscale"] = 1.0
    with pytest.raises(InputError, match="NEON's layout of before 2016"):
        open_scene(path)
