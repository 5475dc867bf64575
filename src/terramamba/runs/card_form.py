"""The form that a model card has in its file: one level, a row for each class; and its ``format`` number.

A record in memory groups fields by what they are for. A file has them side by side under plain names, for
people and for their scripts, which have read them so since the first version: a script that reads
``source_bands`` or the colour of a class goes on working. A format that moves or drops a field gets the next
number, and a function here that brings the earlier one into today's form.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError

FORMAT = 1

GROUPED = {
    "data": (
        "source_bands",
        "wavelengths",
        "axes",
        "fwhm",
        "band_names",
        "quantiles",
        "nodata",
        "physical",
        "level",
        "scaling",
        "scale_by",
        "meanings",
        "classes",
        "patches",
        "protocol",
        "split_id",
        "leakage",
        "label_values",
        "fractions",
        "pixel_sizes",
        "pixel_sizes_of",
    ),
    "judged": ("threshold", "thresholds", "calibration", "certainty", "fast", "regularise"),
}
"""Groups of the record whose fields stand side by side in the file."""

FLATTENED = {
    "patches": {"size": "patch_size", "border": "border"},
    "threshold": {"value": "threshold", "source": "threshold_from"},
    "made_by": {"version": "terramamba", "commit": "commit"},
}
"""Small groups whose fields have names of their own in the file."""

OPTIONAL = (
    "scale_by",
    "meanings",
    "thresholds",
    "calibration",
    "certainty",
    "fast",
    "regularise",
    "leakage",
    "axes",
    "fwhm",
    "band_names",
    "label_values",
    "pixel_sizes",
    "pixel_sizes_of",
    "quantiles",
    "nodata",
    "physical",
    "level",
    "fractions",
    "origin",
)
"""Left out of the file where there is none."""

CLASS_COLUMNS = {"codes": "code", "names": "name", "colours": "colour"}


def to_file(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content of the file for a card's plain record; groups that a job lacks are left out."""
    flat = {"format": FORMAT, **{name: card[name] for name in card if name not in GROUPED}}
    for group, names in GROUPED.items():
        flat |= {name: card[group][name] for name in names}
    for group, renamed in FLATTENED.items():
        fields = flat.pop(group)
        flat |= {} if fields is None else {new: fields[old] for old, new in renamed.items()}
    columns = [flat["classes"][many] for many in CLASS_COLUMNS]
    flat["classes"] = [
        dict(zip(CLASS_COLUMNS.values(), row, strict=True)) for row in zip(*columns, strict=True)
    ]
    absent = [name for name in OPTIONAL if flat[name] is None]
    return {name: value for name, value in flat.items() if name not in absent}


def from_file(path: Path, flat: object) -> dict[str, Any]:
    """Return the plain record of a card from the content of the file at ``path``.

    What is left out or wrong there stays so, to be named by the check of every field.

    Raises:
        InputError: it is no card, or one of a later format.
    """
    if not isinstance(flat, Mapping):
        raise InputError(f"{path} is damaged (no names with values); restore it or train the model anew")
    if flat.get("format") != FORMAT:
        raise InputError(
            f"{path} is a model card of format {flat.get('format')!r}, and this terramamba knows format"
            f" {FORMAT}; use the version of terramamba that wrote it, or a newer one"
        )
    record = dict(flat)
    for group, renamed in FLATTENED.items():
        found = {old: record.pop(new) for old, new in renamed.items() if new in record}
        if found:
            record[group] = found
    rows = record.get("classes")
    if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows):
        record["classes"] = {many: [row.get(one) for row in rows] for many, one in CLASS_COLUMNS.items()}
    return {
        **{name: record[name] for name in ("task", "model", "made_by", "origin") if name in record},
        **{
            group: {name: record[name] for name in names if name in record}
            for group, names in GROUPED.items()
        },
    }


def place_in_file(field: str) -> str:
    """Return where the file has a field of the record: ``data.classes.codes.2`` is ``classes.2.code``."""
    first, _, rest = field.partition(".")
    if first in GROUPED:
        return place_in_file(rest) if rest else first
    if first in FLATTENED:
        return FLATTENED[first].get(rest, field)
    if first == "classes" and rest.count("."):
        many, row, *deeper = rest.split(".")
        return ".".join([first, row, CLASS_COLUMNS[many], *deeper])
    return field
