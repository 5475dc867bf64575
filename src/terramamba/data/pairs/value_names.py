"""What the names of values in change masks, and of attributes of polygons, say of change."""

import re

from terramamba.core.errors import InputError
from terramamba.data.pairs.label_values import FLAGS, Coding
from terramamba.data.pairs.mask_facts import MaskTally

_CHANGE = r"(chang|ver(ä|ae)nder|cambi|mudan)"
"""English, French; German; Spanish, Italian; Portuguese."""
_UNCHANGED = re.compile(
    rf"(?<![a-z])(un|in|non|not?|keine?|nicht|sans|pas de|sin|sem|nessun)[\s_-]*{_CHANGE}"
    r"|(?<![a-z])(intact|stable|undamaged|no[\s_-]*damage)(?![a-z])"
)
_IGNORED = re.compile(
    r"(?<![a-z])no[\s_-]*(data|ref|label)|unlabel|un[\s_-]*classif|unknown|ignore|cloud|invalid|undefined"
)
_CHANGED = re.compile(rf"(?<![a-z]){_CHANGE}")


def named_coding(tally: MaskTally) -> Coding | None:
    """Find what the names of values say, as far as they are understood; None where they say nothing.

    Raises:
        InputError: two files call a value by names of two meanings.
    """
    meaning: dict[int, tuple[str, str]] = {}
    for mask in tally.named:
        for value, name in mask.names.items():
            found = meaning_of_name(name)
            if found is None or value not in tally.pixels:
                continue
            other, where = meaning.setdefault(value, (found, mask.path))
            if other != found:
                raise InputError(
                    f"{mask.path}: calls {value} {name!r}, which is {other} in {where}; say what it means "
                    f"with {FLAGS}"
                )
    changed, unchanged, ignored = (
        tuple(sorted(value for value, (found, _) in meaning.items() if found == kind))
        for kind in ("changed", "unchanged", "ignored")
    )
    return Coding(changed, unchanged, ignored) if meaning else None


def names_in_words(tally: MaskTally, coding: Coding) -> list[str]:
    """Say how values were read whose names do not tell it."""
    for mask in tally.named:
        called = {value: name for value, name in mask.names.items() if value in tally.pixels}
        if called:
            listed = ", ".join(f"{value} {name!r}" for value, name in sorted(called.items())[:6])
            return [
                f"{mask.path}: calls {listed}, which does not say what changed; by their numbers "
                f"{coding.in_words()}. Where that is wrong, say it with {FLAGS}"
            ]
    return []


def meaning_of_name(name: str) -> str | None:
    """Tell what the name of a value or attribute says of change; None: nothing."""
    lower = name.lower()
    for pattern, found in ((_UNCHANGED, "unchanged"), (_IGNORED, "ignored"), (_CHANGED, "changed")):
        if pattern.search(lower):
            return found
    return None


def contradicts(named: Coding, coding: Coding) -> bool:
    """Tell whether a value has one meaning by its name and another by its number."""
    pairs = (
        (named.changed, coding.changed),
        (named.unchanged, coding.unchanged),
        (named.ignored, coding.ignored),
    )
    return any(set(by_name) - set(by_number) for by_name, by_number in pairs)
