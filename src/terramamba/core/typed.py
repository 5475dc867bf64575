"""Typed records out of what a file holds: every value is checked against its field's type and bounds.

A record is a frozen dataclass. Bounds stand in the annotation, with the words that a wrong value is answered
with; rules between fields go into ``__post_init__``:

>>> Fraction = Annotated[float, Bound("a fraction from 0 to 1", lambda value: 0 <= value <= 1)]
>>> @dataclass(frozen=True)
... class Score:
...     name: str
...     recall: Fraction | None = None
>>> typed(Score, {"name": "water", "recall": 1})
Score(name='water', recall=1.0)
>>> typed(Score, {"name": "water", "recall": 3})
Traceback (most recent call last):
terramamba.core.typed.FieldError: recall is 3, not a fraction from 0 to 1

JSON has lists for tuples and text for the keys of a mapping: both become what the annotation says.
"""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from math import isfinite
from reprlib import Repr
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")

SHOWN = Repr()
SHOWN.maxstring = SHOWN.maxother = 60
SHOWN.maxlevel = 2


class FieldError(ValueError):
    """A value that its field cannot have; ``field`` is where it stands, such as ``patches.size``."""

    def __init__(self, field: str, value: object, wanted: str) -> None:
        said = "missing" if value is MISSING else f"{SHOWN.repr(value)}, not {wanted}"
        super().__init__(f"{field} is {said}")
        self.field, self.value, self.wanted = field, value, wanted

    def within(self, outer: str) -> "FieldError":
        """Return the same error, its path told from one level further out."""
        return FieldError(_join(outer, self.field), self.value, self.wanted)


@dataclass(frozen=True)
class Bound:
    """What a value must be, in words that follow "not", and the test of it."""

    words: str
    holds: Callable[[Any], bool]


def between(low: float, high: float) -> Bound:
    """Bound numbers from ``low`` to ``high``, both included; NaN is none of them."""
    return Bound(f"a number from {low:,} to {high:,}", lambda value: low <= value <= high)


Finite = Annotated[float, Bound("a finite number", isfinite)]
Fraction = Annotated[float, between(0, 1)]
Text = Annotated[str, Bound("text of at most 100,000 letters", lambda text: len(text) <= 100_000)]


def typed(kind: type[T], value: object) -> T:
    """Read ``value``, as JSON or YAML holds it, as a ``kind``.

    Fields that ``kind`` does not have are passed over, as a later program may write more.

    Raises:
        FieldError: naming the field, the value and what it should be.
    """
    return cast(T, _typed(kind, value, ""))


def of_kind(hint: Any, value: object) -> Any:
    """Return ``value`` as the annotation ``hint`` has it; raises ``FieldError``."""
    return _typed(hint, value, "")


def typed_row(kind: type[T], row: Mapping[str, str]) -> T:
    """Read a row of a CSV table as a ``kind``: an empty cell is None, 1 and 0 are true and false.

    Raises:
        FieldError: as ``typed``, or a cell is no number where one should be.
    """
    return typed(
        kind,
        {
            name: _cell(hint, row[name], name)
            for name, (hint, _) in _fields(cast(Any, kind)).items()
            if name in row
        },
    )


def _cell(hint: Any, text: str, field: str) -> Any:
    kinds = _kinds(hint)
    if text == "" and NoneType in kinds:
        return None
    for kind, read in ((bool, {"1": True, "0": False}.__getitem__), (int, int), (float, float)):
        if kind in kinds:
            try:
                return read(text)
            except (KeyError, ValueError) as error:
                raise FieldError(field, text, WORDS[kind]) from error
    return text


@cache
def _kinds(hint: Any) -> set[Any]:
    """The types that an annotation allows, without bounds."""
    if get_origin(hint) is Annotated:
        return _kinds(get_args(hint)[0])
    if get_origin(hint) in (Union, UnionType):
        return set().union(*map(_kinds, get_args(hint)))
    return {hint}


def _typed(kind: Any, value: Any, field: str) -> Any:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        found = _typed(args[0], value, field)
        for bound in args[1:]:
            if isinstance(bound, Bound) and not bound.holds(found):
                raise FieldError(field, value, bound.words)
        return found
    if origin in (Union, UnionType):
        return None if value is None and NoneType in args else _any_of(args, value, field)
    if origin is Literal:
        if value not in args:
            raise FieldError(field, value, f"one of {', '.join(map(str, args))}")
        return value
    if origin is tuple:
        return _tuple(args, value, field)
    if origin is list:
        return list(_tuple((*args, Ellipsis), value, field))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise FieldError(field, value, "names with values")
        return {
            _key(args[0], key, _join(field, str(key))): _typed(args[1], entry, _join(field, str(key)))
            for key, entry in value.items()
        }
    if is_dataclass(kind):
        return _record(cast(type, kind), value, field)
    return _scalar(kind, value, field)


def _any_of(kinds: tuple[Any, ...], value: Any, field: str) -> Any:
    """``value`` as the first of ``kinds`` that it is; else what the first of them says against it."""
    refused: FieldError | None = None
    for kind in kinds:
        if kind is not NoneType:
            try:
                return _typed(kind, value, field)
            except FieldError as error:
                refused = refused or error
    assert refused is not None  # a union has kinds
    raise refused


def _tuple(kinds: tuple[Any, ...], value: Any, field: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise FieldError(field, value, "a list")
    if kinds[-1] is Ellipsis:
        kinds = kinds[:1] * len(value)
    if len(value) != len(kinds):
        raise FieldError(field, value, f"a list of {len(kinds)}")
    return tuple(
        _typed(kind, entry, _join(field, str(index)))
        for index, (kind, entry) in enumerate(zip(kinds, value, strict=True))
    )


def _record(kind: type, value: Any, field: str) -> Any:
    if not isinstance(value, Mapping):
        raise FieldError(field or kind.__name__, value, "names with values")
    found = {}
    for name, (hint, required) in _fields(kind).items():
        if name in value:
            found[name] = _typed(hint, value[name], _join(field, name))
        elif required:
            raise FieldError(_join(field, name), MISSING, "missing")
    try:
        return kind(**found)
    except FieldError as error:
        raise error.within(field) from error


def _scalar(kind: Any, value: Any, field: str) -> Any:
    if kind is Any:
        return value
    of_kind = isinstance(value, int | float if kind is float else kind)
    if not of_kind or (isinstance(value, bool) and kind is not bool):
        raise FieldError(field, value, WORDS[kind])
    try:
        return float(value) if kind is float else value
    except OverflowError as error:
        raise FieldError(field, value, WORDS[kind]) from error


WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}


def _key(kind: Any, key: Any, field: str) -> Any:
    """JSON has numbers as text where they are keys."""
    number = kind is not str and str(key).isdecimal() and len(str(key)) < 19
    return _typed(kind, int(key) if number else key, field)


@cache
def _fields(kind: type) -> dict[str, tuple[Any, bool]]:
    """Of each field of a dataclass its annotation with bounds, and whether it must be given."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        field.name: (hints[field.name], field.default is MISSING and field.default_factory is MISSING)
        for field in fields(cast(Any, kind))
        if field.init
    }


def _join(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if outer and inner else outer or inner
