"""Tiles of one date in other units, or of another processing, are told by the jump where they meet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from scipy.ndimage import gaussian_filter

from terramamba.raster.checks import tile_seams
from terramamba.raster.checks.pair import check_pair
from terramamba.raster.checks.tile_seams import LEAST_PLACES, MOST_PLACES, jumps_at_seams
from terramamba.raster.readers.open import open_scene
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.windows import Window

SIDE = 64
Change = Callable[[np.ndarray], np.ndarray]


def ground(seed: int, bands: int = 4) -> np.ndarray:
    """Reflectance times 10,000 of two tiles side by side and two below."""
    random = np.random.default_rng(seed)
    level = np.linspace(800, 2600, bands)[:, None, None]
    shape = gaussian_filter(random.normal(0, 1, (2 * SIDE, 2 * SIDE)), 3) * 3000
    return level + shape + random.normal(0, 60, (bands, 2 * SIDE, 2 * SIDE))


def tiled(folder: Path, values: np.ndarray, odd: Change, overlap: int = 0) -> Path:
    """Four tiles, the last of them ``odd``; each but the first begins ``overlap`` pixels earlier."""
    folder.mkdir(parents=True)
    for row in (0, SIDE):
        for col in (0, SIDE):
            top, left = max(0, row - overlap), max(0, col - overlap)
            tile = values[:, top : row + SIDE, left : col + SIDE]
            tile = odd(tile) if row and col else tile
            place = Affine(10, 0, 6e5 + 10 * left, 0, -10, 5e6 - 10 * top)
            profile = {"count": len(tile), "height": tile.shape[1], "width": tile.shape[2], "dtype": "uint16"}
            with rasterio.open(
                folder / f"{row}_{col}.tif", "w", **profile, crs="EPSG:32633", transform=place
            ) as file:
                file.write(tile.round().clip(1, 65535).astype(np.uint16))
    return folder


@pytest.mark.parametrize("overlap", [0, 6])
@pytest.mark.parametrize(
    ("odd", "jumps"),
    [
        (lambda tile: tile, False),
        (lambda tile: tile + 1000, True),
        (lambda tile: tile * 2, True),
        (lambda tile: tile / 3, True),
        (lambda tile: 2000 + (tile - 500) * 1.4, True),  # stretched otherwise
        (lambda tile: tile * 1.05, False),  # light of another minute
        (lambda tile: np.concatenate([tile[:1] + 1000, tile[1:]]), False),  # one band may be what is there
    ],
)
def test_a_tile_of_another_kind_is_told_by_its_seams(
    tmp_path: Path, odd: Change, jumps: bool, overlap: int
) -> None:
    scene = open_scene(tiled(tmp_path / "date", ground(1), odd, overlap))
    said = sample_statistics(scene).doubts
    assert len(said) == jumps
    if jumps:
        assert "64_64.tif: values jump where these tiles meet, in all bands, as from " in said[0]
        assert "give tiles of one kind" in said[0]


@dataclass
class Large:
    """Pixels of one value and some noise, without data in some rows; notes what is read of them."""

    value: float
    empty: range = range(0)
    read_of_it: list[tuple[Window, tuple[int, int]]] = field(default_factory=list)

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        self.read_of_it.append((window, shape))
        values = np.random.default_rng(0).normal(self.value, 9, (len(bands), *shape))
        rows = np.arange(window.row, window.bottom)
        known = (rows < self.empty.start) | (rows >= self.empty.stop)
        return values, np.broadcast_to(known[:, None], values.shape)


@dataclass
class Shown:
    """A column of pixels: c bands, n rows."""

    values: np.ndarray

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[np.ndarray, np.ndarray]:
        values = self.values[list(bands)][:, window.row : window.bottom, None]
        return values, np.ones(values.shape, bool)


@pytest.mark.parametrize(
    "place",
    [
        Window(0, 9000, 9000, 9000),  # beside the first
        Window(9000, -100, 9000, 9000),  # below it
        Window(0, 8000, 9000, 9000),  # over it
        Window(8998, 0, 9000, 9000),  # by two rows
    ],
)
def test_a_few_pixels_together_in_the_middle_of_a_seam_are_read(place: Window) -> None:
    first, second = Large(1000), Large(2000)
    tiles = [("a.tif", first, Window.whole(9000, 9000)), ("b.tif", second, place)]
    assert "a.tif and b.tif: values jump" in str(jumps_at_seams(tiles, range(4)))
    for window, shape in (*first.read_of_it, *second.read_of_it):
        assert window.shape == shape
        assert LEAST_PLACES <= window.pixels <= max(MOST_PLACES, tile_seams.SIDE**2)
        assert Window.whole(9000, 9000).contains(window)
    (at, _), (there, _) = first.read_of_it[0], second.read_of_it[0]
    down, right = there.row + place.row - at.row, there.col + place.col - at.col
    assert (down, right) == (int(place.row == 9000), int(place.col == 9000))


@pytest.mark.parametrize(
    ("empty", "jumps"), [(range(2500, 6000), True), (range(5000), True), (range(9000), False)]
)
def test_where_the_middle_of_a_seam_has_no_data_its_quarters_are_read(empty: range, jumps: bool) -> None:
    tiles = [
        ("a.tif", Large(1000, empty), Window.whole(9000, 9000)),
        ("b.tif", Large(2000), Window(0, 9000, 9000, 9000)),
    ]
    assert (jumps_at_seams(tiles, range(4)) is not None) == jumps


NOISE = np.random.default_rng(0).normal(0, 1, (2, 4, 200))
HALF_BRIGHTER = np.array([600, 600, 0, 0])[:, None]


@pytest.mark.parametrize(
    ("sides", "jumps"),
    [
        ((1000 + 99 * NOISE[0], 1600 + 99 * NOISE[1]), True),
        ((1000 + 400 * NOISE[0], 1400 + 400 * NOISE[1]), False),  # brighter by less than the noise
        ((1000 + 4000 * NOISE[0], 1800 + 4000 * NOISE[0]), False),  # a little of what the ground differs by
        ((9000 + 99 * NOISE[0], 9600 + 99 * NOISE[1]), False),  # a little of what the values are
        ((1000 + 99 * NOISE[0], 1000 + HALF_BRIGHTER + 99 * NOISE[1]), False),  # in half of the bands alone
    ],
)
def test_what_may_be_there_is_no_jump(sides: tuple[np.ndarray, np.ndarray], jumps: bool) -> None:
    columns = [Window(0, col, 200, 1) for col in (0, 1)]
    tiles = [(name, Shown(side), own) for name, side, own in zip("ab", sides, columns, strict=True)]
    assert (jumps_at_seams(tiles, range(4)) is not None) == jumps


def test_tiles_of_one_band_may_be_codes_and_are_not_compared(tmp_path: Path) -> None:
    scene = open_scene(tiled(tmp_path / "date", ground(1, bands=1), lambda tile: tile + 1000))
    assert sample_statistics(scene).doubts == ()


def test_a_tile_of_one_date_alone_is_said_of_the_pair(tmp_path: Path) -> None:
    before = tiled(tmp_path / "before", ground(1), lambda tile: tile)
    after = tiled(tmp_path / "after", ground(1) + 9, lambda tile: tile + 1000)
    (finding,) = [one for one in check_pair(before, after).findings if one.kind == "tiles in other units"]
    assert str(after) in finding.text
    assert not [one for one in check_pair(before, before).findings if one.kind == "tiles in other units"]
