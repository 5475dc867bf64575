"""``terramamba results``."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from terramamba.cli.shared.parse import Usage, parse

USAGE = Usage(
    "results",
    "Make the tables of an experiment anew from its results.csv and units.csv, and put them into a page. "
    "Needs no run folder and trains nothing.",
    ("DIR",),
    example="study --page README.md",
)


@dataclass(frozen=True, kw_only=True)
class ResultsOptions:
    """Flags of the command."""

    page: str | None = None
    """Markdown page to put the tables into, between two marks; at its end where it has none. What stands
    around them is kept."""


def run(argv: Sequence[str]) -> int:
    """Write the tables, fill the page, and print who is ahead."""
    options, (folder,) = parse(USAGE, ResultsOptions, argv)
    from terramamba.cli.shared.show import show_facts, show_table, show_text
    from terramamba.experiments.render import fill_page, write_tables
    from terramamba.experiments.results import read_results
    from terramamba.experiments.tables import summary
    from terramamba.tasks import TASKS

    found = summary(read_results(Path(folder)), TASKS)
    if found is not None:
        show_table(found.title, found.columns, found.rows)
        show_text("\n".join(found.notes))
    written = list(write_tables(Path(folder), TASKS))
    if options.page is not None:
        fill_page(Path(options.page), Path(folder), TASKS)
        written.append(Path(options.page))
    show_facts({"written": "\n".join(map(str, written))})
    return 0
