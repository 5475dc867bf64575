"""Maps of any size for models that halve their input several times."""

import torch
from jaxtyping import Float
from torch import Tensor


def reflect_to_multiple(x: Float[Tensor, "*b h w"], multiple: int) -> Float[Tensor, "*b h2 w2"]:
    """Grow ``x`` below and to the right to a multiple of ``multiple``, mirrored at its last row and column.

    Unlike torch's padding, the reflection goes to and fro as often as it must, so that a side may be shorter
    than what is added to it; a side of one pixel is repeated.
    """
    for axis in (-2, -1):
        size = x.shape[axis]
        if size % multiple:
            positions = torch.arange(-(-size // multiple) * multiple, device=x.device)
            positions = positions % max(2 * (size - 1), 1)
            x = x.index_select(axis, torch.minimum(positions, 2 * (size - 1) - positions))
    return x
