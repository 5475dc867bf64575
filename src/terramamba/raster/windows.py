"""Windows, halos, tiles and blend weights: arithmetic on pixel numbers, without any file.

Rows count downwards and columns to the right from the upper-left pixel (0, 0). A window may lie partly or
wholly outside its image (that is what a halo at the edge is); ``clip`` cuts it to what can be read, and
``outer.margins(inner)`` says how much padding makes up the difference:

    wanted = window.expand(halo)
    readable = wanted.clip(height, width)
    top, bottom, left, right = wanted.margins(readable)
    centre = window.relative_to(wanted)  # where the window lies in the padded array
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import isqrt

import numpy as np
from jaxtyping import Float32, Float64, Int

SAMPLES_PER_AXIS = 16
BLOCK = 256
MOST_DECODED = 4 << 30
"""Bytes that blocks of a file take together, once decoded, for a sample of its pixels: 10 seconds' work."""


KEPT_BYTES = 128 << 20
"""GDAL keeps decoded blocks of so many bytes at least."""


@dataclass(frozen=True, order=True, slots=True)
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


@dataclass(frozen=True)
class Storage:
    """How pixels lie in a file: for one, a block of ``height`` x ``width`` is decoded, ``bytes`` a pixel."""

    height: int
    width: int
    bytes: int

    def decoded(self, rows: Sequence[range], cols: Sequence[range]) -> int:
        """Count the bytes that are decoded for windows of all ``rows`` x all ``cols``, read row by row.

        Blocks serve several windows where GDAL can keep those of one.
        """
        down, right = _blocks(rows, self.height), _blocks(cols, self.width)
        block = self.block_bytes()
        if max(map(len, down)) * max(map(len, right)) * block <= KEPT_BYTES:
            return _different(down) * _different(right) * block
        return sum(map(len, down)) * sum(map(len, right)) * block

    def block_bytes(self) -> int:
        """Return what one block of a band takes, decoded."""
        return self.height * self.width * self.bytes

    def times(self, bands: int) -> "Storage":
        """Return the same where so many ``bands`` are read together."""
        return replace(self, bytes=self.bytes * bands)


BY_PIXEL = Storage(1, 1, 1)
"""Of what can be read pixel by pixel."""


def _blocks(spans: Sequence[range], length: int) -> list[range]:
    """Return which blocks of ``length`` pixels each span lies in."""
    return [range(span.start // length, (span.stop - 1) // length + 1) for span in spans]


def _different(spans: Sequence[range]) -> int:
    """Count the numbers in ``spans``, whose ends come in order."""
    before = [0, *(span.stop for span in spans)]
    return sum(span.stop - max(span.start, end) for span, end in zip(spans, before, strict=False))


def strips(height: int, width: int, rows: int) -> list[Window]:
    """Cut an image into windows of ``rows`` full rows (fewer in the last), from top to bottom.

    Raises:
        ValueError: strips without a row.
    """
    if rows < 1:
        raise ValueError(f"a strip cannot have {rows} rows")
    return [Window(row, 0, min(rows, height - row), width) for row in range(0, height, rows)]


def count_tiles(height: int, width: int, size: int, overlap: int) -> int:
    """Count the windows of ``tiles`` without making them."""
    down, right = (
        1 if side <= size else -(-(side - size) // (size - overlap)) + 1 for side in (height, width)
    )
    return down * right


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


def pieces(height: int, width: int, pixels: int) -> Iterator[Window]:
    """Cut an image into windows of at most ``pixels`` pixels in row-major order, one after the other.

    They are strips of full rows; where one row alone has more pixels, parts of rows.

    >>> [window.shape for window in pieces(3, 5, pixels=10)]
    [(2, 5), (1, 5)]
    >>> [window.shape for window in pieces(2, 5, pixels=4)]
    [(1, 4), (1, 1), (1, 4), (1, 1)]
    """
    rows, cols = max(1, pixels // max(1, width)), max(1, min(width, pixels))
    for row in range(0, height, rows):
        for col in range(0, width, cols):
            yield Window(row, col, min(rows, height - row), min(cols, width - col))


def sample_windows(
    height: int, width: int, pixels: int, storage: Storage = BY_PIXEL, most: int = SAMPLES_PER_AXIS**2
) -> list[Window]:
    """Place windows of at most ``pixels`` pixels altogether evenly over an image; all of it where it fits.

    There are at most 16 a side, and ``most`` altogether. None crosses a border between blocks as tiled files
    usually have them, so that few blocks are read of a file without overviews, however large it is. Where the
    blocks of its ``storage`` are larger than usual, windows are lower, narrower and fewer, until what is
    decoded for them is no more than ``MOST_DECODED`` bytes.
    """
    whole = Window.whole(height, width)
    if whole.pixels <= pixels and storage.decoded([range(height)], [range(width)]) <= MOST_DECODED:
        return [whole]
    rows, cols = (max(1, min(SAMPLES_PER_AXIS, length // BLOCK)) for length in (height, width))
    side = max(1, min(BLOCK, isqrt(pixels // (rows * cols))))
    tall, wide = min(side, height), min(side, width)
    while True:
        down, right = _inside_blocks(height, rows, tall), _inside_blocks(width, cols, wide)
        if rows * cols <= most and storage.decoded(down, right) <= MOST_DECODED:
            break
        if tall > storage.height:
            tall //= 2
        elif wide > storage.width:
            wide //= 2
        elif rows * cols == 1:
            break
        elif rows >= cols:
            rows //= 2
        else:
            cols //= 2
    return [Window(row.start, col.start, len(row), len(col)) for row in down for col in right]


def _inside_blocks(length: int, count: int, side: int) -> list[range]:
    """Return where ``count`` pieces of ``side`` pixels lie: in a block, near the middle of equal parts."""
    middle = evenly_spaced(0, length, count)
    block = middle // BLOCK * BLOCK
    starts: list[int] = np.clip(middle - side // 2, block, block + BLOCK - side).tolist()
    return [range(start, min(start + side, length)) for start in starts]


def evenly_spaced(start: int, length: int, count: int) -> Int[np.ndarray, " n"]:
    """Return ``count`` of ``length`` pixels from ``start`` on, the middles of equal parts.

    >>> evenly_spaced(100, 12, 4)
    array([101, 104, 107, 110])
    """
    return start + ((np.arange(count) + 0.5) * length / max(count, 1)).astype(np.int64)
