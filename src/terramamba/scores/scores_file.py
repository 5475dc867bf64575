"""What may stand in the scores of a run's file: numbers in the places where numbers are read."""

from collections.abc import Mapping
from math import isfinite
from typing import Any

from terramamba.core.typed import FieldError

NAMED = ("worst_class", "calibration")
"""Groups of scores; one of them may say the name of a class."""


def require_scores(found: Mapping[str, Any], place: str) -> None:
    """Check the scores of a subset of the data, as training or scoring wrote them at ``place`` of a file.

    Raises:
        FieldError: a value is of another kind than who reads it takes it for.
    """
    for name, value in found.items():
        field = f"{place}.{name}"
        if name == "per_class":
            for number, row in enumerate(_list(value, field)):
                _row(row, f"{field}.{number}")
                if not isinstance(row.get("name"), str) or not isinstance(row.get("pixels"), int):
                    raise FieldError(f"{field}.{number}", row, "a class with its name and pixels")
        elif name in NAMED:
            if value is not None:
                _row(value, field)
                if name == "worst_class" and not isinstance(value.get("name"), str):
                    raise FieldError(f"{field}.name", value.get("name"), "text")
        elif name == "absent":
            if not all(isinstance(one, str) for one in _list(value, field)):
                raise FieldError(field, value, "names of classes")
        elif isinstance(value, list):
            _numbers(value, field)
        else:
            _score(value, field)


def _row(row: Any, field: str) -> None:
    if not isinstance(row, Mapping):
        raise FieldError(field, row, "scores by name")
    for name, value in row.items():
        if name != "name" or not isinstance(value, str):
            _score(value, f"{field}.{name}")


def _score(value: Any, field: str) -> None:
    """A number, none, or its mean and deviation over seeds."""
    if isinstance(value, Mapping):
        if set(value) != {"mean", "std"}:
            raise FieldError(field, value, "a mean and a std")
        _numbers(list(value.values()), field)
    elif value is not None and not _is_number(value):
        raise FieldError(field, value, "a number")


def _numbers(values: list[Any], field: str) -> None:
    for value in values:
        if isinstance(value, list):
            _numbers(value, field)
        elif value is not None and not _is_number(value):
            raise FieldError(field, value, "a number")


def _list(value: Any, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise FieldError(field, value, "a list")
    return value


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and abs(value) < 1e300 and isfinite(value)
