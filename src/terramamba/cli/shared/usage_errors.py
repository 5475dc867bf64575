"""What is wrong with how a command was called, in the words of the command line."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args, get_origin

from terramamba.core.options import Option, flag_of, without_none
from terramamba.core.words import meant

KINDS = {
    int: "a whole number",
    float: "a number",
    str: "a text",
    bool: "yes or no",
    list: "a list, such as a,b",
    dict: "a table of key: value",
}


def in_words(message: str, program: str, known: Mapping[str, Option], flags: Sequence[str]) -> str:
    """Put a message of jsonargparse into words; others are only put on one line.

    ``known`` are the options by their names, ``flags`` all that the command ``program`` takes.
    """
    value = re.search(r'Parser key "(\w+)".*(?:Got|Given) value: (.*)', message, re.DOTALL)
    if value and value[1] in known:
        return _wrong_value(known[value[1]], value[2].strip())
    unknown = re.match(r"(?:[Uu]nrecognized arguments: (-\S*)|Option '(\S+)' is not accepted)", message)
    if unknown:
        name = unknown[1] or unknown[2]
        hint = meant(name, flags if unknown[1] else known)
        hint = hint or f"; {program} --help lists what there is"
        return f"unknown {'flag' if unknown[1] else 'setting in the configuration file:'} {name}{hint}"
    unclear = re.match(r"argument (--[\w-]+)\S*: invalid _boolean_type value: (.*)", message)
    if unclear:
        return f"{unclear[1]}: {unclear[2]} is not {KINDS[bool]}"
    lone = re.match(r"argument (--\S+): expected", message)
    if lone:
        return f"{lone[1]} needs a value"
    missing = re.search(r"arguments are required: (.*)", message)
    if missing:
        names = [flag_of(name.strip()) for name in missing[1].split(",")]
        return f"{' and '.join(names)} must be given"
    return " ".join(message.split())


def _wrong_value(option: Option, given: str) -> str:
    kind = without_none(option.hint)
    if get_origin(kind) is list:
        given = given.strip("[]'\"")
    choices = [str(choice) for choice in get_args(kind)] if get_origin(kind) is Literal else []
    return f"{option.flag}: '{given}' is not {_kind_in_words(kind)}{meant(given, choices)}"


def _kind_in_words(kind: Any) -> str:
    if get_origin(kind) is list and get_args(kind)[0] in (int, float):
        return "a list of numbers, such as 0,-9999"
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    return KINDS.get(get_origin(kind) or kind, f"of the kind {kind}")
