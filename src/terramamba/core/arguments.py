"""Arguments of public functions, checked against what they are annotated with, before anything is done.

Names that a function does not know, or lacks, are a TypeError of Python's own. A value that no annotation
takes would be one from somewhere inside; it becomes an InputError that names the argument:

>>> @checked
... def drawn(out: str, per_class: int = 50) -> int:
...     return per_class
>>> drawn("points.gpkg", "many")
Traceback (most recent call last):
terramamba.core.errors.InputError: per_class: 'many' is not a whole number

Only what is certainly wrong is refused: arrays, tables and objects of other libraries pass.
"""

import inspect
import os
import types
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from numbers import Integral, Real
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    TypeVar,
    Union,
    Unpack,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from terramamba.core.errors import InputError
from terramamba.core.typed import SHOWN

P = ParamSpec("P")
R = TypeVar("R")

PLAIN = (types.NoneType, bool, int, float, complex, str, bytes, list, tuple, dict, set, os.PathLike)
"""Types of which it is known what they are; all others pass, but for this package's own classes."""
NUMBERS: Mapping[Any, tuple[type, str]] = {int: (Integral, "a whole number"), float: (Real, "a number")}


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Have ``function`` answer arguments that its annotations do not take with an ``InputError``."""
    signature = inspect.signature(function)

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            given = signature.bind(*args, **kwargs)
        except TypeError:
            return function(*args, **kwargs)  # which says it with its name
        for name, value in given.arguments.items():
            parameter = signature.parameters[name]
            if parameter.kind is parameter.VAR_KEYWORD:
                wanted = _of_options(parameter.annotation)
                for option, own in value.items():
                    _require(option, own, wanted.get(option, Any))
            elif value is not parameter.default:
                _require(name, value, parameter.annotation)
        return function(*args, **kwargs)

    return call


def _of_options(annotation: Any) -> Mapping[str, Any]:
    """The annotations of keywords that a TypedDict lists."""
    (options,) = get_args(annotation) if get_origin(annotation) is Unpack else (None,)
    return get_type_hints(options, include_extras=True) if is_typeddict(options) else {}


def _require(name: str, value: object, annotation: Any) -> None:
    if not _takes(annotation, value):
        said = f"{name}: {SHOWN.repr(value)} is not {' or '.join(dict.fromkeys(_words(annotation)))}"
        raise InputError(said, value=value)


def _alternatives(annotation: Any) -> list[Any]:
    """The members of a union, however deep it is."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _alternatives(get_args(annotation)[0])
    if isinstance(annotation, TypeVar):
        return _alternatives(annotation.__bound__ or Any)
    if origin in (Union, types.UnionType):
        return [one for member in get_args(annotation) for one in _alternatives(member)]
    return [annotation]


def _takes(annotation: Any, value: object) -> bool:
    """Tell whether a value may be one of ``annotation``."""
    if not isinstance(value, PLAIN) and not type(value).__module__.startswith("terramamba."):
        return True
    return any(_is_one(one, value) for one in _alternatives(annotation))


def _is_one(wanted: Any, value: object) -> bool:
    origin = get_origin(wanted) or wanted
    if wanted in NUMBERS:
        return isinstance(value, NUMBERS[wanted][0]) and not isinstance(value, bool)
    if origin is Literal:
        return any(isinstance(value, type(choice)) for choice in get_args(wanted))
    if wanted is None or wanted is types.NoneType:
        return value is None
    if origin is Callable:
        return callable(value)
    if origin in (Sequence, Iterable, list, tuple):
        return _is_list(get_args(wanted), value)
    if not isinstance(origin, type) or origin in (Any, object) or is_typeddict(origin):
        return True  # or what is told in text alone
    if getattr(origin, "_is_protocol", False) or origin.__module__.startswith("jaxtyping"):
        return False  # of another library, and passed above
    return isinstance(value, origin)


def _is_list(elements: tuple[Any, ...], value: object) -> bool:
    """Tell whether it is a list of ``elements``; text is one of paths alone, of which it then is the only."""
    element = elements[0] if elements else Any
    if isinstance(value, str):
        return any(_is_path(one) for one in _alternatives(element))
    if not isinstance(value, Iterable) or isinstance(value, bytes | Mapping):
        return False
    return not isinstance(value, list | tuple) or all(_takes(element, one) for one in value)


def _is_path(annotation: Any) -> bool:
    kind = get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, os.PathLike)


def _words(annotation: Any) -> list[str]:
    """Say what is wanted, in words that follow "is not"."""
    wanted = _alternatives(annotation)
    paths = any(_is_path(one) for one in wanted)
    found = ["a path"] if paths else []
    for one in wanted:
        origin = get_origin(one) or one
        if one in NUMBERS:
            found += [] if one is int and float in wanted else [NUMBERS[one][1]]
        elif one is bool:
            found.append("True or False")
        elif one is str or origin is Literal:
            found += [] if paths else ["text"]
        elif origin in (Sequence, Iterable, list, tuple):
            found.append(f"a list of {' or '.join(_many(word) for word in _words(get_args(one)[0]))}")
        elif origin is Mapping:
            found.append("a mapping")
        elif origin is Callable:
            found.append("a function")
        elif getattr(origin, "__module__", "").startswith("jaxtyping"):
            found.append("an array")
        elif isinstance(origin, type) and not _is_path(one) and origin is not types.NoneType:
            found.append(origin.__name__)
    return found


def _many(word: str) -> str:
    return f"{word.removeprefix('a ')}s" if word.startswith("a ") else word
