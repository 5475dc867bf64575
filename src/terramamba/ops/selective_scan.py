"""The selective scan (S6) of Mamba: one public function, its argument checks and its choice of backend."""

from typing import Any, Literal, overload

import torch
from jaxtyping import Inexact, Num
from torch import Tensor

from terramamba.ops import graph, native_library, pytorch, reference, triton, triton_trial
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
)
from terramamba.ops.kernels import SCANS
from terramamba.ops.operator import Scan


def _kernel(scan: Scan) -> Run:
    """A backend that calls a registered kernel."""

    def run(*arguments: Any) -> tuple[Tensor, Tensor]:
        *given, softplus, discretization, state = arguments
        return scan(*given, state, None, softplus, discretization == "zoh")

    return run


BACKENDS["selective_scan"] = {
    "reference": Backend(reference.selective_scan, differentiable=True),
    "pytorch": Backend(pytorch.selective_scan),
    "graph": Backend(graph.selective_scan),
    "native": Backend(_kernel(SCANS["native"]), ("cpu",), native_library.REASON, torch.float32),
    "triton": Backend(
        _kernel(SCANS["triton"]), ("cuda",), triton.reason(), torch.float32, trial=triton_trial.failure
    ),
}
"""Every backend takes (u, delta, A, B, C, D, delta_bias, delta_softplus, discretization, initial_state), with
B and C always (b, g, n, l), and returns outputs and last state; the public function settles their type."""


@overload
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = ...,
    *,
    delta_bias: Tensor | None = ...,
    delta_softplus: bool = ...,
    discretization: Discretization = ...,
    initial_state: Tensor | None = ...,
    return_last_state: Literal[False] = ...,
    backend: str = ...,
) -> Tensor: ...
@overload
def selective_scan(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None = ...,
    *,
    delta_bias: Tensor | None = ...,
    delta_softplus: bool = ...,
    discretization: Discretization = ...,
    initial_state: Tensor | None = ...,
    return_last_state: Literal[True],
    backend: str = ...,
) -> tuple[Tensor, Tensor]: ...
def selective_scan(
    u: Num[Tensor, "b d l"],
    delta: Num[Tensor, "b d l"],
    A: Num[Tensor, "d n"],
    B: Num[Tensor, "b n l"] | Num[Tensor, "b g n l"],
    C: Num[Tensor, "b n l"] | Num[Tensor, "b g n l"],
    D: Num[Tensor, " d"] | None = None,
    *,
    delta_bias: Num[Tensor, " d"] | None = None,
    delta_softplus: bool = False,
    discretization: Discretization = "euler",
    initial_state: Num[Tensor, "b d n"] | None = None,
    return_last_state: bool = False,
    backend: str = "auto",
) -> Inexact[Tensor, "b d l"] | tuple[Inexact[Tensor, "b d l"], Inexact[Tensor, "b d n"]]:
    """Scan b sequences of d channels over l steps with n states a channel (Gu and Dao, 2023, Algorithm 2).

        Delta = softplus(delta + delta_bias);  Abar = exp(Delta A);  Bbar = Delta B  or  (Abar - 1) / A * B
        h_t = Abar_t h_{t-1} + Bbar_t u_t;     y_t = sum_n C_t h_t + D u_t

    Args:
        u: inputs (b, d, l).
        delta: steps (b, d, l), before bias and softplus.
        A: (d, n), negative for a decaying state.
        B: input weights (b, n, l), or (b, g, n, l) for g groups of d/g neighbouring channels.
        C: output weights, shaped like B.
        D: weight (d) of the input in the output; None: 0.
        delta_bias: added to delta (d).
        delta_softplus: put delta through softplus.
        discretization: "euler": Bbar = Delta B (every Mamba code base); "zoh": the exact integral, with its
            limit Delta B where A = 0.
        initial_state: state before the first step (b, d, n); None: 0.
        return_last_state: also return the state after the last step (b, d, n), in the type of computing.
        backend: "auto" (by the tensors' device) or a name of ``available_backends("selective_scan")``.

    Returns:
        Outputs (b, d, l) in the type of u. Inside, everything is float32, whatever autocast
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
    if B.ndim == 3:
        B = B[:, None]
    if C.ndim == 3:
        C = C[:, None]
    _check_shapes(u, delta, A, B, C, D, delta_bias, initial_state)
    names = ("u", "delta", "A", "B", "C", "D", "delta_bias", "initial_state")
    tensors = (u, delta, A, B, C, D, delta_bias, initial_state)
    chosen = settle("selective_scan", backend, dict(zip(names, tensors, strict=True)))
    with full_precision(u.device):
        y, last = chosen.run(u, delta, A, B, C, D, delta_bias, delta_softplus, discretization, initial_state)
    y = result(y, u)
    return (y, last) if return_last_state else y


def _check_shapes(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    initial_state: Tensor | None,
) -> None:
    if u.ndim != 3 or A.ndim != 2 or B.ndim != 4:
        raise ValueError(
            "selective_scan takes u (b, d, l), A (d, n) and B, C (b, n, l) or (b, g, n, l), got "
            f"{tuple(u.shape)}, {tuple(A.shape)} and {tuple(B.shape)}"
        )
    b, d, length = u.shape
    groups, n = B.shape[1], A.shape[1]
    if length == 0:
        raise ValueError("selective_scan needs at least one step, got a sequence of length 0")
    if groups == 0 or d % groups:
        raise ValueError(f"{d} channels cannot be divided into the {groups} groups of B")
    expected = {
        "delta": (delta, (b, d, length)),
        "A": (A, (d, n)),
        "B": (B, (b, groups, n, length)),
        "C": (C, (b, groups, n, length)),
        "D": (D, (d,)),
        "delta_bias": (delta_bias, (d,)),
        "initial_state": (initial_state, (b, d, n)),
    }
    check_tensors(expected, "u", u)
