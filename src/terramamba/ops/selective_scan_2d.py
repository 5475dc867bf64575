"""The selective scan of maps along four paths (SS2D of VMamba): one function and its choice of backend.

Liu et al., "VMamba: Visual State Space Model", NeurIPS 2024, arXiv 2401.10166, Section 4.2.
"""

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
from terramamba.ops.path_order import PathOrder, path_index
from terramamba.ops.scan_paths import PATHS, SCAN_PATHS


def selective_scan_2d(
    x: Num[Tensor, "b h w d"],
    delta: Num[Tensor, "b h w 4 d"],
    A: Num[Tensor, "e n"],
    B: Num[Tensor, "b h w 4 n"],
    C: Num[Tensor, "b h w 4 n"],
    D: Num[Tensor, " e"] | None = None,
    *,
    delta_bias: Num[Tensor, " e"] | None = None,
    delta_softplus: bool = False,
    discretization: Discretization = "euler",
    paths: str = "cross",
    backend: str = "auto",
) -> Inexact[Tensor, "b h w d"]:
    """Sum four selective scans of a map, one along each path of ``SCAN_PATHS[paths]``.

    Every tensor stays in the order of the map; no path is ever written out by the fast backends.

    Args:
        x: maps (b, h, w, d), read by all four paths.
        delta: steps (b, h, w, 4, d) of each path, before bias and softplus.
        A: (4 d, n), path by path.
        B: input weights (b, h, w, 4, n).
        C: output weights, shaped like B.
        D: weight (4 d) of the input in the output; None: 0.
        delta_bias: added to delta (4 d).
        delta_softplus: put delta through softplus.
        discretization: "euler" or "zoh"; see ``selective_scan``.
        paths: "cross" (rows, columns and their reverses) or "corners" (rows from each corner).
        backend: "auto" (by the tensors' device) or a name of ``available_backends("selective_scan_2d")``.

    Returns:
        (b, h, w, d) in the type of x; inside, float32 or wider, whatever autocast says.

    Raises:
        ValueError: shapes that do not fit together, a map without pixels, unknown paths, or a backend that
            is not there, with the reason; integers or complex numbers that a backend does not take.
        NotImplementedError: forward-mode or second derivatives, or a transform of ``torch.func``, of a
            backend other than the reference.
    """
    check_discretization(discretization)
    if paths not in SCAN_PATHS:
        raise ValueError(f"paths is one of {', '.join(map(repr, SCAN_PATHS))}, not {paths!r}")
    _check_shapes(x, delta, A, B, C, D, delta_bias)
    names = ("x", "delta", "A", "B", "C", "D", "delta_bias")
    tensors = (x, delta, A, B, C, D, delta_bias)
    chosen = settle("selective_scan_2d", backend, dict(zip(names, tensors, strict=True)))
    with full_precision(x.device):
        return result(chosen.run(*tensors, delta_softplus, discretization, paths), x)


def _along_sequences(scan: Run) -> Run:
    """A backend that writes the four paths out and scans them as sequences."""

    def run(
        x: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        delta_bias: Tensor | None,
        delta_softplus: bool,
        discretization: str,
        paths: str,
    ) -> Tensor:
        b, h, w, d = x.shape
        order = PathOrder(paths, b, h, w, x.device)
        # Rows of paths: steps, B and C are ordered by path in one go each, the four paths being four groups.
        u = order.expand(x.reshape(-1, d)).flatten(2).permute(1, 2, 0)
        steps = order.reorder(delta.reshape(-1, d)).flatten(2).permute(1, 2, 0)
        B, C = (order.reorder(z.reshape(-1, z.shape[-1])).permute(1, 2, 3, 0) for z in (B, C))
        y, _ = scan(u, steps, A, B, C, D, delta_bias, delta_softplus, discretization, None)
        return order.merge(y.permute(2, 0, 1)).view(b, h, w, d)

    return run


def _in_place(scan: Scan) -> Run:
    """A backend whose kernel reads the map along the paths."""

    def run(
        x: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        delta_bias: Tensor | None,
        delta_softplus: bool,
        discretization: str,
        paths: str,
    ) -> Tensor:
        b, h, w, d = x.shape
        y, _ = scan(
            x.reshape(b, h * w, d).transpose(1, 2),
            delta.reshape(b, h * w, PATHS * d).transpose(1, 2),
            A,
            *(z.reshape(b, h * w, PATHS, A.shape[1]).permute(0, 2, 3, 1) for z in (B, C)),
            D,
            delta_bias,
            None,
            path_index(paths, h, w, x.device),
            delta_softplus,
            discretization == "zoh",
        )
        return y.transpose(1, 2).reshape(b, h, w, d)

    return run


BACKENDS["selective_scan_2d"] = {
    "reference": Backend(reference.selective_scan_2d, differentiable=True),
    "pytorch": Backend(_along_sequences(pytorch.selective_scan)),
    "graph": Backend(graph.selective_scan_2d),
    "native": Backend(_in_place(SCANS["native"]), ("cpu",), native_library.REASON, torch.float32),
    "triton": Backend(
        _in_place(SCANS["triton"]), ("cuda",), triton.reason(), torch.float32, trial=triton_trial.failure
    ),
}
"""Every backend takes the arguments of ``selective_scan_2d`` in its order, up to ``paths``."""


def _check_shapes(
    x: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
) -> None:
    if x.ndim != 4 or A.ndim != 2 or 0 in x.shape[1:3]:
        raise ValueError(
            "selective_scan_2d takes maps x (b, h, w, d) of at least one pixel and A (4 d, n), got "
            f"{tuple(x.shape)} and {tuple(A.shape)}"
        )
    b, h, w, d = x.shape
    n = A.shape[1]
    expected = {
        "delta": (delta, (b, h, w, PATHS, d)),
        "A": (A, (PATHS * d, n)),
        "B": (B, (b, h, w, PATHS, n)),
        "C": (C, (b, h, w, PATHS, n)),
        "D": (D, (PATHS * d,)),
        "delta_bias": (delta_bias, (PATHS * d,)),
    }
    check_tensors(expected, "x", x)
