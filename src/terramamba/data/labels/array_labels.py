"""Class codes from arrays without a place: maps of codes, and abundances of classes, as stacks or tables."""

import re
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped

from terramamba.core.errors import InputError
from terramamba.data.labels.class_codes import NO_CODE, as_codes, counted, require_size, require_upright
from terramamba.data.labels.class_raster import ClassRaster
from terramamba.data.labels.interpolated import Borders, notes_on_codes_of
from terramamba.data.labels.unlabelled import CodeCounts
from terramamba.data.pixel_list import PixelList
from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.arrays import list_arrays, load_arrays, pick_array, unflatten
from terramamba.raster.scene import Scene
from terramamba.raster.views.masked import unmasked_source

FLAG = "--label-variable"
SHARE_TOLERANCE = 0.01
"""How far below 0 and above 1 rounding and estimation put abundances, and their sums beside 1."""


def codes_of_arrays(path: str, scene: Scene, variable: str | None, min_abundance: float) -> ClassRaster:
    """Read the codes of an array file; of abundances the class with most, 0 below ``min_abundance``.

    Raises:
        InputError: no array is as large as ``scene``, or it is the scene itself, or holds no codes or shares.
    """
    size = (scene.height, scene.width)
    listed = list_arrays(path)
    own = unmasked_source(scene)
    is_own = isinstance(own, ArraySource) and Path(own.path).samefile(path)
    if isinstance(own, ArraySource) and is_own and variable is None and len(listed) > 1:
        listed.pop(own.name)
    name = pick_array(listed, path, variable=variable, ndim=(2, 3), shape=size, flag=FLAG)
    if isinstance(own, ArraySource) and is_own and own.name == name:
        raise InputError(
            f"{path}: {name} is the scene itself, so it cannot be its labels; name the one with "
            f"--scene-variable, the other with {FLAG}"
        )
    arrays = load_arrays(path, [name, "cood"])
    array, texts = arrays[name], arrays.get("cood")
    if array.ndim == 3 and array.squeeze().shape == size:
        array = array.squeeze()
    shares = _shares(array, size)
    require_upright(path, scene)
    if shares is None:
        require_size(path, array.shape, scene)
        codes = as_codes(path, array)
        found = CodeCounts(dict(counted(codes)), missing=int(np.count_nonzero(codes == NO_CODE)))
        borders = Borders()
        borders.add(codes)
        said = notes_on_codes_of(path, borders, found.counts, named=False)
        return ClassRaster(PixelList.of(codes >= 0), codes[codes >= 0], found, notes=said)
    notes = _check_shares(path, name, shares)
    largest = np.where(shares.max(axis=0) >= min_abundance, shares.argmax(axis=0) + 1, 0)
    names = {}
    if texts is not None and len(texts) == len(shares):
        # such as "2-water"
        names = {i: re.sub(r"^\d+\s*[-_.:]\s*", "", str(text)) for i, text in enumerate(texts, start=1)}
    labelled = largest[largest > 0].astype(np.int64)
    # the classes of a stack are its layers, so that their names and numbers are in no doubt
    called = {code: names.get(code, f"class {code}") for code in range(1, len(shares) + 1)}
    found = CodeCounts(dict(counted(labelled)), called)
    return ClassRaster(PixelList.of(largest > 0), labelled, found, names, notes=notes)


def are_shares(values: Shaped[np.ndarray, "..."]) -> bool:
    """Tell whether ``values`` may be shares of pixels, by their range."""
    if values.dtype.kind not in "biuf" or not values.size:
        return False
    low, high = np.nanmin(values), np.nanmax(values)
    return bool(low >= -SHARE_TOLERANCE and high <= 1 + SHARE_TOLERANCE)


def _check_shares(path: str, name: str, shares: Float[np.ndarray, "k h w"]) -> tuple[str, ...]:
    """Refuse what are no shares of a pixel; a note where they do not add up to 1."""
    low, high = float(shares.min()), float(shares.max())
    if low < -SHARE_TOLERANCE or high > 1 + SHARE_TOLERANCE:
        percent = 1 < high <= 100 * (1 + SHARE_TOLERANCE) and low >= -SHARE_TOLERANCE
        remedy = "divide percentages by 100" if percent else "give shares, or a map of class codes"
        raise InputError(
            f"{path}: {name} holds {low:g} to {high:g}, but abundances are shares of a pixel from 0 to 1; "
            f"{remedy}"
        )
    sums = shares.sum(axis=0)
    off = int(np.count_nonzero((np.abs(sums - 1) > len(shares) * SHARE_TOLERANCE) & (sums > SHARE_TOLERANCE)))
    if not off:
        return ()
    return (f"{path}: the abundances of {off:,} of {sums.size:,} pixels do not add up to 1",)


def _shares(array: Shaped[np.ndarray, "..."], size: tuple[int, int]) -> Float[np.ndarray, "k h w"] | None:
    """Abundances, class by class; None where ``array`` is no stack or table of them for ``size`` pixels."""
    pixels = size[0] * size[1]
    if array.ndim == 3 and array.shape[:2] == size:
        stack = np.moveaxis(array, 2, 0)
    elif array.ndim == 3 and array.shape[1:] == size:
        stack = array
    elif array.ndim == 2 and array.shape != size and pixels in array.shape and 1 not in array.shape:
        stack = unflatten(array if array.shape[1] == pixels else array.T, *size)
    else:
        return None
    return np.nan_to_num(stack.astype(np.float64))
