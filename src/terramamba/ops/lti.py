"""The scan whose parameters do not depend on the input (SSA-Mamba, Eq. 8-12), run as a causal convolution.

With constant Abar and Bbar the recurrence h_t = Abar h_{t-1} + Bbar x_t, y_t = sum_n C h_t is exactly

    y_t = sum_{j <= t} k_j x_{t-j},   k_j = sum_n C Abar^j Bbar

so the kernel k (d, l) is built once for a call, in float32 or wider, and there is no loop over tokens.
"""

import math
from typing import Any

import torch
from jaxtyping import Float, Inexact, Num
from torch import Tensor

from terramamba.ops import graph, reference, triton, triton_trial
from terramamba.ops.backends import (
    BACKENDS,
    Backend,
    Discretization,
    Run,
    check_discretization,
    check_tensors,
    full_precision,
    result,
    settle,
    wide_type,
)
from terramamba.ops.causal_convolution import causal_convolution, native_convolution
from terramamba.ops.derivatives import first_derivative
from terramamba.ops.kernels import CONVOLUTIONS, native_exponentials
from terramamba.ops.native_library import REASON
from terramamba.ops.operator import Convolution, Exponentials


def lti_scan(
    x: Num[Tensor, "b l d"],
    delta: Num[Tensor, " d"],
    A: Num[Tensor, "d n"],
    B: Num[Tensor, "d n"],
    C: Num[Tensor, "d n"],
    D: Num[Tensor, " d"] | None = None,
    *,
    discretization: Discretization = "euler",
    backend: str = "auto",
) -> Inexact[Tensor, "b l d"]:
    """Scan b sequences of l tokens, d channels, n states a channel, with the same parameters at every token.

    Args:
        x: inputs (b, l, d).
        delta: step of each channel (d), positive.
        A: (d, n), negative for a decaying state.
        B: input weights (d, n).
        C: output weights (d, n).
        D: weight (d) of the input in the output; None: 0.
        discretization: "euler": Bbar = delta B (SSA-Mamba, Eq. 8); "zoh": Bbar = (exp(delta A) - 1) / A * B.
        backend: "auto" (by the tensors' device) or a name of ``available_backends("lti_scan")``.

    Returns:
        Outputs (b, l, d) in the type of x. Inside, everything is float32, whatever autocast
        says; or float64 where an argument is, unless a ``backend`` is named that computes in float32.
        The reference takes integers and complex numbers, too, and has every derivative that PyTorch knows;
        its outputs are as wide as that needs.

    Raises:
        ValueError: shapes that do not fit together, l = 0, or a backend that is not there, with the reason;
            integers or complex numbers that a backend does not take.
        NotImplementedError: forward-mode or second derivatives, or a transform of ``torch.func``, of a
            backend other than the reference.
    """
    check_discretization(discretization)
    _check_shapes(x, delta, A, B, C, D)
    tensors = {"x": x, "delta": delta, "A": A, "B": B, "C": C, "D": D}
    chosen = settle("lti_scan", backend, tensors)
    with full_precision(x.device):
        return result(chosen.run(*tensors.values(), discretization), x)


def _by(sums: Exponentials, convolution: Convolution) -> Run:
    """A backend that builds the kernel and convolves so; D x_t is the kernel's lag 0."""

    def run(
        x: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        discretization: str,
    ) -> Tensor:
        dtype = wide_type(x, delta, A, B, C, D)
        x, delta, A, B, C = (p.to(dtype) for p in (x, delta, A, B, C))
        z = delta[:, None] * A
        B_bar = delta[:, None] * (reference.relative_expm1(z) if discretization == "zoh" else 1.0) * B
        return convolution(x, sums(z, C * B_bar, None if D is None else D.to(dtype), x.shape[1]))

    return run


def exponential_sums(
    z: Float[Tensor, "d n"], w: Float[Tensor, "d n"], D: Float[Tensor, " d"] | None, length: int
) -> Float[Tensor, "d l"]:
    """Sum up k_j = sum_n w_n e^(j z_n) for j < ``length``, and D more at j = 0.

    e^(j z) is the product of a coarse and a fine power, so that about 2 sqrt(l) exponentials a state are
    taken and the sum over n is one matrix product: nothing of size d*n*l is made, or kept for the gradients.
    """
    fine = math.ceil(math.sqrt(length))  # not isqrt: a compiler keeps lengths open, and knows this one
    coarse = -(-length // fine)
    steps = torch.arange(max(fine, coarse), device=z.device, dtype=z.dtype)
    fine_powers = torch.exp(z[:, :, None] * steps[:fine])
    coarse_powers = torch.exp(z[:, None, :] * (steps[:coarse, None] * fine))
    k = _Product.apply(coarse_powers * w[:, None, :], fine_powers)  # type: ignore[no-untyped-call]
    k = k.flatten(1)[:, :length]
    return k if D is None else torch.cat([k[:, :1] + D[:, None], k[:, 1:]], dim=1)


class _Product(torch.autograd.Function):
    """Batched matrix product whose backward pass, too, keeps its types when it runs under autocast."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, right: Tensor) -> Tensor:
        ctx.save_for_backward(left, right)
        return torch.bmm(left, right)

    @staticmethod
    @first_derivative
    def backward(ctx: Any, saved: tuple[Tensor, ...], gradient: Tensor) -> tuple[Tensor, Tensor]:
        left, right = saved
        with full_precision(gradient.device):
            return torch.bmm(gradient, right.transpose(1, 2)), torch.bmm(left.transpose(1, 2), gradient)


def _check_shapes(x: Tensor, delta: Tensor, A: Tensor, B: Tensor, C: Tensor, D: Tensor | None) -> None:
    if x.ndim != 3 or A.ndim != 2:
        raise ValueError(
            f"lti_scan takes x (b, l, d) and A (d, n), got {tuple(x.shape)} and {tuple(A.shape)}"
        )
    if x.shape[1] == 0:
        raise ValueError("lti_scan needs at least one token, got a sequence of length 0")
    d, n = x.shape[2], A.shape[1]
    expected = {"delta": (delta, (d,)), "D": (D, (d,)), "A": (A, (d, n)), "B": (B, (d, n)), "C": (C, (d, n))}
    check_tensors(expected, "x", x)


BACKENDS["lti_scan"] = {
    "reference": Backend(reference.lti_scan, differentiable=True),
    "pytorch": Backend(_by(exponential_sums, causal_convolution)),
    "graph": Backend(_by(exponential_sums, graph.causal_convolution)),
    "native": Backend(_by(native_exponentials, native_convolution), ("cpu",), REASON, torch.float32),
    "triton": Backend(
        _by(exponential_sums, CONVOLUTIONS["triton"]),
        ("cuda",),
        triton.reason(),
        torch.float32,
        trial=triton_trial.failure,
    ),
}
"""Every backend takes (x, delta, A, B, C, D, discretization) and returns y."""
