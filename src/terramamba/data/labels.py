"""Labels: which pixels of a scene are of which class, from rasters, arrays, tiles or abundances."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int16

from terramamba.data.label_files import Codes, label_shape, read_codes
from terramamba.data.palette import Colour, default_colours
from terramamba.errors import InputError
from terramamba.raster.scene import Scene

__all__ = ["Labels", "default_colours", "label_shape", "read_label_parts", "read_labels"]

MAX_CLASSES = 255
"""More different values than this are no class codes but measurements."""

MAX_CODE = 65_535
"""Class maps have the codes of the labels, in 8 or 16 bits."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Class of every pixel: 0 unlabelled, 1..K in the order of the file's ``codes``.

    ``names``, ``colours`` (red, green, blue; 0..255) and ``codes`` have one entry for each class.
    """

    classes: Int16[np.ndarray, "h w"]
    names: tuple[str, ...]
    colours: tuple[Colour, ...]
    codes: tuple[int, ...]


def read_labels(
    path: str,
    scene: Scene,
    *,
    variable: str | None = None,
    names: Sequence[str] | None = None,
    min_abundance: float = 0.7,
    min_classes: int = 2,
) -> Labels:
    """Read the labels of ``scene``.

    ``path`` is an image of whole numbers of the scene's size; a folder or a CSV table (column ``mask``) of
    georeferenced tiles, which are laid on the scene's grid; or an array ``variable`` in a .mat, .npy or .npz
    file: a map, or the abundances of k classes (k x pixels column by column, rows x columns x k), of which a
    pixel gets the largest where that is ``min_abundance`` or more. 0, negative numbers and no data mean
    unlabelled. Classes are called as ``names`` says (in the order of the codes), else as the file does, else
    "class 3". Their colours are those of the file's colour table, where it tells all of them apart.

    Raises:
        InputError: what cannot be read, another size than the scene's, numbers that are no class codes, fewer
            than ``min_classes`` classes, or another number of names than of classes.
    """
    found = read_codes(path, scene, variable=variable, min_abundance=min_abundance)
    return _label(path, found, names, min_classes)


def read_label_parts(
    paths: Mapping[str, str],
    scene: Scene,
    *,
    variable: str | None = None,
    names: Sequence[str] | None = None,
    min_abundance: float = 0.7,
) -> tuple[Labels, dict[str, Bool[np.ndarray, "h w"]]]:
    """Read labels that come in parts, such as ``{"train": ..., "val": ..., "test": ...}``.

    Returns all of them as one, with one table of classes, and where each part has labels.

    Raises:
        InputError: as ``read_labels``, or two parts that say different classes of the same pixel.
    """
    union = np.zeros((scene.height, scene.width), np.int64)
    known: dict[int, str] = {}
    shown: dict[int, Colour] = {}
    parts: dict[str, Codes] = {}
    for part, path in paths.items():
        found = read_codes(path, scene, variable=variable, min_abundance=min_abundance)
        for earlier, other in parts.items():
            _require_agreement(path, found, paths[earlier], other)
        parts[part] = found
        union = np.where(found.codes > 0, found.codes, union)
        known = {**found.names, **known}
        shown = {**found.colours, **shown}
    together = ", ".join(dict.fromkeys(paths.values()))
    labels = _label(together, Codes(union, known, shown), names, min_classes=2)
    return labels, {part: found.codes > 0 for part, found in parts.items()}


def _require_agreement(path: str, found: Codes, other_path: str, other: Codes) -> None:
    both = (found.codes > 0) & (other.codes > 0)
    differ = np.argwhere(both & (found.codes != other.codes))
    if len(differ):
        row, col = differ[0]
        raise InputError(
            f"{path}: differs from {other_path} in the class of {len(differ)} of {np.count_nonzero(both)} "
            f"pixels that both label (first at row {row}, column {col}: {found.codes[row, col]} and "
            f"{other.codes[row, col]}); number the classes alike in both"
        )


def _label(path: str, found: Codes, names: Sequence[str] | None, min_classes: int) -> Labels:
    codes, place = np.unique(found.codes, return_inverse=True)
    classes = place.reshape(found.codes.shape)
    if codes[0] != 0:
        codes, classes = np.append(0, codes), classes + 1
    count = len(codes) - 1
    if count == 0:
        raise InputError(f"{path}: not one labelled pixel on the scene; 0 and no data mean unlabelled")
    if count < min_classes:
        raise InputError(
            f"{path}: has a single class (code {codes[1]}); a classifier needs two or more, label another"
        )
    if count > MAX_CLASSES:
        raise InputError(
            f"{path}: has {count} different values, more than {MAX_CLASSES}; is it a label raster?"
        )
    if codes[-1] > MAX_CODE:
        raise InputError(f"{path}: has class code {codes[-1]}; renumber the classes from 1 to {MAX_CODE}")
    if names is not None and len(names) != count:
        raise InputError(
            f"{path}: has {count} classes (codes {', '.join(str(c) for c in codes[1:])}), but {len(names)} "
            "names were given; name each class once, in the order of the codes"
        )
    own = tuple(int(code) for code in codes[1:])
    called = names if names is not None else [found.names.get(code) or f"class {code}" for code in own]
    colours = tuple(found.colours[code] for code in own if code in found.colours)
    if len(set(colours)) < count:
        colours = default_colours(count)
    return Labels(classes.astype(np.int16), tuple(called), colours, own)
