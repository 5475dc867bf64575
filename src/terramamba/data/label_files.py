"""Class codes on a scene's pixels, from the files that labels come in."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from jaxtyping import Float, Int, Shaped
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning

from terramamba.data.palette import Colour
from terramamba.errors import InputError
from terramamba.raster.formats import list_arrays, load_arrays, pick_array, unflatten
from terramamba.raster.grid import Window
from terramamba.raster.scene import ARRAY_SUFFIXES, Grid, Scene, apply, compose, open_scene

FLAG = "--label-variable"
CLASS_TAG = "CLASS_"
"""Band tags CLASS_1, CLASS_2, ... of a label image name its codes."""

OFF_GRID = 0.1
"""Labels may lie off the scene's pixels by this share of a pixel at most."""


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes as a file has them, on a scene's pixels; 0: unlabelled.

    ``names`` and ``colours`` (the file's colour table) are by code, as far as known.
    """

    codes: Int[np.ndarray, "h w"]
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)


def label_shape(path: str, variable: str | None = None) -> tuple[int, int] | None:
    """Rows and columns of a label file, to settle the axes of a scene that is a bare array.

    None where the file alone does not say: tables of abundances, several candidate arrays, tiles.
    """
    if _is_tiles(path):
        return None
    if Path(path).suffix.lower() not in ARRAY_SUFFIXES:
        scene = open_scene(path)
        return scene.height, scene.width
    arrays = list_arrays(path)
    if variable is None:
        maps = [name for name, array in arrays.items() if len(array.shape) == 2 and 1 not in array.shape]
        if len(maps) != 1:
            return None
        variable = maps[0]
    name = pick_array(arrays, path, variable=variable, flag=FLAG)
    shape = arrays[name].shape
    if len(shape) == 3:
        return shape[0], shape[1]
    if len(shape) != 2 or not _whole(load_arrays(path, [name])[name]):
        return None
    return shape[0], shape[1]


def read_codes(path: str, scene: Scene, *, variable: str | None, min_abundance: float) -> Codes:
    """The codes of a label file on ``scene``'s pixels.

    Raises:
        InputError: the file cannot be read, is of another size or place than the scene, or holds no codes.
    """
    if not _is_tiles(path) and Path(path).suffix.lower() in ARRAY_SUFFIXES:
        return _from_arrays(path, scene, variable, min_abundance)
    labels = open_scene(path, column="mask", variable=variable)
    if labels.bands != 1:
        raise InputError(f"{path}: has {labels.bands} bands; labels need one band of class codes")
    return _from_image(path, labels, scene)


def _is_tiles(path: str) -> bool:
    return Path(path).is_dir() or Path(path).suffix.lower() == ".csv"


def _from_image(path: str, labels: Scene, scene: Scene) -> Codes:
    row, col = _offset(path, labels.grid, scene)
    if not _is_tiles(path):
        _require_size(path, (labels.height, labels.width), scene)
        if (row, col) != (0, 0):
            raise InputError(
                f"{path}: lies {row} rows and {col} columns from {scene.path}; "
                "give labels on the scene's grid"
            )
    codes = np.zeros((scene.height, scene.width), np.int64)
    top, left = max(row, 0), max(col, 0)
    bottom, right = min(row + labels.height, scene.height), min(col + labels.width, scene.width)
    if bottom > top and right > left:
        window = Window(top - row, left - col, bottom - top, right - left)
        values, valid = labels.read(window)
        codes[top:bottom, left:right] = _as_codes(path, np.where(valid[0], values[0], 0))
    return Codes(codes, *_legend(path))


def _offset(path: str, labels: Grid, scene: Scene) -> tuple[int, int]:
    """Rows and columns from the scene's first pixel to the labels' first pixel."""
    if labels.transform is None or scene.transform is None:
        if _is_tiles(path):
            raise InputError(
                f"{path}: tiles need georeferenced labels and scene; give one label file instead"
            )
        return 0, 0
    if labels.crs is not None and scene.crs is not None and labels.crs != scene.crs:
        raise InputError(
            f"{path}: is in {labels.crs}, {scene.path} in {scene.crs}; reproject the labels onto the scene"
        )
    steps = compose(~scene.transform, labels.transform)
    row, col = round(steps.f), round(steps.c)
    # corners of the labels, where a wrong pixel size or rotation shows most
    for x, y in ((0, 0), (labels.width, 0), (0, labels.height)):
        there = apply(steps, x, y)
        if max(abs(there[0] - x - col), abs(there[1] - y - row)) > OFF_GRID:
            raise InputError(
                f"{path}: its pixels are not those of {scene.path}; resample the labels onto the scene's grid"
            )
    return row, col


def _legend(path: str) -> tuple[dict[int, str], dict[int, Colour]]:
    if _is_tiles(path):
        return {}, {}
    with warnings.catch_warnings():
        # labels without georeferencing are usual
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path) as image:
            tags = image.tags(1)
            table = image.colormap(1) if image.colorinterp[0] == ColorInterp.palette else {}
    numbers = {key.removeprefix(CLASS_TAG): name for key, name in tags.items() if key.startswith(CLASS_TAG)}
    names = {int(number): name for number, name in numbers.items() if number.isdecimal()}
    return names, {code: (red, green, blue) for code, (red, green, blue, _) in table.items()}


def _from_arrays(path: str, scene: Scene, variable: str | None, min_abundance: float) -> Codes:
    size = (scene.height, scene.width)
    listed = list_arrays(path)
    name = pick_array(listed, path, variable=variable, ndim=(2, 3), shape=size, flag=FLAG)
    arrays = load_arrays(path, [name, "cood"])
    array, texts = arrays[name], arrays.get("cood")
    shares = _shares(array, size)
    if shares is None:
        _require_size(path, array.shape, scene)
        return Codes(_as_codes(path, array))
    largest = np.where(shares.max(axis=0) >= min_abundance, shares.argmax(axis=0) + 1, 0)
    names = {}
    if texts is not None and len(texts) == len(shares):
        # such as "2-water"
        names = {i: re.sub(r"^\d+\s*[-_.:]\s*", "", str(text)) for i, text in enumerate(texts, start=1)}
    return Codes(largest.astype(np.int64), names)


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


def _require_size(path: str, shape: tuple[int, ...], scene: Scene) -> None:
    if shape != (scene.height, scene.width):
        size = " x ".join(str(length) for length in shape)
        raise InputError(
            f"{path}: labels of {size} pixels, but {scene.path} has {scene.height} x {scene.width}; "
            "give the labels of this scene"
        )


def _whole(values: Shaped[np.ndarray, "..."]) -> bool:
    return values.dtype.kind in "biu" or bool((np.isnan(values) | (values == np.floor(values))).all())


def _as_codes(path: str, values: Shaped[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """Whole numbers; NaN and numbers below 0 are unlabelled."""
    if not _whole(values):
        odd = values[~np.isnan(values) & (values != np.floor(values))].flat[0]
        raise InputError(f"{path}: holds {odd:g}, which is no class code; labels are whole numbers")
    return np.maximum(np.nan_to_num(values, nan=0.0), 0).astype(np.int64)
