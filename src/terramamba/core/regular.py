"""Files, told from what only looks like one: pipes without an end, devices, sockets, what nobody may read."""

import os
import stat
from pathlib import Path

from terramamba.core.errors import InputError

_OTHERS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def require_regular(path: str | Path) -> None:
    """Raise ``InputError`` where ``path`` leads to a pipe, a socket or a device, of which reading has no end.

    So it is where it may not be read, which libraries say in words that lead elsewhere. What is not there
    passes, for who opens it says so; so do folders. A name that no file can have does not.
    """
    try:
        mode = Path(path).stat().st_mode
        if stat.S_ISREG(mode) and not os.access(path, os.R_OK):
            Path(path).open("rb").close()  # some systems say so of files that can be read
    except PermissionError as error:
        what = f"cannot be read ({error.strerror})"
        raise InputError(where=str(path), what=what, remedy="check the rights there") from error
    except OSError:
        return
    except ValueError as error:
        raise InputError(f"{str(path)[:200]!r}: no file can have this name ({error}); correct it") from error
    for is_one, what in _OTHERS:
        if is_one(mode):
            raise InputError(f"{path}: is {what} and no file; save what comes from it, and give that file")
