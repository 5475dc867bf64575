"""Does a table bring together what belongs together, by the names of its files?

What is alike in all names of a column (``A_``, ``_2018.tif``) and what looks like a date says nothing; the
rest is the name of the place. Small images cannot tell it by what they show.
"""

import re
from collections.abc import Sequence

from terramamba.core.words import count
from terramamba.data.pairs.image_pair import PairFiles

_WORD = re.compile(r"[a-z]+|\d+")
_DATE = re.compile(r"(19|20)\d\d((0[1-9]|1[0-2])([0-2]\d|3[01])?)?")
LEAST_PAIRS = 8
AGREE, SHARED = 0.9, 0.8
"""Of so many pairs names agree, so that those of others are odd; of so many the places are at both dates."""
_SERIES = "that is right where these are numbers of dates, each before the next; else "
Place = tuple[str, ...]


def notes_on_names(pairs: Sequence[PairFiles]) -> list[str]:
    """Say which images of two dates, or labels, are joined though their names are those of two places."""
    every = list({(pair.before, pair.after, pair.label): pair for pair in pairs}.values())
    columns = [[pair.before for pair in every], [pair.after for pair in every]]
    labels = [pair.label for pair in every if pair.label is not None]
    asked = [("its later date", columns[1])]
    if len(labels) == len(every):
        asked.append(("its label", labels))
    for what, others in asked:
        said = _joined_otherwise(columns[0], others, what)
        if said is not None:
            return [said]
    return []


def _joined_otherwise(first: Sequence[str], second: Sequence[str], what: str) -> str | None:
    """Say which of ``first`` goes with another place's of ``second``; None where none does or is known to."""
    if len(first) < LEAST_PAIRS or set(first) & set(second):  # a series has an image at both dates
        return None
    places, others = _places(first), _places(second)
    known = set(places), set(others)
    odd = [i for i, (one, other) in enumerate(zip(places, others, strict=True)) if one != other]
    if len(odd) <= (1 - AGREE) * len(first):
        odd = [i for i in odd if places[i] in known[1] and others[i] in known[0]]
    elif min(map(len, known)) < len(first) or len(known[0] & known[1]) < SHARED * len(first):
        return None
    if not odd:
        return None
    here = odd[0]
    return (
        f"{count(len(odd), 'pair')} of {len(first):,} in the table go by the names of two places:"
        f" {first[here]} has {second[here]} as {what}, while other rows would bring equal names together;"
        f" {_SERIES if _is_series(places, others) else ''}check that each row holds what belongs together"
    )


def _is_series(first: Sequence[Place], second: Sequence[Place]) -> bool:
    """Tell whether places are numbers that lead on by the same step, as of months that follow each other."""
    if any(len(one) != 1 or not one[0].isdecimal() for one in (*first, *second)):
        return False
    steps = [int(other[0]) - int(one[0]) for one, other in zip(first, second, strict=True)]
    usual = max(set(steps), key=steps.count)
    return usual != 0 and steps.count(usual) >= len(steps) - 1  # the last may begin anew


def _places(paths: Sequence[str]) -> list[Place]:
    """What is left of each name without what all have and without dates; numbers without leading zeros."""
    words = [
        [word.lstrip("0") or "0" if word.isdecimal() else word for word in _WORD.findall(path.lower())]
        for path in paths
    ]
    common = set.intersection(*map(set, words))
    return [tuple(word for word in own if word not in common and not _DATE.fullmatch(word)) for own in words]
