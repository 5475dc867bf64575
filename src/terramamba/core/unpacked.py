"""How much a compressed file may unpack to: some kilobytes can stand for terabytes of zeros."""

MOST_UNPACKED = 2 << 30
"""Bytes that a file may unpack to, however small it is."""
MOST_RATIO = 100
"""Times its own size that a file may unpack to beyond that; images of real places come to ten."""


class GrowthError(ValueError):
    """A file that unpacks to far more than an image of its size does."""


def most_unpacked(packed: int) -> int:
    """Return the bytes that a file of ``packed`` bytes may unpack to."""
    return max(MOST_UNPACKED, MOST_RATIO * packed)


def require_plausible(packed: int, unpacked: int) -> None:
    """Raise ``GrowthError`` where a file of ``packed`` bytes unpacks to more than it may."""
    most = most_unpacked(packed)
    if unpacked > most:
        raise GrowthError(
            f"{packed / 1e6:,.1f} MB unpack to more than {most / 1e9:,.1f} GB, as no image does"
        )
