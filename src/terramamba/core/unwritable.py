"""What a disk says where it lets nobody write or read, in one line with what to do about it."""

import errno
import os

from terramamba.core.errors import InputError, reason_of

ANY_REASON = "check the space and rights there"
"""What to do where a library keeps the reason to itself."""
_IS_IT_THERE = "see whether the disk is there and sound, then give the command again"
_RIGHTS = "check the rights there, or name another place"
_REMEDIES = {
    "ENOSPC": "make room there, or name another place",
    "EDQUOT": "make room there, have more allotted, or name another place",
    "EFBIG": "no longer files are allowed there; have longer ones allowed, or name another place",
    "EROFS": "name a place that can be written",
    "EACCES": _RIGHTS,
    "EPERM": _RIGHTS,
    "ENAMETOOLONG": "give a shorter name",
    "ENOTDIR": "a file stands where a folder is named; name another place",
    "EEXIST": "a file stands where a folder is named; name another place",
    "ELOOP": "its links lead in a circle; name another place",
    "EMFILE": "have more files open at a time (`ulimit -n`)",
    "ENFILE": "have more files open at a time",
    "ENOENT": "see whether the disk and the folder are still there, then give the command again",
    **dict.fromkeys(
        ("EIO", "ESTALE", "ENODEV", "ENXIO", "ENOTCONN", "EHOSTDOWN", "EHOSTUNREACH", "ETIMEDOUT"),
        _IS_IT_THERE,
    ),
}
"""What to do, by the name of the error; systems know different ones."""


def is_of_disks(error: OSError) -> bool:
    """Tell whether the system said what it says of files and disks, and of little else."""
    return _name(error) in _REMEDIES


def remedy_of(error: BaseException) -> str:
    """Return what to do about what the system said."""
    return _REMEDIES.get(_name(error), ANY_REASON)


def unwritable(path: str | os.PathLike[str], error: BaseException) -> InputError:
    """Return the error that the output ``path`` cannot be written, as a library or the system said."""
    reason = error.strerror if isinstance(error, OSError) else None
    return InputError(f"{path}: cannot be written ({reason or reason_of(error)}); {remedy_of(error)}")


def _name(error: BaseException) -> str:
    number = error.errno if isinstance(error, OSError) else None
    return errno.errorcode.get(number or 0, "")
