"""Was the image that is given first taken first?"""

import re
from calendar import isleap
from datetime import date, timedelta
from pathlib import Path

from terramamba.raster.readers.dates import acquisition_date, day_in

_DAY = re.compile(r"(?<!\d)(?:19|20)\d{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?![\d])")
_DAY_FIRST = re.compile(r"(?<!\d)(0[1-9]|[12]\d|3[01])([-_.]?)(0[1-9]|1[0-2])\2((?:19|20)\d{2})(?!\d)")
_OF_YEAR = re.compile(
    r"(?:(?<!\d)|(?<=L[CETMO]\d{7})|(?<=L[CETMO][CETMO]\d{7}))((?:19|20)\d{2})([0-3]\d{2})(?!\d)", re.I
)
"""Year and day of the year, as MODIS (A2021168) and older Landsat (LE71870581999273) have it."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = re.compile(rf"(?<![a-z])({'|'.join(_MONTHS)})[a-z]*[-_. ]?((?:19|20)\d{{2}})(?![0-9a-z])")
_YEAR = re.compile(r"(?<![0-9a-z])((?:19[6-9]|20[0-3])\d)(?:[-_.]?(0[1-9]|1[0-2]))?(?![0-9a-z])")
_WORDS = (
    ("before", "after"),
    ("pre", "post"),
    ("old", "new"),
    ("earlier", "later"),
    ("first", "second"),
    ("vor", "nach"),
    ("vorher", "nachher"),
    ("avant", "apres"),
    ("antes", "despues"),
    ("antes", "depois"),
    ("prima", "dopo"),
    *((f"{date}1", f"{date}2") for date in ("t", "time", "date", "im", "img", "image")),
)
"""What the earlier and the later date are called in names of files and folders."""
_NUMBERED = re.compile(r"(t|time|date)(\d{1,2})")
_FOLDERS = ("a", "b")
"""What their folders are called beside; in the name of a file, a letter may be anything."""


def order_of_dates(first: str, second: str) -> str | None:
    """Say that ``first`` was taken after ``second``, as both names or else both metadata say; else None.

    Names come first, as programs write into some metadata when they wrote the file: days in them, else years
    (and months), else words such as pre and post.
    """
    days = days_in_name(first), days_in_name(second)
    told = _year_in_name(first, second) if not all(days) else None
    if all(days) and _is_certain(first, second):
        told = str(days[0][0]), str(days[1][0])
    if told is not None and told[0] != told[1]:
        return _reversed(first, second, *told, "their names") if told[0] > told[1] else None
    called = _called_in_reverse(first, second)
    if called is not None:
        return f"{first} is called {called[0]!r}, and {second} {called[1]!r}: {_CURE}"
    acquired = acquisition_date(first), acquisition_date(second)
    if acquired[0] is None or acquired[1] is None or acquired[0] <= acquired[1]:
        return None
    return _reversed(first, second, str(acquired[0]), str(acquired[1]), "their metadata")


_CURE = "what came would count as gone; exchange the two"


def _reversed(first: str, second: str, before: str, after: str, source: str) -> str:
    when = "on" if len(before) == len("2021-06-17") else "in"
    return f"{first} was taken {when} {before}, after {second} {when} {after} ({source} say so): {_CURE}"


def days_in_name(path: str) -> tuple[date, ...]:
    """Return the days that the name of a file, or else of its folder, tells, each once and in their order.

    The first is that of acquisition: in the names of Landsat, processing comes after it.

    >>> days_in_name("T32UNU_20210617T103021_B04.tif")
    (datetime.date(2021, 6, 17),)
    """
    given = Path(path)
    for name in (given.name, given.parent.name):
        told = [day_in(re.sub(r"[_.]", "-", match[0])) for match in _DAY.finditer(name)]
        told = told or [day_in("-".join(match.group(4, 3, 1))) for match in _DAY_FIRST.finditer(name)]
        told = told or [_day_of_year(*map(int, match.groups())) for match in _OF_YEAR.finditer(name)]
        days = tuple(dict.fromkeys(day for day in told if day is not None))
        if days:
            return days
    return ()


def _is_certain(first: str, second: str) -> bool:
    """Tell whether days written first in both names cannot be months, or tell the same order as these."""
    named = [(Path(path).name, Path(path).parent.name) for path in (first, second)]
    written = [_DAY_FIRST.findall(name) or _DAY_FIRST.findall(folder) for name, folder in named]
    if not all(written):
        return True
    (day, _, month, year), (other_day, _, other_month, other_year) = (found[0] for found in written)
    if max(day, other_day) > "12":
        return True
    days_first = (year, month, day) > (other_year, other_month, other_day)
    return days_first == ((year, day, month) > (other_year, other_day, other_month))


def _day_of_year(year: int, day: int) -> date | None:
    if not 1 <= day <= 365 + isleap(year):
        return None
    return date(year, 1, 1) + timedelta(day - 1)


def _year_in_name(first: str, second: str) -> tuple[str, str] | None:
    """Return the one year that each path tells, or year and month; None where one tells none or several."""
    found = []
    for path in (first, second):
        given = Path(path.lower())
        told = [
            {match.groups("") for match in _YEAR.finditer(_with_numbers(name))}
            for name in (given.stem, given.parent.name)
        ]
        years = next((one for one in told if one), set())
        if len(years) != 1:
            return None
        found.append(years.pop())
    months = all(month for _, month in found)
    before, after = (f"{year}-{month}" if months else year for year, month in found)
    return before, after


def _with_numbers(name: str) -> str:
    """Return a name with months after their years and as numbers: ``jun_2021`` becomes ``2021-06``."""
    return _MONTH.sub(lambda match: f"{match[2]}-{_MONTHS.index(match[1]) + 1:02}", name)


def _called_in_reverse(first: str, second: str) -> tuple[str, str] | None:
    """Find the words of a later and an earlier date where the first of two paths has the one, the second the
    other, and both are alike but for such words."""
    found = []
    for later, earlier, folder in _different_words(first, second):
        known = (earlier, later) in _WORDS or (folder and (earlier, later) == _FOLDERS)
        if not known and not _counted(earlier, later):
            return None
        found.append((later, earlier))
    return found[0] if found else None


def _counted(earlier: str, later: str) -> bool:
    """Tell whether two words number dates, and the second comes later: t0 and t1, time02 and time03."""
    numbers = [_NUMBERED.fullmatch(word) for word in (earlier, later)]
    if numbers[0] is None or numbers[1] is None:
        return False
    return numbers[0][1] == numbers[1][1] and int(numbers[0][2]) < int(numbers[1][2])


def _different_words(first: str, second: str) -> list[tuple[str, str, bool]]:
    """List the words at which names and folders of two paths differ, and whether it is a folder."""
    names = [Path(path.lower()) for path in (first, second)]
    found = []
    for one, other, folder in (
        (names[0].parent.name, names[1].parent.name, True),
        (names[0].stem, names[1].stem, False),
    ):
        words = [re.split(r"[^a-z0-9]+", name) for name in (one, other)]
        if len(words[0]) != len(words[1]):
            return []
        found += [(a, b, folder) for a, b in zip(*words, strict=True) if a != b]
    return found
