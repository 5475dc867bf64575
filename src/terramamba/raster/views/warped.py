"""A scene on another scene's grid: warped as it is read, window by window, so of any size.

Each pixel is interpolated at the exact coordinates of its centre. Where the scene has smaller pixels than the
grid, the weights reach as far as a pixel of the grid does, so that everything in it counts. Missing pixels
have no weight: their values never reach a neighbour. What is read depends on no other pixel asked for at the
same time, so that windows make up the same image as one read of the whole.

n pixels   c band   h, w rows and columns   k neighbours along an axis
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

from terramamba.core.errors import InputError
from terramamba.raster.geogrid import Grid, crs_name, pixel_size
from terramamba.raster.scene import Scene, Source
from terramamba.raster.views.grid_mapping import GridMapping, same_pixels
from terramamba.raster.windows import Window, evenly_spaced

Method = Literal["bilinear", "cubic"]

REACH: dict[Method, int] = {"bilinear": 1, "cubic": 2}
"""How many pixels on either side of a point count."""
LARGEST_RATIO = 16.0
"""Scenes with pixels more than so many times smaller than the grid's are refused."""
WARPED = "warped onto another grid"
"""How the note about a warped scene begins."""
SAME_SIZE = 1.05
"""Pixels that are hardly smaller than the grid's are interpolated as if they were as large."""
LEAST_WEIGHT = 0.5 - 1e-9
"""A pixel has data when at least this share of its bilinear weight lies on data."""
CUBIC = -0.5
"""The free parameter of cubic convolution (Keys 1981)."""
VALUES_AT_ONCE = 4_000_000


def warped(scene: Scene, onto: Grid, method: Method) -> Scene:
    """Warp ``scene`` onto the grid ``onto``; the scene itself where it lies on that grid.

    Pixels outside the scene are not valid. Undeclared NaN and infinity count as no data. A note of the
    result says what was done.

    Raises:
        InputError: an unknown method, scene or grid without georeferencing, only one of them with a reference
            system, or pixels of the scene far smaller than those of the grid.
    """
    if method not in REACH:
        raise InputError(f"--align {method}: choose one of {', '.join(REACH)}")
    if same_pixels(onto, scene.grid):
        return scene
    _require_georeferencing(scene, onto)
    mapping = GridMapping(onto, scene.grid)
    ratio = _pixel_ratio(mapping)
    if max(ratio) > LARGEST_RATIO:
        raise InputError(
            f"{scene.path}: its pixels are {max(ratio):.3g} times smaller than those to warp it onto; "
            "average it to larger pixels first (gdalwarp -r average), or exchange the two"
        )
    return replace(
        scene,
        grid=onto,
        source=WarpedSource(scene.source, mapping, method, scene.dtype, ratio),
        notes=(*scene.notes, f"{WARPED} ({method}): was {grid_in_words(scene.grid)}"),
    )


def grid_in_words(grid: Grid) -> str:
    """Name the reference system, pixel size and number of pixels of a grid."""
    system = "no reference system" if grid.crs is None else crs_name(grid.crs)
    pixel = "" if grid.transform is None else f"{pixel_size(grid.transform, grid.crs)}, "
    return f"{system}, {pixel}{grid.height} x {grid.width} pixels"


def _require_georeferencing(scene: Scene, onto: Grid) -> None:
    if scene.transform is None or onto.transform is None:
        which = f"{scene.path} has" if scene.transform is None else "the image to warp it onto has"
        raise InputError(
            f"{scene.path}: cannot be warped, {which} no georeferencing; georeference it, or crop both "
            "to the same pixels"
        )
    if (scene.crs is None) != (onto.crs is None):
        which = "it" if scene.crs is None else "the image to warp it onto"
        raise InputError(
            f"{scene.path}: cannot be warped, {which} names no coordinate reference system; assign it "
            "(gdal_edit.py -a_srs)"
        )


def _pixel_ratio(mapping: GridMapping) -> tuple[float, float]:
    """Count rows and columns of the scene that a pixel in the middle of the grid spans, at least 1."""
    middle = np.array([mapping.target.height, mapping.target.width]) / 2
    ends = middle + np.array([[0, 0], [1, 0], [0, 1]])
    coordinates = np.stack(mapping.source_coordinates(ends[:, :1], ends[:, 1:]))[:, :, 0]
    rows, cols = (float(np.hypot(*(axis[1:] - axis[0]))) for axis in coordinates)
    return (rows if rows > SAME_SIZE else 1.0), (cols if cols > SAME_SIZE else 1.0)


@dataclass(frozen=True)
class WarpedSource:
    """Pixels of ``source`` interpolated on another grid.

    ``ratio`` is how many rows and columns of the source a pixel of the grid spans, 1 where it is less.
    """

    source: Source
    mapping: GridMapping
    method: Method
    dtype: str
    ratio: tuple[float, float]

    def read(
        self, window: Window, bands: Sequence[int], shape: tuple[int, int]
    ) -> tuple[Shaped[np.ndarray, "c h w"], Bool[np.ndarray, "c h w"]]:
        """Read as ``Source.read`` does; a thinned-out read takes nearest pixels."""
        values = np.zeros((len(bands), *shape), self.dtype)
        valid = np.zeros(values.shape, bool)
        if not values.size:
            return values, valid
        rows, cols = (
            evenly_spaced(window.row, window.height, shape[0]),
            evenly_spaced(window.col, window.width, shape[1]),
        )
        if shape != window.shape:
            coordinates = self.mapping.centre_coordinates(rows, cols)
            self.mapping.take_nearest(self.source, coordinates, bands, values, valid, thinned=True)
            return values, valid
        side = max(1, int((VALUES_AT_ONCE / (len(bands) * self.ratio[0] * self.ratio[1])) ** 0.5))
        for top in range(0, len(rows), side):
            for left in range(0, len(cols), side):
                part = (slice(None), slice(top, top + side), slice(left, left + side))
                down, right = self.mapping.centre_coordinates(rows[part[1]], cols[part[2]])
                self._interpolate(down, right, tuple(bands), values[part], valid[part])
        return values, valid

    def _interpolate(
        self,
        down: Float64[np.ndarray, "h w"],
        right: Float64[np.ndarray, "h w"],
        bands: Sequence[int],
        values: Shaped[np.ndarray, "c h w"],
        valid: Bool[np.ndarray, "c h w"],
    ) -> None:
        """Fill ``values`` and ``valid`` with the source's at its rows ``down`` and columns ``right``."""
        inside = self.mapping.inside(down, right)
        if not inside.any():
            return
        rows, cols = (
            {
                method: _neighbours(coordinates[inside], ratio, method)
                for method in dict.fromkeys(("bilinear", self.method))
            }
            for coordinates, ratio in zip((down, right), self.ratio, strict=True)
        )
        pixels = _Pixels.read(self.source, self.mapping.source, rows[self.method], cols[self.method], bands)
        values[:, inside], valid[:, inside] = self._interpolated(pixels, rows, cols)

    def _interpolated(
        self, pixels: "_Pixels", rows: Mapping[Method, "_Neighbours"], cols: Mapping[Method, "_Neighbours"]
    ) -> tuple[Shaped[np.ndarray, "c n"], Bool[np.ndarray, "c n"]]:
        """Interpolate, and tell where that gives a value; cubic only where no neighbour is missing."""
        dtype = np.dtype(self.dtype)
        sharper, complete = np.zeros(()), np.zeros((), bool)
        if self.method == "cubic":
            sharper, weight = pixels.weighted_sums(rows["cubic"], cols["cubic"], need_all=True)
            complete = weight > 0
            if complete.all():
                return _as_type(sharper, dtype), complete
        total, weight = pixels.weighted_sums(rows["bilinear"], cols["bilinear"])
        has_data = weight >= LEAST_WEIGHT
        values = np.where(complete, sharper, total / np.where(has_data, weight, 1))
        return _as_type(np.where(has_data, values, 0), dtype), has_data


@dataclass(frozen=True, eq=False)
class _Neighbours:
    """For each of n coordinates along an axis, its first neighbour and the weights of the k from there on."""

    first: Int64[np.ndarray, " n"]
    weights: Float64[np.ndarray, "k n"]


def _neighbours(coordinates: Float64[np.ndarray, " n"], ratio: float, method: Method) -> _Neighbours:
    """Find the pixels within reach of ``coordinates`` and their weights, of sum 1; stretched by ``ratio``."""
    reach = REACH[method] * ratio
    count = int(np.ceil(2 * reach))
    first = np.floor(coordinates - 0.5 - reach).astype(np.int64) + 1
    away = np.abs(first + np.arange(count)[:, None] + 0.5 - coordinates) / ratio
    if method == "bilinear":
        weights = np.maximum(1 - away, 0)
    else:
        near = (CUBIC + 2) * away**3 - (CUBIC + 3) * away**2 + 1
        far = CUBIC * (away**3 - 5 * away**2 + 8 * away - 4)
        weights = np.where(away <= 1, near, np.where(away < REACH[method], far, 0))
    return _Neighbours(first, weights / weights.sum(axis=0))


@dataclass(frozen=True, eq=False)
class _Pixels:
    """Pixels of a source from row ``top`` and column ``left`` on, beyond its edge too; missing ones are 0."""

    values: Float64[np.ndarray, "c h w"]
    valid: Float64[np.ndarray, "c h w"]
    top: int
    left: int

    @classmethod
    def read(
        cls, source: Source, grid: Grid, rows: _Neighbours, cols: _Neighbours, bands: Sequence[int]
    ) -> "_Pixels":
        """Read all that the neighbours of both axes need."""
        top, left = int(rows.first.min()), int(cols.first.min())
        height = int(rows.first.max()) + len(rows.weights) - top
        width = int(cols.first.max()) + len(cols.weights) - left
        wanted = Window(top, left, height, width)
        here = wanted.clip(grid.height, grid.width)
        known, known_valid = source.read(here, bands, here.shape)
        above, below, before, behind = wanted.margins(here)
        margins = ((0, 0), (above, below), (before, behind))
        usable = known_valid & np.isfinite(known)
        values = np.pad(np.where(usable, known, 0).astype(np.float64), margins)
        return cls(values, np.pad(usable.astype(np.float64), margins), top, left)

    def weighted_sums(
        self, rows: _Neighbours, cols: _Neighbours, need_all: bool = False
    ) -> tuple[Float64[np.ndarray, "c n"], Float64[np.ndarray, "c n"]]:
        """Sum weight x value, and weight, over the valid neighbours of each point.

        With ``need_all`` the latter is 0 where any neighbour of some weight is missing.
        """
        total = np.zeros((len(self.values), rows.weights.shape[1]))
        weight, lost = np.zeros(total.shape), np.zeros(total.shape, bool)
        width, whole = self.values.shape[2], bool(self.valid.all())
        values, valid = (array.reshape(len(total), -1) for array in (self.values, self.valid))
        first = (rows.first - self.top) * width + cols.first - self.left
        for i, row_weight in enumerate(rows.weights):
            for j, col_weight in enumerate(cols.weights):
                own, index = row_weight * col_weight, first + (i * width + j)
                total += own * values.take(index, axis=1)
                if whole:
                    weight += own
                    continue
                here = valid.take(index, axis=1)
                weight += own * here
                lost |= (own != 0) & (here == 0)
        return total, np.where(lost, 0, weight) if need_all else weight


def _as_type(values: Float64[np.ndarray, "c n"], dtype: np.dtype[Any]) -> Shaped[np.ndarray, "c n"]:
    """Round, and keep within the range of whole numbers, where ``dtype`` is of those."""
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return np.rint(values).clip(limits.min, limits.max).astype(dtype)
    return values.astype(dtype)
