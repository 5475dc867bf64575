"""Patches from stored windows against cutting them one by one from the whole scene, padded."""

from pathlib import Path

import numpy as np
import pytest
import torch
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.data import patch_store
from terramamba.data.patch_store import PaddedWindow, PatchStore, beyond_edge, window_patches
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

NODATA = -9999.0
SCALING = Scaling("minmax", (3, 0, 2), (0.5, -1.0, 2.0), (2.0, 0.25, 1.5), (0.1, 0.2, 0.3))


def scene_of(path: Path, rng: np.random.Generator, height: int, width: int) -> Scene:
    """4 bands, some pixels without data in one of them or with infinity."""
    values = rng.normal(size=(4, height, width)).astype(np.float32)
    values[rng.integers(4), rng.random((height, width)) < 0.1] = NODATA
    values[0, rng.integers(height), rng.integers(width)] = np.inf
    grid = Grid(height, width, CRS.from_epsg(32632), Affine(5, 0, 500_000, 0, -5, 5_800_000))
    write_geotiff(path, values, grid, nodata=NODATA)
    return open_scene(path)


def whole_padded(scene: Scene, patch_size: int, border: str) -> tuple[np.ndarray, np.ndarray]:
    """The whole scene, scaled and padded, and which of its pixels can be used."""
    values, valid = scene.read(bands=SCALING.bands)
    usable = valid.all(axis=0) & np.isfinite(values).all(axis=0)
    offset, factor, fill = (
        np.array(numbers, np.float32)[:, None, None]
        for numbers in (SCALING.offset, SCALING.factor, SCALING.fill)
    )
    cube = np.where(usable, (np.where(usable, values, 0) - offset) * factor, fill)
    half = patch_size // 2
    mode = {"reflect": "reflect", "zeros": "constant"}[border]
    return np.pad(cube, ((0, 0), (half, half), (half, half)), mode=mode), usable


@settings(deadline=None, max_examples=30)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(6, 60),
    st.integers(6, 90),
    st.sampled_from([1, 3, 5, 9]),
    st.sampled_from(["reflect", "zeros"]),
    st.sampled_from([60, 600, 100_000]),
)
def test_patches_are_those_of_the_whole_scene_padded(
    tmp_path_factory: pytest.TempPathFactory,
    seed: int,
    height: int,
    width: int,
    patch_size: int,
    border: str,
    at_once: int,
) -> None:
    rng = np.random.default_rng(seed)
    scene = scene_of(tmp_path_factory.mktemp("scene") / "scene.tif", rng, height, width)
    pixels = PixelList.of(rng.random((height, width)) < rng.choice([0.01, 0.2, 0.9]))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(patch_store, "VALUES_PER_READ", at_once)
        store = PatchStore.read(scene, SCALING, pixels, patch_size, border)
    padded, usable = whole_padded(scene, patch_size, border)
    some = rng.permutation(pixels.coordinates)
    expected = [padded[:, r : r + patch_size, c : c + patch_size] for r, c in some]
    found = store.cut(some).numpy()
    np.testing.assert_array_equal(found, np.reshape(expected, found.shape).astype(np.float32))
    half = patch_size // 2
    np.testing.assert_array_equal(store.spectra(some), found[:, :, half, half])
    np.testing.assert_array_equal(store.usable[store.index(some)], usable[tuple(some.T)])
    # what a map cuts from a window of the scene is the same
    window = Window(height // 3, width // 4, height // 2, width // 2)
    seen = PaddedWindow.read(scene, SCALING, window, half, border)
    np.testing.assert_array_equal(seen.usable, usable[window.slices])
    inside = some[pixels_in(window, some)]
    rows, cols = torch.from_numpy((inside - (window.row, window.col)).T.copy())
    cut = window_patches(torch.from_numpy(seen.padded()), rows, cols, patch_size)
    np.testing.assert_array_equal(cut.numpy(), store.cut(inside).numpy())
    assert cut.stride() == store.cut(inside).stride()


def pixels_in(window: Window, pixels: np.ndarray) -> np.ndarray:
    rows, cols = (pixels - (window.row, window.col)).T
    return (rows >= 0) & (rows < window.height) & (cols >= 0) & (cols < window.width)


def test_only_what_patches_show_is_kept(tmp_path: Path, seed: int) -> None:
    scene = scene_of(tmp_path / "scene.tif", np.random.default_rng(seed), 60, 40)
    marked = np.zeros((60, 40), bool)
    marked[[5, 40]] = True  # two lines
    store = PatchStore.read(scene, SCALING, PixelList.of(marked), 7, "reflect")
    assert len(store.kept) == 2 * 7 * 40
    assert store.values.shape == (2 * 7 * 40 + 1, 3)


@pytest.mark.parametrize("length", [1, 2, 5])
def test_beyond_an_edge_stands_the_mirror_image(length: int) -> None:
    """Of a scene that is smaller than its margin the mirror image of the mirror image, and so on."""
    index = np.arange(-11, length + 11)
    np.testing.assert_array_equal(
        beyond_edge(index, length, "reflect"), np.pad(np.arange(length), 11, mode="reflect")
    )
    np.testing.assert_array_equal(
        beyond_edge(index, length, "zeros"), np.pad(np.arange(length), 11, constant_values=-1)
    )


def test_a_scene_too_small_to_mirror_is_refused(tmp_path: Path, seed: int) -> None:
    scene = scene_of(tmp_path / "scene.tif", np.random.default_rng(seed), 3, 9)
    pixels = PixelList.of(np.ones((3, 9), bool))
    with pytest.raises(InputError, match="3 x 9 pixels: too small to mirror 3"):
        PatchStore.read(scene, SCALING, pixels, 7, "reflect")
    assert PatchStore.read(scene, SCALING, pixels, 7, "zeros").cut(np.array([[0, 0]])).shape == (1, 3, 7, 7)
