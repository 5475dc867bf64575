"""What is said to people, with all letters to be seen: names that came with files may hold any.

A terminal obeys control characters, and some letters turn the order of those around them. They are written
as ``\\u001b``, which JSON reads as the same letter.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""All control characters but tab and line feed, those of direction, and halves of letters."""


def visible(text: str) -> str:
    """Write out the letters of ``text`` that a terminal would obey or could not show.

    >>> visible("wheat\\x1b[2J")
    'wheat\\\\u001b[2J'
    """
    return _OBEYED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class _Visible:
    """A stream to which all is written ``visible``, and in letters that it has; else it is ``below``."""

    def __init__(self, below: Any) -> None:
        self.below = below

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def write(self, text: str) -> int:
        encoding = getattr(self.below, "encoding", None) or "utf-8"
        self.below.write(visible(text).encode(encoding, "backslashreplace").decode(encoding))
        return len(text)


@contextmanager
def visible_streams() -> Iterator[None]:
    """Write what is printed inside ``visible``."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = map(_Visible, before)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def drawn_on(stream: Any) -> Any:
    """Return the stream itself, for what draws on a terminal; its texts have to be ``visible`` before."""
    return stream.below if isinstance(stream, _Visible) else stream
