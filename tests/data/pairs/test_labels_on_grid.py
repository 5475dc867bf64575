"""Labels of pairs lie where their own georeferencing says."""

from pathlib import Path

import numpy as np
import pytest
from affine import Affine
from PIL import Image
from rasterio.crs import CRS
from rasterio.warp import transform as to_crs

from terramamba.change.samples import PairDataset
from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.label_pixels import LabelPixels
from terramamba.data.pairs.label_values import IGNORE
from terramamba.data.pairs.settle_labels import Settled, settle_labels
from terramamba.data.scaling import Scaling
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.windows import Window

HEIGHT, WIDTH = 30, 40
UTM = CRS.from_epsg(32633)
PLACE = Affine(10, 0, 500_000, 0, -10, 5_000_000)
AS_STORED = Scaling("standard", (0,), (0.0,), (1.0,), (7.0,))


@pytest.fixture
def truth(seed: int) -> np.ndarray:
    """Blocks of 5 x 5 pixels, so that a pixel more or less at their edges is seen."""
    blocks = np.random.default_rng(seed).random((6, 8)) < 0.4
    blocks[0, :2], blocks[-1, -2:] = (True, False), (False, True)
    return np.kron(blocks, np.ones((5, 5), bool)).astype(np.uint8)


def settled(
    folder: Path,
    label: np.ndarray,
    grid: Grid,
    *,
    images: Grid | None = None,
    window: Window | None = None,
    **more,
) -> Settled:
    own = Grid(HEIGHT, WIDTH, UTM, PLACE) if images is None else images
    write_geotiff(folder / "image.tif", np.ones((1, own.height, own.width), np.uint8), own)
    write_geotiff(folder / "label.tif", label[None], grid, **more)
    image = str(folder / "image.tif")
    pair = PairFiles(image, image, str(folder / "label.tif"), None, window, "one", "all")
    return settle_labels({"all": [pair]})


def mask(found: Settled) -> np.ndarray:
    data = PairDataset(found.pairs["all"], AS_STORED, crop_size=None, augment=False, seed=0)
    read = data[0]["mask"].numpy()
    counted = LabelPixels(*(int((read == value).sum()) for value in (0, 1, IGNORE)))
    assert found.pixels["all"] == counted, "the plan says what the samples hold"
    return read


def test_a_label_larger_than_the_image_and_south_up(tmp_path: Path, truth: np.ndarray) -> None:
    wide = np.pad(truth, ((3, 7), (11, 2)))
    place = PLACE @ Affine.translation(-11, -3)
    (tmp_path / "plain").mkdir()
    found = settled(tmp_path / "plain", wide, Grid(*wide.shape, UTM, place))
    np.testing.assert_array_equal(mask(found), truth)
    assert any("1 label of 1 on another grid than the images" in note for note in found.notes)
    (tmp_path / "south").mkdir()
    flipped = place @ Affine.translation(0, wide.shape[0]) @ Affine.scale(1, -1)
    found = settled(tmp_path / "south", wide[::-1].copy(), Grid(*wide.shape, UTM, flipped))
    np.testing.assert_array_equal(mask(found), truth)


def test_a_window_of_the_image_gets_its_part(tmp_path: Path, truth: np.ndarray) -> None:
    window = Window(4, 6, 20, 30)
    wide = np.pad(truth, 5)
    grid = Grid(*wide.shape, UTM, PLACE @ Affine.translation(-5, -5))
    np.testing.assert_array_equal(mask(settled(tmp_path, wide, grid, window=window)), truth[window.slices])


def test_other_pixels_and_another_reference_system(tmp_path: Path, truth: np.ndarray) -> None:
    (tmp_path / "fine").mkdir()
    fine = np.kron(truth, np.ones((2, 2), np.uint8))
    found = settled(tmp_path / "fine", fine, Grid(*fine.shape, UTM, PLACE @ Affine.scale(0.5)))
    np.testing.assert_array_equal(mask(found), truth)
    west, north = to_crs(UTM, CRS.from_epsg(4326), [499_900], [5_000_100])
    step = 2e-5
    degrees = Grid(400, 500, CRS.from_epsg(4326), Affine(step, 0, west[0], 0, -step, north[0]))
    cols, rows = np.meshgrid(np.arange(500) + 0.5, np.arange(400) + 0.5)
    x, y = to_crs(degrees.crs, UTM, west[0] + step * cols.ravel(), north[0] - step * rows.ravel())
    across = np.floor((np.array(x) - 500_000) / 10).astype(int).reshape(cols.shape)
    down = np.floor((5_000_000 - np.array(y)) / 10).astype(int).reshape(cols.shape)
    inside = (across >= 0) & (across < WIDTH) & (down >= 0) & (down < HEIGHT)
    label = np.zeros((400, 500), np.uint8)
    label[inside] = truth[down[inside], across[inside]]
    (tmp_path / "degrees").mkdir()
    np.testing.assert_array_equal(mask(settled(tmp_path / "degrees", label, degrees)), truth)


def test_outside_of_a_label_nothing_is_known(tmp_path: Path, truth: np.ndarray) -> None:
    part = truth[:20, :25].copy()
    for name, more in (("plain", {}), ("zero", {"nodata": 0.0})):
        (tmp_path / name).mkdir()
        found = mask(settled(tmp_path / name, part, Grid(20, 25, UTM, PLACE), **more))
        np.testing.assert_array_equal(found[:20, :25], part)
        assert (found[20:] == IGNORE).all()
        assert (found[:, 25:] == IGNORE).all()


def test_a_mask_of_what_is_unchanged_is_laid_too(tmp_path: Path, truth: np.ndarray) -> None:
    found = settled(tmp_path, truth, Grid(HEIGHT, WIDTH, UTM, PLACE))
    (pair,) = found.pairs["all"]
    certain = np.pad(1 - truth, 4)
    certain[:, 20:] = 0
    write_geotiff(
        tmp_path / "certain.tif",
        certain[None],
        Grid(*certain.shape, UTM, PLACE @ Affine.translation(-4, -4)),
    )
    label = str(tmp_path / "certain.tif")
    both = PairFiles(pair.before, pair.after, pair.label, label, None, "one", "all")
    expected = np.where(truth, 1, np.where(np.arange(WIDTH) < 16, 0, IGNORE))
    np.testing.assert_array_equal(mask(settle_labels({"all": [both]})), expected)


@pytest.mark.parametrize("beside", [WIDTH, 10_000])
def test_labels_beside_the_images_are_refused(tmp_path: Path, truth: np.ndarray, beside: int) -> None:
    grid = Grid(HEIGHT, WIDTH, UTM, PLACE @ Affine.translation(beside, 0))
    with pytest.raises(InputError, match=r"label\.tif: does not lie on .*image\.tif: .* do not overlap"):
        settled(tmp_path, truth, grid)


def test_without_georeference_the_size_decides(tmp_path: Path, truth: np.ndarray) -> None:
    np.testing.assert_array_equal(mask(settled(tmp_path, truth, Grid(HEIGHT, WIDTH))), truth)
    Image.fromarray(truth[:-1]).save(tmp_path / "label.png")
    image = str(tmp_path / "image.tif")
    pair = PairFiles(image, image, str(tmp_path / "label.png"), None, None, "one", "all")
    with pytest.raises(
        InputError, match=r"label\.png: a mask of 29 x 40 pixels, but .* has 30 x 40, and not"
    ):
        settle_labels({"all": [pair]})
