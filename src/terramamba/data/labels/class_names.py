"""Names of classes as people write them: spaces, capitals and forms of letters do not make another class."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping


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
