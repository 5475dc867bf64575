"""Land-cover models in an experiment: which data are theirs, and how fast they map."""

import time
from collections.abc import Mapping
from typing import Any

import rasterio
from torch.utils.data import Subset

from terramamba.data.catalog.record import DataSet, SceneSet
from terramamba.data.splits.leakage import TEST
from terramamba.experiments.task import Timed
from terramamba.landcover.catalog_scene import load_scene
from terramamba.landcover.labelled_scene import read_labelled
from terramamba.landcover.patches import labelled_patches
from terramamba.landcover.samples import prepare_samples
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES
from terramamba.runs.folder import Run
from terramamba.runs.record import read_settings
from terramamba.training.predict import PATCHES_AT_ONCE, class_logits

TIMED_PATCHES = 4 * PATCHES_AT_ONCE
"""As much of the test set, at most, is mapped once more for the speed; the scores come from training."""


def reads_scene(entry: Mapping[str, Any], known: DataSet | None) -> bool:
    """Tell whether the files are a scene with labels, or a scene of the catalogue."""
    return "data" not in entry or isinstance(known, SceneSet)


def look_at_scene(settings: ClassifySettings) -> None:
    """Read the labels that ``settings`` name, on their scene.

    Raises:
        InputError: a file cannot be read, or labels nothing of the scene.
    """
    with rasterio.Env(GDAL_CACHEMAX=GDAL_CACHE_BYTES):
        read_labelled(load_scene(settings), physical_values=True)


def time_patches(run: Run, settings: ClassifySettings) -> Timed:
    """Classify patches of the test pixels."""
    # with the files that a name of the catalogue stands for
    settings = read_settings(run.folder, ClassifySettings)
    samples = prepare_samples(settings, run.patches.size, physical_values=bool(run.card.data.physical))
    patches = labelled_patches(samples, TEST, settings)
    timed = Subset(patches, range(min(len(patches), TIMED_PATCHES)))
    class_logits(run.model, Subset(timed, range(min(len(timed), PATCHES_AT_ONCE))), device=settings.device)
    start = time.perf_counter()
    class_logits(run.model, timed, device=settings.device)
    seconds = time.perf_counter() - start
    side = samples.split.patch_size
    return Timed(len(timed), seconds, (1, len(samples.scaling.bands), side, side))
