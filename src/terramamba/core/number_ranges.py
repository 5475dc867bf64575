"""Bands and intervals as people write them: ``1-4,7``, ``red,nir``, ``1340-1450,1790-1960``."""

import re

from terramamba.core.errors import InputError

MOST_BANDS = 1_000_000
_NUMBERS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?")
_INTERVAL = re.compile(r"(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)")


def parse_bands(text: str, flag: str = "--bands") -> tuple[int | str, ...]:
    """Return numbers of bands, from 1, and names of bands in the order in which ``text`` lists them.

    >>> parse_bands("1-3, 8")
    (1, 2, 3, 8)
    >>> parse_bands("red,nir")
    ('red', 'nir')

    Raises:
        InputError: nothing is listed, a range goes down, a number is 0, or a band is listed twice.
    """
    found: list[int | str] = []
    for entry in (part.strip() for part in text.split(",")):
        numbers = _NUMBERS.fullmatch(entry)
        if not entry:
            raise InputError(f"{flag} {text}: an entry is empty; give numbers or names: 1-4 or red,nir")
        if numbers is None:
            found.append(entry)
            continue
        first, last = int(numbers[1]), int(numbers[2] or numbers[1])
        if not 1 <= first <= last <= MOST_BANDS:
            raise InputError(f"{flag} {text}: {entry} is no range of bands, which count from 1; give 1-4")
        found += range(first, last + 1)
    folded = [str(entry).casefold() for entry in found]
    twice = next((entry for i, entry in enumerate(found) if folded[i] in folded[:i]), None)
    if twice is not None:
        raise InputError(f"{flag} {text}: band {twice} is listed twice; name each band once")
    return tuple(found)


def parse_intervals(text: str, flag: str) -> tuple[tuple[float, float], ...]:
    """Return the intervals that ``text`` lists, each from its lower to its upper end.

    >>> parse_intervals("1340-1450,1790-1960", "--exclude-wavelengths")
    ((1340.0, 1450.0), (1790.0, 1960.0))

    Raises:
        InputError: an entry is no interval, or its ends are in the wrong order.
    """
    found = []
    for entry in (part.strip() for part in text.split(",")):
        ends = _INTERVAL.fullmatch(entry)
        if ends is None or float(ends[1]) > float(ends[2]):
            raise InputError(
                f"{flag} {text}: {entry!r} is no interval of wavelengths in nm; give 1340-1450,1790-1960"
            )
        found.append((float(ends[1]), float(ends[2])))
    return tuple(found)
