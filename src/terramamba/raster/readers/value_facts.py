"""What a file says of its values beside their type: how many bits they have, and what they are called."""

import re
import warnings
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import MemoryFile

from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.arrays import list_arrays
from terramamba.raster.readers.gdal import GdalSource
from terramamba.raster.scene import Scene

CLASS_TAG = re.compile(r"CLASS_(\d+)")
SIDECAR_ONLY = ("GTiff", "PNG", "JPEG", "BMP", "COG")
"""Drivers whose files name categories in a sidecar alone."""


def holds_one_bit(scene: Scene) -> bool:
    """Tell whether the one band of ``scene`` holds one bit a pixel, or yes and no."""
    source = scene.source
    if isinstance(source, ArraySource):
        return bool(list_arrays(source.path)[source.name].dtype == "bool")
    if not isinstance(source, GdalSource) or scene.bands != 1:
        return False
    with _opened(source.path) as image:
        index = source.indexes[0]
        if image.tags(index, ns="IMAGE_STRUCTURE").get("NBITS") == "1":
            return True
        return len(_palette(image, index)) == 2


def shows_zero_white(scene: Scene) -> bool:
    """Tell whether a palette shows 0 white and 1 black: such a file may mean 1 as its background."""
    source = scene.source
    if not isinstance(source, GdalSource):
        return False
    with _opened(source.path) as image:
        table = _palette(image, source.indexes[0])
    return len(table) >= 2 and table[0][:3] == (255, 255, 255) and table[1][:3] == (0, 0, 0)


def category_names(scene: Scene) -> dict[int, str]:
    """Return what the file calls its values: band tags ``CLASS_1``, else GDAL's category names."""
    source = scene.source
    if not isinstance(source, GdalSource):
        return {}
    with _opened(source.path) as image:
        tags = image.tags(source.indexes[0])
        named = {int(found[1]): name for key, name in tags.items() if (found := CLASS_TAG.fullmatch(key))}
        if named or (image.driver in SIDECAR_ONLY and not Path(f"{source.path}.aux.xml").is_file()):
            return named
        return _categories(image, source.indexes[0])


def _palette(image: Any, index: int) -> dict[int, tuple[int, ...]]:
    return image.colormap(index) if image.colorinterp[index - 1] == ColorInterp.palette else {}


def _categories(image: Any, index: int) -> dict[int, str]:
    """Category names, which rasterio does not tell, out of the XML that GDAL writes of any file it opens."""
    try:
        with MemoryFile(ext=".vrt") as file:
            rasterio.shutil.copy(image, file.name, driver="VRT")
            with _opened(file.name) as copy:
                text = copy.tags(ns="xml:VRT").get("xml:VRT", "")
        band = ElementTree.fromstring(text).find(f"VRTRasterBand[@band='{index}']/CategoryNames")
    except (RasterioError, ElementTree.ParseError):
        return {}
    names = [] if band is None else [(entry.text or "").strip() for entry in band]
    return {code: name for code, name in enumerate(names) if name}


def _opened(path: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)
