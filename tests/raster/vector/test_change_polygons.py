"""Changed areas: right shape, right size on the ground, right probabilities, readable files."""

import json
from datetime import date
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import rasterio
import rasterio.features
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform as to_crs
from scipy import ndimage

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.pixel_area import PixelArea
from terramamba.raster.vector import area_polygons as module
from terramamba.raster.vector import components, pieces
from terramamba.raster.vector.area_polygons import AreaPolygons
from terramamba.raster.vector.change_polygons import change_layer, trace_changes
from terramamba.raster.windows import Window
from written import write_polygons

UTM = CRS.from_epsg(32632)
TEN_METRES = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def traced(
    folder: Path, changed: np.ndarray, grid: Grid, probability: np.ndarray | None = None, **options: float
) -> AreaPolygons:
    if probability is None:
        probability = np.where(changed == 1, 254, 0)
    write_geotiff(folder / "c.tif", changed[None].astype(np.uint8), grid, nodata=255)
    write_geotiff(folder / "p.tif", probability[None].astype(np.uint8), grid, nodata=255, scale=1 / 254)
    (found,) = trace_changes(folder / "c.tif", folder / "p.tif", **options)
    return found


def square(height: int = 40, width: int = 50) -> np.ndarray:
    changed = np.zeros((height, width))
    changed[10:20, 15:25] = 1
    return changed


def cell_area(south: float, north: float, degrees_wide: float) -> float:
    """Area in m2 between two parallels and two meridians on WGS 84, in closed form."""
    a, f = 6_378_137.0, 1 / 298.257223563
    e = np.sqrt(f * (2 - f))

    def q(latitude: float) -> float:
        s = np.sin(np.radians(latitude))
        return (1 - e**2) * (s / (1 - (e * s) ** 2) + np.arctanh(e * s) / e)

    return float(a**2 / 2 * (q(north) - q(south)) * np.radians(degrees_wide))


def test_a_square_in_utm_has_its_size_on_the_ground(tmp_path: Path) -> None:
    areas = traced(tmp_path, square(), Grid(40, 50, UTM, TEN_METRES))
    assert areas.unit == "m2"
    assert len(areas) == 1
    # At the central meridian a metre of the map is 1 / 0.9996 metres of ground.
    assert areas.area[0] == pytest.approx(100 * 100 / 0.9996**2, rel=1e-7)
    assert areas.geometry[0].bounds == (500_150, 4_999_800, 500_250, 4_999_900)


@pytest.mark.parametrize("latitude", [0.3, -38.0, 60.0, 79.0])
def test_a_square_in_degrees_has_its_size_on_the_ground(tmp_path: Path, latitude: float) -> None:
    step = 0.001
    grid = Grid(40, 50, CRS.from_epsg(4326), Affine(step, 0, 10, 0, -step, latitude))
    areas = traced(tmp_path, square(), grid)
    wanted = cell_area(latitude - 20 * step, latitude - 10 * step, 10 * step)
    assert areas.area[0] == pytest.approx(wanted, rel=1e-7)


def test_a_square_in_web_mercator_has_its_size_on_the_ground(tmp_path: Path) -> None:
    radius, pixel, top = 6_378_137.0, 30.0, 8_000_000.0
    grid = Grid(40, 50, CRS.from_epsg(3857), Affine(pixel, 0, 1_000_000, 0, -pixel, top))
    areas = traced(tmp_path, square(), grid)
    south, north = (
        float(np.degrees(2 * np.arctan(np.exp((top - row * pixel) / radius)) - np.pi / 2)) for row in (20, 10)
    )
    wanted = cell_area(south, north, float(np.degrees(10 * pixel / radius)))
    assert areas.area[0] == pytest.approx(wanted, rel=1e-7)
    assert areas.area[0] < 0.4 * (10 * pixel) ** 2, "Web Mercator itself says more than twice as much"


def test_pixel_areas_between_nodes_are_as_good_as_at_them() -> None:
    step = 0.01  # 1 km: a coarse pixel, so that interpolation shows
    measure = PixelArea.of(Grid(300, 200, CRS.from_epsg(4326), Affine(step, 0, 10, 0, -step, 60)))
    assert measure is not None
    areas = measure.square_metres(Window(5, 7, 290, 190))
    wanted = [cell_area(60 - (row + 1) * step, 60 - row * step, step) for row in range(5, 295)]
    np.testing.assert_allclose(areas, np.broadcast_to(np.array(wanted)[:, None], areas.shape), rtol=2e-6)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [(None, None), (None, TEN_METRES), (CRS.from_wkt('LOCAL_CS["Arbitrary",UNIT["metre",1]]'), TEN_METRES)],
)
def test_without_a_place_on_earth_areas_are_in_pixels(
    tmp_path: Path, crs: CRS | None, transform: Affine | None
) -> None:
    areas = traced(tmp_path, square(), Grid(40, 50, crs, transform))
    assert (areas.unit, areas.area.tolist()) == ("px", [100.0])
    write_polygons([areas], tmp_path / "c.gpkg", change_layer())
    assert "area_px" in pyogrio.read_info(tmp_path / "c.gpkg")["fields"]


def test_areas_and_attributes_agree_with_brute_force(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PIXELS_PER_STRIP", 700)
    rng = np.random.default_rng(seed)
    # Dense noise: holes, islands in holes and corners that touch, all over.
    changed = np.where(rng.random((60, 70)) < 0.45, 1, 0)
    changed[rng.random((60, 70)) < 0.05] = 255
    probability = rng.integers(0, 255, changed.shape)
    grid = Grid(60, 70, UTM, Affine(8, 3, 500_000, 2, -9, 5_000_000))
    areas = traced(tmp_path, changed, grid, probability)

    labels, count = ndimage.label(changed == 1, np.ones((3, 3)))
    index = np.arange(1, count + 1)
    pixels = ndimage.sum_labels(np.ones_like(labels), labels, index)
    assert len(areas) == count
    assert areas.id.tolist() == list(range(1, count + 1))
    assert (np.diff(areas.area) <= 0).all()
    np.testing.assert_array_equal(areas.pixels, np.sort(pixels)[::-1])
    pixel_area = (8 * 9 + 3 * 2) / 0.9996**2
    np.testing.assert_allclose(areas.area, np.sort(pixels)[::-1] * pixel_area, rtol=1e-6)

    assert shapely.is_valid(areas.geometry).all()
    assert set(shapely.get_type_id(areas.geometry)) == {shapely.GeometryType.MULTIPOLYGON}
    np.testing.assert_allclose(shapely.area(areas.geometry), areas.area * 0.9996**2, rtol=1e-6)
    burnt = rasterio.features.rasterize(
        zip(areas.geometry, areas.id.tolist(), strict=True),
        out_shape=changed.shape,
        transform=grid.transform,
        dtype="int32",
    )
    np.testing.assert_array_equal(burnt > 0, changed == 1)
    mean = ndimage.mean(probability / 254, burnt, areas.id)
    np.testing.assert_allclose(areas.mean_probability, mean, rtol=1e-9)
    np.testing.assert_allclose(
        areas.max_probability, ndimage.maximum(probability / 254, burnt, areas.id), rtol=1e-9
    )
    for number in areas.id:
        assert len(np.unique(labels[burnt == number])) == 1, "one feature is one connected area"


def test_small_areas_are_left_out(tmp_path: Path) -> None:
    changed = square()
    changed[0, 0] = changed[30, 40:43] = 1
    grid = Grid(40, 50, UTM, TEN_METRES)
    assert traced(tmp_path, changed, grid, min_area=0).area.round(-2).tolist() == [10_000, 300, 100]
    (tmp_path / "c.tif").unlink()
    (tmp_path / "p.tif").unlink()
    areas = traced(tmp_path, changed, grid, min_area=250)
    assert areas.area.round(-2).tolist() == [10_000, 300]
    assert areas.id.tolist() == [1, 2]


def test_a_geopackage_is_in_the_rasters_own_system(tmp_path: Path) -> None:
    changed = square()
    changed[13:16, 18:20] = 0
    areas = traced(tmp_path, changed, Grid(40, 50, UTM, TEN_METRES))
    write_polygons([areas], tmp_path / "c.gpkg", change_layer())
    meta, _, geometry, columns = pyogrio.raw.read(tmp_path / "c.gpkg", layer="changes")
    assert CRS.from_user_input(meta["crs"]) == UTM
    assert meta["fields"].tolist() == ["id", "area_m2", "pixels", "mean_probability", "max_probability"]
    assert [column.tolist() for column in columns] == [[1], areas.area.tolist(), [94], [1.0], [1.0]]
    (shape,) = shapely.from_wkb(geometry)
    assert shape.area == 94 * 100
    assert len(shape.geoms[0].interiors) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.gpkg", "c.tif", "p.tif"]


def test_geojson_is_in_longitude_and_latitude(tmp_path: Path) -> None:
    areas = traced(tmp_path, square(), Grid(40, 50, UTM, TEN_METRES))
    write_polygons([areas], tmp_path / "c.geojson", change_layer())
    record = json.loads((tmp_path / "c.geojson").read_text())
    assert "crs" not in record, "RFC 7946 knows one reference system"
    (feature,) = record["features"]
    assert feature["properties"]["area_m2"] == pytest.approx(areas.area[0])
    shape = shapely.geometry.shape(feature["geometry"])
    west, south = to_crs(UTM, CRS.from_epsg(4326), [500_150], [4_999_800])
    assert shape.bounds[:2] == pytest.approx((west[0], south[0]), abs=2e-7)
    assert all(polygon.exterior.is_ccw for polygon in shape.geoms), "right-hand rule"


@pytest.mark.parametrize("name", ["c.gpkg", "c.geojson"])
def test_the_days_that_are_known_are_attributes(tmp_path: Path, name: str) -> None:
    areas = traced(tmp_path, square(), Grid(40, 50, UTM, TEN_METRES))
    write_polygons([areas], tmp_path / name, change_layer(date(2019, 5, 3), date(2021, 11, 30)))
    meta, _, _, columns = pyogrio.raw.read(tmp_path / name)
    found = dict(zip(meta["fields"], columns, strict=True))
    assert found["date_before"].astype("datetime64[D]").astype(str).tolist() == ["2019-05-03"]
    assert found["date_after"].astype("datetime64[D]").astype(str).tolist() == ["2021-11-30"]
    later = tmp_path / f"later-{name}"
    write_polygons([areas], later, change_layer(None, date(2021, 11, 30)))
    assert "date_before" not in pyogrio.read_info(later)["fields"]


def test_areas_over_many_blocks_of_the_file_stay_whole(
    tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blocks of a file are 256 pixels at a side; the frame and the snake cross their borders."""
    monkeypatch.setattr(module, "PIXELS_PER_STRIP", 100_000)
    rng = np.random.default_rng(seed)
    changed = np.zeros((1300, 1100), np.uint8)
    changed[[3, -4], 3:-3] = changed[3:-3, [3, -4]] = 1
    rows = np.arange(20, 1280)
    middle = (550 + np.cumsum(rng.integers(-2, 3, len(rows)))).clip(20, 1070)
    for row, col in zip(rows, middle, strict=True):
        changed[row, col - 6 : col + 6] = 1
    grid = Grid(*changed.shape, UTM, TEN_METRES)
    areas = traced(tmp_path, changed, grid, simplify=float(rng.uniform(0, 2)))
    assert areas.pixels.tolist() == [len(rows) * 12, 2 * 1094 + 2 * 1292]
    assert [len(shape.geoms) for shape in areas.geometry] == [1, 1]
    assert [len(shape.geoms[0].interiors) for shape in areas.geometry] == [0, 1]


@pytest.fixture
def noise(seed: int) -> np.ndarray:
    """Areas of all sizes, many of one size, some over several strips."""
    smooth = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((120, 90)), 1.1)
    return (smooth > 0.25).astype(np.uint8)


@pytest.mark.parametrize("name", ["c.gpkg", "c.geojson"])
def test_of_many_areas_some_at_a_time_are_the_same(
    tmp_path: Path, noise: np.ndarray, seed: int, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    grid = Grid(*noise.shape, UTM, TEN_METRES)
    probability = np.random.default_rng(seed).integers(0, 255, noise.shape)
    whole = traced(tmp_path, noise, grid, probability, min_area=200)
    write_polygons([whole], tmp_path / f"whole{name}", change_layer())
    monkeypatch.setattr(pieces, "PIXELS_PER_STRIP", 7 * 90)
    monkeypatch.setattr(module, "EDGES_AT_ONCE", 150)
    runs = list(trace_changes(tmp_path / "c.tif", tmp_path / "p.tif", min_area=200))
    assert len(runs) > 4
    assert np.concatenate([run.id for run in runs]).tolist() == list(range(1, len(whole) + 1))
    assert np.concatenate([run.area for run in runs]).tolist() == whole.area.tolist()
    for column in ("pixels", "mean_probability", "max_probability"):
        found = np.concatenate([getattr(run, column) for run in runs])
        assert sorted(found.tolist()) == sorted(getattr(whole, column).tolist())
    assert {shape.wkb for run in runs for shape in run.geometry} == {shape.wkb for shape in whole.geometry}
    write_polygons(runs, tmp_path / name, change_layer())
    once, piecemeal = (pyogrio.raw.read(tmp_path / f"{which}{name}") for which in ("whole", ""))
    assert sorted(piecemeal[2].tolist()) == sorted(once[2].tolist())
    assert piecemeal[0]["crs"] == once[0]["crs"]
    assert piecemeal[3][0].tolist() == list(range(1, len(whole) + 1))
    if name.endswith("geojson"):
        assert len(json.loads((tmp_path / name).read_text())["features"]) == len(whole)


def test_components_are_those_of_the_whole_raster(
    tmp_path: Path, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pieces, "PIXELS_PER_STRIP", 90)
    write_geotiff(tmp_path / "c.tif", noise[None], Grid(*noise.shape, UTM, TEN_METRES))
    numbers, count = ndimage.label(noise, np.ones((3, 3)))
    left = noise.astype(bool)
    left[:, 1:] &= noise[:, :-1] == 0
    expected = sorted(
        (
            float((numbers == number).sum()),
            int((left & (numbers == number)).sum()),
            int(np.nonzero((numbers == number).any(axis=1))[0].max()),
        )
        for number in range(1, count + 1)
    )
    with rasterio.open(tmp_path / "c.tif") as file:
        found = components.count_components(file, (1,), None, corners=True)
        assert sorted(zip(found.area, found.edges, found.bottom, strict=True)) == expected
        one = np.concatenate(
            [
                marked == 2
                for _, marked in components.chosen_pixels(file, (1,), found, np.array([3]), corners=True)
            ]
        )
    assert one.sum() == found.area[3]
    assert len(np.unique(numbers[one])) == 1


def test_an_area_that_winds_through_everything_is_refused(
    tmp_path: Path, noise: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EDGES_OF_ONE", 20)
    with pytest.raises(InputError, match=r"one changed area winds .* raise --threshold, or leave --polygons"):
        traced(tmp_path, noise, Grid(*noise.shape, UTM, TEN_METRES))


@pytest.mark.parametrize(("name", "crs"), [("none.gpkg", UTM), ("none.geojson", UTM), ("none.gpkg", None)])
def test_no_change_is_a_valid_layer_without_features(tmp_path: Path, name: str, crs: CRS | None) -> None:
    areas = traced(tmp_path, np.zeros((20, 30)), Grid(20, 30, crs, TEN_METRES))
    assert len(areas) == 0
    write_polygons([areas], tmp_path / name, change_layer())
    assert pyogrio.read_info(tmp_path / name)["features"] == 0
