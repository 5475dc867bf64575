"""The grid of square blocks that a scene is cut into.

m labelled pixels
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from terramamba.core.errors import InputError
from terramamba.data.pixel_list import PixelList
from terramamba.data.splits.block_size import BlockSize
from terramamba.raster.geogrid import Grid
from terramamba.raster.pixel_area import pixel_sides, why_not_measured


@dataclass(frozen=True)
class BlockGrid:
    """Square blocks that begin at a scene's upper left corner; a pixel is in the block that its centre is in.

    ``rows`` and ``cols`` are the sides of a block in pixels, which need be no whole numbers; ``size`` is the
    side as it was asked for, such as "500m".
    """

    size: str
    rows: float
    cols: float

    @classmethod
    def on(cls, grid: Grid, size: BlockSize, patch_size: int, where: str) -> "BlockGrid":
        """Lay blocks of ``size`` on the pixels of ``grid``; metres are those of its middle.

        ``where`` names the scene in messages; ``patch_size`` is in pixels.

        Raises:
            InputError: metres on a scene whose pixels have no known size, blocks that are smaller than a
                patch, or a block that holds all of the scene.
        """
        rows = cols = size.length
        if size.unit == "m":
            sides = pixel_sides(grid)
            if sides is None:
                why = why_not_measured(grid) or "its middle is beyond the Earth"
                raise InputError(
                    f"--block-size {size}: {where} has pixels of unknown size ({why}); give the side in "
                    "pixels, such as 50px"
                )
            rows, cols = (round(size.length / side, 6) for side in sides)  # the same on every machine
        asked = f"--block-size {size}: " + (f"{rows:.4g} x {cols:.4g} pixels, " if size.unit == "m" else "")
        if min(rows, cols) < patch_size:
            raise InputError(
                f"{asked}less than a patch of {patch_size} x {patch_size} pixels; give larger blocks, or a "
                "smaller --patch-size"
            )
        if rows >= grid.height and cols >= grid.width:
            raise InputError(
                f"{asked}as large as {where}, which has {grid.height} x {grid.width}; give smaller blocks"
            )
        return cls(str(size), rows, cols)

    def block_of(self, pixels: PixelList) -> Int64[np.ndarray, " m"]:
        """Number the block that each pixel is in, row by row of blocks from the upper left."""
        across = int((pixels.shape[1] - 0.5) // self.cols) + 1
        down = np.floor((pixels.rows + 0.5) / self.rows).astype(np.int64)
        return down * across + np.floor((pixels.cols + 0.5) / self.cols).astype(np.int64)
