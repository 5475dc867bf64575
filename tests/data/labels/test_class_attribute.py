"""Which attribute says the class, and what its values become."""

from typing import Any

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.data.labels.class_attribute import find_classes

WOOD = np.array(["wood", "corn", "wood", "beet"], object)
NUMBERS = np.arange(4)
MEASURES = np.array([0.3, 1.5, 2.25, 0.1])


def test_text_is_sorted_and_coded() -> None:
    found = find_classes("f", {"cover": np.array([" wood", "corn", None, "", "beet", "wood"], object)})
    assert found.names == {1: "beet", 2: "corn", 3: "wood"}
    assert found.codes.tolist() == [3, 2, 0, 0, 1, 3]


@pytest.mark.parametrize(
    "values",
    [
        np.array([7, 2, 0, -1, 7], np.int32),
        np.array([7, 2, np.nan, -1, 7]),
        np.array(["7", "2", None, "0", " 7"], object),
    ],
)
def test_whole_numbers_are_codes(values: np.ndarray) -> None:
    found = find_classes("f", {"kind": values})
    assert found.codes.tolist() == [7, 2, 0, 0, 7]
    assert found.is_zero.sum() == (values.dtype.kind != "f")  # told from none, and from numbers below 0
    assert not found.names


@pytest.mark.parametrize(
    ("values", "codes"),
    [
        (["1", "-1", "2", " -9999 ", "1"], [1, 0, 2, 0, 1]),
        (["1", "NA", "2", "n/a", "1"], [1, 0, 2, 0, 1]),
        (["1.0", "2,0", "3.", "+1", "2"], [1, 2, 3, 1, 2]),
        (["01", "None", "", None, "0"], [1, 0, 0, 0, 0]),
    ],
)
def test_numbers_as_text_are_codes_whatever_says_that_one_is_missing(
    values: list[Any], codes: list[int]
) -> None:
    found = find_classes("f.gpkg", {"class": np.array(values, object)})
    assert found.codes.tolist() == codes
    assert not found.names


def test_numbers_below_0_and_zeros_are_counted_apart_from_what_is_missing() -> None:
    found = find_classes("f.gpkg", {"class": np.array([1, 2, -1, 0, np.nan, -9999, 1, 2])})
    assert (found.below, found.is_zero.sum(), np.count_nonzero(found.codes == 0)) == (2, 1, 4)


def test_names_that_differ_in_capitals_and_spaces_are_one_class_and_said() -> None:
    texts = [
        "Forest",
        "forest ",
        "forest ",
        "FOREST",
        " Dry  lake",
        "Dry lake",
        "Wa\u0308lder",
        "W\u00e4lder",
    ]
    found = find_classes("f", {"cover": np.array(texts, object)})
    assert found.names == {1: "Dry  lake", 2: "Wa\u0308lder", 3: "forest"}
    assert found.codes.tolist() == [3, 3, 3, 3, 1, 1, 2, 2]
    assert found.note is not None
    assert "'FOREST' and 'Forest' and 'forest ' as 'forest'" in found.note


def test_names_that_are_written_in_one_way_need_no_word() -> None:
    assert find_classes("f", {"cover": np.array(["wood", "corn", "wood"], object)}).note is None


def test_yes_and_no_are_classes() -> None:
    found = find_classes("f", {"water": np.array([True, False, True])})
    assert found.names == {1: "false", 2: "true"}
    assert found.codes.tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("others", "chosen"),
    [
        ({}, "cover"),
        ({"id": NUMBERS + 1, "area": MEASURES}, "cover"),
        ({"name": np.array(list("abcd"), object)}, "cover"),
        ({"seen": np.array(["2020-01-01"] * 4, "datetime64[D]")}, "cover"),
        ({"tags": np.array([["a"], {}, None, ["b", "c"]], object)}, "cover"),
        ({"year": np.full(4, 2020)}, "cover"),
    ],
)
def test_the_only_attribute_that_can_be_meant_is_taken(others: dict[str, Any], chosen: str) -> None:
    assert find_classes("f", {**others, "cover": WOOD}).attribute == chosen


def test_what_is_measured_of_shapes_says_no_class_unless_it_is_asked_for() -> None:
    shapes = {"id": np.arange(1, 9), "pixels": np.array([1, 1, 1, 2, 2, 3, 3, 3]), "p": np.linspace(0, 1, 8)}
    with pytest.raises(InputError, match="choose with --class-attribute"):
        find_classes("c.gpkg", shapes)
    assert find_classes("c.gpkg", shapes, "pixels").attribute == "pixels"


def test_a_number_for_each_feature_is_a_class_where_there_is_nothing_else() -> None:
    assert find_classes("f", {"kind": np.array([1, 2])}).codes.tolist() == [1, 2]
    assert find_classes("f", {"kind": np.array([1, 2]), "name": WOOD[:2]}).attribute == "name"


def test_several_or_none_are_listed() -> None:
    both = {"cover": WOOD, "owner": np.array(["x", "y", "x", "y"], object)}
    with pytest.raises(
        InputError, match=r"several attributes can say .* 'cover' \(wood, corn, beet\), 'owner'"
    ):
        find_classes("f.gpkg", both)
    assert find_classes("f.gpkg", both, "owner").attribute == "owner"
    with pytest.raises(
        InputError,
        match=r"no attribute can say .* numbers from 1, .*'area' \(0\.3, 1\.5",
    ):
        find_classes("f.gpkg", {"area": MEASURES, "id": NUMBERS})
    with pytest.raises(InputError, match=r"'area' \(0\.3, 1\.5, 2\.25, 0\.1\) says no classes"):
        find_classes("f.gpkg", {"area": MEASURES, "cover": WOOD}, "area")
    with pytest.raises(InputError, match="its shapes have no attributes"):
        find_classes("f.gpkg", {})
    many = np.array([f"n{i % 300}" for i in range(900)], object)
    with pytest.raises(InputError, match=r"n0, n1, n2, n3, n4, n5, \.\.\. 300 values"):
        find_classes("f.gpkg", {"name": many})


@pytest.mark.parametrize(
    "other",
    [
        np.array([1, 2, 1, 3]),  # seldom, but few: codes
        np.array(["x", "y", "x", "y"], object),
        np.array([1, 3, 1, 2]),
        np.array([True, False, True, True]),
    ],
)
def test_a_second_attribute_that_may_say_classes_is_asked_about(other: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"several attributes .*--class-attribute: 'kind' .*'cover'") as said:
        find_classes("f", {"id": NUMBERS + 1, "kind": other, "area": MEASURES, "cover": WOOD})
    assert "'id'" not in str(said.value)  # different for each feature
    assert "'area'" not in str(said.value)


def test_whole_measurements_are_no_classes_beside_others() -> None:
    heights = np.array([12, 15, 9, 12, 31, 14, 18, 22, 40, 17])
    cover = np.array(["wood", "corn"] * 5, object)
    assert find_classes("f", {"height": heights, "cover": cover}).attribute == "cover"


def patches(**others: Any) -> dict[str, Any]:
    """Attributes of class polygons as ``classify map --polygons`` writes them."""
    return {
        "id": np.arange(1, 5),
        "code": np.array([7, 2, 7, 9]),
        "class": np.array(["wood", "corn", "wood", "beet"], object),
        "area_m2": MEASURES,
        "pixels": np.array([9, 6, 6, 1]),
        **others,
    }


def test_polygons_of_a_map_keep_its_values_and_names() -> None:
    found = find_classes("f", patches(seen=np.array(["yes", None, None, None], object)))
    assert found.codes.tolist() == [7, 2, 7, 9]
    assert found.names == {7: "wood", 2: "corn", 9: "beet"}
    assert (found.attribute, found.by_name) == ("class", False)
    assert "its mistakes, too" in str(found.note)
    own = find_classes("f", patches(), "class")
    assert own.names == {1: "beet", 2: "corn", 3: "wood"}


@pytest.mark.parametrize(
    "edited",
    [
        {"class": np.array(["wood", "corn", "oak", "beet"], object)},
        {"class": np.array(["wood", "corn", "wood", "corn"], object)},
        {"code": np.array([7, 2, 2, 9])},
    ],
)
def test_polygons_of_a_map_whose_code_or_name_was_edited_are_asked_about(edited: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"was changed alone.*--class-attribute code or class"):
        find_classes("f", patches(**edited))


def test_what_the_map_said_of_reference_points_is_no_class() -> None:
    points = {"id": np.arange(1, 5), "stratum": np.array([1, 2, 1, 2]), "reference": np.full(4, None)}
    with pytest.raises(InputError, match=r"'reference' \(empty\) says no class"):
        find_classes("f", points, shown="stratum")
    said = {**points, "reference": np.array(["wood", "corn", "?", None], object)}
    found = find_classes("f", said)
    assert (found.attribute, found.codes.tolist()) == ("reference", [2, 1, 0, 0])
    assert find_classes("f", said, "stratum").attribute == "stratum"


@pytest.mark.parametrize(
    "aside",
    [
        ["2020-05-01", "2020-05-02", "2020-05-01"],
        ["1.5.2020", "12.5.2020", "1.5.2020"],
        ["2020/05/01 10:00", "2020/05/01 11:00", "2020/05/01 10:00"],
        ["train", "Test", "train"],
    ],
)
def test_days_and_subsets_say_no_class_beside_another_attribute(aside: list[str]) -> None:
    crops = np.array(["maize", "wheat", "maize"], object)
    found = find_classes("f.gpkg", {"aside": np.array(aside, object), "crop": crops})
    assert found.attribute == "crop"
    assert find_classes("f.gpkg", {"aside": np.array(aside, object)}).attribute == "aside"


CROPS = np.array(["corn", "wheat", "soy", "corn", "wheat", "soy", "corn", None], object)
CROP_CODES = np.array([10, 20, 30, 10, 20, 30, 10, 0])


@pytest.mark.parametrize(
    "others",
    [
        {"Classvalue": CROP_CODES, "RED": CROP_CODES, "GREEN": CROP_CODES * 0 + 5, "BLUE": CROP_CODES},
        {"crop_id": CROP_CODES.astype(str).astype(object)},
        {"fid_1": np.arange(8), "code": CROP_CODES.astype(float)},
    ],
)
def test_a_name_and_a_number_that_tell_the_same_apart_are_name_and_code(
    others: dict[str, np.ndarray],
) -> None:
    found = find_classes("f", {"Classname": CROPS, **others})
    assert (found.attribute, found.names) == ("Classname", {10: "corn", 20: "wheat", 30: "soy"})
    assert found.codes.tolist() == CROP_CODES.tolist()
    assert found.note is not None
    assert found.note.startswith("'Classname' names the classes whose codes '")


def test_of_several_numbers_that_tell_the_same_apart_none_is_the_code() -> None:
    found = find_classes(
        "f", {"crop": CROPS, "code": CROP_CODES, "map_code": CROP_CODES + 3 * (CROP_CODES > 0)}
    )
    assert found.names == {1: "corn", 2: "soy", 3: "wheat"}
    assert found.note == "'code', 'map_code' tell the same classes apart as 'crop', which names them"


@pytest.mark.parametrize(
    "other",
    [
        np.array([10, 20, 30, 10, 20, 30, 20, 0]),  # one is not the same
        np.array([10, 20, 30, 10, 20, 30, 10, 40]),  # nor what has no name
        np.array([10, 20, 20, 10, 20, 20, 10, 0]),  # two classes together
        np.array(["a", "b", "c", "a", "b", "c", "a", None], object),  # which of two names is meant?
    ],
)
def test_what_tells_others_apart_is_asked_about(other: np.ndarray) -> None:
    with pytest.raises(InputError, match="several attributes can say the class"):
        find_classes("f", {"crop": CROPS, "other": other})
