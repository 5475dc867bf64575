"""How much of a map is what, as a table of its own."""

from collections.abc import Sequence
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.files import write_table
from terramamba.inference.common import ClassArea


def check_table_name(path: str | Path | None) -> None:
    """Raise ``InputError`` where a table that is wanted has a name that does not end in .csv."""
    if path is not None and Path(path).suffix.lower() != ".csv":
        raise InputError(f"{path}: areas are written as CSV; give the file a name that ends in .csv")


def write_areas(path: str | Path, classes: Sequence[ClassArea], *, not_measured: str | None = None) -> None:
    """Write ``classes`` as CSV: value, name, pixels, share of the mapped pixels (0 to 1), hectares.

    Args:
        path: The file to write; it is replaced in one step.
        classes: The classes of one map, as its summary has them.
        not_measured: Why areas are not known (``area.why_not_measured``). Where they are not, the last
            column is called ``areas`` and says so, so that no program takes it for numbers.
    """
    mapped = max(1, sum(entry.pixels for entry in classes))
    known = all(entry.hectares is not None for entry in classes)
    reason = f"not measured: {not_measured or 'the map has no place on the Earth'}"
    rows = [
        [
            entry.value,
            entry.name,
            entry.pixels,
            entry.pixels / mapped,
            entry.hectares if known else reason,
        ]
        for entry in classes
    ]
    write_table(Path(path), ["value", "name", "pixels", "share", "hectares" if known else "areas"], rows)
