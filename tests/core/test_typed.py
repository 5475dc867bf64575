"""What a file holds becomes a typed record, or is refused with field, value and what it should be."""

import doctest
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from terramamba.core import typed as typed_module
from terramamba.core.typed import Bound, FieldError, Finite, between, typed, typed_row

Odd = Annotated[int, Bound("an odd number", lambda number: number % 2 == 1)]


@dataclass(frozen=True)
class Inner:
    side: Odd
    kind: Literal["a", "b"] = "a"


@dataclass(frozen=True)
class Outer:
    name: str
    shares: tuple[Annotated[float, between(0, 1)], ...]
    pair: tuple[int, bool] | None = None
    by_number: Mapping[Annotated[int, between(1, 9)], Inner] | None = None
    options: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if len(self.shares) > 3:
            raise FieldError("shares", self.shares, "three at most")


def test_lists_become_tuples_and_keys_become_numbers() -> None:
    found = typed(
        Outer,
        {"name": "x", "shares": [0, 0.5], "pair": [3, True], "by_number": {"2": {"side": 5}}, "later": 1},
    )
    assert found == Outer("x", (0.0, 0.5), (3, True), {2: Inner(5)})
    assert type(found.shares[0]) is float


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": 3}, "name is 3, not text"),
        ({"name": None}, "name is None, not text"),
        ({"shares": 0.5}, "shares is 0.5, not a list"),
        ({"shares": [0.5, 2]}, "shares.1 is 2, not a number from 0 to 1"),
        ({"shares": [float("nan")]}, "shares.0 is nan, not a number from 0 to 1"),
        ({"shares": [10**400]}, "shares.0 is 1000"),
        ({"shares": ["0.5"]}, "shares.0 is '0.5', not a number"),
        ({"shares": [0.1] * 4}, "not three at most"),
        ({"pair": [1]}, "pair is [1], not a list of 2"),
        ({"pair": [True, True]}, "pair.0 is True, not a whole number"),
        ({"pair": [1, 1]}, "pair.1 is 1, not true or false"),
        ({"by_number": {"two": {"side": 5}}}, "by_number.two is 'two', not a whole number"),
        ({"by_number": {"10": {"side": 5}}}, "by_number.10 is 10, not a number from 1 to 9"),
        ({"by_number": {"2": {"side": 4}}}, "by_number.2.side is 4, not an odd number"),
        ({"by_number": {"2": {}}}, "by_number.2.side is missing"),
        ({"by_number": {"2": {"side": 5, "kind": "c"}}}, "by_number.2.kind is 'c', not one of a, b"),
        ({"by_number": {"2": []}}, "by_number.2 is [], not names with values"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        typed(Outer, {"name": "x", "shares": [], **changes})
    assert message in str(caught.value)
    assert len(str(caught.value)) < 250


@dataclass(frozen=True)
class Row:
    part: str
    samples: int
    share: Finite | None
    chosen: bool


def test_a_row_of_a_table_is_read_by_its_types() -> None:
    row = {"part": "12", "samples": "3", "share": "", "chosen": "1", "more": "x"}
    assert typed_row(Row, row) == Row("12", 3, None, True)
    assert typed_row(Row, {**row, "share": "0.25", "chosen": "0"}) == Row("12", 3, 0.25, False)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"samples": "3.5"}, "samples is '3.5', not a whole number"),
        ({"samples": ""}, "samples is '', not a whole number"),
        ({"share": "half"}, "share is 'half', not a number"),
        ({"share": "inf"}, "share is inf, not a finite number"),
        ({"chosen": "yes"}, "chosen is 'yes', not true or false"),
    ],
)
def test_a_cell_that_is_no_such_value_is_named(changes: dict[str, str], message: str) -> None:
    with pytest.raises(FieldError) as caught:
        typed_row(Row, {"part": "a", "samples": "3", "share": "1", "chosen": "1", **changes})
    assert str(caught.value) == message


def test_the_example_in_the_docstring_is_true() -> None:
    assert doctest.testmod(typed_module) == (0, 4)
