"""Results on standard output: tables on a terminal, aligned plain text anywhere else."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from terramamba.core.display import Shown, Table, as_text, columns_of, cut_lines, to_the_right
from terramamba.core.files import plain
from terramamba.core.visible import drawn_on, visible

FRAME = 3
"""Columns that the frame of a table takes for each of its own."""
LEAST_FOLDED = 40
"""Columns that the widest column keeps when its text is folded."""


def show(shown: Shown, more: Mapping[str, str] | None = None) -> None:
    """Print tables and facts, and below them ``more`` facts."""
    for table in shown.tables:
        show_table(table.title, table.columns, table.rows)
    show_facts({**shown.facts, **(more or {})})


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print ``rows`` under ``columns``, numbers to the right; stacked where the terminal is too narrow."""
    cells = (tuple(" ".join(str(cell).splitlines()) for cell in row) for row in rows)
    table = Table(title, tuple(columns), tuple(cells))
    width = columns_of(sys.stdout)
    if width is not None and _frame_fits(table, width):
        _rich_table(table)
    else:
        print(as_text(Shown((table,), {}), width))


def show_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values one below the other; a value of several lines keeps its column."""
    print(as_text(Shown((), {name: str(value) for name, value in facts.items()}), columns_of(sys.stdout)))


def show_text(text: str) -> None:
    """Print sentences, cut between words where the terminal is narrow."""
    print("\n".join(cut_lines(text, columns_of(sys.stdout))))


def show_json(value: Any) -> None:
    """Print ``value`` as JSON; numbers that JSON lacks, such as NaN, become null."""
    print(json.dumps(plain(value), indent=1, ensure_ascii=False))


def _frame_fits(table: Table, width: int) -> bool:
    """Tell whether a table fits with a frame, if need be with its widest column as text of several lines."""
    widths = sorted(max(map(len, column)) for column in zip(table.columns, *table.rows, strict=True))
    left = width - FRAME * len(widths) - 1 - sum(widths[:-1])
    return left >= min(widths[-1], LEAST_FOLDED)


def _rich_table(shown: Table) -> None:
    from rich.console import Console
    from rich.table import Table as Drawn
    from rich.text import Text

    def plain_text(cell: str) -> Text:  # of a text rich reads [words] as its own
        return Text(visible(cell))

    table = Drawn(title=plain_text(shown.title), title_justify="left")
    for name, right in zip(
        shown.columns, to_the_right(shown.rows) or [False] * len(shown.columns), strict=True
    ):
        table.add_column(plain_text(name), justify="right" if right else "left")
    for row in shown.rows:
        table.add_row(*map(plain_text, row))
    Console(file=drawn_on(sys.stdout)).print(table)
