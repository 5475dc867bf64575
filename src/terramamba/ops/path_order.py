"""Maps to the sequences of their four scan paths and back, by moving whole rows of channels.

Sequences are laid out (l, b, 4, d): time first, paths and channels innermost, the order in which a scan
reads them. Copying rows of d channels to their steps is several times faster than turning (b, d, l)
around, which reads memory across the grain: the training step of a selective scan in the model was 1.6
times faster for it (nano preset, two cores).
"""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from terramamba.ops.derivatives import first_derivative
from terramamba.ops.scan_paths import PATHS, SCAN_PATHS


def path_index(scan: str, h: int, w: int, device: torch.device) -> Int[Tensor, "4 l"]:
    """Give the row-major place in an (h, w) map of every step of each path of ``SCAN_PATHS[scan]``; int32."""
    to_paths, _ = SCAN_PATHS[scan]
    return to_paths(torch.arange(h * w, device=device, dtype=torch.int32).view(1, 1, h, w))[0, :, 0]


class PathOrder:
    """Where every token of b maps of h x w tokens comes on each path of ``SCAN_PATHS[scan]``."""

    def __init__(self, scan: str, b: int, h: int, w: int, device: torch.device) -> None:
        length = h * w
        times = torch.arange(length, device=device)
        place = path_index(scan, h, w, device).long()
        time = torch.empty_like(place).scatter_(1, place, times.expand_as(place))
        batch, path = torch.arange(b, device=device), torch.arange(PATHS, device=device)
        self.shape = (length, b, PATHS)
        # Rows of the tokens (b * l), in the order of the sequences; and the other way round.
        self.tokens = (batch[:, None] * length + place.t()[:, None]).reshape(-1, 1)
        self.steps = ((time.t() * b + batch[:, None, None]) * PATHS + path).reshape(-1, PATHS)
        self.tokens_by_path = self.tokens * PATHS + path.repeat(length * b)[:, None]
        self.steps_by_path = self.steps.reshape(-1, 1)

    def expand(self, tokens: Float[Tensor, "m d"]) -> Float[Tensor, "l b 4 d"]:
        """Expand all tokens (b * l rows) to four sequences, each in the order of its path."""
        return _sum_rows(tokens, self.tokens, self.steps).view(*self.shape, tokens.shape[1])

    def reorder(self, tokens: Float[Tensor, "m d"]) -> Float[Tensor, "l b 4 d"]:
        """Order tokens that have a row of their own for each path (b * l * 4 rows) as that path does."""
        rows = _sum_rows(tokens, self.tokens_by_path, self.steps_by_path)
        return rows.view(*self.shape, tokens.shape[1])

    def merge(self, y: Float[Tensor, "l b e"]) -> Float[Tensor, "m d"]:
        """Sum the four sequences, every token at its row-major place (b * l rows)."""
        rows = y.reshape(self.steps.numel(), y.shape[2] // PATHS)
        return _sum_rows(rows, self.steps, self.tokens)


def _sum_rows(x: Tensor, forth: Tensor, back: Tensor) -> Tensor:
    return _SumRows.apply(x, forth, back)  # type: ignore[no-untyped-call]


class _SumRows(torch.autograd.Function):
    """Row i is the sum of the rows ``forth[i]`` of x; ``back`` does the same for the gradient.

    PyTorch's own gradient of a row selection adds the rows up one by one and knows no inverse.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, forth: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return _take(x, forth)

    @staticmethod
    @first_derivative
    def backward(ctx: Any, saved: tuple[Tensor, ...], gradient: Tensor) -> tuple[Tensor, None, None]:
        (back,) = saved
        return _take(gradient, back), None, None


def _take(x: Tensor, index: Tensor) -> Tensor:
    rows = x.index_select(0, index.flatten())
    return rows if index.shape[1] == 1 else rows.view(*index.shape, x.shape[1]).sum(1)
