"""From the files of a classification job to samples: labels, split, usable bands, scaled cube."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int, Int16, Shaped

from terramamba.core.errors import InputError
from terramamba.core.options import part_of
from terramamba.data.labels.labels import (
    Labels,
    label_shape,
    read_label_parts,
    read_labels,
    unmasked,
)
from terramamba.data.scaling import Scaling, read_scaled
from terramamba.data.settings import VectorOptions
from terramamba.data.splits.by_polygon import polygon_split
from terramamba.data.splits.split import (
    TEST,
    TRAIN,
    VALIDATION,
    Split,
    block_split,
    given_split,
    random_split,
)
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import masked
from terramamba.raster.windows import strips

MIN_VALID_SHARE = 0.5
"""A band with data at a smaller share of the training pixels than this is left out."""

VALUES_PER_READ = 32_000_000
"""Scenes are read in strips of about this many values, so that only the scaled cube is ever held whole."""


@dataclass(frozen=True, eq=False)
class Samples:
    """A scene ready for learning: scaled bands, labels, and the role of every labelled pixel."""

    scene: Scene
    labels: Labels
    split: Split
    scaling: Scaling
    cube: Float32[np.ndarray, "c h w"]
    notes: tuple[str, ...]

    def pixels(self, role: int) -> Int[np.ndarray, "m 2"]:
        """Rows and columns of the pixels with ``role``."""
        return np.argwhere(self.split.roles == role).astype(np.int64)

    def targets(self, role: int) -> Int[np.ndarray, " m"]:
        """0-based classes of the pixels with ``role``, in the order of ``pixels``."""
        return self.labels.classes[self.split.roles == role].astype(np.int64) - 1

    def spectra(self, role: int) -> Float32[np.ndarray, "m c"]:
        """Scaled spectra of the pixels with ``role``, in the order of ``pixels``."""
        return np.ascontiguousarray(self.cube[:, self.split.roles == role].T)


def prepare_samples(settings: ClassifySettings, patch_size: int) -> Samples:
    """Read scene and labels, split them, choose bands and fit the scaling on training pixels.

    Raises:
        InputError: what cannot be read, fitted or split, with the file and the remedy.
    """
    scene, labels, split = _read(settings, patch_size)
    bands, notes = choose_bands(scene, split.roles == TRAIN)
    fitted_on = np.ones_like(split.roles, dtype=bool) if settings.fit_on == "scene" else split.roles == TRAIN
    values, valid = read_pixels(scene, fitted_on, bands)
    whole = valid.all(axis=1) & np.isfinite(values).all(axis=1)
    if not whole.any():
        raise InputError(f"{scene.path}: no training pixel has data in all used bands; use other labels")
    scaling = Scaling.fit(values[whole].astype(np.float64), bands, settings.scaling)
    cube, usable = scaled_cube(scene, scaling)
    split, dropped = _without_unusable(scene, split, usable)
    return Samples(scene, labels, split, scaling, cube, (*labels.notes, *notes, *dropped))


def _read(settings: ClassifySettings, patch_size: int) -> tuple[Scene, Labels, Split]:
    parts = {"train": settings.train_labels, "val": settings.val_labels, "test": settings.test_labels}
    reading: dict[str, Any] = {
        "variable": settings.label_variable,
        "names": settings.class_names,
        "min_abundance": settings.min_abundance,
        "vector": part_of(settings, VectorOptions),
    }
    if settings.split == "given":
        paths = {name: path for name, path in parts.items() if path is not None}
        # sets of the catalogue have official training and test pixels, but none for validation
        hold_out = settings.data is not None and "val" not in paths
        if len(paths) < len(parts) - hold_out:
            raise InputError(
                "--split given: also name "
                + ", ".join(f"--{name}-labels" for name in parts if name not in paths)
                + "; all three parts are needed"
            )
        shape = label_shape(paths["train"], settings.label_variable)
        scene = _open(settings, shape)
        labels, parts_of = read_label_parts(paths, scene, **reading)
        labels = unmasked(labels, scene)
        if hold_out:
            parts_of["val"] = _held_out(labels.classes, parts_of["train"], settings)
            parts_of["train"] &= ~parts_of["val"]
        train, val, test = (parts_of[name] & (labels.classes > 0) for name in parts)
        split = given_split(
            labels.classes,
            train,
            val,
            test,
            patch_size=patch_size,
            names=labels.names,
        )
        if hold_out:
            note = f"{np.count_nonzero(val)} of the official training pixels, drawn at random, are validation"
            split = replace(split, notes=(*split.notes, note))
        return scene, labels, split
    official = {name: path for name, path in parts.items() if path is not None and settings.data is not None}
    if official and settings.labels is None:
        # a set of the catalogue that comes in parts, split anew
        scene = _open(settings, label_shape(next(iter(official.values())), settings.label_variable))
        labels = unmasked(read_label_parts(official, scene, **reading)[0], scene)
        split = _split(settings, labels, patch_size)
        note = (
            f"official training and test pixels are put together and parted anew (--split {settings.split})"
        )
        return scene, labels, replace(split, notes=(*split.notes, note))
    if settings.labels is None:
        raise InputError(
            f"--split {settings.split}: no labels given; name a label file with --labels, or three with "
            "--split given"
        )
    unused = [f"--{name}-labels" for name, path in parts.items() if path is not None]
    if unused:
        raise InputError(
            f"{', '.join(unused)}: used only with --split given; this is --split {settings.split}"
        )
    shape = label_shape(settings.labels, settings.label_variable)
    scene = _open(settings, shape)
    labels = unmasked(read_labels(settings.labels, scene, **reading), scene)
    return scene, labels, _split(settings, labels, patch_size)


def _held_out(
    classes: Int16[np.ndarray, "h w"], train: Bool[np.ndarray, "h w"], settings: ClassifySettings
) -> Bool[np.ndarray, "h w"]:
    """``val_fraction`` (2 or more: so many) of each class's training pixels, but never more than half."""
    chance = np.random.default_rng(settings.seed)
    held = np.zeros(train.shape, bool)
    for code in np.unique(classes[train & (classes > 0)]):
        own = np.flatnonzero(train & (classes == code))
        wanted = settings.val_fraction * (len(own) if settings.val_fraction < 2 else 1)
        held.flat[chance.permutation(own)[: min(max(1, round(wanted)), len(own) // 2)]] = True
    return held


def _open(settings: ClassifySettings, shape: tuple[int, int] | None) -> Scene:
    if settings.scene is None:
        raise InputError("--scene must be given")
    scene = open_scene(settings.scene, variable=settings.scene_variable, shape=shape)
    return masked(scene, settings.mask or ())


def _split(settings: ClassifySettings, labels: Labels, patch_size: int) -> Split:
    sizes: dict[str, Any] = {
        "train_fraction": settings.train_fraction,
        "val_fraction": settings.val_fraction,
        "min_per_class": settings.min_per_class,
        "patch_size": patch_size,
        "seed": settings.seed,
        "names": labels.names,
    }
    if settings.split == "random":
        return random_split(labels.classes, **sizes)
    if settings.split == "block":
        return block_split(labels.classes, **sizes)
    if labels.features is None:
        raise InputError(
            f"{settings.labels or settings.data}: has no polygons, which --split polygon parts; give a "
            "vector file, or use --split block"
        )
    return polygon_split(labels.classes, labels.features, **sizes)


def read_pixels(
    scene: Scene, where: Bool[np.ndarray, "h w"], bands: Sequence[int] | None = None
) -> tuple[Shaped[np.ndarray, "m c"], Bool[np.ndarray, "m c"]]:
    """Values and validity of the pixels ``where``, row by row, read strip by strip."""
    values, valid = [], []
    for window in strips(scene.height, scene.width, _rows(scene)):
        inside = where[window.slices]
        if not inside.any():
            continue
        block, block_valid = scene.read(window, bands)
        values.append(block[:, inside].T)
        valid.append(block_valid[:, inside].T)
    if not values:
        raise InputError(f"{scene.path}: not one pixel to read; the labels leave no training pixel")
    return np.concatenate(values), np.concatenate(valid)


def _rows(scene: Scene) -> int:
    return max(1, VALUES_PER_READ // (scene.width * scene.bands))


def choose_bands(scene: Scene, training: Bool[np.ndarray, "h w"]) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The bands worth learning from, judged on training pixels, and a note on those left out.

    Left out: bands that the header calls bad, bands without data at half of the training pixels or more, and
    bands with one single value. Bands are 0-based here and 1-based in the notes.

    Raises:
        InputError: no band is left, or a band holds NaN or infinity that is not its nodata value.
    """
    values, valid = read_pixels(scene, training)
    reasons: dict[str, list[int]] = {"bad by its header": [], "no data": [], "constant": []}
    kept: list[int] = []
    for band in range(scene.bands):
        column = values[valid[:, band], band]
        if scene.bad_bands[band]:
            reasons["bad by its header"].append(band)
        elif valid[:, band].mean() <= MIN_VALID_SHARE:
            reasons["no data"].append(band)
        elif np.issubdtype(column.dtype, np.floating) and not np.isfinite(column).all():
            bad = np.argwhere(training)[np.flatnonzero(valid[:, band])[~np.isfinite(column)][0]]
            raise InputError(
                f"{scene.path}: band {band + 1} has {np.count_nonzero(~np.isfinite(column))} NaN or infinite "
                f"values at training pixels (first at row {bad[0]}, column {bad[1]}); declare them as nodata "
                "in the file or unlabel those pixels"
            )
        elif column.min() == column.max():
            reasons["constant"].append(band)
        else:
            kept.append(band)
    if not kept:
        raise InputError(
            f"{scene.path}: no band has usable data at the training pixels; check its nodata value"
        )
    notes = tuple(
        f"{len(left_out)} of {scene.bands} bands left out ({reason}): {ranges(left_out)}"
        for reason, left_out in reasons.items()
        if left_out
    )
    return tuple(kept), notes


def ranges(bands: Sequence[int]) -> str:
    """0-based ``bands`` in 1-based words, such as "130-135, 140"."""
    groups: list[list[int]] = []
    for band in bands:
        if groups and band == groups[-1][-1] + 1:
            groups[-1].append(band)
        else:
            groups.append([band])
    return ", ".join(f"{g[0] + 1}-{g[-1] + 1}" if len(g) > 1 else f"{g[0] + 1}" for g in groups)


def _without_unusable(
    scene: Scene, split: Split, usable: Bool[np.ndarray, "h w"]
) -> tuple[Split, tuple[str, ...]]:
    lost = (split.roles > 0) & ~usable
    if not lost.any():
        return split, ()
    roles = np.where(usable, split.roles, 0).astype(np.uint8)
    for role, name in ((TRAIN, "training"), (VALIDATION, "validation"), (TEST, "test")):
        if not (roles == role).any():
            raise InputError(f"{scene.path}: every {name} pixel lacks data in some band; use other labels")
    note = f"{np.count_nonzero(lost)} labelled pixels lack data in a used band and are left out"
    return replace(split, roles=roles), (note,)


def scaled_cube(
    scene: Scene, scaling: Scaling
) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "h w"]]:
    """The whole scene in ``scaling``'s bands, and which pixels have finite data in all of them.

    Pixels without hold the scaling's fill value.
    """
    cube = np.empty((len(scaling.bands), scene.height, scene.width), np.float32)
    usable = np.empty((scene.height, scene.width), bool)
    for window in strips(scene.height, scene.width, _rows(scene)):
        cube[:, *window.slices], usable[window.slices], _ = read_scaled(scene, scaling, window)
    return cube, usable
