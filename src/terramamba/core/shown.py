"""What is shown of a result, as values: tables, and facts below each other; numbers as they stand there."""

from collections.abc import Mapping
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
