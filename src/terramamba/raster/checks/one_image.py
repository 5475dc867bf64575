"""Two files of one image: all of one date in the other, compressed anew or not, or a part of it.

c band   n pixels of both dates
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from terramamba.core.words import percent
from terramamba.raster.checks.fill_values import IN_ONE_PIECE, Part, in_one_piece
from terramamba.raster.checks.finding import Finding
from terramamba.raster.scene import Scene

NEARLY_EQUAL, MOST_EQUAL = (0.12, 0.6), 0.9
"""Half, and 99 %, of the pixels of an image in bytes that was compressed anew differ by at most these parts
of the middle half of its values, and at most so many not at all; of 460 real pairs the least are 0.29 and
1.38."""
FILLED, FILLED_COLOURS = (0.05, 0.6), 16
"""A part that is the same at both dates counts between these shares, from so many values on: where more is
the same, somebody has drawn a change, too."""


def the_same_twice(
    first: Scene,
    second: Scene,
    stored: Sequence[Sequence[Part]],
    values: tuple[Float64[np.ndarray, "c n"], Float64[np.ndarray, "c n"]],
) -> Finding | None:
    """Find that two files hold one image, as it is or compressed anew."""
    if first.path == second.path:
        return None
    bytes_both = first.dtype == second.dtype == "uint8"
    nearly = bytes_both and _are_nearly_equal(*values)
    how = "holds" if _are_equal(*stored) else "holds nearly" if nearly else None
    if how is None:
        return None
    return Finding(
        "the same image twice",
        f"{second.path} {how} the values of {first.path}, in all pixels that were compared: probably "
        "the same image twice, of which no change can be told; give that of the other date",
    )


def _are_nearly_equal(a: Float64[np.ndarray, "c n"], b: Float64[np.ndarray, "c n"]) -> bool:
    """Tell whether values differ as little as those of one picture that was compressed twice.

    Where nearly all are the same to the last bit, somebody has drawn a change.
    """
    spreads = np.subtract(*np.percentile(a, [75, 25], axis=1))
    if not (spreads > 0).all() or (a == b).all(axis=0).mean() > MOST_EQUAL:
        return False
    middle, most = np.percentile(np.abs(b - a) / spreads[:, None], [50, 99])
    return bool(middle <= NEARLY_EQUAL[0] and most <= NEARLY_EQUAL[1])


def part_of_one(first: Scene, second: Scene, a: Sequence[Part], b: Sequence[Part]) -> Finding | None:
    """Find a part of an image that the other date holds, too, to the last bit."""
    same, colours = [], 0
    for (values, valid), (others, there) in zip(a, b, strict=True):
        known = valid.all(axis=0) & there.all(axis=0)
        same.append(np.asarray((values == others).all(axis=0) & known))
        colours = max(colours, len(np.unique(values[0][same[-1]])))
    share = sum(int(np.count_nonzero(one)) for one in same) / sum(one.size for one in same)
    if not FILLED[0] <= share <= FILLED[1] or colours < FILLED_COLOURS or in_one_piece(same) < IN_ONE_PIECE:
        return None
    return Finding(
        "a part of one date in the other",
        f"{percent(share)} of the pixels of {second.path} hold the very values of {first.path}, in one piece:"
        " probably one date was filled up from the other, and what changed there cannot be told; give images"
        " of one date each, or a mask (--mask) of what was filled",
    )


def _are_equal(first: Sequence[Part], second: Sequence[Part]) -> bool:
    """Tell whether two dates hold the same values, and have data at the same pixels."""
    return all(
        np.array_equal(valid, there) and np.array_equal(values[valid], others[there])
        for (values, valid), (others, there) in zip(first, second, strict=True)
    )
