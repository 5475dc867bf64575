"""What is shown of a result, as values: tables, and facts below each other; numbers as they stand there."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol, runtime_checkable

INDENT, GAP = 2, 2
"""Before the lines of a table; between its columns."""
LEAST_TEXT = 20
"""Columns in which text is still read with ease."""


@runtime_checkable
class Stream(Protocol):
    """What output goes to."""

    def isatty(self) -> bool:
        """Tell whether it is a terminal."""


@dataclass(frozen=True)
class Table:
    """A table with what stands above and below it."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shown:
    """Tables, and below them facts by their names; a fact of several lines has them in one text."""

    tables: tuple[Table, ...]
    facts: Mapping[str, str]


def as_html(shown: Shown) -> str:
    """Write tables and facts as a notebook shows them; all of it is text.

    >>> as_html(Shown((Table("", ("class", "n"), (("corn", "<7"),)),), {}))
    '<table><tr><th>class</th><th>n</th></tr><tr><td>corn</td><td>&lt;7</td></tr></table>'
    """

    def row(cells: Sequence[str], tag: str = "td") -> str:
        texts = (escape(cell).replace("\n", "<br>") for cell in cells)
        return "<tr>" + "".join(f"<{tag}>{text}</{tag}>" for text in texts) + "</tr>"

    blocks = []
    for table in shown.tables:
        caption = f"<caption>{escape(table.title)}</caption>" if table.title else ""
        rows = row(table.columns, "th") + "".join(map(row, table.rows))
        blocks.append(f"<table>{caption}{rows}</table>")
        blocks += [f"<div>{escape(note)}</div>" for note in table.notes]
    if shown.facts:
        blocks.append(f"<table>{''.join(map(row, shown.facts.items()))}</table>")
    return "".join(blocks)


def as_text(shown: Shown, width: int | None = None) -> str:
    """Write tables and facts as aligned lines of plain text.

    With ``width`` no line is longer, as far as there are spaces to cut it at: a table that is wider stands
    row by row, each with its cells below each other.

    >>> pixels = Table("pixels", ("class", "n"), (("corn", "7"), ("wood", "12")))
    >>> print(as_text(Shown((pixels,), {"of": "2"})))
    pixels
      class   n
      corn    7
      wood   12
    of  2
    >>> print(as_text(Shown((pixels,), {}), width=10))
    pixels
      corn
        n  7
      wood
        n  12
    """
    tables = (
        _table(table) if width is None or width_of(table) <= width else _stacked(table, width)
        for table in shown.tables
    )
    return "\n".join([*(line for lines in tables for line in lines), *_facts(shown.facts, width)])


def columns_of(stream: Stream) -> int | None:
    """Count the columns of the terminal that a stream is; None where lines may be of any length."""
    return shutil.get_terminal_size().columns if stream.isatty() else None


def width_of(table: Table) -> int:
    """Count the columns of a terminal that a table takes as plain text."""
    return INDENT + sum(_widths(table)) + GAP * (len(table.columns) - 1)


def to_the_right(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Say of each column whether it holds numbers, which stand to the right."""
    return [all(map(_is_number, filter(None, column))) for column in zip(*rows, strict=True)]


def _widths(table: Table) -> list[int]:
    return [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]


def _table(table: Table) -> list[str]:
    right = to_the_right(table.rows) or [False] * len(table.columns)
    lines = [
        "  ".join(
            cell.rjust(width) if numbers else cell.ljust(width)
            for cell, width, numbers in zip(row, _widths(table), right, strict=True)
        )
        for row in (table.columns, *table.rows)
    ]
    return [table.title, *(f"  {line.rstrip()}" for line in lines)]


def _stacked(table: Table, width: int) -> list[str]:
    """Each row below the one before: its first cell, then the others that hold something with their names."""
    lines = textwrap.wrap(table.title, width, break_long_words=False)
    for row in table.rows:
        lines.append(f"  {row[0]}".rstrip())
        rest = {name: cell for name, cell in zip(table.columns[1:], row[1:], strict=True) if cell}
        lines += [f"    {line}" for line in _facts(rest, width - 2 * INDENT)]
    return lines


def _facts(facts: Mapping[str, str], width: int | None) -> list[str]:
    """Each fact beside its name; where little of the ``width`` is left for that, below it."""
    column = max(map(len, facts), default=0)
    below = (
        width is not None
        and width - column - GAP < LEAST_TEXT
        and any(column + GAP + len(line) > width for value in facts.values() for line in value.splitlines())
    )
    lines = []
    for name, value in facts.items():
        room = None if width is None else width - (INDENT if below else column + GAP)
        first, *others = cut_lines(value, room) or [""]
        if below:
            lines += [*cut_lines(name, width), *(f"  {line}" for line in (first, *others))]
        else:
            lines += [f"{name:<{column}}  {first}", *(f"{'':<{column}}  {line}" for line in others)]
    return lines


def cut_lines(text: str, width: int | None) -> list[str]:
    """Return the lines of a text, cut between words where they are longer than ``width``."""
    if width is None:
        return text.splitlines()
    cut = (
        textwrap.wrap(
            line,
            max(width, LEAST_TEXT),
            subsequent_indent=" " * (len(line) - len(line.lstrip())),
            break_long_words=False,
            break_on_hyphens=False,
        )
        or [""]
        for line in text.splitlines()
    )
    return [line for lines in cut for line in lines]


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("±", "").replace(" ", "").isdigit()


def in_percent(value: Any) -> str:
    """Write a fraction in per cent with two decimals, with its deviation where it is a mean over seeds.

    >>> in_percent(0.5), in_percent({"mean": 0.5, "std": 0.01}), in_percent(None)
    ('50.00', '50.00 ± 1.00', '')
    """
    if isinstance(value, Mapping):
        return f"{100 * value['mean']:.2f} ± {100 * value['std']:.2f}"
    return "" if value is None or value != value else f"{100 * value:.2f}"


def number(value: Any, digits: int = 4) -> str:
    """Write a number in ``digits`` significant digits, with its deviation where it is a mean over seeds.

    >>> number(12345), number(0.123456)
    ('12,345', '0.1235')
    """
    if isinstance(value, Mapping):
        return f"{value['mean']:.{digits}g} ± {value['std']:.{digits}g}"
    return f"{value:,}" if isinstance(value, int) else f"{value:.{digits}g}"
