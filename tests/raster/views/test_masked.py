"""Masked pixels are as pixels without data, wherever the mask's own pixels lie."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import MaskedSource, masked, masked_fraction, noted_of_masks
from terramamba.raster.windows import Window

UTM33 = CRS.from_epsg(32633)
HERE = Grid(30, 40, UTM33, Affine(20, 0, 500_000, 0, -20, 5_800_000))


@pytest.fixture
def scene(tmp_path: Path, seed: int) -> Scene:
    values = np.random.default_rng(seed).integers(1, 200, (2, 30, 40)).astype(np.uint8)
    values[:, 3, 4] = 0
    write_geotiff(tmp_path / "scene.tif", values, HERE, nodata=0)
    return open_scene(tmp_path / "scene.tif")


def mask(path: Path, values: np.ndarray, grid: Grid, **options: float) -> Path:
    write_geotiff(path, values[None], grid, **options)
    return path


def mask_of(scene: Scene) -> np.ndarray:
    """Which pixels the masks of ``scene`` leave out, whether they had data or not."""
    assert isinstance(scene.source, MaskedSource)
    return scene.source.marked(scene.grid.window, scene.grid.window.shape)


def test_masks_are_joined_with_missing_data(scene: Scene, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    one, two = (rng.random((30, 40)) < 0.2 for _ in range(2))
    files = [mask(tmp_path / "1.tif", one.astype(np.uint8) * 255, HERE)]
    np.save(tmp_path / "2.npy", (two * 3).astype(np.int16))
    files.append(tmp_path / "2.npy")
    result = pickle.loads(pickle.dumps(masked(scene, files)))
    values, valid = result.read()
    np.testing.assert_array_equal(values, scene.read()[0])
    np.testing.assert_array_equal(valid, scene.read()[1] & ~one & ~two)
    np.testing.assert_array_equal(mask_of(result), one | two)
    assert masked_fraction(result) == pytest.approx((one | two).mean())
    window = Window(5, 7, 11, 13)
    np.testing.assert_array_equal(result.read(window, (1,))[1][0], valid[1][window.slices])
    assert result.notes[-1] == f"masked: no data where {files[0]} is not 0, where {files[1]} is not 0"
    assert masked(scene, []) is scene


def test_what_a_mask_does_not_know_is_not_masked(scene: Scene, tmp_path: Path) -> None:
    values = np.zeros((30, 40), np.float32)
    values[0], values[1], values[2] = 1, 255, np.nan
    files = [mask(tmp_path / "m.tif", values, HERE, nodata=255)]
    marked = mask_of(masked(scene, files))
    assert marked[0].all()
    assert not marked[1:].any()


def test_a_mask_that_covers_a_part_of_the_scene_is_said_to(scene: Scene, tmp_path: Path) -> None:
    part = Grid(15, 40, UTM33, HERE.transform)
    found = masked(scene, [mask(tmp_path / "m.tif", np.ones((15, 40), np.uint8), part)])
    assert mask_of(found).mean() == 0.5
    assert (
        f"{tmp_path / 'm.tif'} covers about 50 % of {scene.path}: what lies beyond is not masked"
        in found.notes
    )
    larger = Grid(64, 90, UTM33, Affine(10, 0, 499_900, 0, -10, 5_800_020))
    whole = masked(scene, [mask(tmp_path / "w.tif", np.zeros((64, 90), np.uint8), larger)])
    assert noted_of_masks(found) == [note for note in found.notes if "beyond" in note]
    assert noted_of_masks(whole) == []


def test_a_mask_on_another_grid_is_taken_by_nearest_pixel(scene: Scene, tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fine = rng.random((40, 90)) < 0.3
    # Pixels of 10 m that begin 100 m right of the scene and 60 m below, and end inside it.
    grid = Grid(40, 90, UTM33, Affine(10, 0, 500_100 + 3, 0, -10, 5_799_940 - 3))
    result = masked(scene, [mask(tmp_path / "m.tif", fine.astype(np.uint8), grid)])
    expected = np.zeros((30, 40), bool)
    for row in range(30):
        for col in range(40):
            y, x = (20 * row + 10 - 63) // 10, (20 * col + 10 - 103) // 10
            if 0 <= y < 40 and 0 <= x < 90:
                expected[row, col] = fine[y, x]
    np.testing.assert_array_equal(mask_of(result), expected)
    window = Window(2, 5, 9, 30)
    np.testing.assert_array_equal(result.read(window)[1][0], result.read()[1][0][window.slices])


def test_a_mask_in_another_reference_system(scene: Scene, tmp_path: Path) -> None:
    degrees = Grid(200, 400, CRS.from_epsg(4326), Affine(1e-4, 0, 14.99, 0, -1e-4, 52.36))
    values = np.zeros((200, 400), np.uint8)
    values[:, 150:] = 1  # from 15.005 degrees on, 340 m right of the scene's left side
    marked = mask_of(masked(scene, [mask(tmp_path / "m.tif", values, degrees)]))
    assert marked[:, :16].sum() == 0
    assert marked[:, 18:].all()


def test_a_mask_that_was_measured_is_said_to(scene: Scene, tmp_path: Path, seed: int) -> None:
    random = np.random.default_rng(seed)
    chances = random.integers(0, 101, (30, 40)) * (random.random((30, 40)) < 0.3)
    path = mask(tmp_path / "clouds.tif", chances.astype(np.uint8), HERE)
    (said,) = noted_of_masks(masked(scene, [path]))
    assert said.startswith(f"{path} holds ")
    assert "as chances of clouds and other measurements do, and a pixel is left out wherever" in said
    fractions = mask(tmp_path / "fractions.tif", (chances > 50).astype(np.float32) / 2, HERE)
    assert len(noted_of_masks(masked(scene, [fractions]))) == 1
    clouds = mask(tmp_path / "marks.tif", (chances // 20).astype(np.uint8), HERE)
    assert noted_of_masks(masked(scene, [clouds])) == []


@pytest.mark.parametrize("axis", [0, 2])
def test_the_scene_settles_the_axes_of_a_bare_mask(
    scene: Scene, tmp_path: Path, seed: int, axis: int
) -> None:
    marked = np.random.default_rng(seed).random((scene.height, scene.width)) > 0.5
    np.save(tmp_path / "a.npy", marked)
    np.save(tmp_path / "b.npy", np.expand_dims(marked, axis))
    flat, deep = (masked(scene, [tmp_path / name]).read()[1] for name in ("a.npy", "b.npy"))
    np.testing.assert_array_equal(flat, deep)


def test_refused(scene: Scene, tmp_path: Path) -> None:
    np.save(tmp_path / "small.npy", np.ones((30, 39), np.uint8))
    with pytest.raises(
        InputError, match=r"small\.npy: array 30 x 39 does not fit 30 x 40 pixels; give a scene, labels and"
    ):
        masked(scene, [tmp_path / "small.npy"])
    far = mask(tmp_path / "far.tif", np.ones((30, 40)), Grid(30, 40, UTM33, Affine(20, 0, 0, 0, -20, 0)))
    with pytest.raises(InputError, match=r"far\.tif: lies nowhere on .*scene\.tif"):
        masked(scene, [far])
    with pytest.raises(InputError, match=r"nothing\.tif: no such file"):
        masked(scene, [tmp_path / "nothing.tif"])
