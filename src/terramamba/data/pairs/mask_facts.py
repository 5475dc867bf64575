"""What is in a change mask: how often each value, and what the file says of its values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Shaped

from terramamba.core.errors import InputError
from terramamba.data.labels.legend import legend_of
from terramamba.raster.readers.gdal import PAGES
from terramamba.raster.readers.gdal_source import GdalSource
from terramamba.raster.readers.value_facts import holds_one_bit, white_and_black
from terramamba.raster.scene import Scene
from terramamba.raster.windows import Window, strips

VALUES_PER_READ = 4_000_000


@dataclass(frozen=True)
class MaskFacts:
    """What one mask holds; pixels that it does not reach are not counted."""

    path: str
    counts: Mapping[int, int]
    """Pixels of each value, those of the declared nodata value too."""
    transparent: Mapping[int, int] = field(default_factory=dict)
    """Pixels of each value that an alpha band or a mask inside the file leaves out."""
    nodata: int | None = None
    """The value that the file declares as nodata, where some pixel has it."""
    one_bit: bool = False
    white: frozenset[int] = frozenset()
    black: frozenset[int] = frozenset()
    """Values that a palette, or photometric MinIsWhite, shows so; empty for plain greys."""
    names: Mapping[int, str] = field(default_factory=dict)
    """What the file calls its values."""
    nan: int = 0
    """Pixels that are NaN, which have no reference."""
    several: str | None = None
    """What is said of a file that holds other images, too, which are not read."""


class MaskTally:
    """Values over all masks: of pixels, of transparent pixels, and those that a file declares as nodata."""

    def __init__(self, masks: Sequence[MaskFacts]) -> None:
        self.masks = masks
        self.pixels: dict[int, int] = {}
        self.nodata: dict[int, str] = {}
        self.transparent: dict[int, str] = {}
        for mask in masks:
            for value, pixels in mask.counts.items():
                self.pixels[value] = self.pixels.get(value, 0) + pixels
            if mask.nodata is not None:
                self.nodata.setdefault(mask.nodata, mask.path)
            for value in mask.transparent:
                self.transparent.setdefault(value, mask.path)
        self.named = [mask for mask in masks if mask.names]

    @property
    def values(self) -> set[int]:
        """Of pixels that are not transparent."""
        return set(self.pixels)

    def first(self, holds: Callable[[set[int]], bool]) -> str:
        """Return the path of the first mask whose values fulfil ``holds``, else ""."""
        return next((mask.path for mask in self.masks if holds(set(mask.counts))), "")


def mask_facts(mask: Scene) -> MaskFacts:
    """Read all of ``mask``, opened with its nodata value like all others (``without_nodata``).

    Raises:
        InputError: it cannot be read, has unequal bands, or holds fractions or negative numbers.
    """
    counts: dict[int, int] = {}
    transparent: dict[int, int] = {}
    nan = 0
    for window in strips(mask.height, mask.width, max(1, VALUES_PER_READ // (mask.width * mask.bands))):
        values, valid = band_of(mask, window)
        if values.dtype.kind == "f":
            nan += int(np.count_nonzero(values != values))
        for found, chosen in ((counts, valid), (transparent, ~valid)):
            # where a mask is not read as it lies, what is not there may be outside of it
            if chosen.any() and (found is counts or isinstance(mask.source, GdalSource)):
                _count(mask, values if chosen.all() else values[chosen], found)
    nodata = None if mask.nodata is None or mask.nodata not in counts else int(mask.nodata)
    one_bit = {*counts, *transparent} <= {0, 1} and holds_one_bit(mask)
    white, black = white_and_black(mask)
    names = legend_of(mask).names
    several = next((note for note in mask.notes if PAGES in note), None)
    return MaskFacts(mask.path, counts, transparent, nodata, one_bit, white, black, names, nan, several)


def band_of(scene: Scene, window: Window | None) -> tuple[Shaped[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Read values and which are there; colour images count when their bands are equal.

    Raises:
        InputError: it cannot be read, or its bands differ.
    """
    values, valid = scene.read(window)
    if scene.bands > 1 and (values != values[:1]).any():
        odd = np.argwhere((values != values[:1]).any(axis=0))[0]
        colour = ", ".join(f"{value:g}" for value in values[:, odd[0], odd[1]].tolist())
        raise InputError(
            f"{scene.path}: its {scene.bands} bands differ (the first such pixel holds {colour}); a mask has "
            "one band, or equal ones: save what the colours mean as one band, 255 where something changed"
        )
    return values[0], valid[0] & (values[0] == values[0])


def _count(mask: Scene, values: Shaped[np.ndarray, "..."], found: dict[int, int]) -> None:
    if values.dtype == np.uint8:  # counting is many times faster than sorting
        numbers = np.bincount(values.ravel(), minlength=1)
        unique = np.flatnonzero(numbers)
        numbers = numbers[unique]
    else:
        unique, numbers = np.unique(values, return_counts=True)
        there = unique == unique
        if mask.nodata is not None:  # whatever it is, somebody declared it
            with np.errstate(over="ignore"):
                there &= (unique != unique.dtype.type(mask.nodata)) | _whole(unique)
        unique, numbers = unique[there], numbers[there]
        odd = unique[~_whole(unique)]
        if odd.size:
            low = float(odd[0])
            remedy = (
                f"declare it as nodata (gdal_edit.py -a_nodata {low:g}) where it has no reference"
                if low < 0
                else "cut probabilities and interpolated masks first, at 0.5 say"
            )
            held = str(odd[0]).removesuffix(".0")  # all digits: 1.0000002 is no 1
            raise InputError(f"{mask.path}: holds {held}; a mask has whole numbers from 0: {remedy}")
    for value, number in zip(unique.tolist(), numbers.tolist(), strict=True):
        found[int(value)] = found.get(int(value), 0) + number


def _whole(values: Shaped[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
    return np.asarray((values >= 0) & (values == np.floor(values)) & (values < 2**53))
