"""Class codes of a scene's pixels, from the files that labels come in."""

import re
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from jaxtyping import Float, Int, Shaped
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning

from terramamba.core.errors import InputError
from terramamba.data.labels.class_raster import ClassRaster
from terramamba.data.labels.envi_roi import is_roi_file, read_rois, roi_shape
from terramamba.data.labels.label_grid import Strip, offset, read_nearest, read_shifted
from terramamba.data.labels.palette import Colour
from terramamba.data.labels.vector_labels import read_shapes
from terramamba.data.pixel_list import PixelList
from terramamba.data.settings import VectorOptions
from terramamba.raster.geogrid import same_crs
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.arrays import list_arrays, load_arrays, pick_array, unflatten
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.variables import is_listed
from terramamba.raster.scene import ARRAY_SUFFIXES, Scene
from terramamba.raster.vector.features import is_vector_file
from terramamba.raster.views.masked import unmasked_source

FLAG = "--label-variable"
CLASS_TAG = "CLASS_"
"""Band tags CLASS_1, CLASS_2, ... of a label image name its codes."""


def label_shape(path: str, variable: str | None = None) -> tuple[int, int] | None:
    """Read rows and columns of a label file, to settle the axes of a scene that is a bare array.

    None where the file alone does not say: tables of abundances, several candidate arrays, tiles, shapes.
    """
    path, variable = split_variable(path, variable, FLAG)
    if _is_tiles(path) or is_vector_file(path):
        return None
    if is_roi_file(path):
        return roi_shape(path)
    if Path(path).suffix.lower() not in ARRAY_SUFFIXES:
        scene = open_scene(path, variable=variable)
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


def read_codes(
    path: str, scene: Scene, *, variable: str | None, min_abundance: float, vector: VectorOptions
) -> ClassRaster:
    """Read the codes of a label file on ``scene``'s pixels.

    Raises:
        InputError: the file cannot be read, cannot be brought onto the scene's pixels, holds no codes, or is
            the scene itself.
    """
    path, variable = split_variable(path, variable, FLAG)
    if is_vector_file(path):
        return read_shapes(path, scene, vector)
    if is_roi_file(path):
        _require_upright(path, scene)
        return read_rois(path, scene)
    if not _is_tiles(path) and Path(path).suffix.lower() in ARRAY_SUFFIXES:
        return _from_arrays(path, scene, variable, min_abundance)
    labels = open_scene(path, column="mask", variable=variable)
    if labels.source == unmasked_source(scene):
        raise InputError(f"{path}: is the scene itself; name the labels of {scene.path}")
    if labels.bands != 1:
        raise InputError(f"{path}: has {labels.bands} bands; labels need one band of class codes")
    return _from_image(path, labels, scene)


def _is_tiles(path: str) -> bool:
    return Path(path).is_dir() or Path(path).suffix.lower() == ".csv"


def _from_image(path: str, labels: Scene, scene: Scene) -> ClassRaster:
    if labels.transform is None or scene.transform is None:
        if _is_tiles(path):
            raise InputError(
                f"{path}: tiles need georeferenced labels and scene; give one label file instead"
            )
        if not labels.turned:
            _require_upright(path, scene)
        _require_size(path, (labels.height, labels.width), scene)
        return _collect(path, read_shifted(labels, scene.grid, 0, 0), scene)[0]
    other_crs = labels.crs is not None and scene.crs is not None and not same_crs(labels.crs, scene.crs)
    shift = None if other_crs else offset(labels.grid, scene.grid)
    notes: tuple[str, ...] = ()
    if shift is not None:
        strips = read_shifted(labels, scene.grid, *shift)
        if not _is_tiles(path) and (shift != (0, 0) or labels.grid.window != scene.grid.window):
            notes = (
                f"{path}: {labels.height} x {labels.width} pixels, laid on the scene {shift[0]} rows and "
                f"{shift[1]} columns from its first pixel",
            )
    elif labels.crs is not None and scene.crs is None:
        raise InputError(
            f"{path}: its pixels are not those of {scene.path}, which has no reference system; georeference "
            "the scene, or resample the labels onto its grid"
        )
    else:
        strips = read_nearest(labels, scene.grid)
        notes = (
            f"{path}: on another grid ({labels.crs or 'no reference system'}); brought onto the scene's by "
            "nearest neighbour",
        )
    codes, any_data = _collect(path, strips, scene, notes)
    if not any_data:
        raise InputError(
            f"{path}: no pixel with data lies on {scene.path}; check the reference systems and the places"
        )
    return codes


def _collect(
    path: str, strips: Iterator[Strip], scene: Scene, notes: tuple[str, ...] = ()
) -> tuple[ClassRaster, bool]:
    """What is labelled in ``strips``, which come from the top, and whether they hold any data."""
    keys, codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    below, zero, any_data = 0, 0, False
    for window, values, valid in strips:
        known = values[valid]
        below, zero = below + int((known < 0).sum()), zero + int((known == 0).sum())
        any_data |= bool(valid.any())
        image = _as_codes(path, np.where(valid, values, 0))
        rows, cols = np.nonzero(image)
        keys.append((rows + window.row) * scene.width + cols + window.col)
        codes.append(image[rows, cols])
    pixels = PixelList(scene.grid.window.shape, np.concatenate(keys))
    names, colours = _legend(path)
    notes = (*notes, *_from_zero(path, below, zero))
    return ClassRaster(pixels, np.concatenate(codes), names, colours, notes=notes), any_data


def _legend(path: str) -> tuple[dict[int, str], dict[int, Colour]]:
    if _is_tiles(path) or is_listed(path):
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


def _from_arrays(path: str, scene: Scene, variable: str | None, min_abundance: float) -> ClassRaster:
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
    shares = _shares(array, size)
    _require_upright(path, scene)
    if shares is None:
        _require_size(path, array.shape, scene)
        codes = _as_codes(path, array)
        notes = _from_zero(path, int((array < 0).sum()), int((array == 0).sum()))
        return ClassRaster(PixelList.of(codes > 0), codes[codes > 0], notes=notes)
    largest = np.where(shares.max(axis=0) >= min_abundance, shares.argmax(axis=0) + 1, 0)
    names = {}
    if texts is not None and len(texts) == len(shares):
        # such as "2-water"
        names = {i: re.sub(r"^\d+\s*[-_.:]\s*", "", str(text)) for i, text in enumerate(texts, start=1)}
    return ClassRaster(PixelList.of(largest > 0), largest[largest > 0].astype(np.int64), names)


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


def _require_upright(path: str, scene: Scene) -> None:
    """Refuse labels without a place on a scene that is read the other way round than it is stored."""
    if scene.turned:
        raise InputError(
            f"{path}: labels without georeferencing may lie either way round on {scene.path}, which stores "
            "its rows from the south or its columns from the east; give labels with georeferencing"
        )


def _whole(values: Shaped[np.ndarray, "..."]) -> bool:
    return values.dtype.kind in "biu" or bool((np.isnan(values) | (values == np.floor(values))).all())


def _from_zero(path: str, below: int, zero: int) -> tuple[str, ...]:
    """A word where classes may be numbered from 0, and numbers below 0 mean unlabelled; how many of both."""
    if not (below and zero):
        return ()
    return (
        f"{path}: {below} pixels below 0 are unlabelled, and so are {zero} of 0; where 0 is a class, number "
        "the classes from 1",
    )


def _as_codes(path: str, values: Shaped[np.ndarray, "h w"]) -> Int[np.ndarray, "h w"]:
    """Whole numbers; NaN and numbers below 0 are unlabelled."""
    if not _whole(values):
        odd = values[~np.isnan(values) & (values != np.floor(values))].flat[0]
        raise InputError(f"{path}: holds {odd:g}, which is no class code; labels are whole numbers")
    return np.maximum(np.nan_to_num(values, nan=0.0), 0).astype(np.int64)
