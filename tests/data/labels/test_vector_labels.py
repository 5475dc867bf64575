"""Labels from shapes: any reference system, coverage, classes, and what is reported or refused."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS
from rasterio.warp import transform

from drawn import class_map, code_map, feature_map
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import Labels, read_label_subsets, read_labels
from terramamba.data.settings import VectorOptions
from terramamba.raster.checks.describe_vector import describe_features
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

UTM = "EPSG:32633"
WEST, NORTH, PIXEL = 500_000.0, 5_800_000.0, 30.0


def scene_of(path: Path, crs: str | None = UTM, to_ground: Affine | None = None) -> Scene:
    """12 x 16 pixels."""
    ground = to_ground or Affine(PIXEL, 0, WEST, 0, -PIXEL, NORTH)
    write_geotiff(
        path, np.ones((3, 12, 16), np.float32), Grid(12, 16, crs and CRS.from_user_input(crs), ground)
    )
    return open_scene(path)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return scene_of(tmp_path / "scene.tif")


def on_ground(shape: shapely.Geometry) -> shapely.Geometry:
    """From columns and rows to metres."""
    return shapely.transform(shape, lambda points: points * (PIXEL, -PIXEL) + (WEST, NORTH))


def write(path: Path, shapes: list[Any], crs: str | None = UTM, **attributes: Any) -> str:
    kinds = {shape.geom_type for shape in shapes if shape is not None}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "'crs' was not provided")
        pyogrio.raw.write(
            path,
            shapely.to_wkb(np.array(shapes, object)),
            [np.asarray(values) for values in attributes.values()],
            list(attributes),
            geometry_type=kinds.pop() if len(kinds) == 1 else "Unknown",
            crs=crs,
        )
    return str(path)


def by_name(labels: Labels) -> np.ndarray:
    return np.array(["", *labels.classes.names])[class_map(labels)]


def boxes() -> tuple[list[Any], dict[str, Any]]:
    shapes = [on_ground(shapely.box(*bounds)) for bounds in ((1, 1, 5, 4), (6, 2, 10, 9), (0, 8, 3, 12))]
    return shapes, {"cover": np.array(["wood", "corn", "wood"], object)}


def test_capitals_and_spaces_make_no_class_of_their_own(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    shapes.append(on_ground(shapely.box(12, 9, 15, 11)))
    cover = np.array(["Wood", "corn", "wood ", "wood"], object)
    path = write(tmp_path / "labels.gpkg", shapes, cover=cover)
    labels = read_labels(path, scene)
    assert labels.classes.names == ("Wood", "corn")
    assert any("'Wood' and 'wood' and 'wood ' as 'Wood'" in note for note in labels.notes)


def test_subsets_that_write_a_class_otherwise_share_it(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    paths = {
        "train": write(tmp_path / "a.gpkg", shapes[:2], cover=np.array(["Wood", "Corn"], object)),
        "test": write(tmp_path / "b.gpkg", shapes[1:], cover=np.array(["corn", "WOOD "], object)),
    }
    labels, subsets = read_label_subsets(paths, scene)
    assert labels.classes.names == ("Corn", "Wood")
    assert (by_name(labels)[2, 7], by_name(labels)[9, 1]) == ("Corn", "Wood")
    assert any("are one class: 'Corn' and 'corn' as 'Corn'" in note for note in labels.notes)
    assert subsets["test"].sum() > 0


@pytest.mark.parametrize("suffix", [".gpkg", ".shp", ".geojson"])
def test_boxes_label_their_pixels(tmp_path: Path, scene: Scene, suffix: str) -> None:
    shapes, cover = boxes()
    crs = UTM
    if suffix == ".geojson":  # always in longitude and latitude
        crs = "EPSG:4326"
        shapes = [in_degrees(shape) for shape in shapes]
    labels = read_labels(write(tmp_path / f"labels{suffix}", shapes, crs, **cover), scene)
    expected = np.zeros((12, 16), "<U4")
    expected[1:4, 1:5], expected[2:9, 6:10], expected[8:12, 0:3] = "wood", "corn", "wood"
    np.testing.assert_array_equal(by_name(labels), expected)
    assert labels.classes.names == ("corn", "wood")
    assert labels.classes.codes == (1, 2)
    assert labels.by_name
    assert [feature_map(labels)[row, col] for row, col in ((1, 1), (2, 6), (8, 0), (0, 0))] == [1, 2, 3, 0]
    assert labels.notes[0].endswith("classes are the values of the attribute 'cover'")


def in_degrees(shape: shapely.Geometry, crs: str = "EPSG:4326") -> shapely.Geometry:
    def move(points: np.ndarray) -> np.ndarray:
        return np.stack(transform(UTM, crs, points[:, 0].tolist(), points[:, 1].tolist()), axis=1)

    return shapely.transform(shapely.segmentize(shape, PIXEL), move)


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:3035", "EPSG:32632"])
def test_any_reference_system_gives_the_same_pixels(
    tmp_path: Path, scene: Scene, crs: str, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shapes = [shapely.Point(rng.uniform((0, 0), (16, 12))).buffer(rng.uniform(0.8, 4)) for _ in range(6)]
    kind = np.ones(6, int)
    ground = [on_ground(shape) for shape in shapes]
    own = read_labels(write(tmp_path / "own.gpkg", ground, kind=kind), scene, min_classes=1)
    far = write(tmp_path / "far.gpkg", [in_degrees(shape, crs) for shape in ground], crs, kind=kind)
    other = read_labels(far, scene, min_classes=1)
    # a pixel whose share is 0.5 but for rounding may fall on either side
    assert np.count_nonzero(class_map(own) != class_map(other)) <= 1
    assert any(f"reprojected from {crs} to the scene's {UTM}" in note for note in other.notes)


def test_long_edges_bend_as_the_reference_system_does(tmp_path: Path) -> None:
    """A parallel of latitude in UTM: over 100 km it is hundreds of metres from the chord."""
    west, north = 450_000.0, 6_600_000.0
    scene = scene_of(tmp_path / "wide.tif", to_ground=Affine(6000, 0, west, 0, -30, north))
    east, middle = west + 96_000, north - 180
    (left, right), (low, high) = transform(UTM, "EPSG:4326", [west, east], [middle, middle])
    assert low != high
    box = shapely.box(left, min(low, high) - 1, right, max(low, high))
    labels = read_labels(write(tmp_path / "labels.gpkg", [box], "EPSG:4326", kind=[1]), scene, min_classes=1)
    x, y = west + 6000 * (np.arange(16) + 0.5), north - 30 * (np.arange(12) + 0.5)
    grid_x, grid_y = np.meshgrid(x, y)
    _, latitude = transform(UTM, "EPSG:4326", grid_x.ravel(), grid_y.ravel())
    below = np.array(latitude).reshape(12, 16) < max(low, high)
    assert np.count_nonzero((class_map(labels) > 0)[:, 1:-1] != below[:, 1:-1]) <= 14


def test_a_rotated_scene(tmp_path: Path) -> None:
    to_ground = Affine(20, 8, WEST, 8, -20, NORTH)
    scene = scene_of(tmp_path / "rotated.tif", to_ground=to_ground)
    a, b, c, d, e, f = tuple(to_ground)[:6]
    corners = [(a * x + b * y + c, d * x + e * y + f) for x, y in ((2, 3), (9, 3), (9, 7), (2, 7))]
    labels = read_labels(
        write(tmp_path / "l.gpkg", [shapely.Polygon(corners)], kind=[4]), scene, min_classes=1
    )
    expected = np.zeros((12, 16), int)
    expected[3:7, 2:9] = 1
    np.testing.assert_array_equal(class_map(labels), expected)
    assert labels.classes.codes == (4,)
    assert not labels.by_name


@pytest.mark.parametrize("least", [0.01, 0.3, 0.5, 1.0])
def test_pixels_need_the_asked_share_of_a_polygon(
    tmp_path: Path, scene: Scene, seed: int, least: float
) -> None:
    rng = np.random.default_rng(seed)
    shape = shapely.Polygon(rng.uniform((1, 1), (15, 11), (3, 2))).buffer(1.5)
    path = write(tmp_path / "labels.gpkg", [on_ground(shape)], kind=[1])
    labels = read_labels(path, scene, min_classes=1, vector=VectorOptions(min_coverage=least))
    rows, cols = np.mgrid[:12, :16]
    share = shapely.area(shapely.intersection(shapely.box(cols, rows, cols + 1, rows + 1), shape))
    clear = np.abs(share - least) > 1e-5
    np.testing.assert_array_equal((class_map(labels) > 0)[clear], (share >= least)[clear])
    touched = read_labels(path, scene, min_classes=1, vector=VectorOptions(all_touched=True))
    np.testing.assert_array_equal((class_map(touched) > 0)[share > 1e-5], True)
    assert not class_map(touched)[share == 0].any()


def test_points_and_lines(tmp_path: Path, scene: Scene) -> None:
    shapes = [
        shapely.Point(3.2, 4.9),
        shapely.LineString([(6.5, 1.5), (9.5, 1.5)]),
        shapely.MultiPoint([(0, 0)]),
    ]
    path = write(tmp_path / "labels.gpkg", [on_ground(shape) for shape in shapes], kind=[5, 9, 9])
    labels = read_labels(path, scene)
    expected = np.zeros((12, 16), int)
    expected[4, 3], expected[1, 6:10], expected[0, 0] = 5, 9, 9
    np.testing.assert_array_equal(code_map(labels), expected)


def test_coordinates_that_are_no_numbers_are_refused(tmp_path: Path, scene: Scene) -> None:
    shapes = [on_ground(shapely.Point(3.2, 4.9)), shapely.LineString([(np.inf, 1.5), (9.5, 1.5)])]
    path = write(tmp_path / "labels.gpkg", shapes, kind=[5, 9])
    with pytest.raises(InputError, match="no numbers in 1 of 2 shapes, first in number 2; mend or delete"):
        read_labels(path, scene)


def test_points_in_the_same_pixel_and_beside_the_scene(tmp_path: Path, scene: Scene) -> None:
    places = [(3.2, 4.9), (3.9, 4.1), (5, 5), (5.5, 5.5), (16, 3), (2, 12), (-0.1, 3), (7, 7)]
    kinds = [5, 5, 5, 9, 5, 9, 9, 0]
    shapes = [on_ground(shapely.Point(place)) for place in places]
    labels = read_labels(write(tmp_path / "labels.gpkg", shapes, kind=kinds), scene, min_classes=1)
    expected = np.zeros((12, 16), int)
    expected[4, 3] = 5
    np.testing.assert_array_equal(code_map(labels), expected)
    assert feature_map(labels)[4, 3] == 1
    said = "; ".join(labels.notes)
    assert "3 of 8 features outside the scene" in said
    assert "1 pixels are claimed by shapes of two classes" in said


def test_a_row_of_codes_from_0_is_asked_about_unless_pixels_gave_it(tmp_path: Path, scene: Scene) -> None:
    shapes = [on_ground(shapely.box(*bounds)) for bounds in ((1, 1, 5, 4), (6, 2, 10, 9), (0, 8, 3, 12))]
    path = write(tmp_path / "a.gpkg", shapes, landcover=[0, 1, 2])
    with pytest.raises(InputError, match=r": 0 \(1 of 3 features\) begins a row of codes up to 2, .* none "):
        read_labels(path, scene)
    assert read_labels(path, scene, ignore=[0]).classes.codes == (1, 2)
    counted = read_labels(path, scene, ignore=["none"])
    assert counted.classes.codes == (0, 1, 2)
    assert code_map(counted)[6, 8] == 1
    assert np.count_nonzero(counted.targets == 0) == 12
    outlines = write(tmp_path / "b.gpkg", shapes, DN=[0, 1, 2])
    assert read_labels(outlines, scene).classes.codes == (1, 2)
    gaps = read_labels(write(tmp_path / "c.gpkg", shapes, kind=[0, 5, 9]), scene)
    assert gaps.classes.codes == (5, 9)
    assert any("1 of 3 features with 0 in 'kind': unlabelled" in note for note in gaps.notes)


def test_a_class_whose_shapes_all_lie_on_those_of_another_is_said_to_be_gone(
    tmp_path: Path, scene: Scene
) -> None:
    wood, lake, field = shapely.box(0, 0, 8, 8), shapely.box(2, 2, 4, 4), shapely.box(9, 9, 14, 14)
    shapes = [on_ground(shape) for shape in (wood, lake, field)]
    labels = read_labels(write(tmp_path / "a.gpkg", shapes, cover=["wood", "lake", "field"]), scene)
    assert labels.classes.names == ("field", "wood")
    assert any("no pixel is left of the class lake" in note for note in labels.notes)
    apart = [on_ground(shape) for shape in (wood, shapely.box(10, 1, 12, 3), field)]
    whole = read_labels(write(tmp_path / "b.gpkg", apart, cover=["wood", "lake", "field"]), scene)
    assert not any("no pixel is left" in note for note in whole.notes)


def test_of_a_point_and_a_polygon_of_one_class_the_first_has_the_pixel(tmp_path: Path, scene: Scene) -> None:
    box, point = shapely.box(2, 2, 5, 5), shapely.Point(3.5, 3.5)
    for name, shapes, owner in (("box", [box, point], 1), ("point", [point, box], 1)):
        drawn = [on_ground(shape) for shape in (*shapes, shapely.Point(9, 9))]
        labels = read_labels(write(tmp_path / f"{name}.gpkg", drawn, kind=[5, 5, 7]), scene)
        assert feature_map(labels)[3, 3] == owner
        assert feature_map(labels)[2, 2] == 1 + (name == "point")


def table(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def places_in(crs: str, *pixels: tuple[float, float]) -> list[tuple[float, float]]:
    """Coordinates in ``crs`` of places given in columns and rows."""
    ground = [shapely.get_coordinates(on_ground(shapely.Point(pixel)))[0] for pixel in pixels]
    x, y = transform(UTM, crs, *(list(axis) for axis in zip(*ground, strict=True)))
    return list(zip(x, y, strict=True))


@pytest.mark.parametrize(
    ("header", "crs", "flag", "between"),
    [
        ("x,y,class", UTM, UTM, ","),
        ("\ufeffX;Y;cover", UTM, None, ";"),
        ("id\tclass\tLatitude\tLongitude", "EPSG:4326", None, "\t"),
        ("class,lon,lat", "EPSG:4326", "EPSG:4326", ","),
        ("easting,northing,class", "EPSG:3035", "EPSG:3035", ","),
        (" X Coord ;Y-COORD;Class", UTM, None, ";"),
    ],
)
@pytest.mark.parametrize("decimals", [".", ","])
def test_a_table_of_points(
    tmp_path: Path, scene: Scene, header: str, crs: str, flag: str | None, between: str, decimals: str
) -> None:
    lines = [header]
    pixels = ((3.2, 4.9), (6.5, 1.5), (9.5, 9.5))
    for number, ((x, y), name) in enumerate(
        zip(places_in(crs, *pixels), ("wood", "corn", "wood"), strict=True)
    ):
        known = {"x": x, "easting": x, "lon": x, "longitude": x, "class": name, "cover": name, "id": number}
        known |= {"y": y, "northing": y, "lat": y, "latitude": y, "x coord": x, "y-coord": y}
        cells = [str(known[name.strip("\ufeff ").lower()]) for name in header.split(between)]
        cells = [cell.replace(".", decimals) for cell in cells]
        lines.append(between.join(f'"{cell}"' if between in cell else cell for cell in cells))
    path = table(tmp_path / "points.csv", "\n".join(lines) + "\n")
    labels = read_labels(path, scene, vector=VectorOptions(labels_crs=flag))
    expected = np.full((12, 16), "", object)
    expected[4, 3], expected[1, 6], expected[9, 9] = "wood", "corn", "wood"
    np.testing.assert_array_equal(by_name(labels), expected)


@pytest.mark.parametrize(
    ("text", "flag", "said"),
    [
        (
            "x,y,class\n1,2,3\n4,5\n",
            None,
            "line 3 has 2 cells, but the first line names 3 columns with commas",
        ),
        ("x,y,class\n1,2,3\n4,five,6\n", None, "line 3: y is 'five'"),
        ("x,y,class\n1,nan,3\n", None, "line 2: y is 'nan'"),
        ("x,y,class\n1,2,3\n4,5,6,7\n", None, "line 3 has 4 cells, but the first line names 3 columns"),
        ("x,y,class\n1,2,5,3\n", None, "line 2 has 4 cells"),
        ("x;y;class\n1.000,5;2;3\n", None, r"line 2: x is '1\.000,5'; give numbers with a point"),
        ("x,y,class\n", None, "holds no features"),
        ("x,y\n1,2\n", None, "no attributes"),
        ("x,y,class\n1,2,3\n1,2,4\n", "EPSG:1", "is no reference system"),
        ("lon,lat,class\n1,2,3\n1,2,4\n", UTM, "states the reference system EPSG:4326"),
        (
            "x,y,class\n1,2,3\n1,2,4\n",
            UTM,
            r"no shape lies on .*; check the reference systems \(the shapes are in EPSG:32633, the",
        ),
        ("x,y,class\n1,2,3\n1,2,4\n", None, "taken to be in the scene's: give --labels-crs"),
    ],
)
def test_tables_of_points_that_cannot_be_used(
    tmp_path: Path, scene: Scene, text: str, flag: str | None, said: str
) -> None:
    with pytest.raises(InputError, match=said):
        read_labels(table(tmp_path / "points.csv", text), scene, vector=VectorOptions(labels_crs=flag))


def test_a_vector_file_without_reference_system_is_in_the_one_that_is_named(
    tmp_path: Path, scene: Scene
) -> None:
    degrees = [shapely.Point(place) for place in places_in("EPSG:4326", (3.5, 4.5), (6.5, 1.5))]
    path = write(tmp_path / "points.shp", degrees, None, kind=[3, 4])
    labels = read_labels(path, scene, vector=VectorOptions(labels_crs="EPSG:4326"))
    assert (code_map(labels)[4, 3], code_map(labels)[1, 6]) == (3, 4)


def test_what_is_left_out_is_counted(tmp_path: Path, scene: Scene) -> None:
    bounds = (
        (1, 1, 5, 5),
        (4, 4, 7, 7),
        (4, 1, 6, 3),
        (40, 40, 50, 50),
        (9.1, 9.1, 9.3, 9.3),
        (12, 1, 13, 2),
    )
    shapes = [*(on_ground(shapely.box(*bound)) for bound in bounds), None]
    cover = np.array(["a", "b", "a", "a", "b", None, "a"], object)
    labels = read_labels(write(tmp_path / "labels.gpkg", shapes, cover=cover), scene)
    assert by_name(labels)[4, 4] == ""  # claimed for a and b
    assert feature_map(labels)[2, 4] == 1  # shared by two of a: the first one's
    assert feature_map(labels)[4, 4] == 0
    said = " | ".join(labels.notes)
    for part in (
        "1 of 7 features without a shape",
        "1 of 7 features without a class in 'cover'",
        "1 of 7 features outside the scene",
        "1 of 7 features too small to cover 0.5 of any pixel",
        "1 pixels are claimed by shapes of two classes",
    ):
        assert part in said
    bow = on_ground(shapely.Polygon([(1, 1), (5, 5), (5, 1), (1, 5)]))
    mended = read_labels(write(tmp_path / "bow.gpkg", [bow], kind=[1]), scene, min_classes=1)
    assert "cross themselves and were mended" in mended.notes[-1]
    spike = on_ground(shapely.Polygon([(1, 1), (5, 1), (5, 3), (14, 3), (5, 3), (5, 5), (1, 5)]))
    for crs, shape in ((UTM, spike), ("EPSG:4326", in_degrees(spike))):
        path = write(tmp_path / "spike.gpkg", [shape], crs, kind=[1])
        assert read_labels(path, scene, min_classes=1).targets.tolist() == [0] * 16


def test_files_and_scenes_without_a_reference_system(tmp_path: Path, scene: Scene) -> None:
    shapes, cover = boxes()
    free = write(tmp_path / "free.shp", shapes, None, **cover)
    labels = read_labels(free, scene)
    assert any("no reference system; taken to be in the scene's EPSG:32633" in note for note in labels.notes)
    known = write(tmp_path / "known.gpkg", shapes, **cover)
    np.testing.assert_array_equal(by_name(labels), by_name(read_labels(known, scene)))
    nowhere = scene_of(tmp_path / "nowhere.tif", crs=None)
    np.testing.assert_array_equal(class_map(read_labels(free, nowhere)), class_map(labels))
    with pytest.raises(InputError, match=r"known.gpkg: is in EPSG:32633, but .*nowhere.tif has no reference"):
        read_labels(known, nowhere)
    np.save(tmp_path / "array.npy", np.random.default_rng(0).random((12, 16, 3)))
    pixels = write(tmp_path / "pixels.shp", [shapely.box(1, 2, 4, 6)], None, kind=[3])
    bare = read_labels(pixels, open_scene(tmp_path / "array.npy", axes="rows,cols,bands"), min_classes=1)
    assert np.argwhere(class_map(bare)).min(axis=0).tolist() == [2, 1]
    assert "x, y are columns, rows" in bare.notes[1]


def refused(path: str, scene: Scene, says: str, **options: Any) -> None:
    with pytest.raises(InputError, match=says) as error:
        read_labels(path, scene, vector=VectorOptions(**options))
    assert "\n" not in str(error.value)


def test_refused_in_one_line(tmp_path: Path, scene: Scene) -> None:
    shapes, cover = boxes()
    path = write(tmp_path / "labels.gpkg", shapes, **cover)
    refused(str(tmp_path / "missing.gpkg"), scene, "missing.gpkg: no such file")
    refused(path, scene, r"--min-coverage 1\.5: a share of a pixel above 0", min_coverage=1.5)
    refused(path, scene, r"--min-coverage 0(\.0)?: a share of a pixel above 0", min_coverage=0.0)
    refused(path, scene, "--all-touched takes any share", min_coverage=0.7, all_touched=True)
    refused(path, scene, "has no layer 'fields'; its layers are labels", layer="fields")
    refused(path, scene, r"has no attribute 'crop'; it has 'cover' \(wood, corn\)", class_attribute="crop")
    (tmp_path / "notes.gpkg").write_text("these are notes")
    refused(str(tmp_path / "notes.gpkg"), scene, "notes.gpkg: cannot be read as a vector file")
    far = write(tmp_path / "far.gpkg", [shapely.box(0, 0, 1, 1)], cover=["a"])
    refused(far, scene, "no shape lies on .*scene.tif: they span rows")
    tiny = write(tmp_path / "tiny.gpkg", [on_ground(shapely.box(3.2, 3.2, 3.4, 3.4))], cover=["a"])
    refused(tiny, scene, "no polygon covers 0.5 of a pixel of .*--all-touched")


@pytest.mark.parametrize("suffix", [".shp", ".dbf"])
def test_shapefiles_that_end_early(tmp_path: Path, scene: Scene, suffix: str) -> None:
    """GDAL would read what is there."""
    shapes, cover = boxes()
    path = write(tmp_path / "labels.shp", shapes, **cover)
    assert len(read_labels(path, scene).targets)
    part = Path(path).with_suffix(suffix)
    part.write_bytes(part.read_bytes()[:-20])
    refused(path, scene, rf"labels{suffix}: holds \d+ bytes, its header describes \d+; the file is damaged")


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize(
    ("titles", "of"),
    [
        (("Rechtswert", "Hochwert"), None),
        (("UTM_E", "UTM_N"), None),
        (("WKT",), lambda point: f"POINT Z ({point.x} {point.y} 7)"),
        (("wkt_geom",), lambda point: f"Point ({point.x} {point.y})"),
        ((".geo",), lambda point: shapely.to_geojson(point).replace('"', '""')),
    ],
)
def test_tables_of_points_as_other_programs_write_them(
    tmp_path: Path, scene: Scene, separator: str, titles: tuple[str, ...], of: Any
) -> None:
    crs = "EPSG:4326" if titles == (".geo",) else UTM
    points = map(shapely.Point, places_in(crs, (3.5, 4.5), (3.5, 6.5), (9.5, 2.5), (9.5, 8.5)))
    cells = [(str(p.x), str(p.y)) if of is None else (f'"{of(p)}"',) for p in points]
    rows = [(*titles, "class"), *((*cell, name) for cell, name in zip(cells, "aabb", strict=True))]
    path = tmp_path / "points.csv"
    path.write_text("\n".join(map(separator.join, rows)) + "\n")
    labels = read_labels(str(path), scene)
    assert labels.classes.names == ("a", "b")
    found = class_map(labels)
    assert [found[row, col] for row, col in ((4, 3), (6, 3), (2, 9), (8, 9))] == [1, 1, 2, 2]
    assert len(labels.pixels) == 4


def test_tables_without_places_are_told_what_labels_are(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "points.csv"
    path.write_text("up,right,class\n3,4,a\n")
    with pytest.raises(
        InputError, match=r"columns \(up, right, class\) tell no places of labels; call two of"
    ):
        read_labels(str(path), scene)
    path.write_text("wkt,class\nPOINT (3 4),a\nPOINT 3 4,b\n")
    with pytest.raises(InputError, match=r"line 3: 'POINT 3 4' is no shape; give WKT, such as"):
        read_labels(str(path), scene)
    path.write_text("image,wkt\nnone.tif,POINT (3 4)\n")  # lists files
    with pytest.raises(InputError, match=r"columns \(image, wkt\) tell no places of labels"):
        read_labels(str(path), scene)


def test_a_shapefile_without_its_index_or_its_table_is_told(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    path = write(tmp_path / "fields.shp", shapes, cover=["a", "b", "a"])
    (tmp_path / "fields.dbf").rename(tmp_path / "kept")
    refused(path, scene, r"which lie in fields\.dbf, are not beside it; fetch them")
    (tmp_path / "kept").rename(tmp_path / "fields.DBF")
    read_labels(path, scene)
    (tmp_path / "fields.shx").unlink()
    refused(path, scene, r"needs fields\.shx beside it; fetch all files of this name")


def test_names_that_differ_by_a_slip_are_said(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    for names, said in ((["Forest", "Forrest", "Meadow"], True), (["Corn 1", "Corn 2", "Beech"], False)):
        path = write(tmp_path / f"{said}.gpkg", shapes, cover=names)
        notes = read_labels(path, scene).notes
        alike = f"{path}: classes of nearly the same name stay apart: 'Forest' and 'Forrest'"
        assert (alike in notes) == said
        assert any("nearly the same" in note for note in notes) == said


def test_a_class_for_no_shape(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    path = write(tmp_path / "labels.gpkg", shapes, cover=np.array([None] * 3, object))
    refused(path, scene, r"'cover' \(empty\) says no class of any of its 3 shapes", class_attribute="cover")
    refused(path, scene, r"no attribute can say the class, .* it has 'cover' \(empty\); add one")


def test_flags_for_shapes_are_refused_for_other_files(tmp_path: Path, scene: Scene) -> None:
    np.save(tmp_path / "labels.npy", np.eye(12, 16, dtype=np.uint8))
    says = "labels.npy: is no vector file; --class-attribute, --all-touched can only be given for one"
    refused(str(tmp_path / "labels.npy"), scene, says, class_attribute="crop", all_touched=True)


def test_shapes_that_are_nowhere_on_earth_are_outside(tmp_path: Path, scene: Scene) -> None:
    good = [in_degrees(on_ground(shapely.Point(x, 3.5))) for x in (2.5, 5.5)]
    shapes = [shapely.Point(0, 95), *good, shapely.Point(1e9, -1e9)]
    path = write(tmp_path / "labels.gpkg", shapes, "EPSG:4326", cover=np.array(list("aabb"), object))
    labels = read_labels(path, scene)
    assert np.argwhere(class_map(labels)).tolist() == [[3, 2], [3, 5]]
    assert any("2 of 4 features outside the scene" in note for note in labels.notes)
    # its corners have no place in UTM, but the scene is well inside
    world = write(tmp_path / "world.gpkg", [shapely.box(-180, -90, 180, 90)], "EPSG:4326", cover=["a"])
    assert class_map(read_labels(world, scene, min_classes=1)).all()


def test_a_spectral_library_is_no_file_of_labels(tmp_path: Path, scene: Scene) -> None:
    profiles = np.array([f"{{'y': [{value}]}}" * 9 for value in (1, 2)], object)
    cover = np.array(["a", "b"], object)
    path = write(tmp_path / "l.gpkg", [shapely.Point()] * 2, "EPSG:4326", cover=cover, profiles=profiles)
    with pytest.raises(InputError, match="its features have no place on the ground, as in a spectral lib"):
        read_labels(path, scene, vector=VectorOptions(class_attribute="cover"))
    (layer,) = (facts for name, facts in describe_features(path).items() if name.startswith("layer"))
    assert "2 features: 2 empty Point" in layer
    assert f"attribute 'profiles': {profiles[0][:40]}... (1), {profiles[1][:40]}... (1)" in layer


def test_shapes_far_away_are_not_split(tmp_path: Path, scene: Scene) -> None:
    """Metres among degrees: edges a scene long would be millions."""
    shapes, cover = boxes()
    shapes[0] = shapely.box(0, 0, 1, 1)
    path = write(tmp_path / "labels.gpkg", shapes, "EPSG:4326", **cover)
    refused(path, scene, "no shape lies on .*scene.tif.*check the reference systems")


def test_layers_are_listed_where_several_have_shapes(tmp_path: Path, scene: Scene) -> None:
    shapes, cover = boxes()
    path = tmp_path / "layers.gpkg"
    for layer in ("fields", "roads"):
        wkb = shapely.to_wkb(np.array(shapes, object))
        pyogrio.raw.write(
            path, wkb, [cover["cover"]], ["cover"], geometry_type="Polygon", crs=UTM, layer=layer
        )
    refused(str(path), scene, f"2 of its layers may be meant; name one: {path}:fields, {path}:roads")
    named = read_labels(f"{path}:roads", scene)
    assert any("attribute 'cover'" in note for note in named.notes)
    labels = read_labels(str(path), scene, vector=VectorOptions(layer="roads"))
    assert labels.classes.names == (
        "corn",
        "wood",
    )


def test_parts_in_files_of_their_own_are_matched_by_name(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    covers = {"train": ["corn", "wood"], "val": ["wood"], "test": ["beet"]}
    paths = {
        part: write(tmp_path / f"{part}.gpkg", [shapes[i] for i in places], cover=covers[part])
        for part, places in {"train": [0, 1], "val": [2], "test": [2]}.items()
    }
    with pytest.raises(InputError, match="differs from"):
        read_label_subsets(paths, scene)
    paths["test"] = write(tmp_path / "beet.gpkg", [on_ground(shapely.box(12, 1, 15, 3))], cover=["beet"])
    labels, masks = read_label_subsets(paths, scene)
    found = by_name(labels)
    assert (found[1, 1], found[2, 6], found[8, 0], found[1, 12]) == ("corn", "wood", "wood", "beet")
    assert masks["val"].sum() == 12
    paths["test"] = write(tmp_path / "codes.gpkg", [on_ground(shapely.box(12, 1, 15, 3))], cover=[7])
    with pytest.raises(InputError, match=r"codes.gpkg: its classes have no names \(codes 7\)"):
        read_label_subsets(paths, scene)


def test_the_labelled_points_of_leipzig(real_data: Callable[[str], Path]) -> None:
    folder = real_data("raster/sentinel2_leipzig")
    scene = open_scene(folder / "leipzig_raster.tif")
    labels = read_labels(str(folder / "leipzig_points.gpkg"), scene)
    assert labels.classes.names == ("forest", "pasture", "urban", "water")
    assert np.bincount(labels.targets).tolist() == [28, 20, 36, 13]
    # the file has the values of the bands at its points
    about, _, _, columns = pyogrio.raw.read(folder / "leipzig_points.gpkg")
    values = scene.read()[0]
    for number in range(1, 98):
        (pixel,) = np.argwhere(feature_map(labels) == number)
        own = [columns[band][number - 1] for band in range(8)]
        np.testing.assert_allclose(values[:, *pixel], own, rtol=1e-6)
    assert "land_cover" in about["fields"]


def test_the_parts_of_a_polygon_are_features_of_their_own(tmp_path: Path, scene: Scene) -> None:
    one, two, alone = (shapely.box(*bounds) for bounds in ((1, 1, 3.3, 3), (3.3, 1, 6, 3), (8, 6, 12, 9)))
    apart = shapely.box(1, 8, 3, 10)
    shapes = [on_ground(shape) for shape in (shapely.MultiPolygon([one, apart]), two, alone)]
    path = write(tmp_path / "labels.gpkg", shapes, cover=["wood", "corn", "corn"])
    labels = read_labels(path, scene)
    numbers = feature_map(labels)
    assert {numbers[1, 1], numbers[9, 2], numbers[2, 5], numbers[7, 9]} == {1, 4, 2, 3}
    assert np.count_nonzero(numbers == 4) == 4
    note = "1 of 3 features have several parts, which count as 2 polygons of their own with --split polygon"
    assert labels.notes[-1] == f"{path}: {note}"


def test_a_pixel_of_two_parts_is_labelled_by_both_and_belongs_to_the_larger(
    tmp_path: Path, scene: Scene
) -> None:
    parts = shapely.MultiPolygon([shapely.box(1, 1, 3.3, 2), shapely.box(3.6, 1, 6, 2)])
    shapes = [on_ground(parts), on_ground(shapely.box(8, 6, 12, 9))]
    labels = read_labels(write(tmp_path / "labels.gpkg", shapes, cover=["wood", "corn"]), scene)
    # of the pixel between them 0.3 and 0.4 are covered: 0.7 in all
    assert feature_map(labels)[1, 1:6].tolist() == [1, 1, 3, 3, 3]


def test_a_polygon_that_crosses_itself_is_one_feature(tmp_path: Path, scene: Scene) -> None:
    tie = on_ground(shapely.Polygon([(1, 1), (7, 7), (7, 1), (1, 7)]))
    shapes = [tie, on_ground(shapely.box(9, 6, 12, 9))]
    labels = read_labels(write(tmp_path / "labels.gpkg", shapes, cover=["wood", "corn"]), scene)
    assert set(np.unique(feature_map(labels)).tolist()) == {0, 1, 2}


def test_classes_of_shapes_are_left_out_by_name_or_asked_about(tmp_path: Path, scene: Scene) -> None:
    shapes, _ = boxes()
    path = write(tmp_path / "labels.gpkg", shapes, cover=["wood", "corn", "background"])
    with pytest.raises(
        InputError, match=r"1 \(1 of 3 features\) is called 'background'; say --ignore-classes"
    ):
        read_labels(path, scene)
    labels = read_labels(path, scene, ignore=["Background"])
    assert labels.classes.names == ("corn", "wood")
    assert set(np.unique(feature_map(labels)).tolist()) == {0, 1, 2}
    numbered = write(tmp_path / "numbered.gpkg", [*shapes, *shapes], kind=[1, 2, 255, 1, 2, 255])
    with pytest.raises(InputError, match=r"255 .*has no name and lies far above"):
        read_labels(numbered, scene)
