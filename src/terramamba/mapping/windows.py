"""How a scene is cut into the windows of a job: each is mapped by itself, its result kept in a part file.

A window takes seconds to a minute, so that little is lost when a run is ended, and there are windows enough
for many workers. How a scene is cut changes speed and memory alone.
"""

from terramamba.raster.windows import Window

VALUES_PER_WINDOW = 32_000_000
"""A window has at most about this many scaled values (128 MB)."""

PIXELS_PER_WINDOW = {"exact": 8192, "fast": 262_144}
"""A window has at most about this many pixels; a pixel takes as much longer when it has its own patch."""

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
    height: int, width: int, bands: int, *, exact: bool, rows: int | None = None
) -> list[Window]:
    """Cut a scene into windows of nearly one size, of full width where that leaves them high enough.

    Args:
        height: Rows of the scene.
        width: Columns of the scene.
        bands: Bands that the model uses.
        exact: Whether it sees a patch for every pixel.
        rows: How high the windows are; None: as many rows as fit.
    """
    pixels = max(1, min(VALUES_PER_WINDOW // bands, PIXELS_PER_WINDOW["exact" if exact else "fast"]))
    if rows is None:
        rows = _evenly(height, max(pixels // width, min(LEAST_ROWS, _side(pixels)), 1))
    return cover(height, width, rows=rows, cols=_evenly(width, max(1, pixels // rows)))


def _side(pixels: int) -> int:
    """Return the side of the square of so many pixels."""
    return int(pixels**0.5)


def _evenly(length: int, most: int) -> int:
    """Return the length, at most ``most``, of the fewest pieces of one length that ``length`` is cut into."""
    pieces = -(-length // most)
    return -(-length // pieces)
