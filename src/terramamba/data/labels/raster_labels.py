"""Class codes of a scene's pixels, from the files that labels come in."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float, Int64, Shaped

from terramamba.core.errors import InputError
from terramamba.core.tables import SUFFIXES as TABLE_SUFFIXES
from terramamba.data.labels.class_names import twice_in_words
from terramamba.data.labels.class_raster import ClassRaster
from terramamba.data.labels.label_grid import Strip, offset, read_nearest, read_shifted
from terramamba.data.labels.legend import legend_of
from terramamba.data.labels.pixel_formats import pixel_format
from terramamba.data.labels.unlabelled import CodeCounts
from terramamba.data.labels.vector_labels import read_shapes
from terramamba.data.pixel_list import PixelList
from terramamba.data.settings import VectorOptions
from terramamba.raster.geogrid import same_crs
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.arrays import list_arrays, load_arrays, pick_array, unflatten
from terramamba.raster.readers.mosaic import MosaicSource
from terramamba.raster.readers.open import open_scene
from terramamba.raster.readers.value_facts import hides_pixels, is_lossy
from terramamba.raster.scene import ARRAY_SUFFIXES, Scene
from terramamba.raster.vector.vector_files import is_vector_file
from terramamba.raster.views.masked import unmasked_source

FLAG = "--label-variable"
NO_CODE = -1
"""Stands for no data, NaN and numbers below 0 in an array of codes."""

SHARE_TOLERANCE = 0.01
"""How far below 0 and above 1 rounding and estimation put abundances, and their sums beside 1."""


def label_shape(path: str, variable: str | None = None) -> tuple[int, int] | None:
    """Read rows and columns of a label file, to settle the axes of a scene that is a bare array.

    None where the file alone does not say: tables of abundances, several candidate arrays, tiles, shapes.
    """
    path, variable = split_variable(path, variable, FLAG)
    if _is_tiles(path) or is_vector_file(path):
        return None
    if (listed := pixel_format(path)) is not None:
        return listed.shape(path)
    if Path(path).suffix.lower() not in ARRAY_SUFFIXES:
        scene = _open(path, variable)
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
    if len(shape) != 2 or not is_whole(load_arrays(path, [name])[name]):
        return None
    return shape[0], shape[1]


def read_codes(
    path: str,
    scene: Scene,
    *,
    variable: str | None,
    min_abundance: float,
    vector: VectorOptions,
    zero: bool = False,
) -> ClassRaster:
    """Read the codes of a label file on ``scene``'s pixels, those of 0 where it may be a class.

    ``zero``: it may be one whatever the file says.

    Raises:
        InputError: the file cannot be read, cannot be brought onto the scene's pixels, holds no codes, or is
            the scene itself.
    """
    path, variable = split_variable(path, variable, FLAG)
    if is_vector_file(path):
        return read_shapes(path, scene, vector)
    if (listed := pixel_format(path)) is not None:
        _require_upright(path, scene)
        return listed.read(path, scene)
    if not _is_tiles(path) and Path(path).suffix.lower() in ARRAY_SUFFIXES:
        return _from_arrays(path, scene, variable, min_abundance)
    labels = _open(path, variable, column="mask")
    if labels.source == unmasked_source(scene):
        raise InputError(f"{path}: is the scene itself; name the labels of {scene.path}")
    if labels.bands != 1:
        raise InputError(f"{path}: has {labels.bands} bands; labels need one band of class codes")
    return _from_image(path, labels, scene, zero)


def _open(path: str, variable: str | None, column: str = "image") -> Scene:
    """Open a label file as a scene; what is refused is said of the flags of labels."""
    try:
        return open_scene(path, column=column, variable=variable)
    except InputError as error:
        raise InputError(error.message.replace("--scene-variable", FLAG)) from error


def _is_tiles(path: str) -> bool:
    return Path(path).is_dir() or Path(path).suffix.lower() in TABLE_SUFFIXES


def _from_image(path: str, labels: Scene, scene: Scene, zero: bool) -> ClassRaster:
    if labels.transform is None or scene.transform is None:
        if _is_tiles(path):
            raise InputError(
                f"{path}: tiles need georeferenced labels and scene; give one label file instead"
            )
        if not labels.turned:
            _require_upright(path, scene)
        _require_size(path, (labels.height, labels.width), scene)
        placed, other = (path, scene.path) if labels.transform is not None else (scene.path, path)
        one = (labels.transform is None) != (scene.transform is None)
        said = f"{path}: laid on the scene pixel by pixel, as {placed} is georeferenced and {other} is not"
        return _collect(path, labels, read_shifted(labels, scene.grid, 0, 0), scene, zero, (said,) * one)
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
    differing = labels.source.differing() if isinstance(labels.source, MosaicSource) else 0
    if differing:
        notes = (
            *notes,
            f"{path}: {differing:,} pixels have other codes in two tiles that overlap; of these the tile "
            "that comes first by its name, or in the table, counts",
        )
    codes = _collect(path, labels, strips, scene, zero, notes)
    if not codes.found.counts and not codes.found.missing:
        raise InputError(
            f"{path}: no pixel with data lies on {scene.path}; check the reference systems and the places"
        )
    return codes


def _collect(
    path: str, labels: Scene, strips: Iterator[Strip], scene: Scene, zero: bool, notes: tuple[str, ...] = ()
) -> ClassRaster:
    """What has a code in ``strips``, which come from the top."""
    legend = legend_of(labels)
    if is_lossy(labels):
        raise InputError(
            f"{path}: is compressed as JPEG, which changes codes of classes near borders; give labels that "
            "were never saved so, as GeoTIFF or PNG"
        )
    found = CodeCounts({}, legend.names, nodata=labels.nodata, hidden=hides_pixels(labels))
    # the keys of all zeros are many; where 0 is unlabelled they are not kept
    least = 0 if zero or found.zero_may_count else 1
    keys, codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    counts: Counter[int] = Counter()
    missing = 0
    for window, values, valid in strips:
        image = np.where(valid, as_codes(path, np.where(valid, values, 0)), NO_CODE)
        missing += int(np.count_nonzero(valid & (image == NO_CODE)))
        counts += counted(image)
        rows, cols = np.nonzero(image >= least)
        keys.append((rows + window.row) * scene.width + cols + window.col)
        codes.append(image[rows, cols])
    pixels = PixelList(scene.grid.window.shape, np.concatenate(keys))
    found = replace(found, counts=dict(counts), missing=missing)
    twice = twice_in_words({code: name for code, name in legend.names.items() if code in counts})
    if twice is not None:
        notes = (*notes, f"{path}: {twice}")
    return ClassRaster(
        pixels, np.concatenate(codes), found, legend.names, legend.colours, notes=(*notes, *legend.notes)
    )


def counted(codes: Int64[np.ndarray, "..."]) -> Counter[int]:
    """Count each code from 0."""
    values, numbers = np.unique(codes[codes >= 0], return_counts=True)
    return Counter(dict(zip(values.tolist(), numbers.tolist(), strict=True)))


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
    if array.ndim == 3 and array.squeeze().shape == size:
        array = array.squeeze()
    shares = _shares(array, size)
    _require_upright(path, scene)
    if shares is None:
        _require_size(path, array.shape, scene)
        codes = as_codes(path, array)
        found = CodeCounts(dict(counted(codes)), missing=int(np.count_nonzero(codes == NO_CODE)))
        return ClassRaster(PixelList.of(codes >= 0), codes[codes >= 0], found)
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


def is_whole(values: Shaped[np.ndarray, "..."]) -> bool:
    """Tell whether ``values`` are whole numbers or NaN."""
    return values.dtype.kind in "biu" or not _odd(values).any()


def _odd(values: Shaped[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    """Which numbers are not whole; NaN says nothing."""
    return ~np.isnan(values) & ((values != np.floor(values)) | np.isinf(values))


def as_codes(path: str, values: Shaped[np.ndarray, "h w"]) -> Int64[np.ndarray, "h w"]:
    """Return whole numbers, ``NO_CODE`` for NaN and numbers below 0; raise ``InputError`` for others."""
    if not is_whole(values):
        odd = values[_odd(values)].flat[0]
        raise InputError(f"{path}: holds {odd:g}, which is no class code; labels are whole numbers")
    if values.dtype.kind == "f":
        values = np.nan_to_num(values, nan=NO_CODE)
    return np.maximum(values.astype(np.int64), NO_CODE)
