"""Four ways through a map: sequences for a scan, and the sum of the scanned sequences back in place.

``cross`` (VMamba): rows, columns, and the reverse of each. ``corners``: row-major from each of the four
corners: top left, top right, bottom left, bottom right. Position l of path k holds the map's pixel
``path_k(l)``; the inverse of a path puts every token back to its row-major place.
"""

from collections.abc import Callable

import torch
from jaxtyping import Shaped
from torch import Tensor

PATHS = 4


def cross_scan(x: Shaped[Tensor, "b c h w"]) -> Shaped[Tensor, "b 4 c l"]:
    """Read the map's rows, its columns, and the reverse of each, as sequences of l = h*w tokens."""
    forth = torch.stack([x.flatten(2), x.transpose(2, 3).flatten(2)], dim=1)
    return torch.cat([forth, forth.flip(-1)], dim=1)


def cross_merge(y: Shaped[Tensor, "b 4 c l"], h: int, w: int) -> Shaped[Tensor, "b c l"]:
    """Sum the four paths of ``cross_scan``, each token at its row-major place in the (h, w) map."""
    _check_length(y, h, w)
    forth = y[:, :2] + y[:, 2:].flip(-1)
    return forth[:, 0] + _turn(forth[:, 1], h, w)


def corner_scan(x: Shaped[Tensor, "b c h w"]) -> Shaped[Tensor, "b 4 c l"]:
    """Read the map row by row from the top left, top right, bottom left and bottom right corner."""
    top = torch.stack([x.flatten(2), x.flip(3).flatten(2)], dim=1)
    return torch.cat([top, top.flip((1, 3))], dim=1)


def corner_merge(y: Shaped[Tensor, "b 4 c l"], h: int, w: int) -> Shaped[Tensor, "b c l"]:
    """Sum the four paths of ``corner_scan``, each token at its row-major place in the (h, w) map."""
    _check_length(y, h, w)
    # The bottom right path is the reverse of the top left one, the bottom left of the top right.
    top = y[:, :2] + y[:, 2:].flip((1, 3))
    return top[:, 0] + _maps(top[:, 1], h, w).flip(-1).flatten(2)


def _turn(columns: Tensor, h: int, w: int) -> Tensor:
    """Tokens in column-major order of the (h, w) map to row-major order."""
    return _maps(columns, w, h).transpose(-2, -1).flatten(-2)


def _maps(tokens: Tensor, h: int, w: int) -> Tensor:
    return tokens.reshape(*tokens.shape[:-1], h, w)


def _check_length(y: Tensor, h: int, w: int) -> None:
    if y.shape[1] != PATHS or y.shape[-1] != h * w:
        raise ValueError(f"expected (b, {PATHS}, c, {h * w}) for a map of {h} x {w}, got {tuple(y.shape)}")


Scan = Callable[[Tensor], Tensor]
Merge = Callable[[Tensor, int, int], Tensor]

SCAN_PATHS: dict[str, tuple[Scan, Merge]] = {
    "cross": (cross_scan, cross_merge),
    "corners": (corner_scan, corner_merge),
}
