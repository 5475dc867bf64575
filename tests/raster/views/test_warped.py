"""A date warped onto the other's grid: places, windows, missing pixels, and what is refused."""

import pickle
from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as to_crs
from scipy.ndimage import minimum_filter

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.raster.views.warped import Method, warped
from terramamba.raster.windows import Window

UTM33, UTM32 = CRS.from_epsg(32633), CRS.from_epsg(32632)
HERE = Grid(40, 50, UTM33, Affine(20, 0, 500_000, 0, -20, 5_800_000))


def write(
    path: Path, values: np.ndarray, transform: Affine, crs: CRS | None = UTM33, **options: float
) -> Scene:
    write_geotiff(path, values, Grid(*values.shape[1:], crs, transform), **options)
    return open_scene(path)


def centres(grid: Grid) -> tuple[np.ndarray, np.ndarray]:
    down, right = np.meshgrid(np.arange(grid.height) + 0.5, np.arange(grid.width) + 0.5, indexing="ij")
    t = grid.transform
    assert t is not None
    return t.a * right + t.b * down + t.c, t.d * right + t.e * down + t.f


def plane(grid: Grid, crs: CRS | None = None) -> np.ndarray:
    """Values that rise evenly with the coordinates of ``crs``, which interpolation keeps exactly."""
    x, y = centres(grid)
    if crs is not None:
        x, y = (np.array(axis).reshape(x.shape) for axis in to_crs(grid.crs, crs, x.ravel(), y.ravel()))
    return np.stack([(x - 500_000) / 7 + (y - 5_800_000) / 3, (x - 500_000) / 11])


OTHERS = {
    "offset": Grid(60, 70, UTM33, Affine(20, 0, 499_873, 0, -20, 5_800_091)),
    "finer": Grid(220, 260, UTM33, Affine(5, 0, 499_903, 0, -5, 5_800_058)),
    "coarser": Grid(40, 40, UTM33, Affine(32, 0, 499_873, 0, -32, 5_800_091)),
    "turned": Grid(120, 120, UTM33, Affine(12, 9, 499_300, 9, -12, 5_799_800)),
    "other system": Grid(220, 220, UTM32, Affine(10, 0, 908_200, 0, -10, 5_817_900)),
}


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
@pytest.mark.parametrize("name", OTHERS)
def test_a_plane_stays_where_it_is(tmp_path: Path, name: str, method: Method) -> None:
    grid = OTHERS[name]
    assert grid.transform is not None
    scene = write(tmp_path / "b.tif", plane(grid, UTM33), grid.transform, grid.crs)
    result = warped(scene, HERE, method)
    assert result.grid == HERE
    assert f"warped onto another grid ({method}): was EPSG:326" in result.notes[-1]
    values, valid = result.read()
    inner = (slice(None), slice(4, -4), slice(4, -4))
    assert valid[inner].mean() > 0.9
    # Beside missing pixels the rest has to do. A plane in one system is not quite one in the other, and where
    # a pixel is 4/3 of the other's, the weights are not even: within 5 % of a step from pixel to pixel.
    complete = minimum_filter(valid, size=(1, 5, 5), mode="constant", cval=1)
    exact = name not in ("other system", "turned")
    np.testing.assert_allclose(values[complete], plane(HERE)[complete], rtol=0, atol=1e-6 if exact else 0.45)


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
def test_windows_make_up_the_whole(tmp_path: Path, seed: int, method: Method) -> None:
    rng = np.random.default_rng(seed)
    name = str(rng.choice(list(OTHERS)))
    grid = OTHERS[name]
    assert grid.transform is not None
    values = rng.integers(0, 60_000, (2, grid.height, grid.width)).astype(np.uint16)
    values[:, rng.random(grid.window.shape) < 0.1] = 0
    scene = write(tmp_path / "b.tif", values, grid.transform, grid.crs, nodata=0)
    result = pickle.loads(pickle.dumps(warped(scene, HERE, method)))
    whole, valid = result.read()
    assert whole.dtype == np.uint16
    assert valid.any(), name
    for _ in range(8):
        top, left = int(rng.integers(0, 39)), int(rng.integers(0, 49))
        window = Window(top, left, int(rng.integers(1, 41 - top)), int(rng.integers(1, 51 - left)))
        part, part_valid = result.read(window, (1,))
        np.testing.assert_array_equal(part[0], whole[1][window.slices])
        np.testing.assert_array_equal(part_valid[0], valid[1][window.slices])


@pytest.mark.parametrize("method", ["bilinear", "cubic"])
def test_missing_pixels_do_not_bleed(tmp_path: Path, seed: int, method: Method) -> None:
    """Where all data are one value, nothing but that value comes out, beside holes and edges too."""
    rng = np.random.default_rng(seed)
    grid = OTHERS["offset"]
    assert grid.transform is not None
    values = np.full((2, grid.height, grid.width), 100.0, np.float32)
    holes = rng.random(grid.window.shape) < 0.2
    values[:, holes] = -9999
    values[1, 30, 30] = np.nan
    scene = write(tmp_path / "b.tif", values, grid.transform, nodata=-9999)
    found, valid = warped(scene, HERE, method).read()
    assert 0.5 < valid.mean() < 1
    assert not valid[1].all()
    np.testing.assert_allclose(found[valid], 100, rtol=1e-6)


def test_a_hole_stays_a_hole(tmp_path: Path) -> None:
    values = np.arange(2 * 40 * 50, dtype=np.float32).reshape(2, 40, 50)
    values[0, 10:14, 20:24] = -1
    moved = Affine(20, 0, 500_000 + 20 * 0.3, 0, -20, 5_800_000 + 20 * 0.2)
    found, valid = warped(write(tmp_path / "b.tif", values, moved, nodata=-1), HERE, "bilinear").read()
    # A pixel is missing where less than half of its weight lies on data; each band has holes of its own.
    assert np.argwhere(~valid[0, 5:20, 5:45]).min(axis=0).tolist() == [5, 15]
    assert (~valid[0, 5:20, 5:45]).sum() == 16
    assert valid[1, 5:20, 5:45].all()
    below, right = 0.2, -0.3
    expected = values[0, 30, 30] + 50 * below + right
    assert found[0, 30, 30] == pytest.approx(expected)


def test_outside_there_is_no_data(tmp_path: Path) -> None:
    moved = Affine(20, 0, 500_000 + 20 * 10, 0, -20, 5_800_000 - 20 * 5)
    scene = write(tmp_path / "b.tif", np.ones((1, 40, 50), np.uint8), moved)
    for method in ("bilinear", "cubic"):
        values, valid = warped(scene, HERE, method).read()
        expected = np.zeros((40, 50), bool)
        expected[5:, 10:] = True
        np.testing.assert_array_equal(valid[0], expected)
        assert (values[valid] == 1).all()
    far = write(tmp_path / "c.tif", np.ones((1, 4, 5), np.uint8), Affine(20, 0, 900_000, 0, -20, 5_800_000))
    assert not warped(far, HERE, "cubic").read()[1].any()
    assert not warped(far, HERE, "cubic").preview(7)[1].any()


def test_overshoot_stays_in_the_type(tmp_path: Path) -> None:
    values = np.zeros((1, 40, 50), np.uint8)
    values[:, :, 25:] = 255
    moved = Affine(20, 0, 500_006, 0, -20, 5_800_000)
    found, _ = warped(write(tmp_path / "b.tif", values, moved), HERE, "cubic").read()
    assert set(np.unique(found[0, :, :20])) == {0}
    assert set(np.unique(found[0, :, 30:])) == {255}


def test_averaging_where_pixels_are_smaller(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = rng.normal(100, 20, (1, 160, 200))
    scene = write(tmp_path / "b.tif", values, Affine(5, 0, 500_000, 0, -5, 5_800_000))
    found, _ = warped(scene, HERE, "bilinear").read()
    assert found[0, 2:-2, 2:-2].std() < 20 / 3
    assert found[0].mean() == pytest.approx(100, abs=1.5)


def test_thinned_out_reads(tmp_path: Path) -> None:
    grid = OTHERS["other system"]
    assert grid.transform is not None
    scene = write(tmp_path / "b.tif", plane(grid, UTM33), grid.transform, grid.crs)
    values, valid = warped(scene, HERE, "cubic").preview(10)
    rows, cols = (np.arange(10) + 0.5) * 4, (np.arange(10) + 0.5) * 5
    expected = plane(HERE)[:, rows.astype(int)][:, :, cols.astype(int)]
    assert valid.mean() > 0.8
    pixel = 20 / 7 + 20 / 3
    assert np.abs(values - expected)[valid].max() < 6 * pixel


def test_the_same_grid_is_left_alone(tmp_path: Path) -> None:
    transform = Affine(20, 0, 500_000.5, 0, -20, 5_800_000)
    scene = write(tmp_path / "b.tif", np.ones((1, 40, 50), np.uint8), transform)
    assert warped(scene, HERE, "cubic") is scene
    assert same_pixels(scene.grid, HERE)
    assert not same_pixels(scene.grid.crop(Window(0, 0, 40, 49)), HERE)
    assert not same_pixels(Grid(40, 50), HERE)
    assert same_pixels(Grid(40, 50), Grid(40, 50))


@pytest.mark.parametrize(
    ("transform", "crs", "says"),
    [
        (Affine.identity(), None, "cannot be warped, .* has no georeferencing; georeference it"),
        (Affine(20, 0, 500_010, 0, -20, 5_800_000), None, "it names no coordinate reference system; assign"),
        (Affine(1, 0, 500_000, 0, -1, 5_800_000), UTM33, "pixels are 20 times smaller .*; average it"),
    ],
)
def test_refused(tmp_path: Path, transform: Affine, crs: CRS | None, says: str) -> None:
    scene = write(tmp_path / "b.tif", np.ones((1, 40, 50), np.uint8), transform, crs)
    with pytest.raises(InputError, match=says):
        warped(scene, HERE, "bilinear")
