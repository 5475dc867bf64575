"""Images that GDAL opens, files or addresses: GeoTIFF and COG, ENVI, VRT, PNG, JPEG, BMP, ..."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from affine import Affine
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError

from terramamba.core.errors import InputError
from terramamba.raster.control_points import GroundControl
from terramamba.raster.declared_scale import declared_scale
from terramamba.raster.geogrid import Grid, place_doubts
from terramamba.raster.readers import band_metadata
from terramamba.raster.readers.alpha import SAMPLED_PIXELS, Alpha, AlphaUse, judge_alpha
from terramamba.raster.readers.array_path import SCENE_VARIABLE
from terramamba.raster.readers.block_layout import has_small_overviews, storage_of
from terramamba.raster.readers.datasets import dataset_of, is_address
from terramamba.raster.readers.envi_header import (
    header_entries,
    image_of_header,
)
from terramamba.raster.readers.gdal_refusals import reading_header, why_not
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.readers.orientation import shown_otherwise
from terramamba.raster.readers.truncated import require_whole_image
from terramamba.raster.readers.vrt_parts import unsaid_of_parts
from terramamba.raster.readers.world_file import contradicting_world_file
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Storage, sample_windows

PAGES = "images (pages of a TIFF)"
"""What a note holds on a file of which another image may have been meant."""
MOST_COLOURS = 4
"""Bands among which an order of red, green and blue is one of all."""


def driver_of(path: str) -> str | None:
    """Name GDAL's driver that opens ``path``; None where none does."""
    with reading_header(path):
        try:
            return dataset_of(image_of_header(path)).driver
        except RasterioError:
            return None


def open_image(
    path: str,
    variable: str | None = None,
    remedy: str = "give an image",
    alpha: AlphaUse | None = None,
    flag: str = SCENE_VARIABLE,
) -> Scene:
    """Open an image by GDAL as a scene. An alpha band is not a band of the scene but part of its mask.

    Args:
        path: A file, or an address that GDAL opens.
        variable: One image of a file that holds several.
        remedy: Ends the message about a file that is no image.
        alpha: What the band is that the file calls transparency; None: what its values say.
        flag: How who asks spells ``variable``.

    Raises:
        InputError: it is no image, holds several, or complex numbers.
    """
    path = image_of_header(path)
    with reading_header(path):
        try:
            image = dataset_of(path)
        except RasterioError as error:
            raise InputError(f"{path}: {why_not(path, error, remedy)}") from error
        return _described(path, image, variable, alpha, flag)


def _described(path: str, image: Any, variable: str | None, alpha_use: AlphaUse | None, flag: str) -> Scene:
    """Describe the open dataset ``image`` as a scene."""
    if image.count == 0:
        inner = {re.split(r":(?://)?", name)[-1]: name for name in image.subdatasets}
        if variable in inner:
            return open_image(inner[variable], alpha=alpha_use)
        found = ", ".join(inner) or "no image"
        raise InputError(f"{path}: holds {found}; choose one with {flag}")
    if variable is not None:
        raise InputError(f"{flag} {variable}: {path} holds one image without a name; leave it out")
    envi = header_entries(image.files) if image.driver == "ENVI" else None
    alpha = _alpha(path, image, alpha_use)
    transparency = alpha.number if alpha is not None and alpha.use == "mask" else None
    indexes = tuple(i for i in image.indexes if i != transparency)
    # Rasterio makes each of these anew, of all bands, whenever it is asked for it.
    dtypes, nodata = image.dtypes, image.nodatavals
    dtype = dtypes[indexes[0] - 1]
    if any(dtypes[i - 1].startswith("complex") for i in indexes):
        raise InputError(
            f"{path}: holds complex numbers ({dtype}); convert it to amplitude or intensity first"
        )
    if any(dtypes[i - 1] != dtype for i in indexes):
        found = ", ".join(sorted({dtypes[i - 1] for i in indexes}))
        raise InputError(f"{path}: bands of different types ({found}); convert them to one type first")
    grid, notes = _grid(path, image)
    pages = len(image.subdatasets) if image.driver == "GTiff" else 0
    if pages > 1:
        notes.append(
            f"holds {pages} {PAGES}, of which the first is read; save another as a file of"
            f" its own (gdal_translate GTIFF_DIR:2:{path} PAGE.tif)"
        )
    notes += [*shown_otherwise(path, image, grid), *contradicting_world_file(path, image)]
    if alpha is not None:
        notes.append(alpha.note)
    palette = _palette(image, indexes)
    if palette is not None:
        notes.append("values are numbers of colours in the file's palette")
    header = envi or image.tags(ns="ENVI") or band_metadata.listed_for_all(image.tags())
    ignored = tuple(nodata[i - 1] for i in indexes)
    if envi is not None:
        value, doubtful = band_metadata.ignored_value(header, ignored[0])
        notes += [*doubtful, *band_metadata.turned_about(header)]
        ignored = ignored if value == ignored[0] else (value,) * len(indexes)
    source = GdalSource(
        path,
        indexes,
        ignored,
        transparency,
        _mask_kind(image, indexes[0]),
    )
    notes += unsaid_of_parts(image)
    if not is_address(path):
        notes += require_whole_image(path, image, header)
    declared, unusable = None, None
    if palette is None:
        scales, offsets = ([of[i - 1] for i in indexes] for of in (image.scales, image.offsets))
        declared, unusable = declared_scale(scales, offsets, dtype)
    if unusable is not None:
        notes.append(unusable)
    tags, names = band_metadata.tags_and_names(image, indexes, envi)
    centres = band_metadata.wavelengths(image, indexes, tags, names, header)
    notes += band_metadata.header_notes(image, header, centres)
    notes += [] if header else band_metadata.bare_numbers(names, centres)
    notes += [] if any(names) else _colours_turned(image, indexes)
    widths, doubtful = band_metadata.fwhm(image, indexes, tags, header, centres)
    notes += doubtful
    return Scene(
        path=path,
        format="",
        bands=len(indexes),
        dtype=dtype,
        grid=grid,
        source=source,
        nodata=source.nodata[0],
        band_names=tuple(name or f"band {i}" for i, name in zip(indexes, names, strict=True)),
        wavelengths=centres.nanometres,
        fwhm=widths,
        bad_bands=band_metadata.bad_bands(tags, header),
        scale=band_metadata.scale(header),
        declared=declared,
        overviews=has_small_overviews(image, indexes),
        alpha=alpha,
        palette=palette,
        storage=_storage(path, image),
        notes=tuple(notes),
    )


def _colours_turned(image: Any, indexes: Sequence[int]) -> list[str]:
    """Say that the file calls its bands red, green and blue, but in another order."""
    if len(indexes) > MOST_COLOURS:  # of many, as in ENVI, three are named that are shown so
        return []
    usual = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
    colours = [image.colorinterp[i - 1] for i in indexes]
    if colours[:3] == usual or not set(usual) <= set(colours):
        return []
    called = ", ".join(colour.name for colour in colours)
    order = ",".join(str(indexes[colours.index(colour)]) for colour in usual)
    return [f"the file calls its bands {called}: red, green and blue are --bands {order}"]


def _alpha(path: str, image: Any, use: AlphaUse | None) -> Alpha | None:
    """The band that the file calls transparency; ``use`` says what to make of it, else its values do."""
    found = [i for i, c in zip(image.indexes, image.colorinterp, strict=True) if c == ColorInterp.alpha]
    if not found or image.count < 2:
        return None
    number, name = found[0], image.descriptions[found[0] - 1] or f"band {found[0]}"
    if image.dtypes[number - 1] not in {image.dtypes[i - 1] for i in image.indexes if i != number}:
        return Alpha(number, name, "mask", "mask")  # no band beside others of another type
    source = GdalSource(path, (number,), (None,), None, "none")
    windows_of_it = sample_windows(image.height, image.width, SAMPLED_PIXELS, _storage(path, image))
    seen = judge_alpha(np.concatenate([source.read(w, (0,), w.shape)[0].ravel() for w in windows_of_it]))
    return Alpha(number, name, use or seen or "mask", seen)


def _palette(image: Any, indexes: tuple[int, ...]) -> tuple[tuple[int, int, int, int], ...] | None:
    """The colour of each value of the only band, where values are numbers of colours."""
    colours = palette_of(image, indexes[0])
    return tuple(colours.get(value, (0, 0, 0, 0)) for value in range(max(colours) + 1)) if colours else None


def palette_of(image: Any, index: int) -> dict[int, tuple[int, int, int, int]]:
    """Return the colours of the values of band ``index`` (1-based), where they are numbers of colours."""
    if image.colorinterp[index - 1] != ColorInterp.palette:
        return {}
    try:
        return dict(image.colormap(index))
    except ValueError:  # a damaged file has lost them
        return {}


def _storage(path: str, image: Any) -> Storage:
    """How the bands of ``image`` lie in their file; of a virtual raster, also in the first that it names."""
    sources = [name for name in image.files if name != path][:1] if image.driver == "VRT" else []
    return storage_of([image, *(dataset_of(name) for name in sources)])


def _mask_kind(image: Any, index: int) -> Literal["none", "dataset", "bands"]:
    flags = set(image.mask_flag_enums[index - 1])
    if flags & {MaskFlags.all_valid, MaskFlags.alpha} or flags == {MaskFlags.nodata}:
        return "none"
    return "dataset" if MaskFlags.per_dataset in flags else "bands"


def _grid(path: str, image: Any) -> tuple[Grid, list[str]]:
    crs, transform = image.crs, image.transform
    if transform == Affine.identity():
        control = GroundControl.of(image)
        if control is not None:
            note = (
                f"located by {control} only, which results carry on; warp it to a grid (gdalwarp) for areas"
            )
            return Grid(image.height, image.width, ground_control=control), [note]
        nowhere = "no georeferencing; results will have none either"
        if crs is None:
            return Grid(image.height, image.width), [nowhere]
        return Grid(image.height, image.width), [f"a reference system ({crs}) but no positions: {nowhere}"]
    if not (np.isfinite(tuple(transform)).all() and transform.determinant):
        numbers = ", ".join(f"{number:g}" for number in tuple(transform)[:6])
        raise InputError(
            f"{path}: its georeference ({numbers}) gives pixels no size; correct it (gdal_edit.py -a_ullr)"
        )
    grid = Grid(image.height, image.width, crs, transform)
    if crs is None:
        beside = Path(path).with_suffix(".prj")
        unread = "" if is_address(path) or not beside.is_file() else f"; {beside.name} beside it is not read"
        return grid, [f"pixel positions but no coordinate reference system{unread}"]
    return grid, list(place_doubts(grid))
