"""The run-time type checker of the tests: beartype, an int accepted where a float is asked for (PEP 484).

It makes its check of a function when that is first called: for all of them, most of which a process of tests
never calls, it takes longer than to import them.
"""

from collections.abc import Callable
from typing import Any

from beartype import BeartypeConf, beartype

_checked = beartype(conf=BeartypeConf(is_pep484_tower=True))


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    checked = None

    def call(*args: Any, **options: Any) -> Any:
        nonlocal checked
        if checked is None:
            checked = _checked(function)
        return checked(*args, **options)

    return call
