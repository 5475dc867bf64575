"""From the files of a classification job to samples: labels, split, usable bands, scaled pixels."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import rasterio
from jaxtyping import Bool, Float32, Float64, Int16, Int64

from terramamba.core.errors import InputError
from terramamba.core.number_ranges import parse_bands
from terramamba.core.options import part_of
from terramamba.core.words import ranges
from terramamba.data.labels.labels import Labels, read_label_subsets, read_labels, unmasked
from terramamba.data.labels.raster_labels import label_shape
from terramamba.data.patch_store import VALUES_PER_READ, PatchStore, window_size
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.data.settings import VectorOptions
from terramamba.data.splits.block_grid import BlockGrid
from terramamba.data.splits.block_size import BlockSize
from terramamba.data.splits.by_polygon import polygon_split
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import Split, block_split, given_split, random_split
from terramamba.data.splits.square_blocks import square_block_split
from terramamba.landcover.regularised import reach_of
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.usable import Usable, finite_in_float32, usable
from terramamba.raster.band_matching import band_notes
from terramamba.raster.checks.scales import Ends, Scales, far_in_words, scene_scales
from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.gdal import GDAL_CACHE_BYTES
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.scene import Scene
from terramamba.raster.views.chosen_bands import OpenAsked, find_bands, open_bands
from terramamba.raster.views.masked import masked
from terramamba.raster.views.nodata import require_held, without_values
from terramamba.raster.views.physical import physical
from terramamba.raster.windows import strips

SplitFor = Callable[[int], Split]
"""Splits labelled pixels for patches of a side in pixels."""

LEAST_SIDE = 3
"""A patch that shows neighbours at all."""
MOST_LEFT_OUT = 0.1
"""A larger fraction of the labelled pixels than this is not given away for larger patches."""


@dataclass(frozen=True, eq=False)
class Samples:
    """A scene ready for learning: labels, the subset of every labelled pixel, and what their patches show."""

    scene: Scene
    labels: Labels
    lost: int
    """Labelled pixels that were left out, as they lack data in a used band."""
    split: Split
    scaling: Scaling
    store: PatchStore
    scales: Scales | None
    """Quantiles of the used bands all over the scene; None where a sample of it has no data."""
    warnings: tuple[str, ...]
    """What makes the values doubtful."""
    notes: tuple[str, ...]

    def pixels(self, subset: int) -> Int64[np.ndarray, "m 2"]:
        """Return rows and columns of the pixels of ``subset``."""
        return self.split.pixels.only(self.split.subsets == subset).coordinates

    def targets(self, subset: int) -> Int64[np.ndarray, " m"]:
        """Return the targets (0..K-1) of the pixels of ``subset``, in the order of ``pixels``."""
        return self.labels.targets[self.split.subsets == subset].astype(np.int64)

    def spectra(self, subset: int) -> Float32[np.ndarray, "m c"]:
        """Return scaled spectra of the pixels of ``subset``, in the order of ``pixels``."""
        return self.store.spectra(self.pixels(subset))


def prepare_samples(
    settings: ClassifySettings, patch_size: int, *, or_less: bool = False, physical_values: bool = True
) -> Samples:
    """Read scene and labels, choose bands, split what has data in them, fit the scaling on training pixels.

    With ``or_less``, patches are as large as the labels can afford, up to ``patch_size``: see ``affordable``.
    Scale and offset that the scene declares are applied where it is to have ``physical_values``.

    Raises:
        InputError: what cannot be read, fitted or split, with the file and the remedy.
    """
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        scene, found, split_for = _read(settings, physical_values)
        split = affordable(split_for, patch_size) if or_less else split_for(patch_size)
        reach = reach_of(settings.regularise)
        if reach:
            # The buffer is that of a patch larger by what smoothing reaches.
            side = split.patch_size
            split = replace(split_for(side + 2 * reach), patch_size=side, reach=reach)
        labels, bands, patch_size = found.labels, found.bands, split.patch_size
        if settings.fit_on == "scene":
            scaling = Scaling.fit(lambda: _all_spectra(scene, bands), bands, settings.scaling)
        else:
            spectra = read_spectra(scene, split.pixels.only(split.subsets == TRAIN), bands)
            scaling = Scaling.fit(lambda: [spectra], bands, settings.scaling)
        scales, doubts = _judged(scene, bands, found.ends)
        used = split.pixels.only(split.subsets != LEFT_OUT)
        store = PatchStore.read(scene, scaling, used, patch_size, settings.border)
    split, dropped = _without_unusable(scene, split, store)
    notes = (*_of_scene(scene), *labels.notes, *found.notes, *dropped, *doubts)
    return Samples(scene, labels, found.lost, split, scaling, store, scales, doubts, notes)


def _of_scene(scene: Scene) -> tuple[str, ...]:
    """What was taken for granted when a bare array was opened, else what is noted of its bands."""
    return scene.notes if scene.axes else band_notes(scene)


def _judged(scene: Scene, bands: Sequence[int], ends: Ends) -> tuple[Scales | None, tuple[str, ...]]:
    """The quantiles of a scene, and what in it is probably no data or no measurement."""
    doubts = [f"{scene.path}: {fill.in_words()}" for fill in sample_statistics(scene).fill]
    sampled = scene_scales(scene, bands)
    scales = None if sampled is None else sampled[0]
    far = None if scales is None else scales.far_value(*ends)
    if far is not None and not doubts:
        doubts.append(far_in_words(scene.path, bands[far[0]], far[1]))
    return scales, tuple(doubts)


def affordable(split_for: SplitFor, largest: int) -> Split:
    """Return the split with the largest patches whose buffers take few labelled pixels out of the subsets.

    Sides fall from ``largest`` by two pixels, to ``LEAST_SIDE``, which is taken whatever it costs.
    """
    for side in range(largest, LEAST_SIDE, -2):
        try:
            split = split_for(side)
        except InputError:  # nothing is left to test on, or to train on: a smaller patch may do
            continue
        if np.mean(split.subsets == LEFT_OUT) <= MOST_LEFT_OUT:
            return split
    return split_for(min(largest, LEAST_SIDE))


def _read(settings: ClassifySettings, physical_values: bool) -> tuple[Scene, Usable, SplitFor]:
    """The scene, its labelled pixels with data, and how they are split for patches of a side."""
    label_files = {"train": settings.train_labels, "val": settings.val_labels, "test": settings.test_labels}
    reading: dict[str, Any] = {
        "variable": settings.label_variable,
        "names": settings.class_names,
        "min_abundance": settings.min_abundance,
        "vector": part_of(settings, VectorOptions),
        "ignore": settings.ignore_classes,
    }
    if settings.split == "given":
        paths = {name: path for name, path in label_files.items() if path is not None}
        hold_out = "val" not in paths
        missing = [f"--{name}-labels" for name in ("train", "test") if name not in paths]
        if missing:
            raise InputError(
                f"--split given: also name {', '.join(missing)}; without --val-labels, validation is drawn "
                "from the training pixels"
            )
        shape = label_shape(paths["train"], settings.label_variable)
        scene = _open(settings, shape, physical_values)
        every, in_subset = read_label_subsets(paths, scene, **reading)
        found = _usable(settings, scene, unmasked(every, scene))
        labels = found.labels
        kept = labels.pixels.find(every.pixels.keys) >= 0
        in_subset = {name: marked[kept] for name, marked in in_subset.items()}
        if hold_out:
            in_subset["val"] = _held_out(labels.targets, in_subset["train"], settings)
            in_subset["train"] &= ~in_subset["val"]
        train, val, test = (in_subset[name] for name in label_files)
        drawn = f"{np.count_nonzero(val)} of the given training pixels, drawn at random, are validation"

        def as_given(patch_size: int) -> Split:
            split = given_split(
                labels.pixels,
                labels.targets,
                train,
                val,
                test,
                patch_size=patch_size,
                names=labels.classes.names,
            )
            return replace(split, notes=(*split.notes, drawn)) if hold_out else split

        return scene, found, as_given
    official = {
        name: path for name, path in label_files.items() if path is not None and settings.data is not None
    }
    if official and settings.labels is None:
        # a set of the catalogue that comes in two subsets, split anew
        scene = _open(
            settings, label_shape(next(iter(official.values())), settings.label_variable), physical_values
        )
        found = _usable(settings, scene, unmasked(read_label_subsets(official, scene, **reading)[0], scene))
        note = f"official training and test pixels are put together and split anew (--split {settings.split})"

        def anew(patch_size: int) -> Split:
            split = _split(settings, scene, found.labels, patch_size)
            return replace(split, notes=(*split.notes, note))

        return scene, found, anew
    if settings.labels is None:
        raise InputError(
            f"--split {settings.split}: no labels given; name a label file with --labels, or three with "
            "--split given"
        )
    unused = [f"--{name}-labels" for name, path in label_files.items() if path is not None]
    if unused:
        raise InputError(
            f"{', '.join(unused)}: used only with --split given; this is --split {settings.split}"
        )
    shape = label_shape(settings.labels, settings.label_variable)
    scene = _open(settings, shape, physical_values)
    found = _usable(settings, scene, unmasked(read_labels(settings.labels, scene, **reading), scene))
    return scene, found, partial(_split, settings, scene, found.labels)


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


def _split(settings: ClassifySettings, scene: Scene, labels: Labels, patch_size: int) -> Split:
    sizes: dict[str, Any] = {
        "train_fraction": settings.train_fraction,
        "val_fraction": settings.val_fraction,
        "min_per_class": settings.min_per_class,
        "patch_size": patch_size,
        "seed": settings.seed,
        "names": labels.classes.names,
    }
    if settings.split == "random":
        return random_split(labels.pixels, labels.targets, **sizes)
    if settings.block_size is not None:
        size = BlockSize.parse(settings.block_size)
        assert size is not None  # the settings hold that
        blocks = BlockGrid.on(scene.grid, size, patch_size, scene.path)
        return square_block_split(labels.pixels, labels.targets, blocks, **sizes)
    if settings.split == "block":
        return block_split(labels.pixels, labels.targets, **sizes)
    if labels.features is None:
        raise InputError(
            f"{settings.labels or settings.data}: has no polygons, which --split polygon needs; give a "
            "vector file, or use --split block"
        )
    return polygon_split(labels.pixels, labels.targets, labels.features, **sizes)


def read_spectra(scene: Scene, pixels: PixelList, bands: Sequence[int]) -> Float64[np.ndarray, "m c"]:
    """Read ``bands`` of ``pixels``, which have data in all of them, from windows that hold some of them."""
    if not len(pixels):
        raise InputError(f"{scene.path}: not one pixel to read; the labels leave no training pixel")
    spectra = np.empty((len(pixels), len(bands)))
    for window, indices in pixels.windows(*window_size(scene, len(bands))):
        values, _ = scene.read(window, bands)
        spectra[indices] = values[(slice(None), *pixels.inside(window, indices))].T
    return spectra


def _all_spectra(scene: Scene, bands: Sequence[int]) -> Iterator[Float64[np.ndarray, "n c"]]:
    """The pixels of the whole scene with finite data in ``bands``, some rows at a time."""
    rows = max(1, VALUES_PER_READ // (scene.width * len(bands)))
    for window in strips(scene.height, scene.width, rows):
        values, valid = (array.reshape(len(bands), -1).T for array in scene.read(window, bands))
        yield np.ascontiguousarray(values[(valid & finite_in_float32(values)).all(axis=1)], np.float64)


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


def _without_unusable(scene: Scene, split: Split, store: PatchStore) -> tuple[Split, tuple[str, ...]]:
    indices = store.kept.find(split.pixels.keys)
    lost = (split.subsets != LEFT_OUT) & ~store.usable[indices]
    if not lost.any():
        return split, ()
    subsets = np.where(lost, LEFT_OUT, split.subsets).astype(np.uint8)
    for subset, name in ((TRAIN, "training"), (VALIDATION, "validation"), (TEST, "test")):
        if not (subsets == subset).any():
            raise InputError(f"{scene.path}: every {name} pixel lacks data in some band; use other labels")
    note = f"{np.count_nonzero(lost)} labelled pixels lack data in a used band and are left out"
    return replace(split, subsets=subsets), (note,)
