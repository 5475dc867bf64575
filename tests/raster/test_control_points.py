"""Images that control points or polynomials tie to the ground: results carry the ties on, without areas."""

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.control import GroundControlPoint
from rasterio.rpc import RPC

from terramamba.raster.checks.describe import describe
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.readers.open import open_scene
from terramamba.raster.vector.change_polygons import trace_changes
from terramamba.raster.windows import Window

Make = Callable[..., Path]
DEGREES = rasterio.CRS.from_epsg(4326)
POINTS = [
    GroundControlPoint(r, c, 10 + c / 9, 50 - r / 7, 3.0) for r, c in ((0, 0), (0, 30), (20, 0), (20, 30))
]
POLYNOMIALS = RPC(
    height_off=100.0,
    height_scale=500.0,
    lat_off=40.0,
    lat_scale=0.1,
    line_den_coeff=[1.0, *[0.0] * 19],
    line_num_coeff=[0.0, 0.0, -1.0, *[0.0] * 17],
    line_off=10.0,
    line_scale=10.0,
    long_off=12.0,
    long_scale=0.1,
    samp_den_coeff=[1.0, *[0.0] * 19],
    samp_num_coeff=[0.0, 1.0, *[0.0] * 18],
    samp_off=15.0,
    samp_scale=15.0,
)
TIED = {"points": {"gcps": POINTS, "crs": DEGREES}, "polynomials": {"rpcs": POLYNOMIALS, "crs": None}}


@pytest.mark.parametrize("kind", TIED)
def test_results_carry_the_ties_on(geotiff: Make, tmp_path: Path, kind: str) -> None:
    values = np.ones((1, 20, 30), np.uint8)
    scene = open_scene(geotiff(tmp_path / "a.tif", values, transform=None, **TIED[kind]))
    assert (scene.crs, scene.transform) == (None, None)
    grid = pickle.loads(pickle.dumps(scene.grid))
    write_geotiff(tmp_path / "whole.tif", values, grid)
    write_geotiff(tmp_path / "part.tif", values[:, 5:15, 4:20], grid.crop(Window(5, 4, 10, 16)))
    with rasterio.open(tmp_path / "whole.tif") as whole, rasterio.open(tmp_path / "part.tif") as part:
        assert whole.transform.is_identity
        if kind == "points":
            found, crs = whole.gcps
            assert crs == DEGREES
            assert [(p.row, p.col, p.x, p.y, p.z) for p in found] == [
                (p.row, p.col, p.x, p.y, p.z) for p in POINTS
            ]
            assert [(p.row, p.col) for p in part.gcps[0]] == [(p.row - 5, p.col - 4) for p in POINTS]
        else:
            assert (whole.rpcs.lat_off, whole.rpcs.line_num_coeff) == (40, POLYNOMIALS.line_num_coeff)
            assert (part.rpcs.line_off, part.rpcs.samp_off) == (5, 11)
    again = open_scene(tmp_path / "whole.tif")
    assert again.grid.ground_control == scene.grid.ground_control


@pytest.mark.parametrize("kind", TIED)
def test_pixels_without_a_size_have_no_area(geotiff: Make, tmp_path: Path, kind: str) -> None:
    values = np.zeros((1, 20, 30), np.uint8)
    values[0, 3:5, 2:9] = 1
    scene = open_scene(geotiff(tmp_path / "a.tif", values, transform=None, **TIED[kind]))
    assert PixelArea.of(scene.grid) is None
    named = {"points": "4 ground control points", "polynomials": "rational polynomials"}[kind]
    assert describe(scene)["areas"] == f"in pixels: {named} give pixels no size"
    assert f"located by {named} only, which results carry on" in scene.notes[0]
    write_geotiff(tmp_path / "map.tif", values, scene.grid)
    (found,) = trace_changes(tmp_path / "map.tif", tmp_path / "map.tif")
    assert (found.unit, found.area.tolist(), found.crs) == ("px", [14.0], None)
    assert found.geometry[0].bounds == (2, 3, 9, 5)


def test_why_other_scenes_have_no_areas(geotiff: Make, tmp_path: Path) -> None:
    values = np.ones((1, 3, 3), np.uint8)
    assert "areas" not in describe(open_scene(geotiff(tmp_path / "a.tif", values)))
    path = geotiff(tmp_path / "b.tif", values, crs=None)
    assert describe(open_scene(path))["areas"] == "in pixels: no coordinate reference system"
    np.save(tmp_path / "c.npy", values)
    assert (
        describe(open_scene(tmp_path / "c.npy", axes="bands,rows,cols"))["areas"]
        == "in pixels: no georeferencing"
    )
    local = rasterio.CRS.from_wkt('LOCAL_CS["site",UNIT["metre",1]]')
    path = geotiff(tmp_path / "d.tif", values, crs=local, transform=Affine(1, 0, 5, 0, -1, 5))
    assert (
        describe(open_scene(path))["areas"] == "in pixels: the coordinates are tied to no place on the Earth"
    )


def test_grids_are_the_same_whatever_ties_them() -> None:
    assert Grid(3, 3) == Grid(3, 3, ground_control=None)


@pytest.mark.parametrize(
    ("name", "ties"),
    [
        ("odc_geo_tests/au-gcp.tif", "24 ground control points"),
        ("rioxarray_tests/test_rpcs.tif", "rational polynomials"),
    ],
)
def test_real_images_with_ties(
    real_data: Callable[[str], Path], tmp_path: Path, name: str, ties: str
) -> None:
    scene = open_scene(real_data(f"raster/{name}"))
    assert str(scene.grid.ground_control) == ties
    write_geotiff(tmp_path / "a.tif", scene.read()[0], scene.grid)
    assert open_scene(tmp_path / "a.tif").grid.ground_control == scene.grid.ground_control
