"""The raster bands that a STAC item lists, and which of them make up its scene."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

from terramamba.core.errors import InputError
from terramamba.raster.readers.wavelengths import nanometres

NOT_FOR_MODELS = {"thumbnail", "overview", "visual", "metadata", "cloud", "cloud-shadow", "snow-ice"}
"""Roles of assets that show the bands again, or say something about them."""

MISSING = TypeVar("MISSING", float, None)


@dataclass(frozen=True)
class StacBand:
    """One raster band of an asset: its place (from 1), whether it is alone, and what the item says of it."""

    asset: str
    href: str
    index: int
    alone: bool
    name: str
    wavelength: float | None
    fwhm: float | None
    scale: float
    offset: float
    nodata: float | None
    pixel: float
    """Size of a pixel in units of the asset's grid; infinity where it is not told."""
    described: bool
    for_models: bool
    geobox: Any


def bands_of(record: Any) -> list[StacBand]:
    """List the bands of all assets that are rasters."""
    from odc.loader.types import RasterSource
    from odc.stac import parse_item

    try:
        parsed = parse_item(record).bands
    except ValueError:  # odc-stac has no word for an item without any raster
        return []
    bands = []
    for key, source in {key: source for (key, _), source in parsed.items()}.items():
        asset = record.assets[key]
        if not isinstance(source, RasterSource):
            continue
        fields = asset.extra_fields
        lists = [fields.get(name) or [] for name in ("eo:bands", "raster:bands", "bands")]
        count = max(1, *map(len, lists))
        for index in range(1, count + 1):
            told, numbers, newer = (_at(listed, index) for listed in lists)
            told, numbers = told | newer, fields | numbers | newer
            bands.append(
                StacBand(
                    asset=key,
                    href=source.uri,
                    index=index,
                    alone=count == 1,
                    name=str(told.get("name") or (key if count == 1 else f"{key} {index}")),
                    wavelength=_micrometres(told, "center_wavelength"),
                    fwhm=_micrometres(told, "full_width_half_max"),
                    scale=_number(numbers.get("scale", numbers.get("raster:scale")), 1.0),
                    offset=_number(numbers.get("offset", numbers.get("raster:offset")), 0.0),
                    nodata=_number(numbers.get("nodata"), None),
                    pixel=_pixel(fields | numbers, source.geobox),
                    described=bool(told),
                    for_models=not set(asset.roles or ()) & NOT_FOR_MODELS,
                    geobox=source.geobox,
                )
            )
    return bands


def chosen_bands(item: str, bands: Sequence[StacBand], assets: Sequence[str] | None) -> list[StacBand]:
    """Return the ``bands`` of ``assets``, by keys or names; without them all that images hold, each once.

    Raises:
        InputError: there is no asset or band of that name.
    """
    if assets is not None:
        chosen: list[StacBand] = []
        for name in assets:
            # A key before a name: of an asset all bands.
            match = [b for b in bands if b.asset == name] or [b for b in bands if b.name == name][:1]
            if not match:
                there = ", ".join(dict.fromkeys(band.asset for band in bands))
                raise InputError(f"{item}: no asset or band {name!r} with pixels; it has {there}")
            chosen += [band for band in match if band not in chosen]
        return chosen
    usable = [band for band in bands if band.for_models] or list(bands)
    if any(band.described for band in usable):  # beside bands, rasters that are none: classes, quality
        usable = [band for band in usable if band.described]
    # A band may be there again in a picture of three, in larger pixels, or as JPEG 2000 beside GeoTIFF.
    once: dict[str, StacBand] = {}
    for band in sorted(usable, key=lambda band: (not band.alone, band.pixel, _jpeg_2000(band))):
        once.setdefault(band.name, band)
    return [band for band in usable if once[band.name] is band]


def _jpeg_2000(band: StacBand) -> bool:
    return urlsplit(band.href).path.lower().endswith(".jp2")


def _pixel(numbers: dict[str, Any], geobox: Any) -> float:
    if geobox is not None:
        return abs(geobox.resolution.x)
    told = (numbers.get(name) for name in ("raster:spatial_resolution", "spatial_resolution", "gsd"))
    return next((float(value) for value in told if value is not None), math.inf)


def _at(listed: Any, index: int) -> dict[str, Any]:
    """Return the description of band ``index``, counted from 1."""
    return dict(listed[index - 1]) if isinstance(listed, list) and index <= len(listed) else {}


def _micrometres(told: dict[str, Any], name: str) -> float | None:
    value = told.get(name, told.get(f"eo:{name}"))
    return None if value is None else nanometres(str(value), "um")


def _number(value: Any, missing: MISSING) -> float | MISSING:
    """Return ``value`` as a number; it may be written as a text such as ``"nan"``."""
    try:
        return missing if value is None else float(value)
    except (TypeError, ValueError):
        return missing
