"""The run-time type checker of the tests: beartype, ints passing for floats (PEP 484), traced sizes for ints.

Functions that name shapes of arrays are checked by jaxtyping with beartype, which bind the letters of the
shapes anew in each call; that takes ten times as long as beartype alone, which checks all others. It makes
its check of a function when that is first called: for all of them, most of which a process of tests never
calls, it takes longer than to import them.
"""

import functools
import inspect
import types
from collections.abc import Callable
from typing import Any, get_type_hints

import jaxtyping
import torch
from beartype import BeartypeConf, FrozenDict, beartype

_TOWER = {int: int | torch.SymInt, float: float | int}
_checked = beartype(conf=BeartypeConf(hint_overrides=FrozenDict(_TOWER)))
_with_shapes = jaxtyping.jaxtyped


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    checked = None

    def call(*args: Any, **options: Any) -> Any:
        nonlocal checked
        if checked is None:
            checked = _checked(_resolved(function))
        return checked(*args, **options)

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
    if not isinstance(function, types.FunctionType) or "jaxtyping." in repr(function.__annotations__):
        return _with_shapes(function, typechecker=typechecker)
    return functools.wraps(function)(check(function))


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
