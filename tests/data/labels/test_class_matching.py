"""Classes of other labels among those of a run: by name, by code, or asked about."""

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.data.labels.class_matching import known_targets
from terramamba.data.labels.class_table import UNLABELLED, ClassTable
from terramamba.data.labels.labels import Labels
from terramamba.data.pixel_list import PixelList


def table(names: dict[int, str]) -> ClassTable:
    return ClassTable(tuple(names), tuple(names.values()), (None,) * len(names))


def nameless(*codes: int) -> dict[int, str]:
    return {code: f"class {code}" for code in codes}


RUN = table({1: "wood", 2: "corn", 5: "lake"})


def matched(
    names: dict[int, str], run: ClassTable = RUN, by_name: bool = False
) -> tuple[list[int], list[str]]:
    """The target of one pixel of each class, and the notes."""
    every = np.arange(len(names))
    labels = Labels(PixelList((1, len(names)), every), every.astype(np.int16), table(names), by_name)
    targets, notes = known_targets("labels.tif", labels, run)
    return targets.tolist(), notes


def test_the_same_names_and_codes_match_without_a_word() -> None:
    assert matched({1: "wood", 2: "Corn", 5: "lake"}) == ([0, 1, 2], [])
    assert matched({1: "wood", 2: "corn"}, table(nameless(1, 2))) == ([0, 1], [])
    assert matched(nameless(1, 2), table(nameless(1, 2))) == ([0, 1], [])


def test_codes_that_are_taken_for_classes_with_names_are_said() -> None:
    targets, notes = matched(nameless(1, 5))
    assert targets == [0, 2]
    said = "labels.tif: names no classes; its codes are taken for those of the run: 1 is wood, 5 is lake"
    assert notes == [said]
    assert matched(nameless(1, 9))[1][0] == said.removesuffix(", 5 is lake")


def test_names_of_other_codes_match_by_name_and_that_is_said() -> None:
    targets, notes = matched({1: "corn", 2: "wood", 7: "lake"})
    assert targets == [1, 0, 2]
    assert notes == [
        "labels.tif: classes are matched by name, not by code: corn (1 here, 2 in the run), "
        "wood (2 here, 1 in the run), lake (7 here, 5 in the run)"
    ]


def test_a_code_that_the_run_calls_differently_is_refused() -> None:
    with pytest.raises(InputError, match=r"code 5 is 'road' here, but 'lake' in the run.*--ignore-classes 5"):
        matched({1: "wood", 2: "corn", 5: "road"})
    with pytest.raises(InputError, match=r"codes 1 \(corn\) and 2 \(class 2\) are both 'corn' of the run"):
        matched({1: "corn", 2: "class 2"})


def test_unknown_classes_are_said() -> None:
    assert matched({1: "wood", 7: "road", 9: "class 9"}) == (
        [0, UNLABELLED, UNLABELLED],
        ["not scored, the model does not know these codes: 7 (road), 9"],
    )
    assert matched({1: "lake", 2: "road"}, by_name=True) == (
        [2, UNLABELLED],
        ["not scored, the model does not know these names: road"],
    )


@pytest.mark.parametrize(
    ("here", "there", "flag"), [((0, 1, 2), (1, 2, 3), 0), ((1, 2, 3), (0, 1, 2), 3), ((0, 1), (1, 2), 0)]
)
def test_codes_counted_from_another_number_are_refused(
    here: tuple[int, ...], there: tuple[int, ...], flag: int
) -> None:
    with pytest.raises(InputError, match=f"numbered from {here[0]}, those of the run from.*-classes {flag}"):
        matched(nameless(*here), table(nameless(*there)))
    called = {code: f"kind {code}" for code in here}
    assert matched(called, table({**called, 9: "kind 9"})) == (list(range(len(here))), [])
