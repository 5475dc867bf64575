"""(e^z - 1) / z, by which zoh differs from euler (Bbar = Delta B (e^z - 1) / z, z = Delta A), and its slope.

These are for a backward pass written by hand; ``reference`` has the same function for autograd.
"""

import torch
from jaxtyping import Float
from torch import Tensor


def relative_expm1(z: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Work out (e^z - 1) / z, which is 1 at z = 0."""
    return torch.expm1(z).div_(z).masked_fill_(z == 0, 1.0)


def relative_expm1_slope(z: Float[Tensor, "*s"], value: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Differentiate ``relative_expm1`` at z, where it is ``value``: (e^z - value) / z, which is 1/2 at z = 0.

    The difference loses digits near 0, where the sum over k of k z^(k-1) / (k+1)! stands for it.
    """
    near = z.abs() < 0.5
    x = z.masked_fill(~near, 0.0)
    series = torch.ones_like(z)
    for k in range(9 if z.dtype == torch.float32 else 16, 1, -1):
        series.mul_(x).mul_(k / ((k + 1) * (k - 1))).add_(1.0)
    far = torch.exp(z).sub_(value).div_(z)
    return torch.where(near, series.mul_(0.5), far)
