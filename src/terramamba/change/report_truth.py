"""What really changed between the dates of a map, and hits, misses and false alarms, for the page."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from terramamba.change.error_maps import COLOURS, FALSE_ALARM, HIT, MISS, NAMES, UNCHANGED
from terramamba.change.settings import ChangeSettings
from terramamba.core.errors import InputError
from terramamba.data.catalog.loading import load_pairs
from terramamba.data.pairs.change_masks import read_mask
from terramamba.data.pairs.image_pair import PairFiles, same_pairs
from terramamba.data.pairs.label_values import IGNORE, stated_values
from terramamba.data.pairs.settle_labels import settle_for_scoring
from terramamba.raster.views.grid_mapping import same_pixels
from terramamba.raster.windows import Window, strips
from terramamba.report.layers import STRIP_PIXELS, Shape
from terramamba.report.overlays import Kind, Overlay, Read, with_counts
from terramamba.report.task import ShownMap
from terramamba.runs.record import has_settings, read_settings

Mask = Callable[[Window], UInt8[np.ndarray, "h w"]]
"""Reads 0 unchanged, 1 changed, 255 not known."""

TRUE = (Kind("unchanged", COLOURS[UNCHANGED], clear=True), Kind("changed", (240, 228, 66)))
JUDGED = (
    Kind(NAMES[UNCHANGED], COLOURS[UNCHANGED], clear=True),
    Kind(NAMES[HIT], (86, 180, 233)),
    Kind(NAMES[MISS], (213, 94, 0)),
    Kind(NAMES[FALSE_ALARM], (240, 228, 66)),
)
"""Colours of Okabe and Ito (2008), which people who are colour-blind can tell apart over an image."""

SUBSET = "shown"


def truth_overlays(shown: ShownMap) -> tuple[dict[str, Overlay], list[str]]:
    """Return the layers truth and errors, as far as there are any, and sentences on why not.

    The truth is that of the file that was named, else the mask of the pair among the run's own data.

    Raises:
        InputError: the file that was named cannot be read, or does not belong to the map.
    """
    if shown.truth is not None:
        mask = _settled(shown, shown.truth)
    else:
        try:
            mask = _settled(shown, _own_label(shown))
        except InputError as error:
            return {}, [f"Truth and errors are no layers here: {error}. A mask can be named with --truth."]
    land = shown.land

    def judged(window: Window) -> UInt8[np.ndarray, "h w"]:
        truth, said = mask(window), land.read(window)[0][0]
        kind = np.select([truth == 1, said == 1], [np.where(said == 1, HIT, MISS), FALSE_ALARM], UNCHANGED)
        return np.where((truth == IGNORE) | (said > 1), IGNORE, kind).astype(np.uint8)

    true = _counted(shown, mask, TRUE)
    found = _counted(shown, judged, JUDGED)
    return {
        "truth": Overlay("truth", land, _thinning(shown, mask), true, said="What the mask says."),
        "errors": Overlay(
            "hits, misses, false alarms",
            land,
            _thinning(shown, judged),
            found,
            said="Of the map as it was written, whatever the threshold is set to here.",
        ),
    }, []


def _own_label(shown: ShownMap) -> PairFiles:
    """The labelled pair of the run's own data that the map is of."""
    folder, dates = shown.run.folder, [shown.tags.get(name.upper()) for name in ("before", "after")]
    if not has_settings(folder) or None in dates:
        raise InputError("no settings of the run, or no names of the two images, were kept")
    settings = read_settings(folder, ChangeSettings)
    how = (settings.align, settings.scene_variable, settings.axes, settings.bands)
    by_subset, _, _ = load_pairs(settings.data, settings.root, *how)
    own = [pair for pairs in by_subset.values() for pair in pairs if pair.label is not None]
    mapped = _pair(*map(str, dates))
    found = same_pairs(own, [mapped]) if all(Path(str(date)).exists() for date in dates) else []
    if not found:
        raise InputError(f"{shown.land.path} is of none of the labelled pairs in {settings.data}")
    return replace(found[0][1], window=None)


def _pair(before: str, after: str, label: str | None = None) -> PairFiles:
    return PairFiles(before, after, label, None, None, "map", SUBSET)


def _settled(shown: ShownMap, given: str | PairFiles) -> Mask:
    """The mask of a pair, or in a file on the map, by what the run has learnt that its values mean."""
    land = shown.land
    pair = _pair(land.path, land.path, given) if isinstance(given, str) else given
    if not same_pixels(pair.grid, land.grid):
        raise InputError(f"{pair.label} lies on another grid than the map {land.path}")
    names = {} if pair.is_drawn else pair.label_facts().names
    written = all(names.get(kind) == name for kind, name in NAMES.items())
    stated = stated_values([f"{HIT}", f"{MISS}"], [f"{UNCHANGED}", f"{FALSE_ALARM}"], None)
    settled = settle_for_scoring(
        {SUBSET: [pair]}, SUBSET, stated if written else None, shown.run.card.data.label_values
    )
    (coded,) = settled.pairs[SUBSET]
    label, unchanged = coded.reference()
    coding = coded.coding
    assert coding is not None
    return lambda window: read_mask(label, coding, window, unchanged)


def _strips(shown: ShownMap) -> list[Window]:
    height, width = shown.land.height, shown.land.width
    return list(strips(height, width, max(1, STRIP_PIXELS // width)))


def _thinning(shown: ShownMap, mask: Mask) -> Read:
    """Read rows and columns of ``mask`` that lie evenly, so many as a shape has."""
    height, width = shown.land.height, shown.land.width

    def read(shape: Shape) -> UInt8[np.ndarray, "h w"]:
        rows, cols = (
            ((np.arange(few) + 0.5) * all_ / few).astype(np.int64)
            for few, all_ in zip(shape, (height, width), strict=True)
        )
        layer = np.empty(shape, np.uint8)
        for window in _strips(shown):
            here = (rows >= window.row) & (rows < window.bottom)
            layer[here] = mask(window)[rows[here] - window.row][:, cols]
        return layer

    return read


def _counted(shown: ShownMap, mask: Mask, kinds: Sequence[Kind]) -> list[Kind]:
    """Give kinds their number of pixels in ``mask``."""
    counts = np.zeros(IGNORE + 1, np.int64)
    for window in _strips(shown):
        counts += np.bincount(mask(window).ravel(), minlength=len(counts))
    return with_counts(kinds, counts)
