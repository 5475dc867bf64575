"""Whether the label files of several subsets mean the same by their codes and names, or can be brought to."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import merged_in_words, name_key, one_spelling
from terramamba.data.labels.class_raster import ClassRaster


def called_differently(paths: Mapping[str, str], rasters: Mapping[str, ClassRaster]) -> str | None:
    """Say which code two files, those of ``paths``, give different names; None where they do not."""
    first: dict[int, tuple[str, str]] = {}
    for subset, raster in rasters.items():
        for code in np.unique(raster.codes).tolist():
            name = raster.names.get(code)
            if name is None:
                continue
            called, there = first.setdefault(code, (name, paths[subset]))
            if name_key(called) != name_key(name):
                return (
                    f"classes are matched by name, not by code: {code} is {called!r} in {there}, {name!r} in "
                    f"{paths[subset]}"
                )
    return None


def coded_alike(paths: Mapping[str, str], rasters: Mapping[str, ClassRaster]) -> dict[str, ClassRaster]:
    """Give each name one code in all files, those of ``paths``.

    Raises:
        InputError: a class of some file has no name.
    """
    every = [name for raster in rasters.values() for _, name in sorted(raster.names.items())]
    spelling = one_spelling(every)
    numbered = {name: code for code, name in enumerate(dict.fromkeys(map(spelling.get, every)), start=1)}
    code_of = {name: numbered[spelling[name]] for name in every}
    merged = merged_in_words(spelling)
    alike = {}
    for subset, raster in rasters.items():
        present, index = np.unique(raster.codes, return_inverse=True)
        nameless = [str(code) for code in present if code not in raster.names]
        if nameless:
            raise InputError(
                f"{paths[subset]}: its classes have no names (codes {', '.join(nameless)}), but those of "
                "other subsets are told by names alone; give all files the same codes, or all of them names"
            )
        table = np.array([code_of[raster.names[code]] for code in present.tolist()], np.int64)
        alike[subset] = replace(
            raster,
            codes=table[index],
            names={code_of[name]: spelling[name] for name in raster.names.values()},
            colours={code_of[raster.names[c]]: rgb for c, rgb in raster.colours.items() if c in raster.names},
            notes=raster.notes
            if merged is None
            else (*raster.notes, f"{', '.join(paths.values())}: {merged}"),
        )
    return alike


def require_agreement(path: str, raster: ClassRaster, other_path: str, other: ClassRaster) -> None:
    """Raise ``InputError`` where two files give a pixel different classes."""
    theirs = other.pixels.find(raster.pixels.keys)
    both = theirs >= 0
    mine, theirs = np.flatnonzero(both), theirs[both]
    differ = np.flatnonzero(raster.codes[mine] != other.codes[theirs])
    if len(differ):
        first, second = mine[differ[0]], theirs[differ[0]]
        row, col = divmod(int(raster.pixels.keys[first]), raster.pixels.shape[1])
        raise InputError(
            f"{path}: differs from {other_path} in the class of {len(differ)} of {len(mine)} "
            f"pixels that both label (first at row {row}, column {col}: {raster.codes[first]} and "
            f"{other.codes[second]}); number the classes alike in both"
        )
