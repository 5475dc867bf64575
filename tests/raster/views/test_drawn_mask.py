"""Masks drawn as polygons leave out what is inside, in any vector file and reference system."""

import pickle
from pathlib import Path

import geopandas
import numpy as np
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.mapping.fingerprint import scene_fact
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.vector.vector_files import is_vector_file
from terramamba.raster.views.drawn_mask import DrawnMask
from terramamba.raster.views.masked import MaskedSource, masked, masked_fraction
from terramamba.raster.windows import Window

HERE = Grid(30, 40, CRS.from_epsg(32633), Affine(20, 0, 500_000, 0, -20, 5_800_000))
CLOUDS = [shapely.box(2, 3, 10, 8), shapely.Polygon([(20.5, 10), (35, 12), (25, 27)])]
"""In columns and rows."""


@pytest.fixture
def scene(tmp_path: Path, seed: int) -> Scene:
    values = np.random.default_rng(seed).integers(1, 200, (2, 30, 40)).astype(np.uint8)
    write_geotiff(tmp_path / "scene.tif", values, HERE)
    return open_scene(tmp_path / "scene.tif")


def on_the_ground(shapes: list[shapely.Geometry]) -> list[shapely.Geometry]:
    return [shapely.transform(shape, lambda xy: xy * (20, -20) + (500_000, 5_800_000)) for shape in shapes]


def drawn(path: Path, shapes: list[shapely.Geometry], system: int | None = 32633, **how: str) -> Path:
    frame = geopandas.GeoDataFrame({"kind": ["cloud"] * len(shapes)}, geometry=on_the_ground(shapes))
    frame = frame.set_crs(32633)
    (frame if system is None else frame.to_crs(system)).to_file(path, **how)
    return path


def marked(scene: Scene) -> np.ndarray:
    assert isinstance(scene.source, MaskedSource)
    return scene.source.marked(scene.grid.window, scene.grid.window.shape)


def inside(shapes: list[shapely.Geometry]) -> np.ndarray:
    whole = shapely.union_all(shapes)
    pixels = [[shapely.box(col, row, col + 1, row + 1) for col in range(40)] for row in range(30)]
    return np.asarray(shapely.area(shapely.intersection(pixels, whole)) >= 0.5)


@pytest.mark.parametrize(
    ("name", "driver", "system"),
    [
        ("c.gpkg", "GPKG", 32633),
        ("c.gpkg", "GPKG", 3035),
        ("c.shp", "ESRI Shapefile", 4326),
        ("c.shz", "ESRI Shapefile", 32633),
        ("c.shp.zip", "ESRI Shapefile", 3035),
        ("c.geojson", "GeoJSON", 4326),
        ("c.fgb", "FlatGeobuf", 3035),
        ("c.sqlite", "SQLite", 32633),
        ("c.tab", "MapInfo File", 32633),
        ("c.kml", "KML", 4326),
        ("c.mine", "GeoJSON", 4326),
        ("c.gdb", "OpenFileGDB", 3035),
    ],
)
def test_what_is_inside_is_left_out(
    scene: Scene, tmp_path: Path, name: str, driver: str, system: int
) -> None:
    drawn(tmp_path / name, CLOUDS, system, driver=driver)
    result = pickle.loads(pickle.dumps(masked(scene, [tmp_path / name])))
    _, valid = result.read()
    np.testing.assert_array_equal(valid, np.stack([~inside(CLOUDS)] * 2))
    assert f"masked: no data inside the polygons of {tmp_path / name}" in result.notes
    assert masked_fraction(result) == inside(CLOUDS).mean()


def test_polygons_and_rasters_are_joined(scene: Scene, tmp_path: Path, seed: int) -> None:
    fog = np.random.default_rng(seed).random((30, 40)) < 0.2
    write_geotiff(tmp_path / "fog.tif", fog[None].astype(np.uint8), HERE)
    result = masked(scene, [drawn(tmp_path / "c.gpkg", CLOUDS), tmp_path / "fog.tif"])
    np.testing.assert_array_equal(marked(result), fog | inside(CLOUDS))


def test_windows_and_thinned_reads_agree_with_the_whole(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("terramamba.raster.views.drawn_mask.PIXELS_AT_ONCE", 100)
    result = masked(scene, [drawn(tmp_path / "c.gpkg", CLOUDS)])
    whole, window = marked(result), Window(5, 7, 20, 25)
    assert isinstance(result.source, MaskedSource)
    np.testing.assert_array_equal(result.source.marked(window, window.shape), whole[window.slices])
    write_geotiff(tmp_path / "same.tif", whole[None].astype(np.uint8), HERE)
    raster = masked(scene, [tmp_path / "same.tif"])
    assert isinstance(raster.source, MaskedSource)
    for shape in ((7, 9), (20, 3), (1, 1)):
        np.testing.assert_array_equal(
            result.source.marked(window, shape), raster.source.marked(window, shape)
        )


def test_geopackages_of_pixels_are_rasters(scene: Scene, tmp_path: Path) -> None:
    import rasterio

    path, values = tmp_path / "tiles.gpkg", np.zeros((1, 30, 40), np.uint8)
    values[0, :4] = 255
    with rasterio.open(
        path,
        "w",
        driver="GPKG",
        dtype="uint8",
        count=1,
        height=30,
        width=40,
        crs=HERE.crs,
        transform=HERE.transform,
        TILE_FORMAT="PNG",
    ) as file:
        file.write(values)
    assert not is_vector_file(str(path))
    assert is_vector_file(str(drawn(tmp_path / "shapes.gpkg", CLOUDS)))


def test_no_clouds_leave_nothing_out(scene: Scene, tmp_path: Path) -> None:
    empty = geopandas.GeoDataFrame({"kind": []}, geometry=[], crs=32633)
    empty.to_file(tmp_path / "none.gpkg", geometry_type="Polygon")
    assert not marked(masked(scene, [tmp_path / "none.gpkg"])).any()


@pytest.mark.parametrize(
    ("shapes", "said"),
    [
        ([shapely.box(400, 3, 410, 8)], "lies nowhere on"),
        ([shapely.Point(3, 4)], "holds Point; what is masked lies inside polygons"),
        ([shapely.LineString([(1, 1), (9, 9)])], "holds LineString"),
    ],
)
def test_what_leaves_nothing_out_by_mistake_is_refused(
    scene: Scene, tmp_path: Path, shapes: list[shapely.Geometry], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        masked(scene, [drawn(tmp_path / "c.gpkg", shapes)])


def test_which_of_two_layers_is_not_guessed(scene: Scene, tmp_path: Path) -> None:
    drawn(tmp_path / "c.gpkg", CLOUDS, layer="clouds")
    drawn(tmp_path / "c.gpkg", CLOUDS, layer="lakes")
    with pytest.raises(
        InputError, match=r"2 of its layers may be meant; name one: .*c\.gpkg:clouds, .*:lakes"
    ):
        masked(scene, [tmp_path / "c.gpkg"])
    assert np.array_equal(marked(masked(scene, [f"{tmp_path}/c.gpkg:lakes"])), inside(CLOUDS))


def test_shapes_on_the_ground_have_no_place_on_a_scene_without_georeferencing(
    tmp_path: Path,
) -> None:
    np.save(tmp_path / "scene.npy", np.ones((30, 40, 2), np.float32))
    scene = open_scene(tmp_path / "scene.npy", axes="rows,cols,bands")
    with pytest.raises(InputError, match="has no georeferencing, so it is not known where the polygons"):
        masked(scene, [drawn(tmp_path / "c.gpkg", CLOUDS)])


def test_other_polygons_make_another_map(scene: Scene, tmp_path: Path) -> None:
    one, two = (
        scene_fact(masked(scene, [drawn(tmp_path / f"{number}.gpkg", shapes)]))
        for number, shapes in enumerate((CLOUDS, CLOUDS[:1]))
    )
    again = scene_fact(masked(scene, [tmp_path / "0.gpkg"]))
    assert one == again != two


def test_a_layer_knows_what_it_assumed(scene: Scene, tmp_path: Path) -> None:
    result = masked(scene, [drawn(tmp_path / "c.gpkg", CLOUDS, 4326)])
    assert isinstance(result.source, MaskedSource)
    assert isinstance(result.source.layers[0], DrawnMask)
    assert any("reprojected from EPSG:4326" in note for note in result.notes)
