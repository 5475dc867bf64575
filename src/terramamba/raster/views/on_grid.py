"""Rasters of values that must not be mixed, such as labels, on the pixels of an image."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.scene import Scene, Source
from terramamba.raster.views.grid_mapping import GridMapping, same_pixels
from terramamba.raster.windows import Window, evenly_spaced


@dataclass(frozen=True)
class NearestSource:
    """Pixels of ``source`` that the pixel centres of another grid are in; not valid outside of it."""

    source: Source
    dtype: str
    mapping: GridMapping

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does."""
        values = np.zeros((len(bands), *shape), self.dtype)
        valid = np.zeros(values.shape, bool)
        rows = evenly_spaced(window.row, window.height, shape[0])
        cols = evenly_spaced(window.col, window.width, shape[1])
        coordinates = self.mapping.centre_coordinates(rows, cols)
        thinned = shape != window.shape
        self.mapping.take_nearest(self.source, coordinates, tuple(bands), values, valid, thinned=thinned)
        return values, valid


def on_grid(scene: Scene, image: Scene) -> Scene:
    """Lay ``scene`` on the pixels of ``image``; reads no pixel.

    By nearest neighbour where both are georeferenced: in any reference system, direction and size. By place
    where one of them is not; then they must be of one size.

    Raises:
        InputError: they do not overlap, or are not both georeferenced, and of different sizes or perhaps the
            other way round.
    """
    grid, name = image.grid, image.path
    if same_pixels(scene.grid, grid):
        return scene
    if scene.transform is None or grid.transform is None:
        if scene.turned != image.turned:
            raise InputError(f"{scene.path}: {either_way(image if image.turned else scene)}")
        if scene.grid.window == grid.window:
            return replace(scene, grid=grid)
        raise InputError(
            f"{scene.path}: a mask of {scene.height} x {scene.width} pixels, but {name} has "
            f"{grid.height} x {grid.width}, and not both are georeferenced; give the mask of this pair"
        )
    mapping = GridMapping(grid, scene.grid)
    if not mapping.meets():
        raise InputError(
            f"{scene.path}: does not lie on {name}: by their georeferences they do not overlap; check the "
            "reference systems and the places, or give the mask of this pair"
        )
    return replace(scene, grid=grid, source=NearestSource(scene.source, scene.dtype, mapping))


def either_way(turned: Scene) -> str:
    """Say that what has no place may lie either way round on a scene that is read ``turned``."""
    return (
        f"without georeferencing on both, the two may lie either way round on each other, as {turned.path}"
        " stores rows from the south or columns from the east; give both with georeferencing"
    )


def without_nodata(scene: Scene, *, opaque: bool = False) -> Scene:
    """Read the declared nodata value of ``scene`` like all others; if ``opaque``, transparent pixels too."""
    source = scene.source
    if not isinstance(source, GdalSource):
        return scene
    kept = replace(source, nodata=(None,) * len(source.nodata))
    return replace(scene, source=replace(kept, alpha=None, mask="none") if opaque else kept)
