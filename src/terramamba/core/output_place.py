"""Whether an output can lie where it was named, looked at before hours of work are done for it."""

import errno
import os
import stat
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.unwritable import unwritable

_MORE = 14
"""Letters that the names of drafts, and of the folders in which they lie, have more than the output's."""
_WRITABLE = 0o222


def require_place(out: str | os.PathLike[str]) -> None:
    """Raise ``InputError`` where the file or folder ``out`` cannot be made: its name, its way, or the rights.

    A folder that is there is one to write in. That all is well is no promise: disks fill up.
    """
    try:
        os.lstat(os.fspath(out) + "x" * _MORE)
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:  # too long, through a file, in a circle, no right to look; no name
        raise unwritable(out, error) from error
    whole = Path(out).absolute()
    above = next(folder for folder in (whole, *whole.parents) if folder.is_dir())
    if not os.access(above, os.W_OK | os.X_OK):
        read_only = os.name != "nt" and os.statvfs(above).f_flag & os.ST_RDONLY
        number = errno.EROFS if read_only else errno.EACCES
        raise unwritable(out, OSError(number, os.strerror(number)))


def named(out: str | os.PathLike[str]) -> Path:
    """Return ``out`` as a path that ends in a name, as drafts beside it need: not in ``.`` or ``..``."""
    path = Path(out)
    return path if path.name not in ("", "..") else Path(os.path.abspath(path))  # noqa: PTH100 -- links stay


def require_replaceable(out: Path) -> None:
    """Raise ``InputError`` where ``out`` is there and is protected: read-only, not one's own, or no file.

    In folders such as ``/tmp`` everybody may write, and each removes what is his own.
    """
    if not out.is_file():
        if out.exists() and not out.is_dir():
            raise InputError(f"{out}: is a pipe, a socket or a device, so it stays; name another file")
        return
    if not out.stat().st_mode & _WRITABLE:
        raise InputError(f"{out}: is read-only, so it stays; make it writable, or name another file")
    above = out.parent.stat()
    own = hasattr(os, "geteuid") and os.geteuid() in (0, above.st_uid, out.lstat().st_uid)
    if above.st_mode & stat.S_ISVTX and not own:
        raise InputError(f"{out}: is somebody else's, who alone may replace it there; name another file")
