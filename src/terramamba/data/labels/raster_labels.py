"""Class codes of a scene's pixels, from the files that labels come in."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from terramamba.core.errors import InputError
from terramamba.core.tables import SUFFIXES as TABLE_SUFFIXES
from terramamba.data.labels.array_labels import FLAG, are_shares, codes_of_arrays
from terramamba.data.labels.class_codes import (
    NO_CODE,
    as_codes,
    counted,
    is_whole,
    require_size,
    require_upright,
)
from terramamba.data.labels.class_names import twice_in_words
from terramamba.data.labels.class_raster import ClassRaster
from terramamba.data.labels.interpolated import Borders, notes_on_codes_of
from terramamba.data.labels.label_grid import Strip, offset, read_nearest, read_shifted
from terramamba.data.labels.legend import legend_of
from terramamba.data.labels.one_band import as_one_band
from terramamba.data.labels.pixel_formats import pixel_format
from terramamba.data.labels.unlabelled import CodeCounts
from terramamba.data.labels.vector_labels import read_shapes
from terramamba.data.pixel_list import PixelList
from terramamba.data.settings import VectorOptions
from terramamba.raster.geogrid import crs_in_brief, is_local, same_crs
from terramamba.raster.readers.array_path import split_variable
from terramamba.raster.readers.arrays import list_arrays, load_arrays, pick_array
from terramamba.raster.readers.format_record import OpenOptions
from terramamba.raster.readers.formats import open_any
from terramamba.raster.readers.gdal_source import is_data
from terramamba.raster.readers.mosaic import MosaicSource
from terramamba.raster.readers.scene_folders import LABELS
from terramamba.raster.readers.value_facts import hides_pixels, is_lossy
from terramamba.raster.scene import ARRAY_SUFFIXES, Scene
from terramamba.raster.vector.vector_files import is_vector_file
from terramamba.raster.views.masked import unmasked_source

_OF_IMAGES = ("no georeferencing", "a reference system (", "pixel positions but", "values are numbers of col")
"""How notes of images begin that say nothing of labels, or what is said of them elsewhere."""


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
        if len({arrays[name].shape for name in maps}) != 1:
            return None
        variable = maps[0]  # which of several is meant is asked for when they are read
    name = pick_array(arrays, path, variable=variable, flag=FLAG)
    shape = arrays[name].shape
    if len(shape) == 3:
        return shape[0], shape[1]
    if len(shape) != 2:
        return None
    values = load_arrays(path, [name])[name]
    if not is_whole(values) and are_shares(values):  # maybe a table of them, one row for each class
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
    others: bool = False,
) -> ClassRaster:
    """Read the codes of a label file on ``scene``'s pixels, those of 0 where it may be a class.

    ``zero``: it may be one whatever the file says. ``others``: there are labels in other files, too.

    Raises:
        InputError: the file cannot be read, cannot be brought onto the scene's pixels, holds no codes, or is
            the scene itself.
    """
    path, variable = split_variable(path, variable, FLAG)
    if is_vector_file(path):
        return read_shapes(path, scene, vector, zero)
    if (listed := pixel_format(path)) is not None:
        require_upright(path, scene)
        return listed.read(path, scene)
    if not _is_tiles(path) and Path(path).suffix.lower() in ARRAY_SUFFIXES:
        return codes_of_arrays(path, scene, variable, min_abundance)
    labels = _open(path, variable, column=LABELS)
    if labels.source == unmasked_source(scene):
        raise InputError(f"{path}: is the scene itself; name the labels of {scene.path}")
    if is_lossy(labels):
        raise InputError(
            f"{path}: is compressed as JPEG, which changes codes of classes near borders; give labels that "
            "were never saved so, as GeoTIFF or PNG"
        )
    labels, said = as_one_band(path, labels)
    codes = _from_image(path, labels, scene, zero, others)
    of_file = (f"{path}: {note}" for note in labels.notes if not note.startswith(_OF_IMAGES))
    return replace(codes, notes=(*said, *of_file, *codes.notes))


def _open(path: str, variable: str | None, column: str = "image") -> Scene:
    return open_any(path, OpenOptions(variable, FLAG, column=column))


def _is_tiles(path: str) -> bool:
    return Path(path).is_dir() or Path(path).suffix.lower() in TABLE_SUFFIXES


def _from_image(path: str, labels: Scene, scene: Scene, zero: bool, others: bool) -> ClassRaster:
    local = is_local(labels.crs) != is_local(scene.crs)
    if labels.transform is None or scene.transform is None or local:
        if _is_tiles(path):
            raise InputError(
                f"{path}: tiles need georeferenced labels and scene; give one label file instead"
            )
        if not labels.turned:
            require_upright(path, scene)
        require_size(path, (labels.height, labels.width), scene)
        placed, other = (path, scene.path) if labels.transform is not None else (scene.path, path)
        one = (labels.transform is None) != (scene.transform is None) or local
        if local:
            placed, other = (path, scene.path) if is_local(scene.crs) else (scene.path, path)
        said = f"{path}: laid on the scene pixel by pixel, as {placed} is georeferenced and {other} is not"
        return _collect(
            path, labels, read_shifted(labels, scene.grid, 0, 0), scene, zero, True, (said,) * one
        )
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
    if shift is not None:
        notes = (*notes, *_tiles_alone(path, labels, scene, shift, others))
    if (labels.crs is None) != (scene.crs is None):
        without, known = (path, scene.crs) if labels.crs is None else (scene.path, labels.crs)
        notes = (*notes, f"{without}: has no reference system; taken to be in {crs_in_brief(known)}")
    codes = _collect(path, labels, strips, scene, zero, shift is not None, notes)
    if not codes.found.counts and not codes.found.missing:
        raise InputError(
            f"{path}: no pixel with data lies on {scene.path}; check the reference systems and the places"
        )
    return codes


def _tiles_alone(path: str, labels: Scene, scene: Scene, shift: tuple[int, int], others: bool) -> list[str]:
    """Say which tiles of labels lie on no image, and unless there are ``others`` which images have none.

    ``shift`` are the row and column of the scene at which the labels begin.
    """
    own, images = labels.source, unmasked_source(scene)
    row, col = shift
    windows = [window for _, window in images.tiles] if isinstance(images, MosaicSource) else []
    said = []
    if isinstance(own, MosaicSource):
        off = own.beside(windows or [scene.grid.window], row, col)
        said += _alone(off, len(own.tiles), f"{path}: {{}} of labels on no image, and not used")
    if isinstance(own, MosaicSource) and isinstance(images, MosaicSource) and not others:
        bare = images.beside([window for _, window in own.tiles], -row, -col)
        said += _alone(bare, len(images.tiles), f"{path}: no labels for {{}} of the scene")
    return said


def _alone(paths: list[str], of: int, words: str) -> list[str]:
    tiles = f"{len(paths)} of {of} tiles"
    return [f"{words.format(tiles)}; the first is {paths[0]}"] if paths else []


def _collect(
    path: str,
    labels: Scene,
    strips: Iterator[Strip],
    scene: Scene,
    zero: bool,
    as_they_lie: bool,
    notes: tuple[str, ...],
) -> ClassRaster:
    """What has a code in ``strips``, which come from the top.

    ``as_they_lie``: all of them is on the labels' image, so that what is not valid is left out there.
    """
    legend = legend_of(labels)
    found = CodeCounts({}, legend.names, nodata=labels.nodata, hidden=hides_pixels(labels))
    # the keys of all zeros are many; where 0 is unlabelled they are not kept
    least = 0 if zero or found.zero_may_count else 1
    keys, codes = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    counts: Counter[int] = Counter()
    missing = no_data = masked = 0
    borders = Borders()
    for window, values, valid in strips:
        declared = ~is_data(values, labels.nodata)
        no_data += int(np.count_nonzero(~valid & declared))
        masked += int(np.count_nonzero(~valid & ~declared))
        image = np.where(valid, as_codes(path, np.where(valid, values, 0)), NO_CODE)
        missing += int(np.count_nonzero(valid & (image == NO_CODE)))
        counts += counted(image)
        borders.add(image)
        rows, cols = np.nonzero(image >= least)
        keys.append((rows + window.row) * scene.width + cols + window.col)
        codes.append(image[rows, cols])
    pixels = PixelList(scene.grid.window.shape, np.concatenate(keys))
    found = replace(
        found,
        counts=dict(counts),
        missing=missing,
        no_data=no_data,
        masked=masked if as_they_lie and found.hidden else 0,
    )
    notes += notes_on_codes_of(path, borders, counts, named=bool(legend.names))
    twice = twice_in_words({code: name for code, name in legend.names.items() if code in counts})
    if twice is not None:
        notes = (*notes, f"{path}: {twice}")
    return ClassRaster(
        pixels, np.concatenate(codes), found, legend.names, legend.colours, notes=(*notes, *legend.notes)
    )
