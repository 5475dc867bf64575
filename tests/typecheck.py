"""The run-time type checker of the tests: beartype, ints passing for floats (PEP 484), traced sizes for ints.

Functions that name shapes of arrays are checked by jaxtyping with beartype, which bind the letters of the
shapes anew in each call; that takes ten times as long as beartype alone, which checks all others. So what
passed once is not checked again: whether arrays fit follows from their types and shapes. Beartype makes
its check of a function when that is first called: for all of them, most of which a process of tests never
calls, it takes longer than to import them.
"""

import functools
import inspect
import threading
import types
from collections.abc import Callable
from typing import Any, get_type_hints

import jaxtyping
import numpy as np
import torch
from beartype import BeartypeConf, FrozenDict, beartype

_TOWER = {int: int | torch.SymInt, float: float | int}
_checked = beartype(conf=BeartypeConf(hint_overrides=FrozenDict(_TOWER)))
_with_shapes = jaxtyping.jaxtyped

FEW = 16
"""Entries of a tuple or list whose kinds are remembered."""
BY_VALUE = ("Literal[", "Annotated[", "{")
"""What annotations have that say more of a value than its type."""


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Check ``function`` by beartype, from its first call on by the code that beartype makes for it."""

    def call(*args: Any, _first: Callable[..., Any], **options: Any) -> Any:
        return _first(args, options)

    def first(args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        checked = _checked(_resolved(function))
        if checked.__code__.co_filename.startswith("<@beartype"):  # not so where there is nothing to check
            call.__code__, call.__kwdefaults__ = checked.__code__, checked.__kwdefaults__
        else:
            call.__kwdefaults__ = {"_first": lambda args, options: checked(*args, **options)}
        return checked(*args, **options)

    call.__kwdefaults__ = {"_first": first}
    return call


def jaxtyped(function: Any = None, *, typechecker: Callable[..., Any]) -> Any:
    """Stand in for jaxtyping's decorator, which its import hook puts on all functions and classes."""
    if function is None:
        return functools.partial(jaxtyped, typechecker=typechecker)
    if inspect.isclass(function):
        init = vars(function).get("__init__")
        if isinstance(init, types.FunctionType) and "__dataclass_fields__" in vars(function):
            function.__init__ = jaxtyped(init, typechecker=typechecker)
        return function
    if not isinstance(function, types.FunctionType):
        return _with_shapes(function, typechecker=typechecker)
    hints = function.__annotations__.values()
    words = " ".join(map(repr, hints))
    if "jaxtyping." not in words:
        return functools.wraps(function)(check(function))
    if any(isinstance(hint, str) for hint in hints) or any(word in words for word in BY_VALUE):
        return _with_shapes(function, typechecker=typechecker)
    return _remembering(function, typechecker)


class _UnknownKindError(Exception):
    """More than the types and shapes of values decides whether they fit."""


def _kind(value: Any) -> Any:
    """What decides whether ``value`` fits an annotation, to be compared."""
    kind = type(value)
    if kind is np.ndarray or isinstance(value, torch.Tensor):
        return kind, value.dtype, value.shape
    if issubclass(kind, np.generic):
        return kind
    if kind is tuple or kind is list:
        if len(value) > FEW:
            raise _UnknownKindError
        return kind, *map(_kind, value)
    if isinstance(value, type):
        return value
    if kind is not str and hasattr(kind, "__getitem__"):
        raise _UnknownKindError
    return kind


def _kinds(*values: Any) -> Any:
    """The kinds of ``values``; None where they are not known."""
    try:
        kinds = (*map(_kind, values),)
        hash(kinds)  # traced sizes have none
    except (_UnknownKindError, TypeError):
        return None
    return kinds


def _remembering(function: types.FunctionType, typechecker: Callable[..., Any]) -> Any:
    """Check a call as jaxtyping does, unless arguments and a result of these kinds have passed."""
    passed: dict[Any, set[Any]] = {}
    made = threading.local()

    @functools.wraps(function)
    def given(*args: Any, **options: Any) -> Any:
        return made.result

    @functools.cache
    def checked(one: Callable[..., Any]) -> Any:
        return _with_shapes(one, typechecker=typechecker)

    @functools.wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        kinds = _kinds(*args, *options.values())
        if kinds is None:
            return checked(function)(*args, **options)
        known = passed.get((*options, kinds))
        if known is None:
            result = checked(function)(*args, **options)
            passed[(*options, kinds)] = {_kinds(result)} - {None}
            return result
        result = function(*args, **options)
        kind = _kinds(result)
        if kind not in known:
            made.result = result
            try:
                checked(given)(*args, **options)
            finally:
                del made.result
            if kind is not None:
                known.add(kind)
        return result

    return call


def _resolved(function: types.FunctionType) -> types.FunctionType:
    """The same function; those of its annotations that are names for type checkers alone may be anything."""
    content = (function.__code__, function.__globals__, function.__name__, function.__defaults__)
    same = types.FunctionType(*content, function.__closure__)
    functools.update_wrapper(same, function)
    del same.__wrapped__
    same.__kwdefaults__ = function.__kwdefaults__
    hints = {}
    for name, hint in function.__annotations__.items():
        same.__annotations__ = {name: hint}
        try:
            hints |= get_type_hints(same, include_extras=True)
        except NameError:
            hints[name] = Any
    same.__annotations__ = hints
    return same


jaxtyping.jaxtyped = jaxtyped
