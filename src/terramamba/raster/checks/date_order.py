"""Was the image that is given first taken first?"""

import re
from datetime import date
from pathlib import Path

from terramamba.raster.readers.dates import acquisition_date, day_in

_IN_NAME = re.compile(r"(?<!\d)(?:19|20)\d{2}([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])(?![\d])")


def order_of_dates(first: str, second: str) -> str | None:
    """Say that ``first`` was taken after ``second``, as both names or else both metadata say; else None.

    Names come first, as programs write into some metadata when they wrote the file.
    """
    for read, source in ((day_in_name, "their names"), (acquisition_date, "their metadata")):
        days = read(first), read(second)
        if None not in days:
            before, after = days
            assert before is not None
            assert after is not None
            if before <= after:
                return None
            return (
                f"{first} was taken on {before}, after {second} on {after} ({source} say so): what came would"
                " count as gone; exchange the two"
            )
    return None


def day_in_name(path: str) -> date | None:
    """Return the one day that the name of a file or of its folder tells; None if none or several.

    >>> day_in_name("T32UNU_20210617T103021_B04.tif")
    datetime.date(2021, 6, 17)
    """
    given = Path(path)
    for name in (given.name, given.parent.name):
        told = {day_in(re.sub(r"[_.]", "-", match[0])) for match in _IN_NAME.finditer(name)}
        days = told - {None}
        if days:
            return days.pop() if len(days) == 1 else None
    return None
