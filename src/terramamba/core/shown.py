"""What is shown of a result, as values: tables, and facts below each other; numbers as they stand there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


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


def as_text(shown: Shown) -> str:
    """Write tables and facts as aligned lines of plain text.

    >>> pixels = Table("pixels", ("class", "n"), (("corn", "7"), ("wood", "12")))
    >>> print(as_text(Shown((pixels,), {"of": "2"})))
    pixels
      class   n
      corn    7
      wood   12
    of  2
    """
    return "\n".join([*(line for table in shown.tables for line in _table(table)), *_facts(shown.facts)])


def to_the_right(rows: Sequence[Sequence[str]]) -> list[bool]:
    """Say of each column whether it holds numbers, which stand to the right."""
    return [all(map(_is_number, filter(None, column))) for column in zip(*rows, strict=True)]


def _table(table: Table) -> list[str]:
    right = to_the_right(table.rows) or [False] * len(table.columns)
    widths = [max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if numbers else cell.ljust(width)
            for cell, width, numbers in zip(row, widths, right, strict=True)
        )
        for row in (table.columns, *table.rows)
    ]
    return [table.title, *(f"  {line.rstrip()}" for line in lines)]


def _facts(facts: Mapping[str, str]) -> list[str]:
    width = max(map(len, facts), default=0)
    return [
        f"{name:<{width}}  " + f"\n{'':<{width}}  ".join(value.splitlines()) for name, value in facts.items()
    ]


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
