"""From the files of a classification job to samples: labels, split, usable bands, scaled pixels."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import rasterio
from jaxtyping import Float32, Float64, Int64

from terramamba.core.errors import InputError
from terramamba.data.labels.labels import Labels
from terramamba.data.patch_store import VALUES_PER_READ, PatchStore, window_size
from terramamba.data.pixel_list import PixelList
from terramamba.data.scaling import Scaling
from terramamba.data.splits.leakage import LEFT_OUT, TEST, TRAIN, VALIDATION
from terramamba.data.splits.split import Split
from terramamba.landcover.labelled_scene import SplitFor, read_labelled
from terramamba.landcover.mirrored import better_mirrored
from terramamba.landcover.settings import ClassifySettings
from terramamba.landcover.smoothing_strength import reach_of
from terramamba.landcover.usable_bands import finite_in_float32
from terramamba.raster.band_matching import band_notes
from terramamba.raster.checks.scales import Ends, Scales, far_in_words, scene_scales
from terramamba.raster.readers.gdal_source import GDAL_CACHE_BYTES
from terramamba.raster.sample_statistics import sample_statistics
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import doubtful_masks
from terramamba.raster.windows import strips

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
        scene, found, split_for = read_labelled(settings, physical_values)
        side = affordable(split_for, patch_size) if or_less else patch_size
        split = split_for(side, reach_of(settings.regularise))
        labels, bands, patch_size = found.labels, found.bands, split.patch_size
        if settings.fit_on == "scene":
            scaling = Scaling.fit(lambda: _all_spectra(scene, bands), bands, settings.scaling)
        else:
            spectra = read_spectra(scene, split.pixels.only(split.subsets == TRAIN), bands)
            scaling = Scaling.fit(lambda: [spectra], bands, settings.scaling)
        scales, doubts = _judged(scene, bands, found.ends)
        turned = better_mirrored(scene, labels, bands)
        doubts = (*([] if turned is None else [turned]), *doubtful_masks(scene), *doubts)
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
    doubts = [f"{scene.path}: {said}" for said in sample_statistics(scene).doubts]
    sampled = scene_scales(scene, bands)
    scales = None if sampled is None else sampled[0]
    far = None if scales is None else scales.far_value(*ends)
    if far is not None and not doubts:
        doubts.append(far_in_words(scene.path, bands[far[0]], far[1]))
    return scales, tuple(doubts)


def affordable(split_for: SplitFor, largest: int) -> int:
    """Return the side of the largest patches whose buffers take few labelled pixels out of the subsets.

    Sides fall from ``largest`` by two pixels, to ``LEAST_SIDE``, which is taken whatever it costs.
    """
    for side in range(largest, LEAST_SIDE, -2):
        try:
            split = split_for(side, 0)
        except InputError:  # nothing is left to test on, or to train on: a smaller patch may do
            continue
        if np.mean(split.subsets == LEFT_OUT) <= MOST_LEFT_OUT:
            return side
    return min(largest, LEAST_SIDE)


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
