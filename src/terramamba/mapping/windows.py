"""How a scene is cut into units of work: each is mapped by itself, and its result kept in a file of its own.

A unit takes seconds to a minute, so that little is lost when a run is ended, and there are units enough for
many workers. How a scene is cut changes speed and memory alone.
"""

from terramamba.raster.windows import Window

VALUES_PER_WINDOW = 32_000_000
"""A window has at most about this many scaled values (128 MB)."""

PIXELS_PER_WINDOW = {"exact": 8192, "fast": 262_144}
"""A window has at most about this many pixels; a pixel takes as much longer when it has its own patch."""

LEAST_ROWS = 128
"""Windows lower than this are narrower than the scene: flat ones would have more margin than pixels."""


def cover(height: int, width: int, *, rows: int, cols: int) -> list[Window]:
    """Windows in row-major order that cover the image once: ``rows`` x ``cols`` pixels, fewer at the end."""
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
    """Windows of nearly one size: over the full width where they are high enough then, narrower otherwise.

    ``bands`` are those that a model uses; ``exact``: whether it sees a patch for every pixel. ``rows``: how
    high the windows are.
    """
    pixels = max(1, min(VALUES_PER_WINDOW // bands, PIXELS_PER_WINDOW["exact" if exact else "fast"]))
    if rows is None:
        rows = _evenly(height, max(pixels // width, min(LEAST_ROWS, _side(pixels)), 1))
    return cover(height, width, rows=rows, cols=_evenly(width, max(1, pixels // rows)))


def _side(pixels: int) -> int:
    """Side of the square of so many pixels."""
    return int(pixels**0.5)


def _evenly(length: int, most: int) -> int:
    """Length of the parts, ``most`` at most, when ``length`` is cut into as few as possible of one length."""
    parts = -(-length // most)
    return -(-length // parts)
