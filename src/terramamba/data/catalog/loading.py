"""Data sets by name for the commands: ``--data NAME --root DIR``."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from terramamba.core.errors import InputError
from terramamba.core.tables import SUFFIXES as TABLE_SUFFIXES
from terramamba.data.catalog import CATALOG, PairSet, find_set
from terramamba.data.catalog.verify import Finding, verify_pairs
from terramamba.data.pairs.csv_table import notes_on_columns, notes_on_labels
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.pairs.joined_names import notes_on_names
from terramamba.data.pairs.layouts import find_pairs, notes_on_lists
from terramamba.data.pairs.pair_bands import Look, settle_bands
from terramamba.raster.band_identity import WantedBands
from terramamba.raster.views.warped import Method


def load_pairs(
    data: str,
    root: str | None,
    align: Method | None = None,
    variable: str | None = None,
    axes: str | None = None,
    bands: str | None = None,
    model: WantedBands | None = None,
    nodata: Sequence[float] = (),
    *,
    physical: bool = False,
    look: Look | None = None,
) -> tuple[dict[str, list[PairFiles]], str | None, list[str]]:
    """Find the pairs of a set of the catalogue that lies in ``root``, or of a folder or table, by subset.

    With ``physical``, scale and offset that the images declare are applied; ``look`` is as for
    ``settle_bands``.
    Returns also the name of the set where all of it is there as published, and notes on what differs, or
    is not used. Some pairs of a set can be used, but their scores have no name.

    Raises:
        InputError: as ``find_pairs``; a set without a root; a set that is no pairs.
    """
    named = is_named(data, root)
    if not named:
        known = find_pairs(
            data,
            root=root,
            align=align,
            variable=variable,
            axes=axes,
            bands=bands,
            model=model,
            nodata=nodata,
            physical=physical,
            look=look,
        )
        table = Path(data)
        notes = []
        if table.suffix.lower() in TABLE_SUFFIXES:
            notes = [
                *notes_on_columns(table),
                *notes_on_labels(every := [p for pairs in known.values() for p in pairs]),
                *notes_on_names(every),
            ]
        elif table.is_dir():
            notes = notes_on_lists(table)
        return known, None, notes
    record = find_set(data)
    if not isinstance(record, PairSet):
        raise InputError(f"--data {data}: is a single scene; use `terramamba classify train`")
    if root is None:
        raise InputError(f"--data {data}: say where {record.title} lies with --root; {record.where}")
    if variable is not None:
        raise InputError(f"--scene-variable: the images of {record.title} hold one array each; leave it out")
    if axes is not None:
        raise InputError(f"--axes: how the images of {record.title} lie is known; leave it out")
    found, findings = verify_pairs(record, Path(root), align)
    subsets = {
        subset: [replace(pair, nodata=tuple(nodata), physical=physical) for pair in pairs]
        for subset, pairs in found.items()
    }
    subsets = settle_bands(subsets, root, bands, model, look)
    unlike = [finding for finding in findings if not finding.ok]
    if not unlike:
        return subsets, record.name if record.subsets else None, []
    note = (
        f"{root}: not {record.title} as published: {in_words(unlike)}; scores are not those of {record.name}"
    )
    return subsets, None, [note]


def is_named(data: str, root: str | None) -> bool:
    """Tell whether ``data`` means a set of the catalogue, and no folder or table."""
    return data.lower() in CATALOG and (root is not None or not Path(data).exists())


def in_words(unlike: list[Finding]) -> str:
    """Say on one line what differs."""
    return "; ".join(f"{finding.what}: {finding.found} instead of {finding.expected}" for finding in unlike)
