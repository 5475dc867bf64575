"""How a scene is cut into the windows of a job: each is mapped by itself, its result kept in a part file.

A window takes seconds to a minute, so that little is lost when a run is ended, and there are windows enough
for many workers. How a scene is cut changes speed and memory alone.
"""

from terramamba.core.errors import InputError
from terramamba.raster.windows import Window

VALUES_PER_WINDOW = 32_000_000
"""A window has at most about this many scaled values (128 MB)."""

PIXELS_PER_WINDOW = {"exact": 8192, "fast": 262_144}
"""A window has at most about this many pixels; a pixel takes as much longer when it has its own patch."""

MOST_MARGIN = 2
"""Times the pixels of a window that are read at most for it where the scene is narrow."""

MOST_WINDOWS = 2_000_000
"""A map of more takes months on any machine; their list alone takes 300 MB."""

LEAST_ROWS = 128
"""Windows lower than this are narrower than the scene: flat ones would have more margin than pixels."""


def cover(height: int, width: int, *, rows: int, cols: int) -> list[Window]:
    """Cut an image into windows in row-major order: ``rows`` x ``cols`` pixels, fewer at the end.

    Raises:
        ValueError: windows without a pixel.
    """
    if rows < 1 or cols < 1:
        raise ValueError(f"a window cannot have {rows} x {cols} pixels")
    return [
        Window(row, col, min(rows, height - row), min(cols, width - col))
        for row in range(0, height, rows)
        for col in range(0, width, cols)
    ]


def class_windows(
    height: int,
    width: int,
    bands: int,
    *,
    exact: bool,
    margin: int = 0,
    rows: int | None = None,
    image: str = "the scene",
) -> list[Window]:
    """Cut a scene into windows of nearly one size, of full width where that leaves them high enough.

    Args:
        height: Rows of the scene.
        width: Columns of the scene.
        bands: Bands that the model uses.
        exact: Whether it sees a patch for every pixel.
        margin: Pixels on every side that are read with a window.
        rows: How high the windows are; None: as many rows as fit.
        image: What is mapped, for messages.

    Raises:
        InputError: there are more windows than ``MOST_WINDOWS``.
    """
    pixels = max(1, min(VALUES_PER_WINDOW // bands, PIXELS_PER_WINDOW["exact" if exact else "fast"]))
    side = _side(pixels)
    if rows is None:
        wanted = max(pixels // width, min(LEAST_ROWS, side), 1)
        rows = _evenly(height, min(wanted, _length(min(width, side), margin, pixels)))
    cols = _evenly(width, min(max(1, pixels // rows), _length(rows, margin, pixels)))
    require_affordable(image, height, width, -(-height // rows) * -(-width // cols))
    return cover(height, width, rows=rows, cols=cols)


def _length(other: int, margin: int, pixels: int) -> int:
    """Return how long a window may be that is narrow, or flat, so that its margin does not outgrow it.

    With the margin it is ``MOST_MARGIN`` times ``pixels`` at most, but never shorter than their square.
    """
    return max(MOST_MARGIN * pixels // (other + 2 * margin) - 2 * margin, _side(pixels), 1)


def require_affordable(image: str, height: int, width: int, windows: int) -> None:
    """Raise ``InputError`` where a map of an ``image`` would take more windows than ``MOST_WINDOWS``."""
    if windows > MOST_WINDOWS:
        raise InputError(
            f"{image}: {height:,} x {width:,} pixels are {windows:,} windows to map, {MOST_WINDOWS:,} at"
            " most; cut it into pieces (gdal_translate -srcwin) and map each"
        )


def _side(pixels: int) -> int:
    """Return the side of the square of so many pixels."""
    return int(pixels**0.5)


def _evenly(length: int, most: int) -> int:
    """Return the length, at most ``most``, of the fewest pieces of one length that ``length`` is cut into."""
    pieces = -(-length // most)
    return -(-length // pieces)
