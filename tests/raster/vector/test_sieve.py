"""Small patches of class maps: who takes them, whatever strips the map is read by."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from scipy import ndimage

from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.vector import pieces
from terramamba.raster.vector.sieve import make_sieve

CODES = (1, 2, 3)
NODATA = 0


def sieved(values: np.ndarray, least: float, rows: int | None = None) -> np.ndarray:
    """The map without its small patches, read by strips of so many rows."""
    height, width = values.shape
    profile = {"driver": "GTiff", "count": 1, "dtype": "uint8", "transform": Affine.scale(10)}
    with pytest.MonkeyPatch.context() as patched, MemoryFile() as memory:
        if rows is not None:
            patched.setattr(pieces, "PIXELS_PER_STRIP", rows * width)
        with memory.open(**profile, height=height, width=width) as file:
            file.write(values.astype(np.uint8), 1)
        with memory.open() as file:
            sieve = make_sieve(file, CODES, least, None)
            found = np.concatenate([strip for _, strip in sieve.strips(file)])
    assert sieve.pixels == np.count_nonzero(found != values)
    return found


def patches(values: np.ndarray) -> np.ndarray:
    """The patch of each pixel, counted from 1; 0 where there is no class."""
    numbers, total = np.zeros(values.shape, int), 0
    for code in CODES:
        own, count = ndimage.label(values == code)
        numbers[own > 0] = own[own > 0] + total
        total += count
    return numbers


def by_hand(values: np.ndarray, least: float) -> np.ndarray:
    """The same pixel by pixel: in each round all small patches look round at once."""
    values = values.copy()
    while True:
        numbers = patches(values)
        places = {int(n): np.argwhere(numbers == n) for n in np.unique(numbers[numbers > 0])}
        # By enough pixels, by pixels, then by who comes first, row by row.
        size = {n: (len(at) >= least, len(at), [-i for i in at[0]]) for n, at in places.items()}
        beside: dict[int, set[int]] = {n: set() for n in places}
        for one, other in ((numbers[1:], numbers[:-1]), (numbers[:, 1:], numbers[:, :-1])):
            for a, b in zip(one.ravel(), other.ravel(), strict=True):
                if a != b and a and b:
                    beside[int(a)].add(int(b))
                    beside[int(b)].add(int(a))
        takes = {n: max([n, *beside[n]], key=size.__getitem__) for n in places if len(places[n]) < least}
        if not any(beside[n] for n in takes):
            return values
        new = values.copy()
        for n, at in places.items():
            last = n
            while last in takes and takes[last] != last:
                last = takes[last]
            new[tuple(at.T)] = values[tuple(places[last][0])]
        values = new


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 10**6), st.integers(1, 12), st.integers(1, 3))
def test_small_patches_go_to_their_largest_neighbour_round_by_round(
    height: int, width: int, seed: int, least: int, rows: int
) -> None:
    values = np.random.default_rng(seed).choice([NODATA, 1, 1, 2, 3], (height, width))
    expected = by_hand(values, least)
    np.testing.assert_array_equal(sieved(values, least), expected)
    np.testing.assert_array_equal(sieved(values, least, rows), expected)


def test_what_is_left_is_large_enough_or_touches_nothing_and_large_patches_stay() -> None:
    values = np.random.default_rng(3).choice([1, 1, 1, 2, 3], (60, 50))
    values[30, :] = NODATA
    values[40:43, 20:23] = NODATA
    values[41, 21] = 3
    found = sieved(values, 9, rows=7)
    counts = np.bincount(patches(found).ravel())[1:]
    assert sorted(counts)[0] == 1
    assert sorted(counts)[1] >= 9
    assert found[41, 21] == 3
    numbers = patches(values)
    large = np.isin(numbers, np.flatnonzero(np.bincount(numbers.ravel()) >= 9)) & (numbers > 0)
    np.testing.assert_array_equal(found[large], values[large])
    np.testing.assert_array_equal(found == NODATA, values == NODATA)


def test_corners_do_not_make_a_patch_larger() -> None:
    values = np.full((5, 6), 1)
    values[[1, 2], [1, 2]] = 2
    assert (sieved(values, 2) == 1).all()


def test_with_a_place_on_the_earth_sizes_are_square_metres(tmp_path: Path) -> None:
    values = np.full((8, 9), 1, np.uint8)
    values[2:4, 2:4] = 2
    values[6, 6:8] = 3
    grid = Grid(8, 9, CRS.from_epsg(32632), Affine(20, 0, 500_000, 0, -20, 5_000_000))
    write_geotiff(tmp_path / "map.tif", values[None], grid, nodata=0)
    with rasterio.open(tmp_path / "map.tif") as file:
        sieve = make_sieve(file, CODES, 1000, PixelArea.of(grid))
        ((_, found),) = sieve.strips(file)
    assert (sieve.patches, sieve.pixels) == (1, 2)
    assert (found[6, 6:8] == 1).all()
    assert (found[2:4, 2:4] == 2).all()
