"""Labels from every kind of file, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from PIL import Image
from rasterio.crs import CRS
from rasterio.warp import transform, transform_bounds
from scipy.io import savemat

from drawn import class_map, code_map
from terramamba.core.errors import InputError
from terramamba.data.labels.labels import read_label_subsets, read_labels
from terramamba.data.labels.raster_labels import label_shape, read_codes
from terramamba.data.settings import VectorOptions
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene

UTM = CRS.from_epsg(32633)


def place(row: float = 0, col: float = 0) -> Affine:
    return Affine(30, 0, 500000 + 30 * col, 0, -30, 5800000 - 30 * row)


MAP = np.array([[0, 7, 7, 2], [2, 2, 0, 9], [9, 9, 9, 9]], np.uint8)


def located(path: Path, array: np.ndarray, row: int = 0, col: int = 0, **options: Any) -> str:
    grid = Grid(*array.shape[-2:], UTM, place(row, col))
    write_geotiff(path, array.reshape(-1, *array.shape[-2:]), grid, **options)
    return str(path)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return open_scene(located(tmp_path / "scene.tif", np.ones((5, 3, 4), np.float32)))


def test_codes_become_contiguous_in_their_order(tmp_path: Path, scene: Scene) -> None:
    labels = read_labels(located(tmp_path / "labels.tif", MAP), scene)
    np.testing.assert_array_equal(class_map(labels), [[0, 2, 2, 1], [1, 1, 0, 3], [3, 3, 3, 3]])
    assert labels.targets.dtype == np.int16
    assert labels.classes.codes == (2, 7, 9)
    assert labels.classes.names == ("class 2", "class 7", "class 9")
    assert len(set(labels.classes.colours)) == 3


def test_names_from_the_caller_or_the_file(tmp_path: Path, scene: Scene) -> None:
    path = located(tmp_path / "labels.tif", MAP, class_names={2: "roof", 9: "water"})
    assert read_labels(path, scene).classes.names == ("roof", "class 7", "water")
    assert read_labels(path, scene, names=["a", "b", "c"]).classes.names == ("a", "b", "c")
    with pytest.raises(InputError, match=r"has 3 classes \(codes 2, 7, 9\), but 2 names"):
        read_labels(path, scene, names=["a", "b"])
    with pytest.raises(InputError, match=r"--class-names a,b,A: 'A' is there twice"):
        read_labels(path, scene, names=["a", "b", "A"])
    with pytest.raises(
        InputError, match=r"--label-variable gt: .*labels\.tif holds one image without a name"
    ):
        read_labels(path, scene, variable="gt")
    odd = located(tmp_path / "of --scene-variable.tif", MAP)
    with pytest.raises(InputError) as refused:
        read_labels(odd, scene, variable="gt")
    assert refused.value.message.startswith(f"--label-variable gt: {odd} holds one image without a name; ")


def test_whole_floats_nan_nodata_and_negative_numbers(tmp_path: Path, scene: Scene) -> None:
    floats = MAP.astype(np.float32)
    floats[0, 0], floats[1, 2] = np.nan, -1
    found = read_labels(located(tmp_path / "floats.tif", floats), scene)
    np.testing.assert_array_equal(class_map(found) > 0, MAP > 0)
    found = read_labels(located(tmp_path / "nodata.tif", MAP, nodata=9.0), scene)
    assert found.classes.codes == (0, 2, 7)  # what is declared as no data is not 0
    assert found.unlabelled == ("no data (5 pixels): 9 is declared as such",)
    hair = floats.copy()
    hair[0, 1:] += np.float32(4e-7)
    hair[1, 0] -= np.float32(2e-7)
    labels = read_labels(located(tmp_path / "hair.tif", hair), scene)
    np.testing.assert_array_equal(code_map(labels), MAP)
    floats[0, 1] = 2.5
    with pytest.raises(InputError, match=r"holds 2\.5, which is no class code"):
        read_labels(located(tmp_path / "odd.tif", floats), scene)


def test_of_several_pages_of_labels_the_first_is_said_to_be_read(tmp_path: Path, scene: Scene) -> None:
    first, second = (Image.fromarray(values) for values in (MAP, MAP[::-1].copy()))
    path = tmp_path / "labels.tif"
    first.save(path, save_all=True, append_images=[second])
    flat = open_scene(located(tmp_path / "flat.tif", np.ones(MAP.shape, np.float32)))
    raster = read_codes(str(path), flat, min_abundance=0.5, variable=None, vector=VectorOptions())
    assert [note for note in raster.notes if "holds 2 images (pages of a TIFF)" in note]
    assert not [note for note in raster.notes if "no georeferencing" in note]


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_zeros_beside_numbers_below_0_are_asked_about(tmp_path: Path, scene: Scene, suffix: str) -> None:
    counted_from_0 = np.where(MAP == 2, 0, MAP).astype(np.int16)
    counted_from_0[MAP == 0] = -1
    path = tmp_path / f"labels{suffix}"
    if suffix == ".npy":
        np.save(path, counted_from_0)
    else:
        located(path, counted_from_0)
    with pytest.raises(InputError, match=r": 0 \(3 of 10 pixels\) is there beside 2 .* --ignore-classes 0 "):
        read_labels(str(path), scene)
    assert read_labels(str(path), scene, ignore=["0"]).classes.codes == (7, 9)
    kept = read_labels(str(path), scene, ignore=["none"])
    assert kept.classes.codes == (0, 7, 9)
    assert kept.unlabelled == ("below 0 or NaN (2 pixels): never a class",)
    assert not read_labels(located(tmp_path / "usual.tif", MAP), scene).notes


@pytest.mark.parametrize("suffix", [".mat", ".npy", ".npz", ".png"])
def test_labels_without_georeferencing(tmp_path: Path, scene: Scene, suffix: str) -> None:
    path = tmp_path / f"labels{suffix}"
    if suffix == ".mat":
        savemat(path, {"gt": MAP.astype(float), "rows": 3})
    elif suffix == ".npy":
        np.save(path, MAP)
    elif suffix == ".npz":
        np.savez(path, gt=MAP, spectra=np.zeros((5, 2)))
    else:
        write_png(path, MAP)
    labels = read_labels(str(path), scene)
    assert labels.classes.codes == (2, 7, 9)
    np.testing.assert_array_equal(class_map(labels) > 0, MAP > 0)


@pytest.mark.parametrize(("declared", "said"), [(0, False), (2, True), (10, True), (11, False), (255, False)])
def test_no_data_in_the_row_of_the_codes_are_said(
    tmp_path: Path, scene: Scene, declared: int, said: bool
) -> None:
    values = MAP.copy()
    values[0, :2] = declared
    labels = read_labels(located(tmp_path / "labels.tif", values, nodata=declared), scene)
    assert any("though it is one of the row of the codes (up to 9)" in note for note in labels.notes) == said
    number = np.count_nonzero(values == declared)
    assert labels.unlabelled[0] == f"no data ({number} pixels): {declared} is declared as such"
    # half a pixel beside the scene's grid, and smaller than it: what lies beside is none of the no data
    finer = located(tmp_path / "off.tif", values[:2], 0.2, nodata=declared)
    off = read_labels(finer, scene, ignore=["none"])
    assert off.unlabelled[0] == (
        f"no data ({np.count_nonzero(values[:2] == declared)} pixels): {declared} is declared as such"
    )


def test_what_a_mask_inside_the_file_leaves_out_is_said(tmp_path: Path, scene: Scene) -> None:
    path = tmp_path / "labels.tif"
    profile = {"driver": "GTiff", "count": 1, "height": 3, "width": 4, "dtype": "uint8"}
    with rasterio.open(path, "w", **profile, crs=UTM, transform=place()) as file:
        file.write(np.where(MAP == 0, 2, MAP), 1)
        file.write_mask(MAP != 9)
    labels = read_labels(str(path), scene)
    assert labels.unlabelled == ("masked (5 pixels): a mask inside the file leaves them out",)
    assert labels.classes.codes == (2, 7)


@pytest.mark.parametrize("suffix", [".tif", ".npy"])
def test_codes_that_are_all_below_0_are_refused(tmp_path: Path, scene: Scene, suffix: str) -> None:
    path, values = tmp_path / f"labels{suffix}", -MAP.astype(np.int16)
    np.save(path, values) if suffix == ".npy" else located(path, values)
    with pytest.raises(InputError, match=r"10 pixels hold numbers below 0 .* number the classes from 1"):
        read_labels(str(path), scene)


@pytest.mark.parametrize("bands", [2, 3, 4])
def test_equal_bands_of_labels_are_one(tmp_path: Path, scene: Scene, bands: int) -> None:
    path = located(tmp_path / "labels.tif", np.stack([MAP] * bands), class_names={2: "roof"})
    labels = read_labels(path, scene)
    np.testing.assert_array_equal(code_map(labels), MAP)
    assert labels.classes.names[0] == "roof"
    assert labels.notes[0] == f"{path}: its {bands} bands are all the same and read as one"
    other = np.stack([MAP] * bands)
    other[-1, 2, 3] = 8
    with pytest.raises(InputError, match=f"has {bands} bands; labels need one band"):
        read_labels(located(tmp_path / "other.tif", other), scene)


def test_colours_and_shares_in_place_of_codes_are_called_so(tmp_path: Path) -> None:
    scene = open_scene(located(tmp_path / "scene.tif", np.ones((5, 12, 16), np.float32)))
    codes = np.indices((12, 16))[0] // 4
    picture = np.array([[0, 100, 0], [0, 0, 255], [255, 255, 0]], np.uint8)[codes]
    write_png(tmp_path / "colours.png", picture)
    with pytest.raises(InputError, match=r"a picture of 3 colours \(#0000ff, #006400, #ffff00\); make codes"):
        read_labels(str(tmp_path / "colours.png"), scene)
    shares = (codes == np.arange(3)[:, None, None]).astype(np.float32)
    shares[:, 0, :3] = 0
    shares[:, 0, 4] = (0.2, 0.3, 0.5)
    with pytest.raises(InputError, match="these are a band for each class, with its share"):
        read_labels(located(tmp_path / "shares.tif", shares), scene)
    with pytest.raises(InputError, match="has 3 bands; labels need one band of class codes: name the file"):
        read_labels(located(tmp_path / "image.tif", shares * 7), scene)


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_labels_that_jpeg_has_changed_are_refused(tmp_path: Path, scene: Scene, suffix: str) -> None:
    path = tmp_path / f"labels{suffix}"
    write_png(path, MAP, **({"compression": "jpeg"} if suffix == ".tif" else {}))
    with pytest.raises(InputError, match=r"labels\.\w+: is compressed as JPEG.*as GeoTIFF or PNG"):
        read_labels(str(path), scene)


def write_png(path: Path, array: np.ndarray, **options: str) -> None:
    from PIL import Image

    Image.fromarray(array).save(path, **options)


def test_tiles_are_laid_where_they_belong(tmp_path: Path, scene: Scene) -> None:
    tiles = tmp_path / "tiles"
    tiles.mkdir()
    (tmp_path / "images").mkdir()
    located(tiles / "a.tif", MAP[:2, :2])
    located(tiles / "b.tif", MAP[2:, 1:], 2, 1)
    located(tiles / "c.tif", np.full((2, 2), 7, np.uint8), -2, -2)  # beside the scene
    expected = np.zeros_like(MAP)
    expected[:2, :2], expected[2:, 1:] = MAP[:2, :2], MAP[2:, 1:]
    table = tmp_path / "table.csv"
    table.write_text("image,mask\nx.tif,tiles/a.tif\ny.tif,tiles/b.tif\n")
    for path in (str(tiles), str(table)):
        labels = read_labels(path, scene)
        np.testing.assert_array_equal(code_map(labels), expected)
        assert [note.endswith("c.tif") for note in labels.notes] == [True] * (path == str(tiles))
    located(tmp_path / "images" / "west.tif", np.ones((5, 3, 2), np.float32))
    located(tmp_path / "images" / "east.tif", np.ones((5, 3, 2), np.float32), 0, 2)
    located(tmp_path / "images" / "far.tif", np.ones((5, 3, 2), np.float32), 0, 9)
    notes = read_labels(str(tiles), open_scene(str(tmp_path / "images"))).notes
    assert "1 of 3 tiles of labels on no image, and not used; the first is" in notes[0]
    assert notes[0].endswith("c.tif")
    assert "no labels for 1 of 3 tiles of the scene; the first is" in notes[1]
    assert notes[1].endswith("far.tif")
    located(tiles / "d.tif", 9 - MAP[:2, :2])
    labels = read_labels(str(tiles), scene)
    np.testing.assert_array_equal(code_map(labels), expected)
    assert any("tiles: 4 pixels have other codes in two tiles that overlap" in note for note in labels.notes)


def test_abundances_count_where_they_are_high_enough(tmp_path: Path, scene: Scene) -> None:
    rng = np.random.default_rng(0)
    maps = rng.dirichlet((0.3, 0.3, 0.3), (3, 4)).transpose(2, 0, 1)
    table = maps.reshape(3, 12, order="F")
    cood = np.array([["1-tree"], ["2-water"], ["3-bare soil"]], dtype=object)
    savemat(tmp_path / "table.mat", {"A": table, "M": np.zeros((198, 3)), "cood": cood})
    savemat(tmp_path / "stack.mat", {"label": maps.transpose(1, 2, 0)})
    expected = np.where(maps.max(axis=0) >= 0.6, maps.argmax(axis=0) + 1, 0)
    for name, names in (
        ("table.mat", ["tree", "water", "bare soil"]),
        ("stack.mat", ["class 1", "class 2", "class 3"]),
    ):
        labels = read_labels(str(tmp_path / name), scene, min_abundance=0.6)
        np.testing.assert_array_equal(code_map(labels), expected)
        assert list(labels.classes.names) == [names[code - 1] for code in labels.classes.codes]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        (np.ones((3, 4), np.uint8), r"a single class \(code 1\)"),
        (np.zeros((3, 4), np.uint8), "not one labelled pixel"),
        (np.indices((3, 3, 4))[0].astype(np.uint8), "has 3 bands; labels need one"),
    ],
)
def test_refused_in_one_line(tmp_path: Path, scene: Scene, array: np.ndarray, says: str) -> None:
    path = located(tmp_path / "labels.tif", array)
    with pytest.raises(InputError, match=says) as refused:
        read_labels(path, scene)
    assert "\n" not in str(refused.value)
    assert path in str(refused.value)


def test_labels_of_another_size_without_a_place_are_refused(tmp_path: Path, scene: Scene) -> None:
    np.save(tmp_path / "labels.npy", np.eye(4, dtype=np.uint8))
    write_png(tmp_path / "labels.png", np.eye(4, dtype=np.uint8))
    for name in ("labels.npy", "labels.png"):
        with pytest.raises(InputError, match=r"labels of 4 x 4 pixels, but .*scene.tif has 3 x 4"):
            read_labels(str(tmp_path / name), scene)


def test_labels_on_the_scene_s_pixels_are_laid_where_they_belong(tmp_path: Path, scene: Scene) -> None:
    labels = read_labels(located(tmp_path / "below.tif", MAP, 1, -1), scene)
    expected = np.zeros_like(MAP)
    expected[1:, :3] = MAP[:2, 1:]
    np.testing.assert_array_equal(code_map(labels), expected)
    (note,) = labels.notes
    assert "3 x 4 pixels, laid on the scene 1 rows and -1 columns from its first pixel" in note
    assert read_labels(located(tmp_path / "on.tif", MAP), scene).notes == ()
    with pytest.raises(InputError, match="no pixel with data lies on"):
        read_labels(located(tmp_path / "away.tif", MAP, 3, 0), scene)


def test_labels_on_another_grid_give_each_pixel_the_nearest(tmp_path: Path, scene: Scene) -> None:
    finer = MAP.repeat(3, axis=0).repeat(3, axis=1)
    write_geotiff(
        tmp_path / "finer.tif", finer[None], Grid(9, 12, UTM, Affine(10, 0, 500000, 0, -10, 5800000))
    )
    write_geotiff(tmp_path / "between.tif", MAP[None], Grid(3, 4, UTM, place(0, 0.4)))
    write_geotiff(
        tmp_path / "coarse.tif", MAP[None, :2, :2], Grid(2, 2, UTM, Affine(60, 0, 500000, 0, -60, 5800000))
    )
    halves = MAP[:2, :2].repeat(2, axis=0).repeat(2, axis=1)[:3]
    for name, expected in (("finer", MAP), ("between", MAP), ("coarse", halves)):
        labels = read_labels(str(tmp_path / f"{name}.tif"), scene)
        found = code_map(labels)
        np.testing.assert_array_equal(found, expected)
        assert labels.notes[0].endswith("brought onto the scene's by nearest neighbour")


@pytest.mark.parametrize("code", [32632, 4326, 3857])
def test_labels_in_another_reference_system(tmp_path: Path, scene: Scene, code: int) -> None:
    """Each pixel has the label pixel that holds its centre, as reprojecting the centres one by one says."""
    other = CRS.from_epsg(code)
    west, south, east, north = transform_bounds(UTM, other, 499950, 5799880, 500180, 5800050)
    values = np.random.default_rng(code).integers(1, 9, (40, 50), np.uint8)
    to_other = Affine((east - west) / 50, 0, west, 0, -(north - south) / 40, north)
    write_geotiff(tmp_path / "labels.tif", values[None], Grid(40, 50, other, to_other))
    labels = read_labels(str(tmp_path / "labels.tif"), scene)
    assert f"EPSG:{code}" in labels.notes[0]
    for row in range(3):
        for col in range(4):
            (x,), (y,) = transform(UTM, other, [500015 + 30 * col], [5799985 - 30 * row])
            there = values[int((north - y) / -to_other.e), int((x - west) / to_other.a)]
            assert labels.classes.codes[class_map(labels)[row, col] - 1] == there


def test_one_class_is_enough_where_a_model_is_only_scored(tmp_path: Path, scene: Scene) -> None:
    path = located(tmp_path / "labels.tif", np.full((3, 4), 7, np.uint8))
    assert read_labels(path, scene, min_classes=1).classes.codes == (7,)


def test_parts_share_one_table_of_classes(tmp_path: Path, scene: Scene) -> None:
    train, test = np.where(MAP == 9, 0, MAP), np.where(MAP == 7, 0, MAP)
    paths = {
        "train": located(tmp_path / "train.tif", train, class_names={2: "roof"}),
        "test": located(tmp_path / "test.tif", test, class_names={9: "water"}),
    }
    labels, masks = read_label_subsets(paths, scene)
    assert labels.classes.codes == (2, 7, 9)
    assert labels.classes.names == ("roof", "class 7", "water")
    for part, image in (("train", train), ("test", test)):
        np.testing.assert_array_equal(labels.pixels.draw(masks[part]), image > 0)
    np.testing.assert_array_equal(class_map(labels) > 0, MAP > 0)


def test_a_code_that_two_files_call_differently_is_said(tmp_path: Path, scene: Scene) -> None:
    halves = np.where(np.indices(MAP.shape)[1] < 2, MAP, 0), np.where(np.indices(MAP.shape)[1] < 2, 0, MAP)
    names = {2: "roof", 7: "water", 9: "wood"}
    for other, said in (
        ({2: "Roof ", 7: "lake", 9: "wood"}, "7 is 'water' in {}, 'lake' in {}"),
        (names, None),
    ):
        paths = {
            "train": located(tmp_path / f"a {said is None}.tif", halves[0], class_names=names),
            "test": located(tmp_path / f"b {said is None}.tif", halves[1], class_names=other),
        }
        labels, _ = read_label_subsets(paths, scene)
        expected = [] if said is None else [said.format(*paths.values())]
        assert [
            note.partition("not by code: ")[2] for note in labels.notes if "not by code" in note
        ] == expected


@pytest.mark.parametrize("of_scene", [True, False])
def test_labels_or_a_scene_without_a_reference_system_are_said(tmp_path: Path, of_scene: bool) -> None:
    placed, bare = tmp_path / "placed.tif", tmp_path / "bare.tif"
    scene_path, label_path = (bare, placed) if of_scene else (placed, bare)
    for path, values in ((scene_path, np.ones((5, 3, 4), np.float32)), (label_path, MAP[None])):
        write_geotiff(path, values, Grid(3, 4, UTM if path == placed else None, place()))
    labels = read_labels(str(label_path), open_scene(scene_path))
    assert labels.notes == (f"{bare}: has no reference system; taken to be in EPSG:32633",)


def test_parts_that_contradict_each_other_are_refused(tmp_path: Path, scene: Scene) -> None:
    other = MAP.copy()
    other[2, 0] = 2
    paths = {"train": located(tmp_path / "a.tif", MAP), "test": located(tmp_path / "b.tif", other)}
    with pytest.raises(InputError, match=r"class of 1 of 10 pixels .* row 2, column 0: 2 and 9"):
        read_label_subsets(paths, scene)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (
            np.array(["", "wood", "lake"])[np.clip(MAP, 0, 2)],
            r"holds text and no class codes; give whole numbers",
        ),
        (MAP + 0.5j, r"holds complex128 values and no class codes"),
        (MAP + np.float32(0.25), r"holds 0\.25, which is no class code"),
    ],
)
def test_arrays_of_anything_but_codes_are_refused(
    tmp_path: Path, scene: Scene, values: np.ndarray, said: str
) -> None:
    np.save(tmp_path / "labels.npy", values)
    with pytest.raises(InputError, match=said):
        read_labels(str(tmp_path / "labels.npy"), scene)


def test_shape_of_a_label_file(tmp_path: Path) -> None:
    savemat(tmp_path / "map.mat", {"gt": MAP})
    savemat(tmp_path / "soft.mat", {"A": np.full((2, 12), 0.5), "M": np.zeros((9, 2))})
    savemat(tmp_path / "stack.mat", {"label": np.full((3, 4, 2), 0.5)})
    assert label_shape(str(tmp_path / "map.mat")) == (3, 4)
    assert label_shape(str(tmp_path / "soft.mat")) is None
    assert label_shape(str(tmp_path / "soft.mat"), "A") is None
    assert label_shape(str(tmp_path / "stack.mat"), "label") == (3, 4)
    savemat(tmp_path / "several.mat", {"train": MAP, "test": MAP, "ids": np.zeros((1, 9))})
    assert label_shape(str(tmp_path / "several.mat")) == (3, 4)
    np.save(tmp_path / "halves.npy", MAP + 0.5)  # are refused when they are read
    assert label_shape(str(tmp_path / "halves.npy")) == (3, 4)
    np.save(tmp_path / "table.npy", np.full((2, 400), 0.5))
    assert label_shape(str(tmp_path / "table.npy")) is None
    assert label_shape(located(tmp_path / "labels.tif", MAP)) == (3, 4)
    assert label_shape(str(tmp_path)) is None
    with pytest.raises(InputError, match="--label-variable"):
        label_shape(str(tmp_path / "map.mat"), "truth")


def test_a_missing_or_damaged_file_is_named(tmp_path: Path, scene: Scene) -> None:
    for name, content in (("nothing.tif", None), ("text.tif", "text"), ("text.mat", "text")):
        if content:
            (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            read_labels(str(tmp_path / name), scene)


def test_an_image_is_no_label_raster(tmp_path: Path) -> None:
    scene = open_scene(located(tmp_path / "scene.tif", np.ones((1, 20, 20), np.float32)))
    image = np.arange(400, dtype=np.uint16).reshape(20, 20)
    with pytest.raises(InputError, match="399 different values, more than 255"):
        read_labels(located(tmp_path / "image.tif", image), scene)


def test_abundances_are_shares_of_a_pixel(tmp_path: Path, scene: Scene) -> None:
    shares = np.random.default_rng(0).dirichlet((0.3, 0.3, 0.3), (3, 4))
    np.save(tmp_path / "percent.npy", 100 * shares)
    with pytest.raises(InputError, match=r"holds .* to .*, but abundances are .*; divide percentages by 100"):
        read_labels(str(tmp_path / "percent.npy"), scene)
    np.save(tmp_path / "scores.npy", 8 * shares - 4)
    with pytest.raises(InputError, match="from 0 to 1; give shares, or a map of class codes"):
        read_labels(str(tmp_path / "scores.npy"), scene)
    np.save(tmp_path / "rounded.npy", np.clip(shares * 1.004, -0.005, 1.005))
    assert not read_labels(str(tmp_path / "rounded.npy"), scene).notes
    short = shares.copy()
    short[0] *= 0.8
    np.save(tmp_path / "short.npy", short)
    (note,) = read_labels(str(tmp_path / "short.npy"), scene).notes
    assert note.endswith("the abundances of 4 of 12 pixels do not add up to 1")


def test_a_map_of_codes_with_an_axis_of_one_is_no_abundance(tmp_path: Path, scene: Scene) -> None:
    for name, array in (("last", MAP[..., None]), ("first", MAP[None])):
        np.save(tmp_path / f"{name}.npy", array)
        labels = read_labels(str(tmp_path / f"{name}.npy"), scene)
        np.testing.assert_array_equal(code_map(labels), MAP)


def test_a_system_that_is_tied_to_no_place_is_no_georeferencing_beside_one_that_is(tmp_path: Path) -> None:
    drawn = CRS.from_wkt('LOCAL_CS["Arbitrary",UNIT["metre",1]]')
    grid = Grid(3, 4, drawn, Affine(1, 0, 0, 0, -1, 0))
    write_geotiff(tmp_path / "scene.tif", np.ones((5, 3, 4), np.float32), grid)
    scene = open_scene(tmp_path / "scene.tif")
    labels = read_labels(located(tmp_path / "labels.tif", MAP), scene)
    np.testing.assert_array_equal(class_map(labels) > 0, MAP > 0)
    assert any("laid on the scene pixel by pixel, as " in note for note in labels.notes)
    with pytest.raises(InputError, match="labels of 3 x 3 pixels, but"):
        read_labels(located(tmp_path / "smaller.tif", MAP[:, :3]), scene)
    (tmp_path / "points.csv").write_text("lon,lat,class\n15,52,1\n15,52,2\n")
    with pytest.raises(
        InputError, match="has a reference system that is tied to no place, so it is not known"
    ):
        read_labels(str(tmp_path / "points.csv"), scene)


@pytest.mark.parametrize(("times", "alpha"), [(1, False), (255, False), (255, True)])
def test_a_band_for_each_class_is_told_from_colours(
    tmp_path: Path, scene: Scene, times: int, alpha: bool
) -> None:
    marks = np.array([code == MAP for code in np.unique(MAP)]) * np.uint8(times)
    marks = marks.repeat(20, axis=1).repeat(20, axis=2)
    marks = marks if alpha else np.concatenate([marks, 0 * marks[:1]])
    with rasterio.open(
        tmp_path / "labels.tif", "w", count=len(marks), height=60, width=80, dtype="uint8", transform=place()
    ) as file:
        file.write(marks)
    with pytest.raises(InputError, match=r"they are a band for each class|these are a band for each class"):
        read_labels(str(tmp_path / "labels.tif"), scene)


def test_a_picture_of_few_labels_in_equal_bands_is_read(tmp_path: Path) -> None:
    codes = np.zeros((1500, 1600), np.uint8)
    codes[801, 303:309], codes[901, 303:309] = 1, 2
    height, width = codes.shape
    profile = {"count": 4, "height": height, "width": width, "photometric": "RGB", "alpha": "YES"}
    with rasterio.open(tmp_path / "labels.tif", "w", **profile, dtype="uint8", transform=place()) as file:
        file.write(np.stack([codes, codes, codes, np.full_like(codes, 255)]))
    scene = open_scene(located(tmp_path / "scene.tif", np.ones((1, 1500, 1600), np.float32)))
    assert "all the same and read as one" in read_labels(str(tmp_path / "labels.tif"), scene).notes[0]


@pytest.mark.parametrize("header", ["row,col,class", "Line,Sample,class"])
def test_tables_that_number_pixels_are_not_asked_to_call_them_coordinates(
    tmp_path: Path, scene: Scene, header: str
) -> None:
    (tmp_path / "labels.csv").write_text(f"{header}\n0,1,2\n")
    with pytest.raises(InputError, match="number pixels, which may count from 0 or 1 and are not read; give"):
        read_labels(str(tmp_path / "labels.csv"), scene)
