"""Shapes whose coordinates are exchanged, or in metres where degrees are stated, are refused by that name."""

import json
from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, apply
from terramamba.raster.vector.features import Features, on_pixels, read_features

UTM = Grid(40, 50, CRS.from_epsg(32633), Affine(10, 0, 500_000, 0, -10, 5_800_000))
DEGREES = Grid(40, 50, CRS.from_epsg(4326), Affine(1e-4, 0, 100.0, 0, -1e-4, 15.0))


def box(grid: Grid, crs: str, *, exchanged: bool = False, moved: float = 0.0) -> list[list[float]]:
    """Corners of a box of 10 x 10 pixels in ``crs``, ``moved`` by so many pixels."""
    assert grid.transform is not None
    corners = [(5, 5), (15, 5), (15, 15), (5, 15), (5, 5)]
    ground = [apply(grid.transform, col + moved, row) for col, row in corners]
    xs, ys = transform(grid.crs, CRS.from_user_input(crs), *zip(*ground, strict=True))
    return [[y, x] if exchanged else [x, y] for x, y in zip(xs, ys, strict=True)]


def test_degrees_without_a_reference_system_are_told(tmp_path: Path) -> None:
    for moved, told in ((0, True), (900, False)):
        path = tmp_path / f"moved {moved}.csv"
        corners = box(UTM, "EPSG:4326", moved=moved)[:4]
        path.write_text("x,y,class\n" + "".join(f"{x},{y},a\n" for x, y in corners))
        features = read_features(str(path))
        if told:
            with pytest.raises(
                InputError, match=r"are degrees that lie on s\.tif; say --labels-crs EPSG:4326"
            ):
                on_pixels(features, UTM, "s.tif")
        else:
            on_pixels(features, UTM, "s.tif")
    on_pixels(read_features(str(tmp_path / "moved 0.csv"), crs="EPSG:4326"), UTM, "s.tif")


def geojson(path: Path, ring: list[list[float]], crs: str | None = None) -> str:
    shape = {"type": "Polygon", "coordinates": [ring]}
    collection: dict = {
        "type": "FeatureCollection",
        "features": [{"type": "Feature", "properties": {}, "geometry": shape}],
    }
    if crs is not None:
        collection["crs"] = {"type": "name", "properties": {"name": crs}}
    path.write_text(json.dumps(collection))
    return str(path)


def place(path: str, grid: Grid) -> np.ndarray:
    shapes, _ = on_pixels(read_features(path), grid, "scene.tif")
    return np.round(shapely.total_bounds(shapes), 2)


@pytest.mark.parametrize("grid", [UTM, DEGREES])
def test_latitude_before_longitude_is_refused_where_exchanging_them_helps(tmp_path: Path, grid: Grid) -> None:
    right = geojson(tmp_path / "right.geojson", box(grid, "EPSG:4326"))
    np.testing.assert_allclose(place(right, grid), [5, 5, 15, 15], atol=0.05)
    wrong = geojson(tmp_path / "wrong.geojson", box(grid, "EPSG:4326", exchanged=True))
    with pytest.raises(InputError, match=r"wrong\.geojson: its coordinates have latitude before longitude"):
        place(wrong, grid)


@pytest.mark.parametrize("down", [1, -1])
@pytest.mark.parametrize("grid", [UTM, DEGREES])
def test_pixels_in_place_of_coordinates_are_told(tmp_path: Path, grid: Grid, down: int) -> None:
    ring = [[0.0, 0.0], [50.0, 0.0], [50.0, down * 30.0], [0.0, down * 30.0], [0.0, 0.0]]
    with pytest.raises(InputError, match=r"seem to be pixels of scene\.tif \(50 x 40\), and no places"):
        place(geojson(tmp_path / "a.geojson", ring), grid)


def test_northing_before_easting_is_refused_too(tmp_path: Path) -> None:
    name = "urn:ogc:def:crs:EPSG::32633"
    path = geojson(tmp_path / "a.geojson", box(UTM, "EPSG:32633", exchanged=True), name)
    with pytest.raises(
        InputError, match=r"its coordinates have y before x .* exchanged on it; exchange them"
    ):
        place(path, UTM)


def test_metres_without_a_system_are_refused_and_the_fitting_system_is_named(tmp_path: Path) -> None:
    path = geojson(tmp_path / "a.geojson", box(UTM, "EPSG:32633"))
    with pytest.raises(
        InputError, match=r"are no degrees .* they lie on scene.tif in its EPSG:32633: save it"
    ):
        place(path, UTM)
    with pytest.raises(InputError, match=r"are no degrees .*; save it with the system that they are in"):
        place(path, DEGREES)
    stated = geojson(tmp_path / "b.geojson", box(UTM, "EPSG:32633"), "urn:ogc:def:crs:EPSG::32633")
    assert place(stated, UTM).tolist() == [5, 5, 15, 15]


def test_shapes_that_are_just_elsewhere_are_not_accused(tmp_path: Path) -> None:
    for moved in (60.0, 5_000.0):
        path = geojson(tmp_path / "a.geojson", box(UTM, "EPSG:4326", moved=moved))
        np.testing.assert_allclose(place(path, UTM), [5 + moved, 5, 15 + moved, 15], atol=3)


def test_near_the_diagonal_shapes_beside_a_scene_are_not_taken_for_exchanged_ones(tmp_path: Path) -> None:
    grid = Grid(100, 100, CRS.from_epsg(4326), Affine(1e-4, 0, 38.0, 0, -1e-4, 38.02))
    ring = box(grid, "EPSG:4326", exchanged=True)
    assert place(geojson(tmp_path / "a.geojson", ring), grid)[0] > 100


def test_one_stray_point_accuses_nobody(tmp_path: Path) -> None:
    stray = {"type": "Point", "coordinates": [500_000.0, 5_800_000.0]}
    path = Path(geojson(tmp_path / "a.geojson", box(UTM, "EPSG:4326")))
    collection = json.loads(path.read_text())
    collection["features"].append({"type": "Feature", "properties": {}, "geometry": stray})
    path.write_text(json.dumps(collection))
    np.testing.assert_allclose(place(str(path), UTM), [5, 5, 15, 15], atol=0.05)


def test_a_shape_beyond_the_ends_of_numbers_has_no_place() -> None:
    """In pixels of a small size its coordinates are no numbers any longer, which no library takes well."""
    ring = shapely.Polygon([(0, 0), (1.7e308, 0), (1, 1), (0, 0)])
    shapes = np.array([shapely.Point(1.7e308, 0), shapely.Point(3, 2), ring, None])
    features = Features("a.gpkg", "a", shapes, {}, None)
    grid = Grid(10, 10, None, Affine.scale(0.1))
    placed, _ = on_pixels(features, grid, "scene.tif")
    assert placed[0].is_empty
    assert placed[1].coords[0] == pytest.approx((30, 20))
    assert placed[2].is_empty
    assert placed[3] is None


def test_numbers_of_pixels_are_no_degrees_though_the_scene_lies_among_them(tmp_path: Path) -> None:
    grid = Grid(70, 60, CRS.from_epsg(32633), Affine(10, 0, 500_000, 0, -10, 5_800_000))
    (tmp_path / "pixels.csv").write_text("x,y,class\n0,0,a\n59,69,b\n31,52,a\n")
    with pytest.raises(InputError, match=r"seem to be pixels of s\.tif \(60 x 70\), and no places"):
        on_pixels(read_features(str(tmp_path / "pixels.csv")), grid, "s.tif")
