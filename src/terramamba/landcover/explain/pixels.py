"""Which pixels explain a classifier: those it was validated on, labelled ones of another scene, or any."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int64

from terramamba.core.errors import InputError
from terramamba.data.labels.class_matching import known_targets
from terramamba.data.labels.class_table import UNLABELLED
from terramamba.data.labels.labels import read_labels
from terramamba.data.labels.raster_labels import label_shape
from terramamba.data.splits.leakage import VALIDATION
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.mapping.fit_to_run import open_for
from terramamba.raster.band_matching import band_notes
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.scene import Scene
from terramamba.raster.windows import sample_windows
from terramamba.runs.folder import Run
from terramamba.runs.record import has_settings, read_settings

CANDIDATES = 250_000
"""Pixels of an unlabelled scene among which some are drawn; of larger ones, evenly spaced."""


@dataclass(frozen=True, eq=False)
class Chosen:
    """A scene and pixels of it; ``targets``, their classes from 0, are None where nobody knows them.

    ``words`` say which pixels these are; ``notes`` are sentences about what was left out.
    """

    scene: Scene
    pixels: Int64[np.ndarray, "m 2"]
    targets: Int64[np.ndarray, " m"] | None
    words: str
    notes: tuple[str, ...] = ()

    def drawn(self, most: int, seed: int) -> "Chosen":
        """Draw ``most`` of the pixels at random, in their order; all where there are no more."""
        total = len(self.pixels)
        if total <= most:
            return self
        kept = np.sort(np.random.default_rng(seed).choice(total, most, replace=False))
        targets = None if self.targets is None else self.targets[kept]
        words = f"{most} drawn from {total} {self.words}"
        return Chosen(self.scene, self.pixels[kept], targets, words, self.notes)

    def only(self, usable: Bool[np.ndarray, " m"]) -> "Chosen":
        """Keep the pixels that are ``usable``."""
        targets = None if self.targets is None else self.targets[usable]
        lost = int(np.count_nonzero(~usable))
        notes = (*self.notes, *([f"{lost} pixels without data are left out"] if lost else []))
        return Chosen(self.scene, self.pixels[usable], targets, self.words, notes)


def choose_pixels(
    run: Run,
    scene: str | Scene | None,
    labels: str | None,
    *,
    variable: str | None = None,
    axes: str | None = None,
    ignore: Sequence[int | str] | None = None,
    bands: str | None = None,
) -> Chosen:
    """Choose all pixels that can explain ``run``.

    Of the run's own scene, its validation pixels: the test is not looked at. Of another, the pixels with
    ``labels`` of classes that the model knows, ``ignore`` left out; without labels, any.

    Raises:
        InputError: files that cannot be read, do not fit the run or have changed since training.
    """
    if labels is None and (scene is None or _is_own(run, scene)):
        if bands is not None:
            raise InputError(f"--bands {bands}: the run's own scene keeps its own bands; leave it out")
        return _validation_pixels(run)
    if scene is None:
        raise InputError(f"--labels {labels}: name the scene that they belong to")
    shape = None if labels is None else label_shape(labels, None)
    opened = open_for(run, scene, bands=bands, variable=variable, axes=axes, shape=shape)
    if labels is None:
        return Chosen(opened, _evenly_spaced(opened), None, "pixels of the scene", band_notes(opened))
    given = read_labels(labels, opened, min_classes=1, ignore=ignore, known=run.classes)
    targets, notes = known_targets(labels, given, run.classes)
    known = targets != UNLABELLED
    pixels = given.pixels.only(known).coordinates
    if not len(pixels):
        raise InputError("; ".join([f"{labels}: no labelled pixel of a class that the model knows", *notes]))
    words = f"pixels that {labels} labels"
    return Chosen(opened, pixels, targets[known], words, (*band_notes(opened), *notes))


def _validation_pixels(run: Run) -> Chosen:
    samples = prepare_samples(
        read_settings(run.folder, ClassifySettings),
        run.patches.size,
        physical_values=bool(run.card.data.physical),
    )
    if samples.split.id != run.split_id:
        raise InputError(
            f"{run.folder}: scene or labels changed since training (split {samples.split.id}, was"
            f" {run.split_id}); restore them, or name another scene"
        )
    pixels, targets = samples.pixels(VALIDATION), samples.targets(VALIDATION)
    return Chosen(samples.scene, pixels, targets, "validation pixels of the run")


def _is_own(run: Run, scene: str | Scene) -> bool:
    own = read_settings(run.folder, ClassifySettings).scene if has_settings(run.folder) else None
    try:
        files = [own, scene.path if isinstance(scene, Scene) else scene]
        given, other = (split_variable(file or "", None, "--scene-variable")[0] for file in files)
        return own is not None and Path(given).samefile(other)
    except OSError:
        return False


def _evenly_spaced(scene: Scene) -> Int64[np.ndarray, "m 2"]:
    coordinates: Sequence[np.ndarray] = [
        np.indices(window.shape).reshape(2, -1).T + np.array([window.row, window.col])
        for window in sample_windows(scene.height, scene.width, CANDIDATES)
    ]
    return np.concatenate(coordinates).astype(np.int64)
