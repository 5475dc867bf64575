"""Which pixels of a scene a run has learnt from: where it is the run's own, a copy or a part of it."""

from pathlib import Path

import numpy as np
from jaxtyping import Bool

from terramamba.core.errors import InputError
from terramamba.core.run_files import SPLIT
from terramamba.data.labels.label_grid import offset
from terramamba.data.pairs.same_file import same_content_key
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.leakage import TRAIN, VALIDATION
from terramamba.data.splits.split_files import load_split
from terramamba.landcover.settings import ClassifySettings
from terramamba.raster.geogrid import same_crs
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.open import open_scene
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, sample_windows
from terramamba.runs.folder import Run
from terramamba.runs.record import has_settings, read_settings

COMPARED_PIXELS = 4_000
"""Pixels whose values must all be the same in a copy."""


def trained_pixels(run: Run, scene: Scene, pixels: PixelList) -> tuple[Bool[np.ndarray, " m"], list[str]]:
    """Tell which of ``pixels`` of ``scene`` trained the model of ``run`` or chose its epoch.

    None where the run is a model alone or ``scene`` is another image, be it of the same place; nor where the
    run's scene is not found, which is said.
    """
    none = np.zeros(len(pixels), bool), list[str]()
    if not (has_settings(run.folder) and (run.folder / SPLIT).is_file()):
        return none
    given = read_settings(run.folder, ClassifySettings).scene
    if given is None or not Path(scene.path).exists():
        return none
    given, variable = split_variable(given, None, "--scene-variable")
    own = _found(given, run.folder)
    if own is None:
        return none[0], [
            f"not known whether the run has learnt from these pixels: its own scene {given} is not found"
            " from here; where it has, scores are too high"
        ]
    split = load_split(run.folder)
    if same_content_key(own) == same_content_key(scene.path):
        first = (0, 0) if split.pixels.shape == pixels.shape else None
    else:
        first = _place_in_copy(own, variable, scene, split.pixels.shape)
    if first is None:
        return none
    learnt = split.pixels.only(np.isin(split.subsets, (TRAIN, VALIDATION))).coordinates + np.array(first)
    height, width = pixels.shape
    inside = ((learnt >= 0) & (learnt < (height, width))).all(axis=1)
    return PixelList.at(learnt[inside], pixels.shape).find(pixels.keys) >= 0, []


def _found(given: str, run: Path) -> str | None:
    """Where the scene lies that a run was ``given``; relative to here, or to a folder that holds the run."""
    places = [Path(), *run.resolve().parents]
    return next((str(place / given) for place in places if (place / given).exists()), None)


def _place_in_copy(
    own: str, variable: str | None, scene: Scene, shape: tuple[int, int]
) -> tuple[int, int] | None:
    """Row and column of ``scene`` where the run's ``own`` begins; None: it shows another image."""
    try:
        first = open_scene(own, variable=variable, shape=shape)
        second = open_scene(scene.path, shape=scene.grid.window.shape)
        if first.bands != second.bands or first.grid.window.shape != shape:
            return None
        place = _place(first, second)
        if place is None:
            return None
        whole = Window(*place, *shape)
        shared = whole.intersect(second.grid.window)
        for part in sample_windows(*shared.shape, COMPARED_PIXELS, first.storage.times(first.bands)):
            there = Window(shared.row + part.row, shared.col + part.col, *part.shape)
            (a, known), (b, other) = first.read(there.relative_to(whole)), second.read(there)
            both = a[known], b[other]
            if (known != other).any() or not np.array_equal(*both, equal_nan=a.dtype.kind == "f"):
                return None
    except InputError:  # arrays of which nothing says which is meant
        return None
    return place if shared.pixels else None


def _place(first: Scene, second: Scene) -> tuple[int, int] | None:
    if first.transform is None or second.transform is None:
        return (0, 0) if first.grid.window == second.grid.window else None
    return offset(first.grid, second.grid) if same_crs(first.crs, second.crs) else None
