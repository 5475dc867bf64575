"""Polygons that say what their ground is at both dates, such as ``class_2018`` and ``class_2020``.

Where the two are the same for some of a file, as in a map of land use and its changes, not all are of change.
"""

import re
from collections.abc import Mapping, Sequence

from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import name_key

_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")
_DATES = (
    *(("from", "to"), ("old", "new"), ("before", "after"), ("pre", "post"), ("start", "end")),
    *(("earlier", "later"), ("first", "second"), ("initial", "final"), ("past", "present")),
    *(("von", "nach"), ("vorher", "nachher"), ("alt", "neu"), ("avant", "apres"), ("antes", "despues")),
)
"""Words for two dates; so are two years, and attributes that are called a and b alone."""
_YEAR = re.compile(r"(19|20)\d\d((0[1-9]|1[0-2])([0-2]\d|3[01])?)?")
_CLASSES = ("c", "class", "code", "lc", "lu", "lulc", "clc")
"""Behind these, two digits are a year, as in C06 and C12."""
MOST_STATES = 100
"""Attributes of more values are no classes."""


def refuse_unchanged(path: str, tables: Sequence[Mapping[str, Sequence[str]]]) -> None:
    """Refuse polygons some of which have one class at both dates.

    ``tables`` have the attributes of each file, as texts; ``path`` is that of the first.
    """
    for first, second in of_two_dates(list(tables[0]), counted=False):
        named = [(table[first], table[second]) for table in tables if {first, second} <= {*table}]
        both = [
            (name_key(one), name_key(other))
            for columns in named
            for one, other in zip(*columns, strict=True)
            if one and other
        ]
        same = sum(one == other for one, other in both)
        states = len({state for of in both for state in of})
        numbers = same == len(both) and states == same  # of shapes: each its own, and the same twice
        if same and not numbers and states <= MOST_STATES:
            raise InputError(
                f"{path}: {first} and {second} are the same for {same:,} of {len(both):,} polygons of these"
                f" labels, which then did not change; say --changed-attribute {first},{second} where those"
                " changed whose two differ, else choose by one attribute and --changed-values (all its values"
                " where all polygons are of change)"
            )


def of_two_dates(names: Sequence[str], counted: bool = True) -> list[tuple[str, str]]:
    """Find the names that are alike but for a date, two by two.

    Of folders, dates may be ``counted`` (``label1``, ``label_b``); attributes count levels and authors so.
    """
    words = {name: [word.lower() for word in _WORD.findall(name)] for name in names}
    found = []
    for place, first in enumerate(names):
        for second in names[place + 1 :]:
            if len(words[first]) != len(words[second]):
                continue
            both = list(zip(words[first], words[second], strict=True))
            differ = [at for at, (one, other) in enumerate(both) if one != other]
            if len(differ) != 1:
                continue
            dates, before = both[differ[0]], words[first][: differ[0]]
            plain = len(both) == 1 and {*dates} == {"a", "b"}
            if plain or _are_dates(*dates, before) or (counted and _are_counted(*dates)):
                found.append((first, second))
    return found


def _are_dates(one: str, other: str, before: Sequence[str]) -> bool:
    if (one, other) in _DATES or (other, one) in _DATES:
        return True
    if _YEAR.fullmatch(one) and _YEAR.fullmatch(other):
        return True
    numbers = one.isdecimal() and other.isdecimal()
    behind = before[-1] if before else ""
    return numbers and (behind == "t" or (behind in _CLASSES and len(one) == len(other) == 2))


def _are_counted(one: str, other: str) -> bool:
    return (one.isdecimal() and other.isdecimal()) or {one, other} == {"a", "b"}
