"""How an image lies in its file: blocks that are decoded as a whole, and thinned-out copies of itself.

``image`` is an open dataset of rasterio.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from terramamba.raster.windows import MOST_DECODED, Storage


def storage_of(images: Sequence[Any]) -> Storage:
    """Say what is decoded for one pixel of a band of the first, whose pixels come through all ``images``."""
    blocks = [image.block_shapes[0] for image in images]
    return Storage(
        max(height for height, _ in blocks), max(width for _, width in blocks), _bytes_of(images[0])
    )


def has_small_overviews(image: Any, indexes: Sequence[int]) -> bool:
    """Tell whether thinned-out copies of ``image`` go down to one that is quickly read in all ``indexes``."""
    factors = image.overviews(indexes[0])
    if not factors:
        return False
    pixels = (image.height // max(factors) + 1) * (image.width // max(factors) + 1)
    return pixels * len(indexes) * _bytes_of(image) <= MOST_DECODED


def _bytes_of(image: Any) -> int:
    return int(np.dtype(image.dtypes[0]).itemsize)
