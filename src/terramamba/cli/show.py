"""Results on standard output: tables on a terminal, aligned plain text anywhere else."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from terramamba.core.shown import Shown


def show(shown: "Shown", more: Mapping[str, str] | None = None) -> None:
    """Print tables and facts, and below them ``more`` facts."""
    for table in shown.tables:
        show_table(table.title, table.columns, table.rows)
    show_facts({**shown.facts, **(more or {})})


from terramamba.core.files import plain


def show_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print ``rows`` under ``columns``; numbers stand to the right."""
    cells = [[str(cell) for cell in row] for row in rows]
    to_right = [all(_is_number(row[place]) for row in cells if row[place]) for place in range(len(columns))]
    if sys.stdout.isatty():
        _rich_table(title, columns, cells, to_right)
        return
    print(title)
    widths = [max(map(len, column)) for column in zip(columns, *cells, strict=True)]
    for row in [list(columns), *cells]:
        padded = (
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(row, widths, to_right, strict=True)
        )
        print("  " + "  ".join(padded).rstrip())


def show_facts(facts: Mapping[str, Any]) -> None:
    """Print names and values one below the other; a value of several lines keeps its column."""
    width = max(map(len, facts), default=0)
    for name, value in facts.items():
        print(f"{name:<{width}}  " + f"\n{'':<{width}}  ".join(str(value).splitlines()))


def show_json(value: Any) -> None:
    """Print ``value`` as JSON; numbers that JSON lacks, such as NaN, become null."""
    print(json.dumps(plain(value), indent=1, ensure_ascii=False))


def _is_number(text: str) -> bool:
    return text.replace(",", "").replace(".", "").replace("±", "").replace(" ", "").isdigit()


def _rich_table(
    title: str, columns: Sequence[str], cells: Sequence[Sequence[str]], to_right: Sequence[bool]
) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    for name, right in zip(columns, to_right, strict=True):
        table.add_column(name, justify="right" if right else "left")
    for row in cells:
        table.add_row(*row)
    Console().print(table)
