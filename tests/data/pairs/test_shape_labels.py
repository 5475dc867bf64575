"""Labels of pairs drawn as polygons."""

import zipfile
from pathlib import Path

import numpy as np
import pyogrio
import pytest
import shapely
from affine import Affine
from rasterio.crs import CRS

from terramamba.change.samples import PairDataset
from terramamba.core.errors import InputError
from terramamba.data.pairs.label_pixels import LabelPixels
from terramamba.data.pairs.label_values import IGNORE, ShapeValues, shape_values, stated_values
from terramamba.data.pairs.layouts import find_pairs
from terramamba.data.pairs.settle_labels import Settled, settle_for_scoring, settle_labels
from terramamba.data.scaling import Scaling
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff

SIDE = 20
PLACE = Affine(2, 0, 500_000, 0, -2, 5_000_000)
AS_STORED = Scaling("standard", (0,), (0.0,), (1.0,), (7.0,))
DAMAGE = ["destroyed", "intact", "unknown"]


def box(row: float, col: float, height: float, width: float) -> shapely.Geometry:
    return shapely.box(
        500_000 + 2 * col, 5_000_000 - 2 * (row + height), 500_000 + 2 * (col + width), 5_000_000 - 2 * row
    )


BOXES = [box(2, 3, 4, 5), box(10, 1, 6, 6), box(12, 12, 5, 5)]
WINDOWS = [np.s_[2:6, 3:8], np.s_[10:16, 1:7], np.s_[12:17, 12:17]]


def shapes(path: Path, boxes: list, crs: str = "EPSG:32633", **columns: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pyogrio.raw.write(
        path,
        shapely.to_wkb(np.array(boxes, object)),
        [np.array(values, object) for values in columns.values()],
        list(columns),
        geometry_type="Polygon",
        crs=crs,
        driver="OpenFileGDB" if path.suffix == ".gdb" else None,
    )
    return path


def images(root: Path, *parts: str) -> Path:
    for part in parts:
        for date in "AB":
            (root / part / date).mkdir(parents=True, exist_ok=True)
            grid = Grid(SIDE, SIDE, CRS.from_epsg(32633), PLACE)
            write_geotiff(root / part / date / "one.tif", np.ones((1, SIDE, SIDE), np.uint8), grid)
    return root


def expected(changed: list[int], ignored: list[int] = ()) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.int64)
    for places, value in ((changed, 1), (ignored, IGNORE)):
        for place in places:
            mask[WINDOWS[place]] = value
    return mask


def mask(settled: Settled, part: str = "train") -> np.ndarray:
    data = PairDataset(settled.pairs[part], AS_STORED, crop_size=None, augment=False, seed=0)
    read = data[0]["mask"].numpy()
    counted = LabelPixels(*(int((read == value).sum()) for value in (0, 1, IGNORE)))
    assert settled.pixels[part] == counted, "the plan says what the samples hold"
    return read


@pytest.mark.parametrize("suffix", ["gpkg", "geojson", "shp", "fgb", "gdb", "tab", "mif", "shp.zip", "zip"])
def test_inside_is_changed_in_any_file_of_polygons(tmp_path: Path, suffix: str) -> None:
    label = images(tmp_path, "train") / "train" / "label" / "one"
    if suffix.endswith("zip"):
        shapes(tmp_path / "drawn" / "one.shp", BOXES, name=["a", "b", "c"])
        label.parent.mkdir()
        with zipfile.ZipFile(label.with_suffix(f".{suffix}"), "w") as archive:
            for part in (tmp_path / "drawn").iterdir():
                archive.write(part, part.name)
    else:
        shapes(label.with_suffix(f".{suffix}"), BOXES, name=["a", "b", "c"])
    settled = settle_labels(find_pairs(tmp_path))
    np.testing.assert_array_equal(mask(settled), expected([0, 1, 2]))
    assert settled.values.shapes == ShapeValues()
    assert settled.values.in_words() == "changed inside polygons, unchanged outside (found from 1 file)"


def test_an_attribute_says_what_changed_and_a_run_keeps_it(tmp_path: Path) -> None:
    data = images(tmp_path, "train", "test")
    for part in ("train", "test"):
        shapes(data / part / "gt" / "one.gpkg", BOXES, damage=DAMAGE, size=[1, 2, 3])
    pairs = find_pairs(data)
    with pytest.raises(InputError, match="damage is destroyed, intact, unknown in these labels"):
        settle_labels(pairs)
    stated = shape_values("damage", ["destroyed"], None, ["unknown"], None)
    settled = settle_labels(pairs, shapes=stated)
    np.testing.assert_array_equal(mask(settled), expected([0], [2]))
    words = "changed inside polygons whose damage is destroyed, no reference where it is unknown"
    assert words in settled.values.in_words()
    again = settle_for_scoring(pairs, "test", None, settled.values)
    np.testing.assert_array_equal(mask(again, "test"), expected([0], [2]))


def test_polygons_too_small_to_be_seen_are_counted_and_one_over_all_is_refused(tmp_path: Path) -> None:
    data = images(tmp_path, "train")
    label = data / "train" / "gt" / "one.gpkg"
    shapes(label, [BOXES[0], box(10, 10, 0.6, 0.6), box(14, 5, 0.7, 0.7)], name=["a", "b", "c"])
    settled = settle_labels(find_pairs(data))
    np.testing.assert_array_equal(mask(settled), expected([0]))
    assert any(
        "one.gpkg: 2 of 3 polygons of change are smaller than half a" in note for note in settled.notes
    )
    label.unlink()
    shapes(label, BOXES, name=["a", "b", "c"])
    assert not any("smaller" in note for note in settle_labels(find_pairs(data)).notes)
    label.unlink()
    shapes(label, [box(-1, -1, 30, 30)], name=["a"])
    with pytest.raises(
        InputError, match=r"no pixel is unchanged .* polygons are of change with --changed-attr"
    ):
        settle_labels(find_pairs(data))


@pytest.mark.parametrize(
    "names",
    [
        ("from", "to"),
        ("C06", "C12"),
        ("classOld", "classNew"),
        ("lc_2018", "lc_2020"),
        ("t1", "t2"),
        ("a", "b"),
    ],
)
def test_classes_of_two_dates_say_what_changed_where_they_differ(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    data = images(tmp_path, "train")
    label = data / "train" / "gt" / "one.gpkg"
    kinds = {names[0]: ["field", "Field", None], names[1]: ["house", "field ", None]}
    shapes(label, BOXES, number=["1", "2", "3"], **kinds)
    flag = f"--changed-attribute {names[0]},{names[1]}"
    with pytest.raises(
        InputError,
        match=rf"are the same for 1 of 2 .* say {flag} where .* all polygons are of",
    ):
        settle_labels(find_pairs(data))
    settled = settle_labels(find_pairs(data), shapes=shape_values(",".join(names), None, None, None, None))
    np.testing.assert_array_equal(mask(settled), expected([0], [2]))
    assert (
        f"changed inside polygons whose {names[0]} and {names[1]} differ, unch" in settled.values.in_words()
    )
    again = settle_for_scoring(find_pairs(data), "train", None, settled.values)
    np.testing.assert_array_equal(mask(again), expected([0], [2]))


@pytest.mark.parametrize("dtype", ["int32", "float64"])
def test_numbers_that_are_missing_at_both_dates_are_no_class(tmp_path: Path, dtype: str) -> None:
    data = images(tmp_path, "train")
    label = data / "train" / "gt" / "one.gpkg"
    label.parent.mkdir()
    missing = np.array([False, False, True])
    pyogrio.raw.write(
        label,
        shapely.to_wkb(np.array(BOXES, object)),
        [np.array(values, dtype) for values in ([1, 2, 0], [3, 3, 0])],
        ["class_2018", "class_2020"],
        field_mask=[missing, missing],
        geometry_type="Polygon",
        crs="EPSG:32633",
    )
    np.testing.assert_array_equal(mask(settle_labels(find_pairs(data))), expected([0, 1, 2]))
    stated = shape_values("class_2018,class_2020", None, None, None, None)
    settled = settle_labels(find_pairs(data), shapes=stated)
    np.testing.assert_array_equal(mask(settled), expected([0, 1], [2]))


@pytest.mark.parametrize(
    "columns",
    [
        {"from": ["field", "field", "wood"], "to": ["house", "road", "house"]},  # all of change
        {"height": [2, 2, 4], "storeys": [2, 3, 4]},  # called by no date
        {"c06": ["a", "b", "c"], "c12": ["a", "b", "c"]},  # no classes
        *(
            {name: ["a", "a", "b"], other: ["a", "b", "b"]}
            for name, other in (
                ("annotator_1", "annotator_2"),
                ("Level_1", "Level_2"),
                ("CLASS_L1", "CLASS_L2"),
                ("quality_a", "quality_b"),
                ("photo_10", "photo_11"),
            )
        ),
    ],
)
def test_attributes_that_are_no_classes_of_two_dates_ask_for_nothing(
    tmp_path: Path, columns: dict[str, list]
) -> None:
    data = images(tmp_path, "train")
    shapes(data / "train" / "gt" / "one.gpkg", BOXES, **columns)
    np.testing.assert_array_equal(mask(settle_labels(find_pairs(data))), expected([0, 1, 2]))


def test_values_of_an_attribute_are_known_whatever_their_capitals_and_said(tmp_path: Path) -> None:
    data = images(tmp_path, "train")
    shapes(data / "train" / "gt" / "one.gpkg", BOXES, damage=["Destroyed ", "intact", "UNKNOWN"])
    settled = settle_labels(
        find_pairs(data), shapes=shape_values("damage", ["destroyed"], None, ["unknown"], None)
    )
    np.testing.assert_array_equal(mask(settled), expected([0], [2]))
    words = (
        "damage: capitals and spaces make no other value: 'Destroyed' as 'destroyed', 'UNKNOWN' as 'unknown'"
    )
    assert words in settled.notes


@pytest.mark.parametrize(
    ("columns", "flags"),
    [
        ({"kind": ["change", "no change"]}, "--changed-attribute kind --changed-values change"),
        ({"changed": [True, False]}, "--changed-attribute changed --changed-values True"),
        ({"change": [1, 0]}, "--changed-attribute change --changed-values 1"),
        (
            {"change": ["new building", "no change"]},
            '--changed-attribute change --changed-values "new building"',
        ),
        ({"change": ["demolished", "none"]}, "--changed-attribute change --changed-values demolished"),
        ({"damage": ["destroyed", "un-classified"]}, "--changed-attribute damage --changed-values destroyed"),
    ],
)
def test_polygons_that_say_that_nothing_changed_are_asked_about(
    tmp_path: Path, columns: dict[str, list], flags: str
) -> None:
    root = images(tmp_path, "train", "val")
    for number, part in enumerate(("train", "val")):  # each file alone has one value
        ((name, values),) = columns.items()
        shapes(root / part / "label" / "one.geojson", [BOXES[number]], **{name: [values[number]]})
    with pytest.raises(InputError, match=rf"one\.geojson: {name} is .*; say {flags}, or other"):
        settle_labels(find_pairs(str(root)))
    stated = shape_values(name, [flags.rpartition("values ")[2].strip('"')], None, None, None)
    found = settle_labels(find_pairs(str(root)), shapes=stated)
    np.testing.assert_array_equal(mask(found), expected([0]))
    np.testing.assert_array_equal(mask(found, "val"), expected([]))


def test_a_subset_that_is_the_other_way_round_is_named(tmp_path: Path) -> None:
    root = images(tmp_path, "train", "val", "test")
    grid = Grid(SIDE, SIDE, CRS.from_epsg(32633), PLACE)
    changed = (expected([0]) == 1)[None].astype(np.uint8)
    for part in ("train", "val", "test"):
        (root / part / "label").mkdir()
        write_geotiff(root / part / "label" / "one.tif", 1 - changed if part == "test" else changed, grid)
    warning = settle_labels(find_pairs(root)).warnings[0]
    assert warning.startswith("95 % of the test masks are changed and 5 % of the train masks: those of test")
    write_geotiff(root / "test" / "label" / "one.tif", changed, grid, overwrite=True)
    assert settle_labels(find_pairs(root)).warnings == ()
    for part in ("train", "val", "test"):
        write_geotiff(root / part / "label" / "one.tif", 1 - changed, grid, overwrite=True)
    (warning,) = settle_labels(find_pairs(root)).warnings
    assert warning.startswith("95 % of the pixels of all masks are changed: where these show change dark on")
    assert settle_labels(find_pairs(root), stated_values(["1"], None, None)).warnings == ()


def test_outside_of_the_area_nothing_is_known(tmp_path: Path) -> None:
    data = images(tmp_path, "train")
    shapes(data / "train" / "label" / "one.gpkg", BOXES)
    area = shapes(tmp_path / "area.gpkg", [box(0, 0, SIDE, 10)])
    settled = settle_labels(find_pairs(data), shapes=shape_values(None, None, None, None, str(area)))
    wanted = expected([0, 1, 2])
    wanted[:, 10:] = IGNORE
    np.testing.assert_array_equal(mask(settled), wanted)
    table = tmp_path / "pairs.csv"
    table.write_text(
        "split,before,after,label,area\n"
        "train,train/A/one.tif,train/B/one.tif,train/label/one.gpkg,area.gpkg\n"
    )
    np.testing.assert_array_equal(mask(settle_labels(find_pairs(table))), wanted)


def test_polygons_in_another_reference_system(tmp_path: Path) -> None:
    from rasterio.warp import transform

    data = images(tmp_path, "train")
    moved = [
        shapely.transform(
            shape, lambda points: np.stack(transform("EPSG:32633", "EPSG:4326", *points.T), axis=1)
        )
        for shape in BOXES
    ]
    shapes(data / "train" / "label" / "one.geojson", moved, crs="EPSG:4326")
    settled = settle_labels(find_pairs(data))
    np.testing.assert_array_equal(mask(settled), expected([0, 1, 2]))
    assert any("reprojected from EPSG:4326" in note for note in settled.notes)


def test_what_was_assumed_of_polygons_is_said_once(tmp_path: Path) -> None:
    data = images(tmp_path, "train", "val")
    for part in ("train", "val"):
        shapes(data / part / "label" / "one.shp", BOXES).with_suffix(".prj").unlink()
    notes = [note for note in settle_labels(find_pairs(data)).notes if "no reference system" in note]
    assert len(notes) == 1
    assert notes[0].endswith("taken to be in the scene's EPSG:32633; likewise 1 other")


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    data = images(tmp_path, "train")
    label = data / "train" / "label" / "one.gpkg"
    shapes(label, BOXES, damage=DAMAGE)
    pairs = find_pairs(data)
    with pytest.raises(
        InputError, match=r"one\.gpkg: no damage is gone; they are destroyed, intact, unknown"
    ):
        settle_labels(pairs, shapes=ShapeValues("damage", ("gone",)))
    with pytest.raises(InputError, match=r"has no attribute 'state'; it has damage; correct --changed-attri"):
        settle_labels(pairs, shapes=ShapeValues("state", ("gone",)))
    with pytest.raises(InputError, match="drawn as polygons; say with --changed-attribute whose values"):
        settle_labels(pairs, stated_values(["1"], None, None))
    with pytest.raises(InputError, match="--changed-attribute damage: say which of its values mean changed"):
        shape_values("damage", None, None, None, None)
    label.unlink()
    shapes(label, [box(500, 500, 3, 3)])
    with pytest.raises(InputError, match=r"one\.gpkg: none of its polygons lies on .*one\.tif"):
        settle_labels(find_pairs(data))
    label.unlink()
    write_geotiff(label.with_suffix(".tif"), np.eye(SIDE, dtype=np.uint8)[None], Grid(SIDE, SIDE))
    with pytest.raises(InputError, match="--changed-attribute: is for labels drawn as polygons"):
        settle_labels(find_pairs(data), shapes=ShapeValues("damage", ("gone",)))


@pytest.mark.parametrize("suffix", ["gpkg", "shp", "fgb"])
def test_polygons_are_masks_too_in_folders_and_in_tables(tmp_path: Path, suffix: str) -> None:
    clouds = shapes(images(tmp_path, "train") / "train" / "mask" / f"one.{suffix}", BOXES[:2])
    shapes(tmp_path / "train" / "label" / "one.gpkg", BOXES)
    inside = np.zeros((SIDE, SIDE), bool)
    for window in WINDOWS[:2]:
        inside[window] = True
    (tmp_path / "pairs.csv").write_text(
        f"before,after,mask_after\ntrain/A/one.tif,train/B/one.tif,{clouds.relative_to(tmp_path)}\n"
    )
    for data in (tmp_path, tmp_path / "pairs.csv"):
        ((pair,),) = find_pairs(data).values()
        assert pair.masks == (str(clouds),)
        for date in pair.open():
            np.testing.assert_array_equal(date.read()[1][0], ~inside)
