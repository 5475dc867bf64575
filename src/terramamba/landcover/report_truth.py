"""What is true of a mapped scene, which pixels were for what, and where the map is wrong, for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from terramamba.core.errors import InputError
from terramamba.core.run_files import SPLIT_IMAGE
from terramamba.data.labels.class_matching import known_targets
from terramamba.data.labels.class_table import UNLABELLED
from terramamba.data.labels.labels import read_labels
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import Split
from terramamba.data.splits.split_files import load_split
from terramamba.landcover.catalog_scene import load_scene
from terramamba.landcover.labelled_scene import read_own_labels
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.report.overlays import Kind, Overlay, counted, marked_pixels, values_at
from terramamba.report.task import ShownMap
from terramamba.runs.record import has_settings, read_settings

Overlays = dict[str, Overlay]

SUBSETS = {
    TRAIN: Kind("training", (213, 94, 0)),
    VALIDATION: Kind("validation", (240, 228, 66)),
    TEST: Kind("test", (0, 114, 178)),
}
JUDGED: tuple[Kind, ...] = (
    Kind("right", (0, 114, 178)),
    Kind("wrong", (213, 94, 0)),
    Kind("right, not for test", (86, 180, 233)),
    Kind("wrong, not for test", (240, 228, 66)),
)
"""Colours of Okabe and Ito (2008), which people who are colour-blind can tell apart."""


@dataclass(frozen=True, eq=False)
class _Truth:
    """Labelled pixels of a map, and the class of each as its place in the legend."""

    pixels: PixelList
    classes: Int[np.ndarray, " m"]


def truth_overlays(shown: ShownMap, classes: Sequence[Kind]) -> tuple[Overlays, list[str]]:
    """Return the layers truth, split and errors, as far as there are any, and sentences on why not.

    The truth is that of the file that was named, else the labels of the run, where it mapped its own scene.

    Raises:
        InputError: the file that was named cannot be read, or does not belong to the map.
    """
    if shown.truth is None and not has_settings(shown.run.folder):
        return {}, [
            "Truth, split and errors are no layers here: of the model alone it is not known what its labels"
            " were. Name labels with --truth."
        ]
    truth = None if shown.truth is None else _named_truth(shown, shown.truth)
    split, absent = None, []
    if has_settings(shown.run.folder):
        try:
            split = _own_split(shown)
        except InputError as error:
            absent.append(f"The split is no layer here: {error}.")
        try:
            truth = _own_truth(shown) if truth is None else truth
        except InputError as error:
            absent.append(f"Truth and errors are no layers here: {error}.")
    found = {} if truth is None else {"truth": _truth_overlay(shown.land, truth, classes)}
    if split is not None:
        found["split"] = _split_overlay(shown.land, split)
    if truth is not None:
        found["errors"] = _errors(shown, truth, split)
    return found, absent


def _named_truth(shown: ShownMap, path: str) -> _Truth:
    labels = read_labels(path, shown.land, known=shown.run.card.data.classes, min_classes=1)
    targets, _ = known_targets(path, labels, shown.run.card.data.classes)
    known = targets != UNLABELLED
    return _in_legend(shown, labels.pixels.only(known), targets[known])


def _own_truth(shown: ShownMap) -> _Truth:
    """The labels that the run was trained, chosen and tested with."""
    settings = load_scene(read_settings(shown.run.folder, ClassifySettings))
    _require_own_scene(shown, settings)
    labels = read_own_labels(settings, shown.land)
    targets, _ = known_targets(settings.labels or "labels", labels, shown.run.card.data.classes)
    known = targets != UNLABELLED
    return _in_legend(shown, labels.pixels.only(known), targets[known])


def _in_legend(shown: ShownMap, pixels: PixelList, targets: Int[np.ndarray, " m"]) -> _Truth:
    codes = list(shown.names)
    place = np.array([codes.index(code) for code in shown.run.card.data.classes.codes])
    return _Truth(pixels, place[targets])


def _own_split(shown: ShownMap) -> Split:
    """The split of the run, where it is one of the map's pixels."""
    folder, land = shown.run.folder, shown.land
    if (folder / SPLIT_IMAGE).is_file():
        if not same_pixels(open_scene(folder / SPLIT_IMAGE).grid, land.grid):
            raise InputError(f"{land.path} is a map of another scene than that which {folder} was split on")
        return load_split(folder)
    _require_own_scene(shown, load_scene(read_settings(folder, ClassifySettings)))
    split = load_split(folder)
    if split.pixels.shape != (land.height, land.width):
        raise InputError(f"{land.path} has other pixels than the scene which {folder} was split on")
    return split


def _require_own_scene(shown: ShownMap, settings: ClassifySettings) -> None:
    """Raise ``InputError`` where an unplaced map is not known to be one of the run's scene."""
    source = shown.tags.get("SOURCE")
    if shown.land.transform is None:
        own = None if settings.scene is None else split_variable(settings.scene, None, "--scene-variable")[0]
        if source is None or own is None or Path(source).name != Path(own).name:
            raise InputError(f"{shown.land.path} is not known to be a map of {own}, the scene of the labels")


def _truth_overlay(land: Scene, truth: _Truth, classes: Sequence[Kind]) -> Overlay:
    kinds = counted(classes, truth.classes)
    read = marked_pixels(truth.pixels, truth.classes)
    return Overlay("truth", land, read, kinds, said="Classes of the labelled pixels.")


def _split_overlay(land: Scene, split: Split) -> Overlay:
    kept = split.subsets != LEFT_OUT
    subsets = np.searchsorted(list(SUBSETS), split.subsets[kept])
    kinds = counted(list(SUBSETS.values()), subsets)
    read = marked_pixels(split.pixels.only(kept), subsets)
    return Overlay("split", land, read, kinds, said="What the labelled pixels were for.")


def _errors(shown: ShownMap, truth: _Truth, split: Split | None) -> Overlay:
    """Where the map says what is true; pixels that were not for the test are told from those that were."""
    codes = np.array(list(shown.names))
    said = values_at(shown.land, truth.pixels)
    mapped = np.isin(said, shown.run.card.data.classes.codes)
    pixels = truth.pixels.only(mapped)
    kinds = (said != codes[truth.classes])[mapped].astype(np.int64)
    listed = JUDGED[:2]
    if split is not None:
        place = split.pixels.find(pixels.keys)
        tested = (place >= 0) & (split.subsets[place] == TEST)
        kinds, listed = kinds + 2 * ~tested, JUDGED
    return Overlay(
        "errors",
        shown.land,
        marked_pixels(pixels, kinds),
        counted(listed, kinds),
        said="What the map says of labelled pixels. Those not for test trained the model, chose its epoch, or"
        " were left out.",
    )
