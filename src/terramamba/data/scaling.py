"""Band choice and scaling: fitted on training pixels alone, kept in the model file, applied everywhere."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, Shaped

from terramamba.core.typed import FieldError, Finite, between
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window

Kind = Literal["minmax", "standard"]
Band = Annotated[int, between(0, 999_999)]


@dataclass(frozen=True)
class Scaling:
    """Scaled value = (value - offset) * factor, band by band.

    ``bands`` are the 0-based bands of the source that the model uses, in order; ``offset``, ``factor`` and
    ``fill`` have one entry for each of them. ``fill`` (in scaled units: the training mean) stands where a
    neighbouring pixel of a patch or tile has no data.
    """

    kind: Kind
    bands: tuple[Band, ...]
    offset: tuple[Finite, ...]
    factor: tuple[Finite, ...]
    fill: tuple[Finite, ...]

    def __post_init__(self) -> None:
        if not self.bands:
            raise FieldError("bands", self.bands, "one band at least")
        for name in ("offset", "factor", "fill"):
            if len(getattr(self, name)) != len(self.bands):
                raise FieldError(name, getattr(self, name), f"one number for each of {len(self.bands)} bands")

    @classmethod
    def fit(
        cls, read: Callable[[], Iterable[Float64[np.ndarray, "n c"]]], bands: tuple[int, ...], kind: Kind
    ) -> "Scaling":
        """Fit to pixels in blocks (n, c), whose columns are the source bands ``bands``.

        ``minmax`` maps each band's range to [0, 1]; ``standard`` to mean 0 and standard deviation 1.
        A constant band is mapped to 0. ``read`` begins with the first block whenever it is called; how pixels
        are split into blocks does not show.
        """
        count, total = _summed(read())
        mean = total / count
        if kind == "standard":
            squares = _summed((block - mean) ** 2 for block in read())[1]
            return cls._from_arrays(kind, bands, mean, np.sqrt(squares / count), mean)
        ends = [(block.min(axis=0), block.max(axis=0)) for block in read() if len(block)]
        low, high = (np.stack(values) for values in zip(*ends, strict=True))
        least = low.min(axis=0)
        return cls._from_arrays(kind, bands, least, high.max(axis=0) - least, mean)

    @classmethod
    def from_moments(
        cls, mean: Float[np.ndarray, " c"], std: Float[np.ndarray, " c"], bands: tuple[int, ...]
    ) -> "Scaling":
        """Make a standard scaling from means and standard deviations that were summed up elsewhere."""
        return cls._from_arrays("standard", bands, mean, std, mean)

    @classmethod
    def _from_arrays(
        cls,
        kind: Kind,
        bands: tuple[int, ...],
        offset: Float[np.ndarray, " c"],
        deviation: Float[np.ndarray, " c"],
        mean: Float[np.ndarray, " c"],
    ) -> "Scaling":
        factor = np.where(deviation > 0, 1.0 / np.where(deviation > 0, deviation, 1.0), 0.0)
        fill = (mean - offset) * factor
        return cls(kind, bands, *(tuple(float(v) for v in a) for a in (offset, factor, fill)))

    def apply(
        self, values: Shaped[np.ndarray, "c h w"], valid: Bool[np.ndarray, "h w"]
    ) -> Float[np.ndarray, "c h w"]:
        """Scale ``values`` (bands ``self.bands``, in that order) to float32; ``fill`` where not ``valid``."""
        offset, factor, fill = (
            np.array(numbers, np.float32)[:, None, None] for numbers in (self.offset, self.factor, self.fill)
        )
        return np.where(valid[None], (values.astype(np.float32) - offset) * factor, fill)


def _summed(blocks: Iterable[Float64[np.ndarray, "n c"]]) -> tuple[int, Float64[np.ndarray, " c"]]:
    """How many rows all ``blocks`` have, and their sum, added row by row as in one block of all of them."""
    count, total = 0, None
    for block in blocks:
        if not len(block):
            continue
        count += len(block)
        rows = block if total is None else np.concatenate([total[None], block])
        total = np.add.reduce(rows, axis=0)
    assert total is not None
    return count, total


def read_scaled(
    scene: Scene, scaling: Scaling, window: Window
) -> tuple[Float32[np.ndarray, "c h w"], Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Read scaled values of ``window``, which pixels are usable, and which have data that is not finite.

    A pixel is usable when every band of ``scaling`` has data there and all of it is finite; the others hold
    the scaling's fill value.
    """
    values, valid = scene.read(window, scaling.bands)
    has_data = np.asarray(valid.all(axis=0))
    with np.errstate(invalid="ignore", over="ignore"):  # what overflows is told apart two lines below
        scaled = scaling.apply(values, has_data)
    finite = np.isfinite(scaled).all(axis=0)
    if not finite.all():
        scaled[:, ~finite] = np.array(scaling.fill, np.float32)[:, None]
    return scaled, has_data & finite, has_data & ~finite
