"""What a file says of its values beside their type: how many bits they have, and which are white or black."""

from rasterio.enums import MaskFlags
from rasterio.windows import Window as Rows

from terramamba.raster.readers.array_scene import ArraySource
from terramamba.raster.readers.arrays import list_arrays
from terramamba.raster.readers.datasets import dataset_of
from terramamba.raster.readers.gdal import palette_of
from terramamba.raster.readers.gdal_refusals import reading_header
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.scene import Scene
from terramamba.raster.windows import strips

PIXELS_AT_ONCE = 4_000_000
MOST_LOOKED_AT = 1_000_000_000
"""Pixels; the mask of a larger file is taken to leave some out."""


def holds_one_bit(scene: Scene) -> bool:
    """Tell whether the one band of ``scene`` holds one bit a pixel, or yes and no."""
    source = scene.source
    if isinstance(source, ArraySource):
        return bool(list_arrays(source.path)[source.name].dtype == "bool")
    if not isinstance(source, GdalSource) or scene.bands != 1:
        return False
    with reading_header(source.path):
        image, index = dataset_of(source.path), source.indexes[0]
        if image.tags(index, ns="IMAGE_STRUCTURE").get("NBITS") == "1":
            return True
        return len(palette_of(image, index)) == 2


def white_and_black(scene: Scene) -> tuple[frozenset[int], frozenset[int]]:
    """Tell which values a file shows white and which black, where it is not simply 0 that is black.

    Two empty sets where it has no palette and is not photometric MinIsWhite, in which 0 is white.
    """
    source = scene.source
    if not isinstance(source, GdalSource):
        return frozenset(), frozenset()
    with reading_header(source.path):
        table = palette_of(dataset_of(source.path), source.indexes[0])
    if not table and shows_zero_white(source.path):
        return frozenset({0}), frozenset(range(1, 256))
    white, black = (
        frozenset(value for value, colour in table.items() if colour[:3] == wanted)
        for wanted in ((255, 255, 255), (0, 0, 0))
    )
    return white, black


def shows_zero_white(path: str) -> bool:
    """Tell whether a file that GDAL opens is photometric MinIsWhite, which GDAL does not turn round."""
    with reading_header(path):
        return bool(dataset_of(path).tags(ns="IMAGE_STRUCTURE").get("MINISWHITE") == "YES")


def is_lossy(scene: Scene) -> bool:
    """Tell whether the file of ``scene`` is compressed as JPEG, so that values near edges are not exact."""
    if not isinstance(scene.source, GdalSource):
        return False
    with reading_header(scene.source.path):
        image = dataset_of(scene.source.path)
        how = image.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION", "").split()
        return image.driver == "JPEG" or "JPEG" in how


def hides_pixels(scene: Scene) -> bool:
    """Tell whether a mask inside the file of ``scene``, or beside it, leaves out some of its pixels."""
    if not isinstance(scene.source, GdalSource):
        return False
    with reading_header(scene.source.path):
        image = dataset_of(scene.source.path)
        if MaskFlags.per_dataset not in image.mask_flag_enums[0]:
            return False
        if image.width * image.height > MOST_LOOKED_AT:
            return True
        return any(
            (image.read_masks(1, window=Rows(0, strip.row, image.width, strip.height)) == 0).any()
            for strip in strips(image.height, image.width, max(1, PIXELS_AT_ONCE // image.width))
        )
