"""A scene with its labelled pixels, and the ways to split them: from the settings of a classification job."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Int16

from terramamba.core.errors import InputError
from terramamba.core.number_ranges import parse_bands
from terramamba.core.options import part_of
from terramamba.core.words import ranges
from terramamba.data.labels.labels import Labels, read_label_subsets, read_labels, unmasked
from terramamba.data.labels.raster_labels import label_shape
from terramamba.data.settings import VectorOptions
from terramamba.data.splits.block_grid import BlockGrid
from terramamba.data.splits.block_size import BlockSize
from terramamba.data.splits.by_polygon import polygon_split
from terramamba.data.splits.split import Split, block_split, given_split, random_split
from terramamba.data.splits.square_blocks import square_block_split
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.usable_bands import Usable, usable
from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.scene import Scene
from terramamba.raster.views.chosen_bands import OpenAsked, find_bands, open_bands
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.raster.views.physical import physical

SplitFor = Callable[[int, int], Split]
"""Splits labelled pixels for patches of a side, and smoothing that reaches so far, in pixels."""
Labelled = tuple[Scene, Usable, SplitFor]
"""A scene, its labelled pixels with data, and how they are split."""


def read_own_labels(settings: ClassifySettings, scene: Scene) -> Labels:
    """Read the labels that ``settings`` name, of all subsets, on the pixels of ``scene``.

    Raises:
        InputError: a file cannot be read, or labels nothing of ``scene``.
    """
    files = _subset_files(settings)
    if settings.labels is None and files:
        return read_label_subsets(files, scene, **_how_to_read(settings))[0]
    if settings.labels is None:
        raise InputError("the run names no labels")
    return read_labels(settings.labels, scene, **_how_to_read(settings))


def read_labelled(settings: ClassifySettings, physical_values: bool) -> Labelled:
    """Open the scene, find its labelled pixels with data, and say how they are split for patches of a side.

    Raises:
        InputError: what cannot be read, or files that do not go with the way to split.
    """
    files = _subset_files(settings)
    if settings.split == "given":
        return _as_given(settings, files, physical_values)
    if settings.labels is None and settings.data is not None and files:
        return _official_anew(settings, files, physical_values)
    return _of_one_file(settings, files, physical_values)


def _subset_files(settings: ClassifySettings) -> dict[str, str]:
    """Label files that are each of one subset."""
    named = {"train": settings.train_labels, "val": settings.val_labels, "test": settings.test_labels}
    return {name: path for name, path in named.items() if path is not None}


def _as_given(settings: ClassifySettings, files: Mapping[str, str], physical_values: bool) -> Labelled:
    """A label file for each subset; without one of validation, that is drawn from the training pixels."""
    hold_out = "val" not in files
    missing = [f"--{name}-labels" for name in ("train", "test") if name not in files]
    if missing:
        raise InputError(
            f"--split given: also name {', '.join(missing)}; without --val-labels, validation is drawn "
            "from the training pixels"
        )
    scene = _open(settings, label_shape(files["train"], settings.label_variable), physical_values)
    every, in_subset = read_label_subsets(files, scene, **_how_to_read(settings))
    found = _usable(settings, scene, unmasked(every, scene))
    labels = found.labels
    kept = labels.pixels.find(every.pixels.keys) >= 0
    in_subset = {name: marked[kept] for name, marked in in_subset.items()}
    if hold_out:
        in_subset["val"] = _held_out(labels.targets, in_subset["train"], settings)
        in_subset["train"] &= ~in_subset["val"]
    train, val, test = (in_subset[name] for name in ("train", "val", "test"))
    drawn = f"{np.count_nonzero(val)} of the given training pixels, drawn at random, are validation"

    def split_for(patch_size: int, reach: int) -> Split:
        names = labels.classes.names
        split = given_split(
            labels.pixels, labels.targets, train, val, test, patch_size=patch_size, names=names
        )
        return replace(split, notes=(*split.notes, drawn) if hold_out else split.notes, reach=reach)

    return scene, found, split_for


def _official_anew(settings: ClassifySettings, files: Mapping[str, str], physical_values: bool) -> Labelled:
    """A set of the catalogue that comes in two subsets, put together and split anew."""
    shape = label_shape(next(iter(files.values())), settings.label_variable)
    scene = _open(settings, shape, physical_values)
    every, _ = read_label_subsets(files, scene, **_how_to_read(settings))
    found = _usable(settings, scene, unmasked(every, scene))
    note = f"official training and test pixels are put together and split anew (--split {settings.split})"

    def split_for(patch_size: int, reach: int) -> Split:
        split = _split(settings, scene, found.labels, patch_size, reach)
        return replace(split, notes=(*split.notes, note))

    return scene, found, split_for


def _of_one_file(settings: ClassifySettings, files: Mapping[str, str], physical_values: bool) -> Labelled:
    """One file with the labels of all subsets."""
    if settings.labels is None:
        raise InputError(
            f"--split {settings.split}: no labels given; name a label file with --labels, or three with "
            "--split given"
        )
    if files:
        unused = ", ".join(f"--{name}-labels" for name in files)
        raise InputError(f"{unused}: used only with --split given; this is --split {settings.split}")
    scene = _open(settings, label_shape(settings.labels, settings.label_variable), physical_values)
    labels = read_labels(settings.labels, scene, **_how_to_read(settings))
    found = _usable(settings, scene, unmasked(labels, scene))
    return scene, found, partial(_split, settings, scene, found.labels)


def _how_to_read(settings: ClassifySettings) -> dict[str, Any]:
    return {
        "variable": settings.label_variable,
        "names": settings.class_names,
        "min_abundance": settings.min_abundance,
        "vector": part_of(settings, VectorOptions),
        "ignore": settings.ignore_classes,
    }


def _held_out(
    targets: Int16[np.ndarray, " m"], train: Bool[np.ndarray, " m"], settings: ClassifySettings
) -> Bool[np.ndarray, " m"]:
    """``val_fraction`` (2 or more: so many) of each class's training pixels, but never more than half."""
    chance = np.random.default_rng(settings.seed)
    held = np.zeros(train.shape, bool)
    for c in np.unique(targets[train]):
        own = np.flatnonzero(train & (targets == c))
        number = settings.val_fraction * (len(own) if settings.val_fraction < 2 else 1)
        held[chance.permutation(own)[: min(max(1, round(number)), len(own) // 2)]] = True
    return held


def _open(settings: ClassifySettings, shape: tuple[int, int] | None, physical_values: bool) -> Scene:
    if settings.scene is None:
        raise InputError("--scene: must be given; name the image of the labels")
    asked = OpenAsked(settings.scene_variable, shape, settings.axes)
    scene, _ = open_bands(settings.scene, settings.bands, asked)
    named = settings.scene_variable is not None or scene.path != settings.scene
    if isinstance(scene.source, ArraySource) and scene.bands == 1 and not named:
        raise InputError(
            f"{scene.path}: no 3-D array, only {scene.source.name} {scene.height} x {scene.width}; "
            "give the file of the scene, or name what is meant with --scene-variable"
        )
    require_held([scene], settings.nodata or ())
    known = without_values(scene, settings.nodata or ())
    return masked(physical(known) if physical_values else known, settings.mask or ())


def _split(settings: ClassifySettings, scene: Scene, labels: Labels, patch_size: int, reach: int) -> Split:
    sizes: dict[str, Any] = {
        "train_fraction": settings.train_fraction,
        "val_fraction": settings.val_fraction,
        "min_per_class": settings.min_per_class,
        "patch_size": patch_size,
        "seed": settings.seed,
        "names": labels.classes.names,
    }
    if settings.split == "random":
        return replace(random_split(labels.pixels, labels.targets, **sizes), reach=reach)
    sizes["reach"] = reach
    if settings.block_size is not None:
        size = BlockSize.parse(settings.block_size)
        assert size is not None  # the settings hold that
        blocks = BlockGrid.on(scene.grid, size, patch_size + 2 * reach, scene.path)
        return square_block_split(labels.pixels, labels.targets, blocks, **sizes)
    if settings.split == "block":
        return block_split(labels.pixels, labels.targets, **sizes)
    if labels.features is None:
        raise InputError(
            f"{settings.labels or settings.data}: has no polygons, which --split polygon needs; give a "
            "vector file, or use --split block"
        )
    return polygon_split(labels.pixels, labels.targets, labels.features, **sizes)


def offered_bands(
    scene: Scene, chosen: str | None, excluded: Sequence[tuple[float, float]]
) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """Return the bands that may be used, in the order that ``chosen`` has them, and note those left out.

    Left out are bands at ``excluded`` wavelengths (nm, ends included).

    Raises:
        InputError: wavelengths are excluded and those of the scene are not known, or no band is left.
    """
    bands = tuple(range(scene.bands)) if chosen is None else find_bands(scene, parse_bands(chosen))
    said = f"bands used, as --bands {chosen} says: {ranges(bands)} of {scene.bands}"
    notes = [] if chosen is None else [said]
    if not excluded:
        return bands, tuple(notes)
    known = scene.wavelengths
    if known is None:
        raise InputError(
            f"--exclude-wavelengths: {scene.path} does not say the wavelengths of its bands; leave bands out "
            "with --bands"
        )
    inside = {band for band in bands if any(low <= known[band] <= high for low, high in excluded)}
    if inside == set(bands):
        raise InputError(f"--exclude-wavelengths: leaves no band of {scene.path}; exclude less")
    left_out = f": {ranges(sorted(inside))}" if inside else ""
    notes.append(f"{len(inside)} of {scene.bands} bands left out (excluded wavelengths){left_out}")
    return tuple(band for band in bands if band not in inside), tuple(notes)


def _usable(settings: ClassifySettings, scene: Scene, labels: Labels) -> Usable:
    """The bands and labelled pixels to work with, of the bands that the settings offer."""
    offered, left_out = offered_bands(scene, settings.bands, settings.excluded())
    found = usable(scene, labels, offered)
    return replace(found, notes=(*left_out, *found.notes))
