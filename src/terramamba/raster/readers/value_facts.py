"""What a file says of its values beside their type: how many bits they have."""

import warnings
from typing import Any

import rasterio
import rasterio.shutil
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning

from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.arrays import list_arrays
from terramamba.raster.readers.gdal import GdalSource
from terramamba.raster.scene import Scene


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


def _palette(image: Any, index: int) -> dict[int, tuple[int, ...]]:
    return image.colormap(index) if image.colorinterp[index - 1] == ColorInterp.palette else {}


def _opened(path: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        return rasterio.open(path)
