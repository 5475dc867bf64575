"""Dates that are moved onto each other and made as bright before they are compared."""

import re
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS
from scipy import ndimage

from terramamba.api import map_change, open_scene, untrained_detector
from terramamba.change.date_correction import make_comparable
from terramamba.core.errors import InputError
from terramamba.raster.checks.shift import estimate_shift
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.scene import Scene
from terramamba.raster.views.linear import with_brightness
from terramamba.raster.views.shifted import shifted

SIDE, NODATA = 96, -1.0
GRID = Grid(SIDE, SIDE, CRS.from_epsg(32632), Affine(10, 0, 500_000, 0, -10, 5_000_000))


def write(path: Path, values: np.ndarray, grid: Grid = GRID) -> Scene:
    write_geotiff(path, values.astype(np.float32), grid, nodata=NODATA)
    return open_scene(path)


def texture(seed: int) -> np.ndarray:
    """Three bands of soft texture, larger than a scene on every side, so that it can be cut anywhere."""
    noise = np.random.default_rng(seed).standard_normal((3, SIDE + 16, SIDE + 16))
    return 40 * ndimage.gaussian_filter(noise, (0, 1.3, 1.3)) + 100


def cut(values: np.ndarray, down: float, right: float) -> np.ndarray:
    """A scene in which everything lies so many rows further down, columns further right."""
    return ndimage.shift(values, (0, down, right), order=3)[:, 8 : 8 + SIDE, 8 : 8 + SIDE]


@pytest.mark.parametrize("georeferenced", [True, False])
def test_the_later_date_is_moved_onto_the_earlier(tmp_path: Path, seed: int, georeferenced: bool) -> None:
    grid = GRID if georeferenced else Grid(SIDE, SIDE)
    values = texture(seed)
    first = write(tmp_path / "first.tif", cut(values, 0, 0), grid)
    second = write(tmp_path / "second.tif", cut(values, 0.6, -1.3), grid)
    same, moved = make_comparable(first, second, correct_shift=True)
    assert same is first
    assert moved.grid == second.grid
    assert estimate_shift(first, second).pixels > 1
    assert estimate_shift(first, moved).pixels < 0.05
    before, _ = first.read()
    (plain, _), (after, valid) = second.read(), moved.read()
    inner = (slice(None), slice(4, -4), slice(4, -4))
    assert valid[inner].all()
    assert np.abs(after - before)[inner].mean() < 0.15 * np.abs(plain - before)[inner].mean()
    assert re.fullmatch(
        r"moved by 0\.[56]\d rows up and 1\.[23]\d columns to the right \(cubic\)", moved.notes[-1]
    )
    assert make_comparable(first, first, correct_shift=True) == (first, first)


def test_moving_by_whole_pixels_takes_the_pixel_that_is_there(tmp_path: Path, seed: int) -> None:
    values = cut(texture(seed), 0, 0)
    values[:, 50, 60] = NODATA
    scene = write(tmp_path / "scene.tif", values)
    found, valid = shifted(scene, 2, -3).read()
    np.testing.assert_allclose(found[:, 10, 10], values[:, 12, 7], rtol=1e-6)
    assert not valid[:, 48, 63].any()
    assert not valid[:, -2:].any()
    assert not valid[:, :, :3].any()
    assert valid[:, :-2, 3:].mean() > 0.99


def test_brightness_is_fitted_on_what_stayed_the_same(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    values = cut(texture(seed), 0, 0)
    gains, offsets = np.array([0.5, 1.4, 2.0]), np.array([30.0, -20.0, 5.0])
    after = values * gains[:, None, None] + offsets[:, None, None] + rng.normal(0, 0.2, values.shape)
    changed = np.zeros((SIDE, SIDE), bool)
    changed[20:45, 30:70] = True
    after[:, changed] = rng.normal(180, 30, (3, np.count_nonzero(changed)))
    after[:, :3] = NODATA
    first, second = write(tmp_path / "first.tif", values), write(tmp_path / "second.tif", after)
    known, matched = make_comparable(first, second, match_radiometry=True)
    np.testing.assert_array_equal(known.read()[0], first.read()[0])
    assert known.dtype == matched.dtype == "float32"
    found, valid = matched.read()
    assert not valid[:, :3].any()
    there = valid.all(axis=0) & ~changed
    assert np.abs(found - values)[:, there].mean() < 0.5
    assert np.abs(found - values)[:, valid.all(axis=0) & changed].mean() > 20
    assert matched.notes[-1].startswith("brightness matched, gain and offset of each band: ")


def test_what_cannot_be_made_comparable_is_refused_by_its_flag(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    flat = write(tmp_path / "flat.tif", np.full((3, SIDE, SIDE), 7.0))
    first = write(tmp_path / "first.tif", cut(texture(seed), 0, 0))
    empty = write(tmp_path / "empty.tif", np.where(rng.random((3, SIDE, SIDE)) < 0.9999, NODATA, 5.0))
    with pytest.raises(InputError, match="--correct-shift: the shift could not be estimated"):
        make_comparable(flat, first, correct_shift=True)
    with pytest.raises(InputError, match="--match-radiometry: the dates have too little data in common"):
        make_comparable(first, empty, match_radiometry=True)
    negative = with_brightness(first, (-1, 1, 1), (0, 0, 0))
    with pytest.raises(InputError, match="--match-radiometry: band 1 of the unchanged"):
        make_comparable(first, negative, match_radiometry=True)


def test_maps_are_of_dates_made_comparable_and_say_so(tmp_path: Path, seed: int) -> None:
    values = cut(texture(seed), 0, 0)
    after = values * np.array([0.5, 1.4, 2.0])[:, None, None] + 20
    after[:, 20:45, 30:70] += 30
    write(tmp_path / "first.tif", values)
    write(tmp_path / "second.tif", after)
    dates = [tmp_path / "first.tif", tmp_path / "second.tif"]
    expected = np.zeros((SIDE, SIDE), bool)
    expected[20:45, 30:70] = True
    right = {}
    for match in (False, True):
        detector = untrained_detector(*dates, model="cva", match_radiometry=match)
        out = tmp_path / f"{match}.tif"
        summary = map_change(detector, *dates, out, match_radiometry=match, progress=False)
        with rasterio.open(out) as file:
            right[match] = np.mean((file.read(1) == 1) == expected)
        assert any("brightness matched" in note for note in summary.notes) is match
        assert not any("types of values differ" in note for note in summary.notes)
    assert right[True] > 0.99
    assert right[False] < right[True]
