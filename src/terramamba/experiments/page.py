"""Tables of an experiment as files, and inside a page between marks, what stands around them kept."""

from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.files import write_text
from terramamba.experiments.render import latex, markdown
from terramamba.experiments.results import read_results
from terramamba.experiments.summary import summary
from terramamba.experiments.tables import Table, make_tables

TABLES, LATEX = "tables.md", "tables.tex"


def write_tables(out: Path) -> tuple[Path, Path]:
    """Make ``tables.md`` and ``tables.tex`` from ``results.csv`` and ``units.csv`` in ``out``.

    Raises:
        InputError: as ``read_results`` does.
    """
    name, tables = _tables(out)
    write_text(out / TABLES, markdown(name, tables))
    write_text(out / LATEX, latex(tables))
    return out / TABLES, out / LATEX


def fill_page(page: Path, out: Path) -> None:
    """Put the tables of ``out`` into a Markdown page, in place of those of an experiment of the same name.

    They stand between two marks, comments of HTML; a page that lacks them, or is not there, gets them at its
    end.

    Raises:
        InputError: as ``read_results`` does; or a page in which only one of the marks stands.
    """
    name, tables = _tables(out)
    begin, end = (f"<!-- {which} of the tables of: {name} -->" for which in ("begin", "end"))
    text = page.read_text(encoding="utf-8") if page.is_file() else ""
    if text.count(begin) != text.count(end) or text.count(begin) > 1:
        raise InputError(f"{page}: give each of these lines once, or neither: {begin} {end}")
    before, _, rest = text.partition(begin) if begin in text else (text and f"{text.rstrip()}\n\n", "", "")
    after = rest.partition(end)[2] if rest else "\n"
    write_text(page, f"{before}{begin}\n\n{markdown(name, tables, level=2)}\n{end}{after}")


def _tables(out: Path) -> tuple[str, list[Table]]:
    records = read_results(out)
    first = summary(records)
    return records[0]["experiment"], [*([first] if first else []), *make_tables(records)]
