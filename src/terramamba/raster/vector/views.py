"""Views in GeoPackages and other files of SQLite: a query of a line may stand for no end of rows.

GDAL runs it when it lists the layers, and cannot be stopped while it does. So its rows are counted first.
"""

import sqlite3
from functools import partial
from pathlib import Path

from terramamba.core.errors import InputError

MARK = b"SQLite format 3\0"
MOST_STEPS = 300_000_000
"""Of SQLite's machine, for the rows of one view: seconds; ten million rows of two tables take fewer."""
STEPS_AT_ONCE = 1_000_000


def require_ends(path: str) -> None:
    """Refuse a file on disk that holds a view with far too many rows.

    Raises:
        InputError: naming the view.
    """
    file = Path(path)
    if not file.is_file():
        return
    with file.open("rb") as begin:
        if begin.read(len(MARK)) != MARK:
            return
    opened = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    opened.text_factory = partial(str, encoding="utf-8", errors="surrogateescape")
    try:
        views = opened.execute("SELECT name, sql FROM sqlite_master WHERE type = 'view'").fetchall()
        endless = next((name for name, query in views if not _ends(opened, str(name), str(query))), None)
    except (sqlite3.Error, UnicodeDecodeError):  # damaged, as GDAL will say; SQLite may quote what is
        return
    finally:
        opened.close()
    if endless is not None:
        raise InputError(
            f"{path}: {endless!r} is a view whose rows have no end in sight; save it as a table, or remove it"
        )


def _ends(opened: sqlite3.Connection, name: str, query: str) -> bool:
    steps = 0

    def enough() -> bool:
        nonlocal steps
        steps += STEPS_AT_ONCE
        return steps > MOST_STEPS

    opened.set_progress_handler(enough, STEPS_AT_ONCE)
    quoted = name.replace('"', '""')
    try:
        opened.execute(f'SELECT count(*) FROM (SELECT 1 FROM "{quoted}")').fetchone()
    except sqlite3.Error:
        # Also where it calls what GDAL alone has: such a view is believed, unless it may go round.
        return steps <= MOST_STEPS and "recursive" not in query.lower()
    except UnicodeEncodeError:  # a name that is no text, which GDAL would take: it cannot be counted
        return False
    return True
