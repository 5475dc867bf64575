"""Labels: which pixels of a scene are of which class, from rasters, arrays, tiles, abundances or shapes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int, Int16

from terramamba.core.errors import InputError
from terramamba.data.labels.class_names import name_key, nearly_alike_in_words
from terramamba.data.labels.class_raster import ClassRaster
from terramamba.data.labels.class_table import MAX_CLASSES, MAX_CODE, ClassTable
from terramamba.data.labels.label_agreement import called_differently, coded_alike, require_agreement
from terramamba.data.labels.palette import Colour, default_colours
from terramamba.data.labels.raster_labels import read_codes
from terramamba.data.labels.unlabelled import NONE, require_found, settle_codes
from terramamba.data.pixel_list import PixelList
from terramamba.data.settings import VectorOptions
from terramamba.raster.scene import Scene
from terramamba.raster.vector.vector_files import is_vector_file
from terramamba.raster.views.masked import MaskedSource, noted_of_masks


@dataclass(frozen=True, eq=False)
class Labels:
    """The labelled pixels of a scene and the class of each, as a target 0..K-1 of ``classes``.

    ``by_name``: the file knows the classes by name alone, and the codes only count them. ``features`` are the
    numbers, from 1, of the shapes of a vector file (or the pieces of ENVI's regions) that label the pixels;
    None for files without shapes. ``unlabelled`` says of each code that is left out why; ``notes`` are
    sentences for people about what was assumed or left out.
    """

    pixels: PixelList
    targets: Int16[np.ndarray, " m"]
    classes: ClassTable
    by_name: bool = False
    features: Int[np.ndarray, " m"] | None = None
    notes: tuple[str, ...] = ()
    unlabelled: tuple[str, ...] = ()

    def only(self, chosen: Bool[np.ndarray, " m"], note: str) -> "Labels":
        """Keep the labels of the pixels that are ``chosen``, with a note on the others."""
        features = None if self.features is None else self.features[chosen]
        kept = {"pixels": self.pixels.only(chosen), "targets": self.targets[chosen], "features": features}
        return replace(self, **kept, notes=(*self.notes, note))


def read_labels(
    path: str,
    scene: Scene,
    *,
    variable: str | None = None,
    names: Sequence[str] | None = None,
    min_abundance: float = 0.7,
    min_classes: int = 2,
    vector: VectorOptions | None = None,
    ignore: Sequence[int | str] | None = None,
    known: ClassTable | None = None,
) -> Labels:
    """Read the labels of ``scene``.

    ``path`` is an image of whole numbers; a folder or a CSV table (column ``mask``) of georeferenced tiles,
    which are laid on the scene's grid; a vector file, whose shapes become pixels as ``vector`` says; ENVI's
    regions of interest as text; or an array ``variable`` in a .mat, .npy or .npz file: a map, or the
    abundances of k classes (k x pixels column by column, rows x columns x k), of which a pixel gets the
    largest where that is ``min_abundance`` or more. An image on another grid or in another reference system
    is brought onto the scene's by nearest neighbour; without georeferencing it must have the scene's size.
    Negative numbers and no data mean unlabelled, and so do 0 and other codes as ``settle_codes`` says, from
    ``ignore`` and where ``known`` are the classes of the run that is to be scored. Classes are called as
    ``names`` says (in the order of the codes), else as the file does, else "class 3". Their colours are those
    of the file, where it tells all of them apart.

    Raises:
        InputError: what cannot be read, another size than the scene's, numbers that are no class codes or may
            mean unlabelled as well, fewer than ``min_classes`` classes, another number of names than of
            classes, or ``vector`` for a file without shapes.
    """
    options = vector or VectorOptions()
    if not is_vector_file(path) and options != VectorOptions():
        raise InputError(f"{path}: is no vector file; {', '.join(options.flags())} can only be given for one")
    raster = read_codes(
        path,
        scene,
        variable=variable,
        min_abundance=min_abundance,
        vector=options,
        zero=_zero_wanted(ignore, names),
    )
    require_found(path, ignore, [raster.found])
    raster, unlabelled = _settled(path, raster, ignore, names, known)
    return replace(_label(path, raster, names, min_classes), unlabelled=unlabelled)


def read_label_subsets(
    paths: Mapping[str, str],
    scene: Scene,
    *,
    variable: str | None = None,
    names: Sequence[str] | None = None,
    min_abundance: float = 0.7,
    vector: VectorOptions | None = None,
    ignore: Sequence[int | str] | None = None,
) -> tuple[Labels, dict[str, Bool[np.ndarray, " m"]]]:
    """Read labels that come by subset, such as ``{"train": ..., "val": ..., "test": ...}``.

    Returns all of them as one, with one table of classes, and which of their pixels each subset labels. Where
    a file knows classes by name alone, or two files call a code differently, the classes of all subsets are
    matched by name.

    Raises:
        InputError: as ``read_labels``, or two subsets that say different classes of the same pixel.
    """
    names_of: dict[int, str] = {}
    colours_of: dict[int, Colour] = {}
    options = vector or VectorOptions()
    rasters = {
        subset: read_codes(
            path,
            scene,
            variable=variable,
            min_abundance=min_abundance,
            vector=options,
            zero=_zero_wanted(ignore, names),
            others=len(paths) > 1,
        )
        for subset, path in paths.items()
    }
    together = ", ".join(dict.fromkeys(paths.values()))
    require_found(together, ignore, [raster.found for raster in rasters.values()])
    unlabelled: dict[str, None] = {}
    for subset, path in paths.items():
        rasters[subset], said = _settled(path, rasters[subset], ignore, names)
        unlabelled |= dict.fromkeys(f"{path}: {one}" for one in said)
    differing = called_differently(paths, rasters)
    by_name = any(raster.by_name for raster in rasters.values())
    if by_name or differing is not None:
        rasters = coded_alike(paths, rasters)
    for i, (subset, raster) in enumerate(rasters.items()):
        for earlier, other in list(rasters.items())[:i]:
            require_agreement(paths[subset], raster, paths[earlier], other)
        names_of = {**raster.names, **names_of}
        colours_of = {**raster.colours, **colours_of}
    notes = tuple(dict.fromkeys(note for raster in rasters.values() for note in raster.notes))
    if differing is not None and not by_name:
        notes = (differing, *notes)
    keys = np.concatenate([raster.pixels.keys for raster in rasters.values()])
    every, first = np.unique(keys, return_index=True)
    codes = np.concatenate([raster.codes for raster in rasters.values()])[first]
    pixels = PixelList(scene.grid.window.shape, every)
    found = next(iter(rasters.values())).found
    by_name = by_name or differing is not None
    merged = ClassRaster(pixels, codes, found, names_of, colours_of, by_name, notes=notes)
    labels = replace(_label(together, merged, names, min_classes=2), unlabelled=tuple(unlabelled))
    return labels, {subset: raster.pixels.find(every) >= 0 for subset, raster in rasters.items()}


def _zero_wanted(ignore: Sequence[int | str] | None, names: Sequence[str] | None) -> bool:
    """Whether 0 may be a class by what is asked for."""
    return names is not None or (ignore is not None and NONE in ignore)


def _settled(
    path: str,
    raster: ClassRaster,
    ignore: Sequence[int | str] | None,
    names: Sequence[str] | None,
    known: ClassTable | None = None,
) -> tuple[ClassRaster, tuple[str, ...]]:
    """Drop what is not labelled, and say what that is and why."""
    found = raster.found
    named = None if names is None else len(names)
    out = settle_codes(path, found, ignore=ignore, named=named, known=known)
    kept = ~np.isin(raster.codes, list(out.codes))
    said = [f"{code} ({found.counts[code]:,} {found.of}): {why}" for code, why in out.codes.items()]
    if found.no_data:
        said.append(f"no data ({found.no_data:,} {found.of}): {found.nodata:g} is declared as such")
    if found.masked:
        said.append(f"masked ({found.masked:,} {found.of}): a mask inside the file leaves them out")
    if found.missing:
        said.append(f"below 0 or NaN ({found.missing:,} {found.of}): never a class")
    settled = replace(
        raster,
        pixels=raster.pixels.only(kept),
        codes=raster.codes[kept],
        names={code: name for code, name in raster.names.items() if code not in out.codes},
        features=None if raster.features is None else raster.features[kept],
        notes=(*raster.notes, *out.notes),
    )
    return settled, tuple(said)


def _label(path: str, raster: ClassRaster, names: Sequence[str] | None, min_classes: int) -> Labels:
    codes, index = np.unique(raster.codes, return_inverse=True)
    count = len(codes)
    if count == 0:
        raise InputError(f"{path}: not one labelled pixel on the scene; 0 and no data mean unlabelled")
    if count < min_classes:
        only = raster.names.get(int(codes[-1]), f"code {codes[-1]}")
        raise InputError(
            f"{path}: has a single class ({only}); a classifier needs two or more, label another"
        )
    if count > MAX_CLASSES:
        raise InputError(
            f"{path}: has {count} different values, more than {MAX_CLASSES}; is it a label raster?"
        )
    if codes[-1] > MAX_CODE:
        raise InputError(f"{path}: has class code {codes[-1]}; renumber the classes from 1 to {MAX_CODE}")
    if names is not None and len(names) != count:
        raise InputError(
            f"{path}: has {count} classes (codes {', '.join(str(c) for c in codes)}), but {len(names)} "
            "names were given; name each class once, in the order of the codes"
        )
    twice = None if names is None else _twice(names)
    if twice is not None:
        raise InputError(
            f"--class-names {','.join(names or ())}: {twice!r} is there twice, so that nobody could tell "
            "these classes apart; call each otherwise"
        )
    own = tuple(int(code) for code in codes)
    found = [" ".join(raster.names.get(code, "").split()) or f"class {code}" for code in own]
    called = found if names is None else names
    colours = tuple(raster.colours[code] for code in own if code in raster.colours)
    if len(set(colours)) < count:
        colours = default_colours(count)
    table = ClassTable(own, tuple(called), colours)
    targets = index.astype(np.int16)
    slip = nearly_alike_in_words(table.names)
    notes = raster.notes if slip is None else (*raster.notes, f"{path}: {slip}")
    return Labels(raster.pixels, targets, table, raster.by_name, raster.features, notes)


SIDE = 2048
"""Most rows and columns of a mask that are read together."""


def unmasked(labels: Labels, scene: Scene, *, need_all_classes: bool = True) -> Labels:
    """Keep ``labels`` where no mask of ``scene`` marks the pixel; a note says how many are lost.

    Raises:
        InputError: masks leave nothing of a class, unless ``need_all_classes`` is false.
    """
    hidden = _hidden(labels.pixels, scene)
    if not hidden.any():
        return labels
    gone = set(np.unique(labels.targets).tolist()) - set(np.unique(labels.targets[~hidden]).tolist())
    if gone and need_all_classes:
        why = "".join(f" ({said})" for said in noted_of_masks(scene))
        names = ", ".join(repr(labels.classes.names[c]) for c in sorted(gone))
        raise InputError(
            f"{scene.path}: its masks leave no labelled pixel of {names}; label more of it, leave the class "
            f"out (--ignore-classes), or use other masks{why}"
        )
    lost = f"{np.count_nonzero(hidden):,} of {len(hidden):,} labelled pixels"
    return labels.only(~hidden, f"{lost} are masked and left out")


def _hidden(pixels: PixelList, scene: Scene) -> Bool[np.ndarray, " m"]:
    """Which of ``pixels`` the masks of ``scene`` leave out, whether they had data or not."""
    hidden = np.zeros(len(pixels), bool)
    if isinstance(scene.source, MaskedSource):
        for window, places in pixels.windows(SIDE, SIDE):
            hidden[places] = scene.source.marked(window, window.shape)[pixels.inside(window, places)]
    return hidden


def _twice(names: Sequence[str]) -> str | None:
    """The first name that is there before, whatever its capitals and spaces."""
    keys = [name_key(name) for name in names]
    return next((name for i, name in enumerate(names) if keys[i] in keys[:i]), None)
