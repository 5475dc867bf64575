"""One vocabulary: what means the same has one name, and one type, in every public function."""

import inspect
from typing import Any

import pytest

import terramamba as tm
from terramamba.api.change_maps import ChangeMapOptions
from terramamba.api.class_maps import ClassMapOptions
from terramamba.change.settings import ChangeMapSettings
from terramamba.core.options import options_of
from terramamba.landcover.settings import ClassMapSettings

FUNCTIONS = [
    name
    for name in tm.__all__
    if inspect.isfunction(getattr(tm, name)) and name not in ("create_model", "plan_training", "resolved")
]
OTHERWISE = {"masks", "variable", "batch", "force", "verbose", "path", "callback", "random_state"}
"""Other words for what has a name here."""


def keywords(name: str) -> dict[str, inspect.Parameter]:
    found = inspect.signature(getattr(tm, name)).parameters.values()
    return {one.name: one for one in found if one.kind is one.KEYWORD_ONLY}


def test_no_function_has_another_word() -> None:
    assert {
        name: OTHERWISE & keywords(name).keys() for name in FUNCTIONS if OTHERWISE & keywords(name).keys()
    } == {}


def test_a_keyword_means_the_same_everywhere() -> None:
    kinds: dict[str, set[str]] = {}
    for name in FUNCTIONS:
        for key, parameter in keywords(name).items():
            if (name, key) == ("scene_from_array", "nodata"):
                continue  # an array has one such value, as a file declares one
            kinds.setdefault(key, set()).add(str(parameter.annotation).removesuffix(" | None"))
    assert {key: kind for key, kind in kinds.items() if len(kind) > 1} == {}


def test_what_works_long_tells_of_its_progress() -> None:
    silent = [name for name in FUNCTIONS if "on_progress" not in keywords(name)]
    assert silent == [
        "assess_map",
        "sample_points",
        "pretrained_classifier",
        "pretrained_detector",
        "untrained_detector",
        "write_report",
        "open_scene",
        "check_pair",
        "push_run",
        "pair_from_sample",
        "write_pairs",
        "list_models",
        "scene_from_array",
        "load_run",
    ]
    assert all("progress" in keywords(name) for name in FUNCTIONS if name not in silent)


@pytest.mark.parametrize(
    ("name", "settings", "typed"),
    [
        ("map_classes", ClassMapSettings, ClassMapOptions),
        ("map_change", ChangeMapSettings, ChangeMapOptions),
    ],
)
def test_keywords_of_maps_are_those_of_their_settings(name: str, settings: type, typed: Any) -> None:
    fields = {option.name: option.default for option in options_of(settings)}
    own = {"scene_variable", "axes", "bands", "on_progress", "progress"}
    given = keywords(name)
    assert given.keys() == {*fields, *own} == typed.__annotations__.keys()
    differ = {key for key in fields if (given[key].default or None) != (fields[key] or None)}
    assert differ == set()
