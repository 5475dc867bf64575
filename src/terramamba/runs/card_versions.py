"""Model cards of earlier versions, brought into today's form one version after the other."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from terramamba.core.errors import InputError

VERSION = 1

DATA = ("source_bands", "wavelengths", "scaling", "classes", "patches", "protocol", "split_id", "leakage")
JUDGED = ("threshold", "calibration", "fast")
"""Groups into which version 1 parted what had been on one level."""


def up_to_date(path: Path, record: object) -> Mapping[str, Any]:
    """Return the content of a ``model.json`` of any version so far, in the form of the newest.

    Raises:
        InputError: it is no card, or one of a later version.
    """
    if not isinstance(record, Mapping):
        raise InputError(f"{path} is damaged (no names with values); restore it or train the model anew")
    if "version" not in record:
        return _from_version_0(path, record)
    if record["version"] != VERSION:
        raise InputError(
            f"{path} is a model card of version {record['version']!r}, and this terramamba knows those up to"
            f" {VERSION}; use the version of terramamba that wrote it, or a newer one"
        )
    return record


def _from_version_0(path: Path, old: Mapping[str, Any]) -> dict[str, Any]:
    """Group what was on one level, with ``format`` 1 in place of a version and a class a row.

    What is left out or wrong there stays so, to be named by the check of every field.
    """
    if old.get("format") != 1:
        raise InputError(f"{path} is not a model of format 1; use the version of terramamba that wrote it")
    new = dict(old)
    _group(new, "patches", {"size": "patch_size", "border": "border"})
    _group(new, "threshold", {"value": "threshold", "source": "threshold_from"})
    _group(new, "made_by", {"version": "terramamba", "commit": "commit"})
    rows = old.get("classes")
    if isinstance(rows, list) and all(isinstance(row, Mapping) for row in rows):
        columns = {"codes": "code", "names": "name", "colours": "colour"}
        new["classes"] = {many: [row.get(one) for row in rows] for many, one in columns.items()}
    return {
        **{name: new[name] for name in ("task", "model", "made_by") if name in new},
        "data": {name: new[name] for name in DATA if name in new},
        "judged": {name: new[name] for name in JUDGED if name in new},
    }


def _group(record: dict[str, Any], group: str, fields: Mapping[str, str]) -> None:
    """Move the ``fields`` (of the group: at the top) that are there into a group."""
    found = {new: record.pop(old) for new, old in fields.items() if old in record}
    if found:
        record[group] = found
