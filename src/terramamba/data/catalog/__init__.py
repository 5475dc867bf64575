"""Data sets known by name: what they are, where to get them, whether a folder holds them, loading them."""

from difflib import get_close_matches

from terramamba.core.errors import InputError
from terramamba.data.catalog.pair_sets import PAIR_SETS
from terramamba.data.catalog.record import DataSet, PairSet, SceneSet
from terramamba.data.catalog.scenes import SCENES

CATALOG: dict[str, DataSet] = {record.name: record for record in (*SCENES, *PAIR_SETS)}

__all__ = ["CATALOG", "DataSet", "PairSet", "SceneSet", "find_set"]


def find_set(name: str) -> DataSet:
    """Find the record called ``name``; raise ``InputError`` with the nearest names where there is none."""
    found = CATALOG.get(name.lower())
    if found is None:
        near = get_close_matches(name.lower(), CATALOG, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else "`terramamba datasets` lists them"
        raise InputError(f"{name}: no data set of this name; {hint}")
    return found
