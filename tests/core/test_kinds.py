"""Whether a value is of a kind: the same answer for flags, YAML, Python and cards."""

from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest

from terramamba.core.errors import InputError
from terramamba.core.kinds import of_kind

TAKEN = [
    (3, int, 3),
    (np.int64(3), int, 3),
    (3, float, 3.0),
    (np.float32(0.5), float, 0.5),
    ("1e-3", float, 1e-3),
    (None, float | None, None),
    ("a.tif", str, "a.tif"),
    (Path("a.tif"), str | None, "a.tif"),
    (32, Literal["32", "bf16"], "32"),
    (("a", Path("b")), list[str], ["a", "b"]),
    ({"depth": 2}, dict[str, Any], {"depth": 2}),
    (True, bool, True),
    ("anything", Any, "anything"),
]


@pytest.mark.parametrize(("value", "hint", "found"), TAKEN)
def test_what_means_the_same_becomes_the_same(value: object, hint: Any, found: object) -> None:
    read = of_kind(value, hint, "--x")
    assert read == found
    assert type(read) is type(found)


REFUSED = [
    ("many", int, "--x: 'many' is not a whole number"),
    (3.0, int, "--x: 3.0 is not a whole number"),
    (True, int, "--x: True is not a whole number"),
    (True, float, "--x: True is not a number"),
    ("big", float | None, "--x: 'big' is not a number"),
    (1, bool, "--x: 1 is not yes or no"),
    (3, str, "--x: 3 is not a text"),
    ("sgd", Literal["adam", "adamw"], "--x: 'sgd' is not one of adam, adamw"),
    ("a.tif", list[str], "--x: 'a.tif' is not a list, such as a,b"),
    ([1], list[str], "--x: 1 is not a text"),
    (["depth"], dict[str, Any], "--x: ['depth'] is not a table of key: value"),
    (None, int, "--x: None is not a whole number"),
]


@pytest.mark.parametrize(("value", "hint", "message"), REFUSED)
def test_what_is_of_another_kind_is_refused_in_words(value: object, hint: Any, message: str) -> None:
    with pytest.raises(InputError) as refused:
        of_kind(value, hint, "--x")
    assert str(refused.value) == message
