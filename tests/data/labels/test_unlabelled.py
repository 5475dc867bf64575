"""Which codes mean unlabelled: by the file, by names, by the flag; and what is asked about."""

from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.crs import CRS

from terramamba.core.errors import InputError
from terramamba.data.labels.class_table import ClassTable
from terramamba.data.labels.labels import Labels, read_label_subsets, read_labels
from terramamba.data.labels.unlabelled import CodeCounts, settle_codes
from terramamba.raster.geogrid import Grid
from terramamba.raster.output.cog import write_geotiff
from terramamba.raster.readers.open import open_scene

GRID = Grid(3, 4, CRS.from_epsg(32633), Affine(30, 0, 500000, 0, -30, 5800000))


def out(counts: dict[int, int], names: dict[int, str] | None = None, **options: object) -> list[int]:
    """The codes that mean unlabelled, of ``counts`` in a file that declares no no-data value."""
    return sorted(settle_codes("f.tif", CodeCounts(counts, names or {}), **options).codes)


def asked(found: CodeCounts, says: str, **options: object) -> None:
    with pytest.raises(InputError, match=says) as refused:
        settle_codes("f.tif", found, **options)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("uint8", 255), ("int16", -1), ("uint16", 65535), ("float32", float("nan")), ("float32", -9999)],
)
def test_0_is_a_class_where_another_value_is_declared_as_no_data(
    tmp_path: Path, dtype: str, nodata: float
) -> None:
    write_geotiff(tmp_path / "scene.tif", np.ones((5, 3, 4), np.float32), GRID)
    values = np.array([[0, 1, 1, 2], [2, 2, 0, 0], [1, 1, 0, 0]]).astype(dtype)
    values[2, 3] = nodata
    write_geotiff(tmp_path / "labels.tif", values[None], GRID, nodata=nodata)
    labels = read_labels(str(tmp_path / "labels.tif"), open_scene(tmp_path / "scene.tif"))
    assert labels.classes.codes == (0, 1, 2)
    assert np.bincount(labels.targets).tolist() == [4, 4, 3]
    assert "0 is a class (4 pixels)" in labels.notes[0]
    assert "--ignore-classes 0" in labels.notes[0]


def test_0_is_unlabelled_where_nothing_is_declared_or_0_is() -> None:
    assert out({0: 5, 1: 3, 2: 3}) == [0]
    assert out({1: 3, 2: 3}) == []


def test_a_0_that_is_by_far_the_commonest_is_asked_about() -> None:
    found = CodeCounts({0: 900, 1: 60, 2: 40}, nodata=255)
    asked(found, r"f.tif: 0 \(900 of 1,000 pixels\) is by far .*--ignore-classes 0 .*--ignore-classes none")
    assert settle_codes("f.tif", found, ignore=["0"]).codes == {0: "--ignore-classes says so"}
    assert not settle_codes("f.tif", found, ignore=["none"]).codes
    # it has a name, so it is a class
    assert not settle_codes("f.tif", CodeCounts(found.counts, {0: "Water"}, nodata=255)).codes
    # as many names as classes settle it
    assert not settle_codes("f.tif", found, named=3).codes
    assert list(settle_codes("f.tif", found, named=2).codes) == [0]
    asked(found, "by far the commonest", named=5)


@pytest.mark.parametrize("name", ["Unclassified", "unlabelled", "No Data"])
def test_names_that_mean_unlabelled_are_no_classes(name: str) -> None:
    assert list(settle_codes("f.tif", CodeCounts({0: 3, 1: 3, 2: 3}, {0: name}, nodata=255)).codes) == [0]
    assert out({1: 3, 2: 3, 7: 1}, {1: "a", 2: "b", 7: name}) == [7]
    assert out({1: 3, 2: 3, 7: 1}, {1: "a", 2: "b", 7: name}, ignore=["none"]) == []


def test_a_background_is_asked_about() -> None:
    named = {1: "wood", 2: "corn", 3: "Background"}
    asked(CodeCounts({1: 3, 2: 3, 3: 9}, named), "3 .* is called 'Background'; say --ignore-classes 3 ")
    assert out({1: 3, 2: 3, 3: 9}, named, ignore=["background"]) == [3]
    asked(CodeCounts({1: 3, 2: 3, 3: 9}, {**named, 3: "Unknown"}), "3 .* is called 'Unknown'; say --ignore")
    asked(CodeCounts({0: 3, 1: 3, 2: 3}, {0: "background"}, nodata=255), "but 255 is declared")
    asked(CodeCounts({0: 3, 1: 3, 2: 3}, {0: "Water", 1: "wood"}), "'Water', but no value is declared")


@pytest.mark.parametrize(
    "codes",
    [(1, 2, 3, 255), (*range(1, 10), 99), (1, 2, 65535), (1, 2, 3, 4, 5, 80), (111, 112, 121, 211, 311, 999)],
)
def test_a_code_far_above_the_others_is_asked_about(codes: tuple[int, ...]) -> None:
    counts = {0: 50} | dict.fromkeys(codes, 10)
    odd = codes[-1]
    asked(
        CodeCounts(counts), f"--ignore-classes {odd} where it is unl.*--ignore-classes 0 where it is a class"
    )
    assert out(counts, ignore=[str(odd)]) == [0, odd]
    assert out(counts, ignore=["0"]) == [0]
    assert out(counts, ignore=["none", str(odd)]) == [odd]
    assert out(counts, {odd: "cloud"}) == [0]
    assert out(counts, named=len(codes)) == [0]
    assert out(counts, named=len(codes) - 1) == [0, odd]
    del counts[0]
    asked(CodeCounts(counts), "--ignore-classes none where it is a class")


@pytest.mark.parametrize(
    "codes", [(2, 7, 9), (10, 20, 30, 95, 100), (111, 112, 211, 523), (*range(1, 100),), (255,), (1, 10)]
)
def test_codes_in_a_row_of_any_step_are_not(codes: tuple[int, ...]) -> None:
    assert out(dict.fromkeys(codes, 10)) == []


def test_the_classes_of_a_run_settle_what_its_labels_leave_open() -> None:
    run = ClassTable((1, 2, 3), ("a", "b", "c"), (None,) * 3)
    assert out({0: 9, 1: 3, 2: 3, 255: 1}, known=run) == [0]  # 255 is not scored, and that is said
    from_0 = ClassTable((0, 1, 2), ("a", "b", "c"), (None,) * 3)
    asked(
        CodeCounts({0: 3, 1: 3, 2: 3}), "is a class of the run, but here no value is declared", known=from_0
    )


def drawn(folder: Path, values: list[int], name: str = "labels.tif", **options: object) -> str:
    image = np.resize(np.array(values, np.uint8), (3, 4))
    write_geotiff(folder / name, image[None], GRID, overwrite=True, **options)
    return str(folder / name)


def read(folder: Path, values: list[int], ignore: list[str] | None = None, **options: object) -> Labels:
    if not (folder / "scene.tif").exists():
        write_geotiff(folder / "scene.tif", np.ones((5, 3, 4), np.float32), GRID)
    return read_labels(drawn(folder, values, **options), open_scene(folder / "scene.tif"), ignore=ignore)


def test_classes_are_left_out_by_name_or_code_and_what_is_not_there_is_refused(tmp_path: Path) -> None:
    names = {1: "wood", 2: "corn", 3: "Clouds"}
    assert read(tmp_path, [1, 2, 3], ["clouds"], class_names=names).classes.names == ("wood", "corn")
    labels = read(tmp_path, [0, 1, 2, 3], ["3"], class_names=names)
    assert labels.classes.names == ("wood", "corn")
    assert labels.unlabelled == (
        "0 (3 pixels): no other value is declared as no data",
        "3 (3 pixels): --ignore-classes says so",
    )
    with pytest.raises(InputError, match=r"--ignore-classes snow: .* no such class; it has .*Clouds"):
        read(tmp_path, [1, 2, 3], ["snow"], class_names=names)
    with pytest.raises(InputError, match=r"--ignore-classes 9: .* has no such code; it has 1, 2, 3"):
        read(tmp_path, [1, 2, 3], ["9"])
    assert read(tmp_path, [0, 1, 2], ["none"]).classes.codes == (0, 1, 2)


def test_subsets_that_call_their_codes_differently_are_matched_by_name(tmp_path: Path) -> None:
    write_geotiff(tmp_path / "scene.tif", np.ones((5, 3, 4), np.float32), GRID)
    scene = open_scene(tmp_path / "scene.tif")
    first = drawn(tmp_path, [1, 2, 0, 0], "first.tif", class_names={1: "wood", 2: "corn"})
    second = drawn(tmp_path, [0, 0, 1, 2], "second.tif", class_names={1: "corn", 2: "wood"})
    labels, marked = read_label_subsets({"train": first, "test": second}, scene)
    found = np.array(labels.classes.names)[labels.targets]
    assert found[marked["test"]].tolist() == ["corn", "wood"] * 3
    nameless = drawn(tmp_path, [0, 0, 0, 3], "third.tif")
    with pytest.raises(InputError, match=r"third.tif: its classes have no names \(codes 3\)"):
        read_label_subsets({"train": first, "val": nameless, "test": second}, scene)


def test_what_a_mask_leaves_out_is_neither_0_nor_a_class(tmp_path: Path) -> None:
    values = np.resize(np.array([1, 2, 7], np.uint8), (3, 4))
    profile = {"crs": GRID.crs, "transform": GRID.transform, "height": 3, "width": 4, "count": 1}
    with rasterio.open(tmp_path / "labels.tif", "w", driver="GTiff", dtype="uint8", **profile) as file:
        file.write(values, 1)
        file.write_mask(values != 7)
    write_geotiff(tmp_path / "scene.tif", np.ones((5, 3, 4), np.float32), GRID)
    labels = read_labels(str(tmp_path / "labels.tif"), open_scene(tmp_path / "scene.tif"))
    assert labels.classes.codes == (1, 2)
    # a 0 that the mask does not leave out may be a class, as beside a declared value
    with rasterio.open(tmp_path / "labels.tif", "r+") as file:
        file.write(np.where(values == 2, 0, values), 1)
    scene = open_scene(tmp_path / "scene.tif")
    with pytest.raises(InputError, match=r"labels\.tif: 0 \(4 of 8 pixels\) is there beside others"):
        read_labels(str(tmp_path / "labels.tif"), scene)
    labels = read_labels(str(tmp_path / "labels.tif"), scene, ignore=["none"])
    assert labels.classes.codes == (0, 1)
