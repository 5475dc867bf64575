"""Windows, halos, tiles and blend weights: arithmetic on pixel numbers, without any file.

Rows count downwards and columns to the right from the upper-left pixel (0, 0). A window may lie partly or
wholly outside its image (that is what a halo at the edge is); ``clip`` cuts it to what can be read, and
``outer.margins(inner)`` says how much padding makes up the difference:

    wanted = window.expand(halo)
    readable = wanted.clip(height, width)
    top, bottom, left, right = wanted.margins(readable)
    centre = window.relative_to(wanted)  # where the window lies in the padded array
"""

from dataclasses import dataclass
from math import isqrt

import numpy as np
from jaxtyping import Float32, Float64, Int

SAMPLES_PER_AXIS = 16
BLOCK = 256


@dataclass(frozen=True, order=True)
class Window:
    """A rectangle of pixels: upper-left pixel (``row``, ``col``) and size in pixels."""

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 0 or self.width < 0:
            raise ValueError(f"a window cannot be {self.height} x {self.width} pixels")

    @classmethod
    def whole(cls, height: int, width: int) -> "Window":
        """Return all pixels of an image."""
        return cls(0, 0, height, width)

    @property
    def bottom(self) -> int:
        """The first row below the window."""
        return self.row + self.height

    @property
    def right(self) -> int:
        """The first column to the right of the window."""
        return self.col + self.width

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @property
    def pixels(self) -> int:
        """Number of pixels; 0 for an empty window."""
        return self.height * self.width

    @property
    def slices(self) -> tuple[slice, slice]:
        """Row and column slices of an array that starts at pixel (0, 0).

        Raises ``ValueError`` where the window begins left of or above that pixel.
        """
        if self.row < 0 or self.col < 0:
            raise ValueError(f"{self} begins outside the array; clip it first")
        return slice(self.row, self.bottom), slice(self.col, self.right)

    def expand(self, margin: int) -> "Window":
        """Return the window with ``margin`` more pixels on all four sides, beyond the image's edge too."""
        return Window(self.row - margin, self.col - margin, self.height + 2 * margin, self.width + 2 * margin)

    def intersect(self, other: "Window") -> "Window":
        """Return the pixels in both windows; where there are none, a window of 0 pixels."""
        row, col = max(self.row, other.row), max(self.col, other.col)
        height = min(self.bottom, other.bottom) - row
        width = min(self.right, other.right) - col
        if height <= 0 or width <= 0:
            return Window(row, col, 0, 0)
        return Window(row, col, height, width)

    def clip(self, height: int, width: int) -> "Window":
        """Return the part of the window inside an image of ``height`` x ``width`` pixels."""
        return self.intersect(Window(0, 0, height, width))

    def contains(self, other: "Window") -> bool:
        """Tell whether every pixel of ``other`` is in this window."""
        return self.intersect(other).pixels == other.pixels

    def relative_to(self, outer: "Window") -> "Window":
        """Return the same pixels, counted from the upper-left pixel of ``outer``."""
        return Window(self.row - outer.row, self.col - outer.col, self.height, self.width)

    def margins(self, inner: "Window") -> tuple[int, int, int, int]:
        """Count the rows above and below, the columns left and right of ``inner`` in this window.

        This is the padding with which an array of ``inner`` fills this window.
        """
        return (
            inner.row - self.row,
            self.bottom - inner.bottom,
            inner.col - self.col,
            self.right - inner.right,
        )


def strips(height: int, width: int, rows: int) -> list[Window]:
    """Cut an image into windows of ``rows`` full rows (fewer in the last), from top to bottom.

    Raises:
        ValueError: strips without a row.
    """
    if rows < 1:
        raise ValueError(f"a strip cannot have {rows} rows")
    return [Window(row, 0, min(rows, height - row), width) for row in range(0, height, rows)]


def tiles(height: int, width: int, size: int, overlap: int) -> list[Window]:
    """Cover an image with square windows in row-major order, neighbours sharing at least ``overlap`` pixels.

    Every tile is ``size`` x ``size``, or as long as the image where that is shorter: the last tile of a row
    or column is shifted inwards, so that a model sees the same size everywhere.

    >>> [(tile.row, tile.col) for tile in tiles(4, 10, size=4, overlap=1)]
    [(0, 0), (0, 3), (0, 6)]

    Raises:
        ValueError: an overlap that does not fit the size.
    """
    if not 0 <= overlap < size:
        raise ValueError(f"overlap {overlap} does not fit a tile of {size} pixels: 0 <= overlap < size")
    if height < 1 or width < 1:
        return []
    return [
        Window(row, col, min(size, height), min(size, width))
        for row in _starts(height, size, overlap)
        for col in _starts(width, size, overlap)
    ]


def _starts(length: int, size: int, overlap: int) -> list[int]:
    if length <= size:
        return [0]
    return [*range(0, length - size, size - overlap), length - size]


def cosine_weights(height: int, width: int, overlap: int) -> Float32[np.ndarray, "h w"]:
    """Weigh a tile's pixels for blending: 1 inside, falling over ``overlap`` pixels at the edges, never 0.

    Two neighbours that share exactly ``overlap`` pixels, and are at least twice as long, have weights that
    sum to 1 there (sin^2 + cos^2); elsewhere divide by the sum of weights.
    """
    return np.outer(_ramp(height, overlap), _ramp(width, overlap)).astype(np.float32)


def _ramp(length: int, overlap: int) -> Float64[np.ndarray, " n"]:
    if overlap == 0:
        return np.ones(length)
    middle_of_pixel = np.arange(length) + 0.5
    from_edge = np.minimum(middle_of_pixel, length - middle_of_pixel)
    return np.sin(np.pi / 2 * np.minimum(from_edge / overlap, 1.0)) ** 2


def sample_windows(height: int, width: int, pixels: int) -> list[Window]:
    """Place windows of at most ``pixels`` pixels altogether evenly over an image; all of it where it fits.

    At most 16 a side. None crosses a border between blocks as tiled files usually have them, so that few
    blocks are read of a file without overviews, however large it is.
    """
    if height * width <= pixels:
        return [Window.whole(height, width)]
    rows, cols = (max(1, min(SAMPLES_PER_AXIS, length // BLOCK)) for length in (height, width))
    side = max(1, min(BLOCK, isqrt(pixels // (rows * cols))))
    return [
        Window(row, col, min(side, height - row), min(side, width - col))
        for row in _inside_blocks(height, rows, side)
        for col in _inside_blocks(width, cols, side)
    ]


def _inside_blocks(length: int, count: int, side: int) -> list[int]:
    """Return where ``count`` pieces of ``side`` pixels begin: in a block, near the middle of equal parts."""
    middle = evenly_spaced(0, length, count)
    block = middle // BLOCK * BLOCK
    starts: list[int] = np.clip(middle - side // 2, block, block + BLOCK - side).tolist()
    return starts


def evenly_spaced(start: int, length: int, count: int) -> Int[np.ndarray, " n"]:
    """Return ``count`` of ``length`` pixels from ``start`` on, the middles of equal parts.

    >>> evenly_spaced(100, 12, 4)
    array([101, 104, 107, 110])
    """
    return start + ((np.arange(count) + 0.5) * length / max(count, 1)).astype(np.int64)
