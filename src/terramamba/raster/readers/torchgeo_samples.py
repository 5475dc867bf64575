"""Samples of torchgeo's convention, read as scenes and labels without importing it.

A sample is a mapping: ``image`` (c, h, w), or (2, c, h, w) of two dates, in older releases ``image1`` and
``image2``; ``mask`` (h, w) or (1, h, w). Where it lies say ``crs``, and ``transform`` or ``bounds``: slices
or numbers of x, y and time (start, stop, step), in older releases an object with ``minx`` to ``maxy``.

c band   h, w rows and columns
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from affine import Affine
from jaxtyping import Int, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.readers.in_memory import scene_from_array
from terramamba.raster.scene import Scene

Sample = Mapping[str, Any]

DATES = ("image1", "image2")
NUMBERS_OF_SLICES, NUMBERS_OF_BOX = 9, 6
"""How many numbers ``bounds`` has: start, stop and step of x, y and time; least and most of each."""


def scene_of_sample(sample: Sample) -> Scene:
    """Make a scene of a sample with one image, which is not copied.

    Raises:
        InputError: there is no image, or two dates, or bounds that do not fit it.
    """
    image = _array(sample, "image")
    if image.ndim == 4 and len(image) == 1:
        image = image[0]
    if image.ndim != 3:
        raise InputError(
            f"image of a sample: has the shape {image.shape}; give (bands, rows, columns), or two dates to "
            "pair_from_sample"
        )
    return _scene(image, sample)


def pair_of_sample(sample: Sample) -> tuple[Scene, Scene]:
    """Make scenes of the two dates of a sample, the earlier first.

    Raises:
        InputError: there are not two dates, or bounds that do not fit them.
    """
    if all(name in sample for name in DATES):
        first, second = (_array(sample, name) for name in DATES)
        return _scene(first, sample), _scene(second, sample)
    image = _array(sample, "image")
    if image.ndim != 4 or len(image) != 2:
        raise InputError(
            f"image of a sample: has the shape {image.shape}; a pair is (2, bands, rows, columns), or image1 "
            "and image2"
        )
    return _scene(image[0], sample), _scene(image[1], sample)


def mask_of_sample(sample: Sample) -> Int[np.ndarray, "h w"]:
    """Return the mask of a sample.

    Raises:
        InputError: there is none, or it is no image of whole numbers.
    """
    mask = _array(sample, "mask")
    if mask.ndim == 3 and len(mask) == 1:
        mask = mask[0]
    whole = mask.dtype.kind in "biu" or (mask.dtype.kind == "f" and bool((mask == np.floor(mask)).all()))
    if mask.ndim != 2 or not whole:
        raise InputError(
            f"mask of a sample: {mask.dtype} with the shape {mask.shape}; give whole numbers, rows by columns"
        )
    return mask.astype(np.int64)


def _array(sample: Sample, name: str) -> Shaped[np.ndarray, "..."]:
    if name not in sample:
        raise InputError(f"sample: has no {name!r} but {', '.join(map(str, sample)) or 'nothing'}; give one")
    value = sample[name]
    if hasattr(value, "detach"):  # a tensor, on whatever device
        value = value.detach().cpu().numpy()
    return np.asarray(value)


def _scene(image: Shaped[np.ndarray, "c h w"], sample: Sample) -> Scene:
    crs: Any = sample.get("crs")
    return scene_from_array(
        image,
        crs=crs.to_wkt() if hasattr(crs, "to_wkt") else crs,
        transform=_transform(sample, *image.shape[-2:]),
    )


def _transform(sample: Sample, height: int, width: int) -> Affine | None:
    if sample.get("transform") is not None:
        return Affine(*map(float, _array(sample, "transform").ravel()[:6]))
    box = _box(sample.get("bounds", sample.get("bbox")))
    if box is None:
        return None
    west, east, south, north = box
    return Affine((east - west) / width, 0.0, west, 0.0, (south - north) / height, north)


def _box(bounds: Any) -> tuple[float, float, float, float] | None:
    """West, east, south and north; None where bounds do not say them all."""
    if bounds is None:
        return None
    if hasattr(bounds, "minx"):
        return (float(bounds.minx), float(bounds.maxx), float(bounds.miny), float(bounds.maxy))
    if isinstance(bounds, slice):
        return None  # of x alone
    if isinstance(bounds, Sequence) and all(isinstance(one, slice) for one in bounds):
        ends = [end for one in bounds[:2] for end in (one.start, one.stop)]
        if len(ends) < 4 or None in ends:
            return None
        return (float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]))
    numbers = _array({"bounds": bounds}, "bounds").ravel()
    if len(numbers) not in (NUMBERS_OF_SLICES, NUMBERS_OF_BOX):
        raise InputError(
            f"bounds of a sample: {len(numbers)} numbers; give slices of x, y and time, or their"
            f" {NUMBERS_OF_SLICES} numbers"
        )
    first, second = (0, 3) if len(numbers) == NUMBERS_OF_SLICES else (0, 2)
    ends = [numbers[first], numbers[first + 1], numbers[second], numbers[second + 1]]
    return (float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]))
