"""Scenes of some bands, of palettes in colours, and the bands that somebody chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from jaxtyping import Bool, Shaped
from PIL import Image

from terramamba.core.errors import InputError
from terramamba.core.number_ranges import parse_bands
from terramamba.raster.checks.describe import describe
from terramamba.raster.readers.open import open_scene
from terramamba.raster.views.chosen_bands import find_bands, open_alike, open_bands
from terramamba.raster.views.palette_colours import in_colours
from terramamba.raster.windows import Window


@dataclass(frozen=True)
class Numbered:
    """Every pixel of band i is i."""

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        values = np.empty((len(bands), *shape), np.int16)
        values[:] = np.array(list(bands), np.int16)[:, None, None]
        return values, np.ones(values.shape, bool)


def save(path: Path, values: np.ndarray, names: Sequence[str] = (), **profile: object) -> Path:
    count, height, width = values.shape
    known = {
        "driver": "GTiff",
        "dtype": values.dtype,
        "crs": "EPSG:32633",
        "transform": Affine(9, 0, 5, 0, -9, 5),
    }
    with rasterio.open(path, "w", count=count, height=height, width=width, **(known | profile)) as file:
        file.write(values)
        if names:
            file.descriptions = list(names)
    return path


def measured(seed: int, count: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).integers(1, 200, (count, 8, 9)).astype(np.uint8)


def with_alpha(seed: int) -> np.ndarray:
    values = measured(seed)
    values[3] = 255
    values[3, :2] = 0
    return values


def test_bands_are_chosen_by_number_range_and_name(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "s.tif", measured(seed), ("Blue", "Green", "Red", "NIR"), photometric="MINISBLACK")
    for text, expected in (("1-3", (0, 1, 2)), ("4,1", (3, 0)), ("nir, red", (3, 2)), ("2,NIR", (1, 3))):
        scene, chosen = open_bands(path, text)
        assert (scene.bands, chosen) == (4, expected)
    for text, words in (
        ("5", "has no such band; it has 4 bands: Blue, Green"),
        ("swir", "no such"),
        ("1,blue", "named already"),
    ):
        with pytest.raises(InputError, match=words):
            open_bands(path, text)


def test_a_name_of_several_bands_is_refused(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "s.tif", measured(seed), ("B1", "B2", "b2", "B3"), photometric="MINISBLACK")
    assert open_bands(path, "B3,2")[1] == (3, 1)
    with pytest.raises(InputError, match=r"--bands B2: so bands 2, 3 of .*s\.tif are called; name the one"):
        open_bands(path, "B1,B2")


def test_choosing_the_alpha_band_makes_it_a_band(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "a.tif", with_alpha(seed))
    without, chosen = open_bands(path, "1,2,3")
    assert (without.bands, chosen, without.read()[1].all()) == (3, (0, 1, 2), False)
    scene, chosen = open_bands(path, "1,2,3,4")
    assert (scene.bands, chosen, scene.read()[1].all()) == (4, (0, 1, 2, 3), True)


def test_numbers_are_those_of_the_file_where_a_mask_lies_between(tmp_path: Path, seed: int) -> None:
    values = np.concatenate([with_alpha(seed), measured(seed, 1)])
    path = save(tmp_path / "a.tif", values, photometric="RGB", alpha="yes")
    scene, chosen = open_bands(path, "5,1")
    assert chosen == (3, 0)
    assert np.array_equal(scene.read(bands=chosen)[0], values[[4, 0]])


def test_images_to_be_compared_have_one_alpha(tmp_path: Path, seed: int) -> None:
    nir, empty = measured(seed), measured(seed)
    empty[3] = 0
    paths = [save(tmp_path / "1.tif", empty), save(tmp_path / "2.tif", nir)]
    assert [scene.bands for scene in open_alike(paths, None)] == [4, 4]
    paths.append(save(tmp_path / "3.tif", with_alpha(seed)))
    with pytest.raises(InputError, match="--bands 1-4 or --bands 1-3"):
        open_alike(paths, None)
    assert [scene.bands for scene in open_alike(paths, "1-4")] == [4, 4, 4]
    assert [scene.bands for scene in open_alike(paths, "3,1")] == [2, 2, 2]


def palette_picture(path: Path, seed: int) -> tuple[Path, np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    colours = random.integers(0, 256, (6, 3)).astype(np.uint8)
    numbers = random.integers(0, 6, (8, 9)).astype(np.uint8)
    picture = Image.fromarray(numbers, mode="P")
    picture.putpalette(colours.ravel().tolist())
    picture.save(path)
    return path, numbers, colours


@pytest.mark.parametrize("name", ["p.png", "p.tif", "p.gif"])
def test_a_palette_is_its_colours_to_a_model_and_numbers_in_labels(
    tmp_path: Path, seed: int, name: str
) -> None:
    path, numbers, colours = palette_picture(tmp_path / name, seed)
    raw = open_scene(path)
    assert raw.bands == 1
    scene, _ = open_bands(path)
    values, valid = scene.read()
    assert (scene.bands, scene.band_names, valid.all()) == (3, ("red", "green", "blue"), True)
    stored = raw.read()[0][0]
    table = np.array(raw.palette, np.uint8)[:, :3]
    assert np.array_equal(values, np.moveaxis(table[stored], -1, 0))
    if name != "p.gif":
        assert np.array_equal(values, np.moveaxis(colours[numbers], -1, 0))
    assert np.array_equal(scene.read(Window(2, 3, 2, 2), (2,))[0][0], values[2, 2:4, 3:5])
    assert "a model sees red, green and blue" in describe(raw)["palette"]
    assert in_colours(scene) is scene


def test_a_transparent_colour_is_no_data(tmp_path: Path) -> None:
    numbers = np.array([[[0, 1, 1]]], np.uint8)
    path = save(tmp_path / "t.tif", numbers)
    with rasterio.open(path, "r+") as file:
        file.write_colormap(1, {0: (0, 0, 0, 0), 1: (9, 8, 7, 255)})
    values, valid = in_colours(open_scene(path)).read()
    # GeoTIFF keeps no opacity in its palette; what GDAL says is what counts
    assert values[:, 0, 1].tolist() == [9, 8, 7]
    assert valid[:, 0, 1:].all()


def test_check_lists_names_wavelengths_and_what_is_transparency(tmp_path: Path, seed: int) -> None:
    path = save(tmp_path / "s.tif", measured(seed), ("Blue", "Green", "Red", "NIR"))
    said = describe(open_scene(path))
    assert said["bands"] == "1 Blue, 2 Green, 3 Red, 4 NIR"
    assert "used as a band" in said["transparency"]
    many = save(tmp_path / "m.tif", measured(seed, 40), [f"{400 + 10 * band} nm" for band in range(40)])
    listed = describe(open_scene(many))["bands"]
    assert listed.startswith("1 400 nm, 2 410 nm")
    assert ", ..., " in listed
    assert listed.endswith("40 790 nm")
    assert "bands" not in describe(open_scene(save(tmp_path / "n.tif", measured(seed, 2))))


def test_find_bands_speaks_of_scenes_without_names(tmp_path: Path, seed: int) -> None:
    scene = open_scene(save(tmp_path / "n.tif", measured(seed, 2)))
    with pytest.raises(InputError, match="it has 2 bands without names"):
        find_bands(scene, parse_bands("red"))
