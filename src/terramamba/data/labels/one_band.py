"""Label images of several bands: equal ones are one, and pictures of colours are told from scenes."""

from dataclasses import replace

import numpy as np

from terramamba.core.errors import InputError
from terramamba.core.words import count
from terramamba.data.labels.class_codes import is_whole
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.readers.value_facts import is_lossy
from terramamba.raster.sample_statistics import sample_values
from terramamba.raster.scene import Scene
from terramamba.raster.views.band_subset import band_subset
from terramamba.raster.windows import strips

SAMPLED_VALUES = 1_000_000
VALUES_AT_ONCE = 4_000_000
MOST_COLOURS = 256
"""A picture of more colours is no drawing of classes."""
PIXELS_PER_COLOUR = 16
"""Nor is one with fewer pixels than so many for each colour."""
PICTURE_BANDS = (3, 4)
FEW_CODES = 40
SUM_TOLERANCE = 0.02
"""How far shares of a pixel may add up beside 1."""
SHOWN = 4
_SHARES = (
    "are a band for each class, with its share of a pixel or 1 where it is; make one band of the number of"
    " the largest (in Python: numpy.argmax(shares, axis=0) + 1, and 0 where all are 0), or give them as .npy"
    " or .mat"
)


def as_one_band(path: str, labels: Scene) -> tuple[Scene, tuple[str, ...]]:
    """Return the band of ``labels`` that holds codes, and a note where several bands hold the same.

    Raises:
        InputError: its bands differ; says whether they are colours or shares, and what to do.
    """
    if labels.bands == 1:
        return labels, ()
    equal, shows_nothing = _all_equal(labels)
    if not equal:
        raise InputError(f"{path}: {_what(labels)}")
    if labels.alpha is not None and shows_nothing:
        raise InputError(
            f"{path}: its last band is called transparency, and all others are 0 wherever that is not:"
            f" probably they {_SHARES}"
        )
    said = f"{path}: its {labels.bands} bands are all the same and read as one"
    if isinstance(labels.source, GdalSource):
        # stays what GDAL reads, which may have names and colours beside it
        source = replace(labels.source, indexes=labels.source.indexes[:1], nodata=labels.source.nodata[:1])
        return replace(band_subset(labels, (0,)), source=source), (said,)
    return band_subset(labels, (0,)), (said,)


def looks_like_labels(image: Scene) -> bool:
    """Tell whether an image beside a scene of more bands shows classes: codes, colours, or shares."""
    if image.bands == 1 or (image.bands in PICTURE_BANDS and is_lossy(image)):
        return True
    if image.bands == 2:  # codes beside what is left of a transparency
        values, _ = sample_values(image, (0, 1), SAMPLED_VALUES)
        return is_whole(values) and all(len(np.unique(band)) <= FEW_CODES for band in values)
    return _colours(image) is not None or _are_shares(image)


def _all_equal(labels: Scene) -> tuple[bool, bool]:
    """Whether bands are equal, and whether all are 0 where a mask, which hides some pixels, leaves any."""
    shown = hidden = kept = False
    for window in strips(
        labels.height, labels.width, max(1, VALUES_AT_ONCE // (labels.width * labels.bands))
    ):
        values, valid = labels.read(window)
        if ((values != values[:1]) & valid.all(axis=0)).any():
            return False, False
        shown = shown or bool(values[valid].any())
        hidden, kept = hidden or not valid.all(), kept or bool(valid.any())
    return True, hidden and kept and not shown


def _what(labels: Scene) -> str:
    """What the bands of ``labels`` are instead, and the remedy."""
    needs = f"has {labels.bands} bands; labels need one band of class codes"
    colours = _colours(labels)
    if _are_shares(labels) and (colours is None or not _is_drawn(labels)):
        return f"{needs}, and these {_SHARES}"
    if colours is not None:
        shown = ", ".join(colours[:SHOWN]) + (", ..." if len(colours) > SHOWN else "")
        return (
            f"{needs}, and this is a picture of {count(len(colours), 'colour')} ({shown}); make codes of "
            "them (in QGIS: Raster > Conversion > RGB to PCT), and name the classes with --class-names"
        )
    return f"{needs}: name the file of the labels, or save the band that holds them as a file of its own"


def _colours(image: Scene) -> list[str] | None:
    """The colours of a picture of classes, the commonest first; None where it is none."""
    if image.bands not in PICTURE_BANDS or image.dtype != "uint8":
        return None
    values, valid = sample_values(image, range(3), SAMPLED_VALUES)
    pixels = values[:, valid.all(axis=0)].T
    found, numbers = np.unique(pixels, axis=0, return_counts=True)
    if not 1 < len(found) <= min(MOST_COLOURS, len(pixels) // PIXELS_PER_COLOUR):
        return None
    order = np.argsort(-numbers, kind="stable")
    return ["#" + "".join(f"{part:02x}" for part in found[i].tolist()) for i in order.tolist()]


def _is_drawn(image: Scene) -> bool:
    """Whether values are levels of colours, and no marks of 0 and 1."""
    values, valid = sample_values(image, range(image.bands), SAMPLED_VALUES)
    return bool((values[valid] > 1).any())


def _are_shares(image: Scene) -> bool:
    """Whether bands add up to 1 where there are any, or in whole numbers to what marks one of them."""
    if image.bands == 1:
        return False
    values, valid = sample_values(image, range(image.bands), SAMPLED_VALUES)
    pixels = values[:, valid.all(axis=0) & np.isfinite(values).all(axis=0)].astype(np.float64)
    if not image.dtype.startswith("float"):
        if not pixels.size or not pixels.max() or set(np.unique(pixels).tolist()) != {0.0, pixels.max()}:
            return False
        pixels /= pixels.max()
    if not pixels.size or pixels.min() < -SUM_TOLERANCE or pixels.max() > 1 + SUM_TOLERANCE:
        return False
    sums = pixels.sum(axis=0)
    labelled = sums > SUM_TOLERANCE
    return bool(labelled.any() and np.median(np.abs(sums[labelled] - 1)) <= SUM_TOLERANCE)
