"""The one exception for what a user can put right, and how it speaks to the shell and to Python.

A message is one line, ``WHERE: what is wrong, with the value; what to do``. WHERE is a file, or an option as
the command line spells it, with its value behind it where it has one:

>>> error = InputError("--epochs 0: at least 1 is needed; leave it out")
>>> error.value, error.what, error.remedy
('0', 'at least 1 is needed', 'leave it out')

Where the message alone cannot say so, because the value is no text or a path has a colon in it, who raises
names the parts instead; the message is then put together from them, so that both agree:

>>> error = InputError(where="--lr", value=-1.0, what="a number above 0 is needed", remedy="try 0.001")
>>> error.message, error.value
('--lr -1.0: a number above 0 is needed; try 0.001', -1.0)

Options are written with dashes where an error is raised, as ``--batch-size``, because that can be told from
any other word. Someone who calls functions reads ``batch_size``: ``in_python`` turns one into the other,
here alone. The command line says once that it is the one who is spoken to (``speaking_to_shell``), and
messages stay as they were written.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

REASON_LENGTH = 300
"""Letters of a library's reason that are shown; some quote whole files or queries."""

_QUOTED_OR_FLAG = re.compile(r"`[^`]*`|(?<![\w/\\.-])--(no-)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*)\b")
_WHERE = re.compile(r"(--[a-z][a-z0-9-]*)(?: (.+))?")


class _Listener:
    """Who reads messages, in all threads of this process."""

    shell = False


class InputError(Exception):
    """Something that was asked for cannot be done.

    The message is one line that names the file, the value and the remedy; the command line prints it
    and exits with status 1, without a traceback. Its parts are ``where``, ``what``, ``value`` and ``remedy``,
    each None where the message has none.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        where: str | None = None,
        value: object = None,
        what: str | None = None,
        remedy: str | None = None,
    ) -> None:
        if (message is None) == (what is None):
            raise TypeError("an InputError is given a message or what is wrong, and not both")
        if message is None:
            place = where if value is None or where is None else f"{where} {value}"
            said = f"{place}: {what}" if place else str(what)
            message = said if remedy is None else f"{said}; {remedy}"
            self._parts = where, value, what, remedy
        else:
            found = _parted(message)
            self._parts = found[0], found[1] if value is None else value, *found[2:]
        super().__init__(message)

    def __str__(self) -> str:
        return _spoken(self.message)

    @property
    def message(self) -> str:
        """The whole message as it was raised, with options spelled as flags."""
        return str(self.args[0])

    @property
    def where(self) -> str | None:
        """The file, or the option that is wrong."""
        where = self._parts[0]
        return None if where is None else _spoken(where)

    @property
    def value(self) -> object:
        """The value that was refused; text where the message alone says it."""
        return self._parts[1]

    @property
    def what(self) -> str:
        """What is wrong."""
        return _spoken(str(self._parts[2]))

    @property
    def remedy(self) -> str | None:
        """What to do."""
        remedy = self._parts[3]
        return None if remedy is None else _spoken(remedy)


class Cancelled(Exception):  # noqa: N818  (no error, but what was asked for)
    """Raised by a function that is told of progress to end the work; what was done can be gone on with."""


def in_python(message: str) -> str:
    """Write ``message`` with options spelled as Python has them; commands in backticks stay.

    >>> in_python("--no-augment: leave it out; see `terramamba join --help`")
    'augment=False: leave it out; see `terramamba join --help`'
    """

    def keyword(found: re.Match[str]) -> str:
        if found[2] is None:
            return found[0]
        name = found[2].replace("-", "_")
        return f"{name}=False" if found[1] else name

    return _QUOTED_OR_FLAG.sub(keyword, message)


@contextmanager
def speaking_to_shell() -> Iterator[None]:
    """Have messages as the command line shows them: options stay spelled as flags."""
    before, _Listener.shell = _Listener.shell, True
    try:
        yield
    finally:
        _Listener.shell = before


def reason_of(error: BaseException) -> str:
    """Return what a library says went wrong, on one line and not too long; else the type of the error."""
    words = " ".join(str(error.__cause__ or error).split()).rstrip(".") or type(error).__name__
    return words if len(words) <= REASON_LENGTH else f"{words[:REASON_LENGTH]} ..."


def _spoken(text: str) -> str:
    return text if _Listener.shell else in_python(text)


def _parted(message: str) -> tuple[str | None, object, str, str | None]:
    """Where, value, what and remedy of a message; the remedy is what stands behind the last semicolon."""
    said, semicolon, remedy = message.rpartition("; ")
    if not semicolon:
        said, remedy = message, ""
    where, colon, what = said.partition(": ")
    if not colon or "; " in where:  # a colon behind what is to be done is none of a place
        return None, None, said, remedy or None
    flag = _WHERE.fullmatch(where)
    if flag is None:
        return where, None, what, remedy or None
    return flag[1], flag[2], what, remedy or None
