"""Is a value of the kind that an annotation names? One answer for flags, YAML files, Python and cards."""

from collections.abc import Mapping, Sequence
from numbers import Integral, Real
from os import PathLike, fspath
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from terramamba.core.errors import InputError

WORDS: Mapping[Any, str] = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "yes or no",
    list: "a list, such as a,b",
    dict: "a table of key: value",
}


def of_kind(value: Any, hint: Any, what: str) -> Any:
    """``value`` as ``hint`` has it: numbers of NumPy, paths and tuples become those of Python and YAML.

    A text that spells a number is one, because YAML takes 1e-3 for a text; yes and no are no numbers.
    ``hint`` is bool, int, float, str, Literal, list or dict of these, any of them or None, or Any.

    Raises:
        InputError: a value of another kind; the message calls it ``what``.
    """
    if NoneType in get_args(hint):
        return None if value is None else of_kind(value, without_none(hint), what)
    kind = get_origin(hint) or hint
    found = _READ[kind](value, hint, what) if kind in _READ else value
    if found is None and hint is not Any:
        raise InputError(f"{what}: {value!r} is not {in_words(hint)}")
    return found


def without_none(hint: Any) -> Any:
    """``int`` for ``int | None``."""
    kinds = [kind for kind in get_args(hint) if kind is not NoneType]
    return kinds[0] if NoneType in get_args(hint) else hint


def in_words(hint: Any) -> str:
    """What a value must be, such as "a whole number" or "one of adam, adamw"."""
    kind = without_none(hint)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    return WORDS.get(get_origin(kind) or kind, f"of the kind {kind}")


def _truth(value: Any, hint: Any, what: str) -> bool | None:
    return value if isinstance(value, bool) else None


def _whole(value: Any, hint: Any, what: str) -> int | None:
    return None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)


def _number(value: Any, hint: Any, what: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, Real | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _text(value: Any, hint: Any, what: str) -> str | None:
    return str(fspath(value)) if isinstance(value, str | PathLike) else None


def _choice(value: Any, hint: Any, what: str) -> Any:
    return {str(choice): choice for choice in get_args(hint)}.get(str(value))


def _list(value: Any, hint: Any, what: str) -> list[Any] | None:
    if isinstance(value, str) or not isinstance(value, Sequence):
        return None
    (entries,) = get_args(hint) or (Any,)
    return [of_kind(entry, entries, what) for entry in value]


def _table(value: Any, hint: Any, what: str) -> dict[Any, Any] | None:
    return dict(value) if isinstance(value, Mapping) else None


_READ = {
    bool: _truth,
    int: _whole,
    float: _number,
    str: _text,
    Literal: _choice,
    list: _list,
    dict: _table,
}
