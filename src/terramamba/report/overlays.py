"""What can be laid over the image of a page: layers of kinds, such as classes, and of numbers from 0 to 1."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int, UInt8

from terramamba.data.pixel_list import PixelList
from terramamba.mapping.probability import NO_PROBABILITY
from terramamba.raster.scene import Scene
from terramamba.raster.windows import strips
from terramamba.report.layers import STRIP_PIXELS, Shape, one_band

NOTHING = 255
"""Stored where a layer has nothing to show."""

Read = Callable[[Shape], UInt8[np.ndarray, "h w"]]
"""Gives a layer in a shape, thinned out."""


@dataclass(frozen=True)
class Kind:
    """What one value of a layer stands for; the value is its place among the layer's kinds."""

    name: str
    colour: tuple[int, ...]
    words: str = ""
    """How much there is of it."""
    clear: bool = False
    """Whether it is left clear over an image."""


@dataclass(frozen=True)
class Overlay:
    """A layer; without ``kinds`` it holds numbers from 0 to 1, stored as probabilities are."""

    title: str
    scene: Scene
    """Which has the layer's pixels."""
    read: Read
    kinds: Sequence[Kind] = ()
    weight: float = 1.0
    """Its share of the page beside other layers."""
    said: str = ""
    """A sentence for who looks at it."""


def map_overlay(title: str, land: Scene, kinds: Mapping[int, Kind], weight: float) -> Overlay:
    """Make a layer of the map itself, whose values ``kinds`` tells."""
    place = np.full(np.iinfo(np.uint16).max + 1, NOTHING, np.uint8)
    place[list(kinds)] = np.arange(len(kinds))
    return Overlay(
        title,
        land,
        lambda shape: place[one_band(land, shape).astype(np.int64)],
        list(kinds.values()),
        weight,
    )


def certainty_overlay(certainty: Scene) -> Overlay:
    """Make a layer of the calibrated probability of what a pixel is called."""
    return Overlay(
        "certainty",
        certainty,
        lambda shape: one_band(certainty, shape),
        said="Calibrated probability of what the map calls a pixel.",
    )


def marked_pixels(pixels: PixelList, values: Int[np.ndarray, " m"]) -> Read:
    """Make a reader of ``values`` at some ``pixels``, of which none gets lost in a smaller shape."""
    height, width = pixels.shape

    def read(shape: Shape) -> UInt8[np.ndarray, "h w"]:
        layer = np.full(shape, NOTHING, np.uint8)
        layer[pixels.rows * shape[0] // height, pixels.cols * shape[1] // width] = values
        return layer

    return read


def values_at(land: Scene, pixels: PixelList) -> Int[np.ndarray, " m"]:
    """Read the first band of ``land`` at some ``pixels`` of it."""
    found = np.zeros(len(pixels), np.int64)
    for window in strips(land.height, land.width, max(1, STRIP_PIXELS // land.width)):
        here = pixels.within(window)
        if len(here):
            found[here] = land.read(window)[0][0][pixels.inside(window, here)]
    return found


def with_counts(kinds: Sequence[Kind], counts: Int[np.ndarray, " n"]) -> list[Kind]:
    """Give kinds their number of pixels, which ``counts`` has by value."""
    return [
        replace(kind, words=f"{number:,} pixel{'s' * (number != 1)}")
        for kind, number in zip(kinds, counts.tolist(), strict=False)
    ]


def counted(kinds: Sequence[Kind], values: Int[np.ndarray, " m"]) -> list[Kind]:
    """Give kinds their number of pixels among ``values``."""
    return with_counts(kinds, np.bincount(values, minlength=len(kinds)))


assert NOTHING == NO_PROBABILITY
