"""Class codes on a scene's pixels, whatever file they were read from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Int

from terramamba.data.labels.palette import Colour


@dataclass(frozen=True, eq=False)
class Codes:
    """Codes as a file has them, on a scene's pixels; 0: unlabelled.

    ``names`` and ``colours`` (of a colour table) are by code, as far as known. ``by_name``: the file knows
    classes by name alone, and the codes only count them. ``features`` numbers the shapes of a vector file
    from 1, 0 where there is none; it is None for files without shapes. ``notes`` are sentences for people.
    """

    codes: Int[np.ndarray, "h w"]
    names: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)
    by_name: bool = False
    features: Int[np.ndarray, "h w"] | None = None
    notes: tuple[str, ...] = ()


class Claims:
    """Pixels that shapes claim for their classes, one shape after the other.

    A pixel that shapes of one class share belongs to the first of them. A pixel that shapes of two classes
    claim is of neither.
    """

    def __init__(self, height: int, width: int) -> None:
        self._codes = np.zeros((height, width), np.int64)
        self._features = np.zeros((height, width), np.int64)
        self._disputed = np.zeros((height, width), bool)

    def add(self, pixels: Int[np.ndarray, "m 2"], code: int, feature: int) -> None:
        """Claim ``pixels`` (rows and columns, each once) for class ``code`` by shape ``feature``."""
        rows, cols = pixels.T
        here = self._codes[rows, cols]
        self._disputed[rows, cols] |= (here != 0) & (here != code)
        free = here == 0
        self._codes[rows[free], cols[free]] = code
        self._features[rows[free], cols[free]] = feature

    @property
    def disputed(self) -> int:
        """Number of pixels that shapes of two classes claim."""
        return int(np.count_nonzero(self._disputed))

    def result(self) -> tuple[Int[np.ndarray, "h w"], Int[np.ndarray, "h w"]]:
        """Code and shape of every pixel, 0 where there is none."""
        return np.where(self._disputed, 0, self._codes), np.where(self._disputed, 0, self._features)
