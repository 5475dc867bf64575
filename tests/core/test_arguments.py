"""Arguments of public functions are answered by their names, and what other libraries have passes."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict, Unpack

import numpy as np
import pytest

import terramamba as tm
from terramamba.core.arguments import checked
from terramamba.core.errors import InputError
from terramamba.core.files import StrPath


class Options(TypedDict, total=False):
    """Of a function that takes them as keywords."""

    tile: int
    masks: Sequence[StrPath]


@checked
def asked(
    out: StrPath,
    values: Sequence[int | str] | None = None,
    *,
    share: float | int = 0.5,
    how: Literal["bilinear", "cubic"] | None = None,
    quiet: bool = False,
    told: Callable[[int], None] | None = None,
    about: Mapping[str, int] | None = None,
    place: Any = None,
    **options: Unpack[Options],
) -> str:
    """Return the name of what is asked for."""
    return str(out)


@pytest.mark.parametrize(
    ("argument", "value", "said"),
    [
        ("out", None, "out: None is not a path"),
        ("out", 7, "out: 7 is not a path"),
        ("values", "255", "values: '255' is not a list of whole numbers or text"),
        ("values", [2.5], "values: [2.5] is not a list"),
        ("values", {"a": 1}, "values: {'a': 1} is not a list"),
        ("share", "high", "share: 'high' is not a number"),
        ("share", True, "share: True is not a number"),
        ("how", 3, "how: 3 is not text"),
        ("quiet", "no", "quiet: 'no' is not True or False"),
        ("told", "print", "told: 'print' is not a function"),
        ("about", [1], "about: [1] is not a mapping"),
        ("tile", Path("x"), "is not a whole number"),
        ("masks", 5, "masks: 5 is not a list of paths"),
    ],
)
def test_what_no_annotation_takes_is_refused_by_its_name(argument: str, value: object, said: str) -> None:
    with pytest.raises(InputError) as caught:
        asked(**{"out": "o", argument: value})
    assert said in str(caught.value)
    assert caught.value.where == argument
    assert caught.value.value == value


def test_what_is_meant_passes() -> None:
    assert (
        asked(Path("a"), [1, "b"], share=np.float32(0.2), how="cubic", told=print, about={}, place=3) == "a"
    )
    assert asked("a", (1, 2), share=1, tile=np.int64(3), masks="clouds.tif") == "a"
    assert asked("a", np.array([1, 2]), quiet=np.bool_(True), masks=["a.tif", Path("b.tif")]) == "a"


def test_names_that_are_missing_or_not_known_are_said_as_python_does() -> None:
    with pytest.raises(TypeError, match=r"asked\(\) missing 1 required positional argument: 'out'"):
        asked()
    assert list(inspect.signature(asked).parameters)[:2] == ["out", "values"]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tm.map_change(None, "a.tif", "b.tif"), "run: None is not a path or Run"),
        (lambda: tm.map_change("run", None, "b.tif"), "before: None is not a path"),
        (lambda: tm.map_change("run", "a.tif", [1, 2]), "after: [1, 2] is not a path or a list of paths"),
        (lambda: tm.map_classes("run", "a.tif", strip_rows="all"), "strip_rows: 'all' is not a whole number"),
        (lambda: tm.check_pair("a.tif", 3), "after: 3 is not a path"),
        (lambda: tm.evaluate_change_detector("run", data="d", changed_values="255"), "changed_values: '255'"),
        (lambda: tm.scene_from_array([[1]]), "array: [[1]] is not an array"),
        (lambda: tm.scene_from_array(np.zeros((1, 2, 2)), nodata="x"), "nodata: 'x' is not a number"),
        (lambda: tm.train_change_detector({}), "settings: {} is not ChangeSettings"),
        (lambda: tm.sample_points("map.tif", out=5), "out: 5 is not a path"),
        (lambda: tm.assess_map("map.tif", None), "points: None is not a path"),
        (lambda: tm.write_report([], "page.html"), "runs: none is named"),
        (lambda: tm.load_run(None), "is not a path"),
    ],
)
def test_public_functions_refuse_what_they_cannot_take(call: Callable[[], object], said: str) -> None:
    with pytest.raises(tm.InputError) as caught:
        call()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
