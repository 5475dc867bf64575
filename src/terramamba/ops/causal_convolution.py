"""Causal convolution of every channel with its own kernel: y_t = sum over j <= t of k_j x_{t-j}.

Short sequences go through a Toeplitz matrix for each channel or through the CPU kernel, long ones through a
real FFT.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from terramamba.ops.backends import full_precision
from terramamba.ops.derivatives import first_derivative, refuse_unsupported
from terramamba.ops.kernels import CONVOLUTIONS

TOEPLITZ_UP_TO = 96
"""Longest sequence for the Toeplitz matrices, whose work grows with the square of the length.

Measured on one AVX-512 core, forward + backward in ms, Toeplitz against FFT:
b 64, d 128, l 9: 2.0, 3.7; b 64, d 128, l 25: 3.9, 9.2; b 64, d 512, l 49: 37, 77; b 16, d 64, l 49: 1.6,
2.5; b 16, d 128, l 81: 7.8, 9.9; b 32, d 128, l 121: 26, 27; b 32, d 128, l 225: 92, 50.
"""


NATIVE_UP_TO = 1024
"""Longest sequence for the CPU kernel.

Measured on one AVX-512 core, b 16, d 128, forward / forward + backward in ms, kernel against FFT: l 225:
1.5 / 5.3, 5.8 / 20; l 1000: 21 / 65, 24 / 90; l 1500: 45 / 139, 37 / 169; l 2000: 79 / 236, 52 / 285.
"""


def causal_convolution(x: Float[Tensor, "b l d"], k: Float[Tensor, "d l"]) -> Float[Tensor, "b l d"]:
    """Convolve the l steps of every channel of x with the channel's kernel k."""
    refuse_unsupported("causal_convolution", {"x": x, "k": k})
    if x.shape[1] > TOEPLITZ_UP_TO:
        return fft_convolution(x, k)
    return _ToeplitzConvolution.apply(x, k)  # type: ignore[no-untyped-call]


def native_convolution(x: Float[Tensor, "b l d"], k: Float[Tensor, "d l"]) -> Float[Tensor, "b l d"]:
    """Do the same by the CPU kernel, whose work grows with the square of the length, too."""
    refuse_unsupported("native_convolution", {"x": x, "k": k})
    if torch.compiler.is_exporting() or x.shape[1] <= NATIVE_UP_TO:  # a graph serves every length
        return CONVOLUTIONS["native"](x, k)
    return fft_convolution(x, k)


def fft_convolution(x: Float[Tensor, "b l d"], k: Float[Tensor, "d l"]) -> Float[Tensor, "b l d"]:
    """Convolve by real FFT, padded with zeros so that nothing comes round."""
    if x.numel() == 0:  # which Intel's transforms refuse
        return x * k.t()
    length = x.shape[1]
    size = quick_size(2 * length - 1)
    spectrum = torch.fft.rfft(x, size, dim=1) * torch.fft.rfft(k.t(), size, dim=0)
    return torch.fft.irfft(spectrum, size, dim=1)[:, :length]


def quick_size(least: int) -> int:
    """Find the smallest multiple of 2 that has no prime factor over 5 and is not under ``least``.

    Transforms of other sizes are slower and lose a digit.
    """
    size = least + least % 2
    while True:
        rest = size
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return size
        size += 2


class _ToeplitzConvolution(torch.autograd.Function):
    """y = x T for each channel, where T[j, t] = k[t - j]; only x and k are kept for the backward pass."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, k: Tensor) -> Tensor:
        rows = _channels_first(x)
        ctx.save_for_backward(rows, k)
        return _channels_last(torch.bmm(rows, toeplitz(k)))

    @staticmethod
    @first_derivative
    def backward(ctx: Any, saved: tuple[Tensor, ...], dy: Tensor) -> tuple[Tensor, Tensor]:
        rows, k = saved
        with full_precision(dy.device):
            drows = _channels_first(dy)
            dx = _channels_last(torch.bmm(drows, toeplitz(k).transpose(1, 2)))
            return dx, diagonal_sums(torch.bmm(rows.transpose(1, 2), drows))


def _channels_first(x: Tensor) -> Tensor:
    """(b, l, d) -> (d, b, l), as one transposition of a matrix, for which PyTorch has a quick way."""
    b, length, d = x.shape
    return x.reshape(b * length, d).t().contiguous().view(d, b, length)


def _channels_last(rows: Tensor) -> Tensor:
    """(d, b, l) -> (b, l, d)."""
    d, b, length = rows.shape
    return rows.view(d, b * length).t().contiguous().view(b, length, d)


def toeplitz(k: Float[Tensor, "d l"]) -> Float[Tensor, "d l l"]:
    """Build T[j, t] = k[t - j], 0 below the diagonal.

    Rows of k and l zeros, 2l long, read as rows of 2l - 1: each row starts one place further to the left.
    """
    d, length = k.shape
    rows = F.pad(k, (0, length))[:, None].expand(d, length, 2 * length).reshape(d, -1)
    return rows[:, : length * (2 * length - 1)].view(d, length, 2 * length - 1)[..., :length]


def diagonal_sums(matrix: Float[Tensor, "d l l"]) -> Float[Tensor, "d l"]:
    """Sum over the diagonal and each of those above it, by the same reading: the gradient of ``toeplitz``."""
    d, length, _ = matrix.shape
    rows = matrix.new_zeros(d, 2 * length * length)
    rows[:, : length * (2 * length - 1)].view(d, length, 2 * length - 1)[..., :length] = matrix
    return rows.view(d, length, 2 * length).sum(1)[:, :length]
