"""Windows cover a scene once, are of bounded size, and grids are kept exactly."""

import json

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.rpc import RPC

from terramamba.mapping.grid_json import grid_of, grid_record
from terramamba.mapping.windows import PIXELS_PER_WINDOW, VALUES_PER_WINDOW, class_windows
from terramamba.raster.control_points import GroundControl
from terramamba.raster.geogrid import Grid


@pytest.mark.parametrize("exact", [True, False])
def test_windows_cover_the_scene_once_and_do_not_grow_with_it(seed: int, exact: bool) -> None:
    random = np.random.default_rng(seed)
    for _ in range(30):
        height, width, bands = (int(n) for n in np.exp(random.uniform(0, np.log([3000, 3000, 400]))))
        rows = int(random.integers(1, height + 1)) if random.random() < 0.3 else None
        seen = np.zeros((height, width), np.uint8)
        for window in class_windows(height, width, bands, exact=exact, rows=rows):
            seen[window.slices] += 1
            if rows is None or window.width > 1:
                assert window.pixels <= PIXELS_PER_WINDOW["exact" if exact else "fast"]
                assert window.pixels * bands <= VALUES_PER_WINDOW
        assert (seen == 1).all(), (height, width, bands, rows)


def test_a_large_scene_has_no_flat_windows() -> None:
    windows = class_windows(1580, 3750, 256, exact=False)
    assert min(window.height for window in windows) > 100
    assert max(window.pixels for window in windows) > 50_000


@pytest.mark.parametrize(
    "grid",
    [
        Grid(3, 4),
        Grid(3, 4, CRS.from_epsg(32632), Affine(1.9, 1.0, 0.1, 0.7, -2.8, 1 / 3)),
        Grid(3, 4, ground_control=GroundControl(((0.5, 0.25, 1 / 3, 48.0, 0.0),), CRS.from_epsg(4326))),
        Grid(
            3,
            4,
            ground_control=GroundControl(
                polynomials=RPC(
                    *[1 / 3] * 4, [0.1] * 20, [0.2] * 20, *[2.0] * 4, [0.3] * 20, [0.4] * 20, 1, 2
                )
            ),
        ),
    ],
    ids=["bare", "rotated", "points", "polynomials"],
)
def test_a_grid_comes_back_from_json_as_it_was(grid: Grid) -> None:
    found = grid_of(json.loads(json.dumps(grid_record(grid))))
    assert found == grid
    assert found.ground_control == grid.ground_control
