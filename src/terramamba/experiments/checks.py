"""Checks of what a YAML file says, each failure naming its key."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from terramamba.core.errors import InputError
from terramamba.training.settings import TrainSettings

OWN = ("out", "seed", "seeds", "resume", "overwrite")
"""Settings that an experiment decides for each run."""

KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "yes or no"}


def as_mapping(record: Mapping[str, Any], key: str, within: str = "") -> Mapping[str, Any]:
    """``record[key]``, a table of names; nothing at all counts as an empty one."""
    value = record.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InputError(f"{f'{within}.{key}'.lstrip('.')}: {value!r} is not a table of key: value")
    return {str(name): entry for name, entry in value.items()}


def require_keys(record: Mapping[str, Any], within: str, known: set[str], needed: Sequence[str]) -> None:
    """Refuse keys that nobody knows, and the lack of needed ones."""
    for key in record:
        if key not in known:
            raise InputError(f"{f'{within}.{key}'.lstrip('.')}: unknown key{_meant(str(key), known)}")
    for key in needed:
        if record.get(key) in (None, "", {}, []):
            raise InputError(f"{f'{within}.{key}'.lstrip('.')}: must be given")


def seeds_of(value: Any, key: str = "seeds") -> tuple[int, ...]:
    """The seeds 0, 1, ... that a number asks for, or those of a list, none of them twice."""
    if isinstance(value, list) and value and all(type(one) is int and one >= 0 for one in value):
        if len(set(value)) < len(value):
            raise InputError(f"{key}: a seed is named twice")
        return tuple(value)
    if type(value) is not int or value < 1:
        raise InputError(f"{key}: {value!r}; give how many (1 or more), or a list such as [0, 1, 2]")
    return tuple(range(value))


def as_number(value: Any, key: str) -> float:
    """``value`` as a number; YAML takes 1e-3 for a text."""
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(f"{key}: {value!r} is not {KINDS[float]}") from None


def names_in(value: Any, known: Sequence[str], key: str) -> tuple[str, ...]:
    """The names in a list, all of them ``known``; none where nothing was given."""
    if value is None:
        return ()
    for name in value if isinstance(value, list) else [value]:
        if name not in known:
            raise InputError(f"{key}: {name!r} is none of: {', '.join(known)}")
    return tuple(value if isinstance(value, list) else [value])


def check_settings(
    given: Mapping[str, Any], within: str, kind: type[TrainSettings], forbidden: Sequence[str] = ()
) -> dict[str, Any]:
    """``given`` as settings of ``kind``, numbers written as text (1e-3) turned.

    Raises:
        InputError: an unknown setting, one that does not belong here, or a value of another kind.
    """
    hints = get_type_hints(kind)
    checked = {}
    for name, value in given.items():
        key = f"{within}.{name}"
        if name == "chosen_on_test":
            raise InputError(f"{key}: an experiment never chooses on the test set; leave it out")
        if name in OWN:
            raise InputError(f"{key}: the experiment sets it for each run; leave it out")
        if name not in hints or name in forbidden:
            allowed = {one for one in hints if one not in (*OWN, *forbidden)}
            raise InputError(f"{key}: no such setting here{_meant(name, allowed)}")
        checked[name] = _checked(value, hints[name], key)
    return checked


def _checked(value: Any, hint: Any, key: str) -> Any:
    args = get_args(hint)
    if NoneType in args:
        return None if value is None else _checked(value, next(a for a in args if a is not NoneType), key)
    if get_origin(hint) is Literal:
        choices = {str(choice): choice for choice in args}
        if str(value) not in choices:
            raise InputError(f"{key}: {value!r}; choose one of: {', '.join(choices)}")
        return choices[str(value)]
    if get_origin(hint) in (list, dict):
        if not isinstance(value, get_origin(hint)):
            raise InputError(f"{key}: {value!r} is not a {'list' if get_origin(hint) is list else 'table'}")
        return value
    if hint is float and isinstance(value, str | int) and not isinstance(value, bool):
        return as_number(value, key)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise InputError(f"{key}: {value!r} is not {KINDS[hint]}")
    return value


def _meant(name: str, known: set[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {near[0]}?" if near else f"; known are: {', '.join(sorted(known))}"


def resolved(value: Any, home: Path, key: str) -> Any:
    """A path relative to the YAML file, as one that opens from anywhere; it must be there."""
    if value is None:
        return None
    if isinstance(value, list):
        return [resolved(one, home, key) for one in value]
    text = str(value)
    if "://" in text:
        return text
    path = home / Path(text).expanduser()
    if not path.exists():
        raise InputError(f"{key}: {path} does not exist; correct it, or give --set NAME=FOLDER")
    return str(path.resolve())


def filled(value: Any, variables: Mapping[str, str], key: str) -> Any:
    """``value`` with every ${name} replaced."""
    if isinstance(value, Mapping):
        return {k: filled(v, variables, f"{key}.{k}".lstrip(".")) for k, v in value.items()}
    if isinstance(value, list):
        return [filled(one, variables, key) for one in value]
    if not isinstance(value, str):
        return value

    def replaced(found: re.Match[str]) -> str:
        if found[1] not in variables:
            raise InputError(f"{key}: ${{{found[1]}}} is no variable; name it below variables")
        return variables[found[1]]

    return re.sub(r"\$\{(\w+)\}", replaced, value)
