"""The class raster of a scene as a file has it, and pixels that shapes of several classes cover.

m labelled pixels
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int, Int64

from terramamba.data.labels.palette import Colour
from terramamba.data.labels.unlabelled import CodeCounts
from terramamba.data.pixel_list import PixelList


@dataclass(frozen=True, eq=False)
class ClassRaster:
    """The pixels of a scene that a file gives codes, from 0, and which.

    ``found`` is how often each code is there (pixels, or shapes), and what tells which of them are classes; 0
    may be counted alone, without pixels, where it cannot be one. ``names`` and ``colours`` are by code, as
    far as known. ``by_name``: the file knows classes by name alone, and the codes only count them.
    ``features`` are the numbers, from 1, of the shapes of a vector file that label the pixels; it is None for
    files without shapes. ``notes`` are sentences for people.
    """

    pixels: PixelList
    codes: Int64[np.ndarray, " m"]
    found: CodeCounts
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)
    by_name: bool = False
    features: Int64[np.ndarray, " m"] | None = None
    notes: tuple[str, ...] = ()


class OverlapResolver:
    """Decides whose the pixels are that several shapes cover.

    A pixel that shapes of one class share belongs to the first of them. A pixel that shapes of two classes
    cover is of neither.
    """

    def __init__(self, height: int, width: int) -> None:
        self.size = (height, width)
        self._columns: list[Int64[np.ndarray, "4 m"]] = []

    def add(
        self,
        pixels: Int[np.ndarray, "m 2"],
        code: int | Int[np.ndarray, " m"],
        feature: int | Int[np.ndarray, " m"],
        order: int | Int[np.ndarray, " m"],
    ) -> None:
        """Cover ``pixels`` (rows and columns, each once in a shape) by shape ``feature`` of class ``code``.

        ``order`` tells which of two shapes is the first. All three may differ from pixel to pixel.
        """
        keys = pixels[:, 0].astype(np.int64) * self.size[1] + pixels[:, 1]
        self._columns.append(np.stack(np.broadcast_arrays(keys, code, feature, order)).astype(np.int64))

    def resolve(self) -> tuple[PixelList, Int64[np.ndarray, " m"], Int64[np.ndarray, " m"], int]:
        """Return the pixels, code and shape of each, and how many others shapes of two classes cover."""
        columns = np.concatenate([np.zeros((4, 0), np.int64), *self._columns], axis=1)
        covered, codes, features, _ = columns[:, np.argsort(columns[3], kind="stable")]
        keys, first, index = np.unique(covered, return_index=True, return_inverse=True)
        disputed = np.zeros(len(keys), bool)
        disputed[index[codes != codes[first][index]]] = True
        kept = first[~disputed]
        pixels = PixelList(self.size, keys[~disputed])
        return pixels, codes[kept], features[kept], int(np.count_nonzero(disputed))
