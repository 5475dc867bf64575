"""One scaling for both dates of all training pairs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Shaped

from terramamba.core.errors import InputError
from terramamba.data.pairs.image_pair import PairFiles
from terramamba.data.scaling import Scaling
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips

VALUES_PER_READ = 16_000_000


def fit_pair_scaling(pairs: Sequence[PairFiles], bands: int, used: Sequence[int] | None = None) -> Scaling:
    """Fit mean 0 and standard deviation 1 of ``used`` (None: all) of ``bands`` bands over both dates.

    Pixels without data, and masked ones, do not count. Read strip by strip, so that memory
    does not grow with the images.

    Raises:
        InputError: an image with another number of bands, with NaN or infinity that is not its nodata value,
            or a band without data in all of them.
    """
    chosen = tuple(range(bands)) if used is None else tuple(used)
    sums = _Moments(*np.zeros((3, len(chosen))))
    for pair in pairs:
        for scene in pair.open():
            require_bands(scene, bands)
            area = pair.window or scene.grid.window
            rows = max(1, VALUES_PER_READ // (area.width * len(chosen)))
            for strip in strips(area.height, area.width, rows):
                window = Window(area.row + strip.row, area.col + strip.col, *strip.shape)
                values, valid = scene.read(window, chosen)
                _require_finite(scene, values, valid, window, chosen)
                sums = sums.joined(_Moments.of(values, valid))
    if not sums.count.all():
        band = chosen[int(np.flatnonzero(sums.count == 0)[0])]
        raise InputError(
            f"{pairs[0].before}: band {band + 1} has no data in any of the {len(pairs)} training pairs; "
            "leave this band out of the files, or correct their nodata value"
        )
    return Scaling.from_moments(sums.mean, np.sqrt(sums.squares / sums.count), chosen)


@dataclass(frozen=True)
class _Moments:
    """Number, mean and sum of squared deviations of each band's values; joined as Chan et al. (1979) do."""

    count: Float64[np.ndarray, " c"]
    mean: Float64[np.ndarray, " c"]
    squares: Float64[np.ndarray, " c"]

    @classmethod
    def of(cls, values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "c h w"]) -> "_Moments":
        wide = np.where(valid, values, 0).astype(np.float64)
        count = valid.sum(axis=(1, 2), dtype=np.float64)
        mean = wide.sum(axis=(1, 2)) / np.maximum(count, 1)
        squares = (np.where(valid, wide - mean[:, None, None], 0) ** 2).sum(axis=(1, 2))
        return cls(count, mean, squares)

    def joined(self, other: "_Moments") -> "_Moments":
        count = self.count + other.count
        share = other.count / np.maximum(count, 1)
        apart = other.mean - self.mean
        squares = self.squares + other.squares + apart**2 * self.count * share
        return _Moments(count, self.mean + apart * share, squares)


def require_bands(scene: Scene, bands: int) -> None:
    """Raise ``InputError`` where ``scene`` has another number of bands than ``bands``."""
    if scene.bands != bands:
        raise InputError(
            f"{scene.path}: has {scene.bands} bands, the others {bands}; give images of one kind"
        )


def _require_finite(
    scene: Scene,
    values: Shaped[np.ndarray, "c h w"],
    valid: Bool[np.ndarray, "c h w"],
    window: Window,
    bands: Sequence[int],
) -> None:
    if values.dtype.kind != "f":
        return
    bad = np.argwhere(valid & ~np.isfinite(values))
    if len(bad):
        band, row, col = bad[0]
        raise InputError(
            f"{scene.path}: NaN or infinity in band {bands[band] + 1} at row {window.row + row}, column "
            f"{window.col + col}; declare it as nodata in the file"
        )
