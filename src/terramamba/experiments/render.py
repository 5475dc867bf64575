"""Tables as Markdown and as LaTeX (with the package booktabs)."""

from collections.abc import Sequence
from pathlib import Path

from terramamba.core.display import Table
from terramamba.core.documents import read_text
from terramamba.core.errors import InputError
from terramamba.core.files import write_text
from terramamba.core.run_files import UNITS
from terramamba.experiments.results import RESULTS, read_results
from terramamba.experiments.tables import make_tables, summary
from terramamba.experiments.values import Tasks

HOW = (
    "Per cent, mean ± standard deviation (n - 1) over seeds. The interval draws test units anew (pairs of "
    "images, or squares of a scene). Beside another model: the difference in the first score, the p value of "
    "a paired permutation test over units, corrected after Holm for the table, and what may be concluded. "
    "Minutes are those of training; px/s includes reading and cutting patches. Both depend on what else the "
    "machine did, other runs included."
)

_LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
    "<": r"$<$",
    ">": r"$>$",
}


def markdown(title: str, tables: Sequence[Table], level: int = 1) -> str:
    """Write tables below a title, which is a heading of ``level``."""
    paragraphs = [f"{'#' * level} {title}", HOW]
    for table in tables:
        sides = tuple("---" if side == "l" else "---:" for side in _sides(table))
        lines = [table.columns, sides, *table.rows]
        body = "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)
        paragraphs += [f"{'#' * (level + 1)} {table.title}", body, *table.notes]
    return "\n\n".join(paragraphs) + "\n"


def latex(tables: Sequence[Table]) -> str:
    r"""Write the tables as ``table`` floats, for ``\input`` below ``\usepackage{booktabs}``."""
    paragraphs = []
    for table in tables:
        rows = [" & ".join(map(escaped, row)) + r" \\" for row in table.rows]
        caption = escaped(". ".join([table.title, *table.notes]))
        paragraphs.append(
            "\n".join(
                [
                    r"\begin{table}",
                    r"\centering",
                    rf"\caption{{{caption}}}",
                    rf"\begin{{tabular}}{{{_sides(table)}}}",
                    r"\toprule",
                    " & ".join(map(escaped, table.columns)) + r" \\",
                    r"\midrule",
                    *rows,
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table}",
                ]
            )
        )
    return "\n\n".join(paragraphs) + "\n"


def escaped(text: str) -> str:
    """Write ``text`` so that LaTeX sets it letter for letter."""
    return "".join(_LATEX.get(letter, letter) for letter in text)


def _sides(table: Table) -> str:
    """For each column ``r`` where all that stands in it begins as a number does, else ``l``."""
    cells = ([row[column] for row in table.rows if row[column]] for column in range(len(table.columns)))
    return "".join("r" if all(text[0] in "0123456789+-[<" for text in column) else "l" for column in cells)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


TABLES, LATEX = "tables.md", "tables.tex"


def write_tables(out: Path, tasks: Tasks) -> tuple[Path, Path]:
    """Make ``tables.md`` and ``tables.tex`` from ``results.csv`` and ``units.csv`` in ``out``.

    Raises:
        InputError: as ``read_results`` does.
    """
    name, tables = _tables(out, tasks)
    write_text(out / TABLES, markdown(name, tables))
    write_text(out / LATEX, latex(tables))
    return out / TABLES, out / LATEX


def fill_page(page: Path, out: Path, tasks: Tasks) -> None:
    """Put the tables of ``out`` into a Markdown page, in place of those of an experiment of the same name.

    They stand between two marks, comments of HTML; a page that lacks them, or is not there, gets them at its
    end.

    Raises:
        InputError: as ``read_results`` does; or a page in which only one of the marks stands.
    """
    if any(page.resolve() == (out / name).resolve() for name in (TABLES, LATEX, RESULTS, UNITS)):
        raise InputError(f"{page}: is written by the experiment itself; name another page")
    name, tables = _tables(out, tasks)
    begin, end = (f"<!-- {which} of the tables of: {name} -->" for which in ("begin", "end"))
    text = read_text(page, "name a page in Markdown") if page.is_file() else ""
    if text.count(begin) != text.count(end) or text.count(begin) > 1:
        raise InputError(f"{page}: give each of these lines once, or neither: {begin} {end}")
    before, _, rest = text.partition(begin) if begin in text else (text and f"{text.rstrip()}\n\n", "", "")
    after = rest.partition(end)[2] if rest else "\n"
    write_text(page, f"{before}{begin}\n\n{markdown(name, tables, level=2)}\n{end}{after}")


def _tables(out: Path, tasks: Tasks) -> tuple[str, list[Table]]:
    records = read_results(out)
    first = summary(records, tasks)
    return records[0]["experiment"], [*([first] if first else []), *make_tables(records, tasks)]
