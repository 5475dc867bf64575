"""Label files that list pixels by row and column, and are neither images nor shapes: a record each.

A new one is its file, with these functions, and its record here; what reads labels asks ``pixel_format``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from terramamba.data.labels.class_raster import ClassRaster
from terramamba.data.labels.envi_roi import is_roi_file, read_rois, roi_shape
from terramamba.raster.scene import Scene


@dataclass(frozen=True)
class PixelFormat:
    """How a file of pixels is known and read.

    ``shape`` reads rows and columns of the image that the pixels are of; None where the file does not say.
    ``named``: the file says the names of its classes.
    """

    name: str
    is_it: Callable[[str], bool]
    read: Callable[[str, Scene], ClassRaster]
    shape: Callable[[str], tuple[int, int] | None]
    named: bool


PIXEL_FORMATS = (PixelFormat("ENVI regions of interest", is_roi_file, read_rois, roi_shape, named=True),)


def pixel_format(path: str) -> PixelFormat | None:
    """Find the format of a file that lists pixels; None where ``path`` is none."""
    return next((known for known in PIXEL_FORMATS if known.is_it(path)), None)
