"""Names of classes as people write them: spaces, capitals and forms of letters do not make another class."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import combinations

LEAST_LETTERS = 6
"""Beech and beach are two words; in longer ones a letter is more often a slip."""


def name_key(name: str) -> str:
    """Return what is equal for two ways to write one name.

    >>> name_key(" Dry  Forest") == name_key("dry forest")
    True
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def one_spelling(names: Iterable[str]) -> dict[str, str]:
    """Choose for each name the way to write it that is commonest among ``names``, else comes first.

    >>> one_spelling(["Forest", "forest", "forest ", "forest"])
    {'Forest': 'forest', 'forest': 'forest', 'forest ': 'forest'}
    """
    counts = Counter(names)
    chosen: dict[str, str] = {}
    for name, _ in counts.most_common():
        chosen.setdefault(name_key(name), name.strip())
    return {name: chosen[name_key(name)] for name in counts}


def merged_in_words(spelling: Mapping[str, str]) -> str | None:
    """Say which names are taken for one, as ``one_spelling`` has them; None where none are."""
    ways: dict[str, list[str]] = {}
    for name, chosen in spelling.items():
        ways.setdefault(chosen, []).append(name)
    said = [
        f"{' and '.join(map(repr, sorted(names)))} as {chosen!r}"
        for chosen, names in sorted(ways.items())
        if len(names) > 1
    ]
    return f"names that differ in capitals or spaces alone are one class: {'; '.join(said)}" if said else None


def nearly_alike_in_words(names: Iterable[str]) -> str | None:
    """Say which names differ by one letter, as a slip of the pen makes them; None where none do.

    >>> nearly_alike_in_words(["Forest", "Forrest", "Corn 1", "Corn 2"])
    "classes of nearly the same name stay apart: 'Forest' and 'Forrest'"
    """
    plain = {name: name_key(name) for name in names}
    found = [
        f"{one!r} and {other!r}"
        for one, other in combinations(plain, 2)
        if plain[one].isalpha() and plain[other].isalpha() and _one_letter_apart(plain[one], plain[other])
    ]
    return f"classes of nearly the same name stay apart: {'; '.join(found)}" if found else None


def _one_letter_apart(one: str, other: str) -> bool:
    """Whether one letter more, less or other makes ``one`` of ``other``; short names are other words."""
    short, long = sorted((one, other), key=len)
    if len(short) < LEAST_LETTERS or len(long) - len(short) > 1 or short == long:
        return False
    same = next((i for i, (a, b) in enumerate(zip(short, long, strict=False)) if a != b), len(short))
    return short[same + (len(short) == len(long)) :] == long[same + 1 :]


def twice_in_words(names: Mapping[int, str]) -> str | None:
    """Say which codes are called alike, so that two classes of one name stay apart; None where none are."""
    codes: dict[str, list[int]] = {}
    for code, name in sorted(names.items()):
        codes.setdefault(name_key(name), []).append(code)
    said = [
        f"{' and '.join(map(str, own))} are both called {names[own[0]]!r}"
        for own in codes.values()
        if len(own) > 1
    ]
    return f"codes {'; '.join(said)}: classes of their own here" if said else None
