"""Items of SpatioTemporal Asset Catalogs (STAC): the bands of one scene, wherever their files lie.

The item is fetched through pystac-client, and odc-stac finds the raster bands in it. Pixels are read from the
assets window by window, as those of any image, by GDAL. Only a source that pickles goes to other processes.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from terramamba.core.errors import InputError
from terramamba.raster.declared_scale import DeclaredScale
from terramamba.raster.geogrid import Grid
from terramamba.raster.readers.band_stack import are_bands, stack
from terramamba.raster.readers.format_record import Format, OpenOptions
from terramamba.raster.readers.gdal import open_image
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.readers.stac_bands import StacBand, bands_of, chosen_bands
from terramamba.raster.scene import Scene
from terramamba.raster.views.physical import PhysicalSource

NAME = "STAC item"
OFFSET_APPLIED = "earthsearch:boa_offset_applied"
"""Set where a catalogue has taken the offset of Sentinel-2 off the pixels and lists it all the same."""
SOFTWARE = "terramamba"
"""What ``processing:software`` of an item calls us where we made what it lists: maps, no images."""
LARGEST_ITEM = 10_000_000
"""Bytes. Items have some thousand; shapes in GeoJSON, which look alike, may have any number."""

_STAC = re.compile(rb'"stac_version"\s*:')


def is_stac(path: str) -> bool:
    """Tell whether ``path`` is a JSON file of STAC, or a web address that looks like that of an item."""
    if path.lower().startswith(("http:", "https:")):
        address = urlsplit(path)
        return address.path.lower().endswith(".json") or "/items/" in address.path
    file = Path(path)
    if file.suffix.lower() not in (".json", ".geojson") or not file.is_file():
        return False
    # Some writers put the geometry first, so the version may stand anywhere.
    return file.stat().st_size <= LARGEST_ITEM and _STAC.search(file.read_bytes()) is not None


def open_stac(item: str, *, assets: Sequence[str] | None = None) -> Scene:
    """Open the bands of a STAC item as one scene, by rising wavelength, on the grid of the finest.

    Args:
        item: Path or web address of the item's JSON.
        assets: Keys of assets, or names of bands; without them all that hold bands, each band once.

    Returns:
        A scene in physical values (float32, NaN where there is no data) where the item tells scale or
        offset, else in stored ones.

    Raises:
        InputError: the extra is not installed, or the item or one of its assets cannot be read.
    """
    record = read_item(item)
    if SOFTWARE in (record.properties.get("processing:software") or ()):
        made = record.assets.get("map")
        where = "" if made is None else f", or its file {made.href} where a map is wanted"
        raise InputError(f"{item}: lists a map that terramamba made, no image; give the image{where}")
    try:
        bands = bands_of(record)
    except InputError:
        raise
    except Exception as error:  # of texts where the standard has numbers and the like, in three libraries
        raise InputError(
            f"{item}: describes its bands in a way that STAC does not have ({_one_line(error)}); correct the"
            " item"
        ) from error
    if not bands:
        listed = ", ".join(record.assets) or "no assets"
        raise InputError(f"{item}: holds no raster bands ({listed}); give an item with images")
    chosen = chosen_bands(item, bands, assets)
    offset_applied = bool(record.properties.get(OFFSET_APPLIED, False))
    if offset_applied:
        chosen = [replace(band, offset=0.0) for band in chosen]
    if all(band.wavelength is not None for band in chosen):
        chosen = sorted(chosen, key=lambda band: band.wavelength or 0.0)
    scenes = [_open(band, item) for band in chosen]
    physical = any((band.scale, band.offset) != (1.0, 0.0) for band in chosen)
    if physical or len({scene.dtype for scene in scenes}) > 1:
        scenes = [_physical(scene, band) for scene, band in zip(scenes, chosen, strict=True)]
    if len(scenes) > 1 and not are_bands(scenes):
        shapes = ", ".join(f"{scene.path} {scene.height} x {scene.width}" for scene in scenes)
        raise InputError(f"{item}: its assets do not show the same ground ({shapes}); name those that do")
    scene = scenes[0] if len(scenes) == 1 else stack(scenes, item)
    notes = list(scene.notes)
    if physical:
        notes.append("scale and offset of the item are applied: values are physical, not those stored")
    if offset_applied:
        notes.append("the catalogue says that the offset was taken off the pixels before")
    left_out = [key for key in record.assets if key not in {band.asset for band in chosen}]
    if left_out:
        notes.append(f"assets left out: {', '.join(left_out)}")
    widths = [band.fwhm for band in chosen]
    return replace(
        scene,
        path=item,
        format=NAME,
        fwhm=None if None in widths else tuple(width for width in widths if width is not None),
        scale=None if physical else scene.scale,
        declared=scene.declared if physical or (scene.declared and not scene.declared.applied) else None,
        notes=tuple(notes),
    )


def read_item(item: str) -> Any:
    """Read the ``pystac.Item`` in a file or at a web address, and make its links to assets absolute.

    Raises:
        InputError: the extra is not installed, or there is no item.
    """
    try:
        import odc.stac  # noqa: F401  # so that what is missing is said before anything is fetched
        import pystac

        from terramamba.raster.readers.stac_answers import bounded_answers
    except ImportError as error:
        raise InputError(
            f"{item}: STAC items need pystac-client and odc-stac ({error}); "
            "install them with: pip install 'terramamba[stac]'"
        ) from error
    try:
        record = pystac.read_file(item, stac_io=bounded_answers(LARGEST_ITEM))
    except Exception as error:  # of network, JSON and each version of STAC, which share no class
        raise InputError(
            f"{item}: cannot be read as a STAC item ({_one_line(error)}); check path or address"
        ) from error
    if not isinstance(record, pystac.Item):
        kind = "collection" if isinstance(record, pystac.Collection) else "catalog"
        raise InputError(f"{item}: a STAC {kind}; give one of its items")
    record.make_asset_hrefs_absolute()
    return record


def _open(band: StacBand, item: str) -> Scene:
    """Open one band of an asset as a scene."""
    try:
        whole = open_image(band.href)
    except InputError as error:
        raise InputError(f"{item}: asset {band.asset}: {error}") from error
    if band.index > whole.bands:
        raise InputError(
            f"{item}: asset {band.asset} has {whole.bands} bands, the item describes more; correct the item"
        )
    if band.alone and whole.bands > 1:
        raise InputError(
            f"{item}: asset {band.asset} has {whole.bands} bands, of which the item describes one or none;"
            " correct the item, or give the file of the asset"
        )
    assert isinstance(whole.source, GdalSource)
    at = band.index - 1
    nodata = whole.source.nodata[at] if band.nodata is None else band.nodata
    source = replace(whole.source, indexes=(whole.source.indexes[at],), nodata=(nodata,))
    return Scene(
        path=band.asset if band.alone else f"{band.asset} {band.index}",
        format="",
        bands=1,
        dtype=whole.dtype,
        grid=_grid(whole, band),
        source=source,
        nodata=nodata,
        band_names=(band.name,),
        wavelengths=None if band.wavelength is None else (band.wavelength,),
        scale=whole.scale,
        declared=None if whole.declared is None else whole.declared.of_bands((at,)),
        notes=whole.notes if whole.transform is not None else (),
    )


def _grid(image: Scene, band: StacBand) -> Grid:
    """Return the grid of the file; where it has none, that of the item."""
    box = band.geobox
    if image.transform is not None or box is None or tuple(box.shape) != (image.height, image.width):
        return image.grid
    from rasterio.crs import CRS

    crs = None if box.crs is None else CRS.from_wkt(box.crs.to_wkt())
    return Grid(image.height, image.width, crs, box.transform)


def _physical(scene: Scene, band: StacBand) -> Scene:
    source = PhysicalSource(scene.source, (band.scale,), (band.offset,))
    declared = DeclaredScale((band.scale,), (band.offset,), scene.dtype, applied=True)
    return replace(scene, dtype="float32", nodata=math.nan, source=source, scale=None, declared=declared)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def _stac(path: str, options: OpenOptions) -> Scene:
    names = [name.strip() for name in (options.variable or "").split(",") if name.strip()]
    return open_stac(path, assets=names or None)


FORMAT = Format(
    name=NAME,
    known_by="JSON with a `stac_version`, on disk or at a web address (`....json` or `.../items/...`)",
    reads="the bands of its assets by rising wavelength, through pystac-client and odc-stac; "
    "wavelengths, band widths, values of no data; scale and offset are applied",
    notes="Needs `pip install 'terramamba[stac]'`. Larger pixels are brought onto the finest grid "
    "(nearest pixel). Of a band that is there twice one counts; pictures, classes and quality layers are "
    "left out. `--scene-variable red,nir` names assets or bands. Addresses are opened unsigned.",
    matches=lambda given: is_stac(given.path),
    reader=_stac,
    named=True,
)
