"""The page about data sets, in Markdown: ``python -m terramamba.data.catalog.page > docs/datasets.md``."""

from terramamba.data.catalog import CATALOG, DataSet, PairSet, SceneSet
from terramamba.data.catalog.record import classes_of, files_of, size_of

_HEADING = """# Data sets

Sets that are known by name. `terramamba datasets` lists them, `terramamba datasets NAME --root DIR` verifies
a folder, `--download` fetches what can be fetched without asking anybody, and `--data NAME --root DIR` trains
on it. This page is printed by `python -m terramamba.data.catalog.page`.

A scene that differs from the published one in size, bands, classes or checksum is refused; of pairs, a subset
of the set can be used, and the result then does not carry the set's name. Checksums are given only where
somebody has published them.
"""


def page() -> str:
    """Write the page about data sets, in Markdown."""
    sections = [_HEADING]
    for title, kind, columns in (
        ("Hyperspectral scenes", SceneSet, ("Name", "Scene", "Rows x columns x bands", "Classes")),
        ("Image pairs", PairSet, ("Name", "Set", "Size", "Change")),
    ):
        records = [record for record in CATALOG.values() if isinstance(record, kind)]
        sections.append(f"## {title}\n")
        rows = [columns, ("---",) * len(columns), *(_row(record) for record in records)]
        sections.append("\n".join(f"| {' | '.join(row)} |" for row in rows) + "\n")
        sections += [_section(record) for record in records]
    return "\n".join(sections)


def _row(record: DataSet) -> tuple[str, ...]:
    last = record.change if isinstance(record, PairSet) else classes_of(record)
    return (f"`{record.name}`", record.title, size_of(record), last)


def _section(record: DataSet) -> str:
    lines = [f"### {record.name}\n", f"{record.title}: {record.about}.\n"]
    if isinstance(record, PairSet) and record.subsets:
        lines.append("- Subsets: " + ", ".join(f"{subset} {n:,}" for subset, n in record.subsets.items()))
    if isinstance(record, SceneSet) and record.classes:
        lines.append(f"- Classes: {', '.join(record.classes)}")
    lines.append(f"- Files: {'; '.join(files_of(record))}")
    lines.append(f"- To get it: {record.where}.")
    lines += [
        f"- Direct link: <{remote.url}> ({remote.checksum or 'no checksum known'})"
        for remote in record.remotes
    ]
    if record.checksums_from:
        lines.append(f"- Checksums as published by {record.checksums_from}.")
    lines += [f"- Terms: {record.terms}.", f"- Cite: {record.cite}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    print(page(), end="")
