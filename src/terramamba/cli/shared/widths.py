"""Texts as wide as the terminal; imports nothing heavy, as the help of all commands is made with it."""

import shutil
import textwrap
from collections.abc import Mapping

WIDEST, NARROW = 100, 72
"""Columns of text that are read with ease; columns below which names and what they mean share no line."""


def listed(names: Mapping[str, str], indent: str = "  ", column: int = 0) -> list[str]:
    """Write names with what they are about, as wide as the terminal; below each other where it is narrow.

    ``column`` is the least width of the names, for several lists that stand below each other.
    """
    width = width_of_terminal()
    column = max(column, *(len(name) + 2 for name in names))
    lines = []
    for name, about in names.items():
        if width >= NARROW:
            first, *others = wrapped(about, width - len(indent) - column)
            lines += [
                f"{indent}{name:<{column}}{first}",
                *(f"{indent}{'':{column}}{more}" for more in others),
            ]
        else:
            lines += [f"{indent}{name}", *(f"{indent}    {line}" for line in wrapped(about, width - 6))]
    return lines


def wrapped(text: str, width: int) -> list[str]:
    """Cut ``text`` between words into lines of at most ``width`` letters."""
    return textwrap.wrap(text, max(width, 20), break_on_hyphens=False, break_long_words=False)


def width_of_terminal() -> int:
    """Return the columns that help may fill."""
    return min(shutil.get_terminal_size().columns, WIDEST)
