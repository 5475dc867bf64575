"""Where a map lies on the Earth, as the page is told."""

import numpy as np
import pytest
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from terramamba.raster.geogrid import Grid
from terramamba.report.location import NODES, place_of

UTM = Grid(300, 200, CRS.from_epsg(32632), Affine(4, 0, 500_000, 0, -4, 5_800_000))


def test_degrees_between_the_nodes_are_those_of_the_place() -> None:
    found = place_of(UTM)
    assert found["metres"] == pytest.approx([4, 4])
    east, north = (np.reshape(found["degrees"][name], (NODES, NODES)) for name in ("east", "north"))
    assert (np.diff(east, axis=1) > 0).all()
    assert (np.diff(north, axis=0) < 0).all()
    x, y = 500_000 + 4 * 100, 5_800_000 - 4 * 150
    (lon,), (lat,) = transform(UTM.crs, CRS.from_epsg(4326), [x], [y])
    middle = NODES // 2
    assert (east[middle, middle], north[middle, middle]) == pytest.approx((lon, lat), abs=1e-5)


@pytest.mark.parametrize("grid", [Grid(3, 4), Grid(3, 4, None, UTM.transform)])
def test_nothing_is_said_where_it_is_not_known(grid: Grid) -> None:
    assert place_of(grid) == {"degrees": None, "metres": None}
