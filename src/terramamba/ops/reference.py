"""Both recurrences, one step after the other, in any float type: the specification of every backend.

Never made faster: it is read, and compared with. Autograd differentiates it (the steps are unbound and
stacked, never indexed, so its backward is linear in l).

    Delta_t = softplus(delta_t + delta_bias)                   (or without softplus, without bias)
    Abar_t  = exp(Delta_t A)
    Bbar_t  = Delta_t B_t                                      euler
            = (exp(Delta_t A) - 1) / A * B_t                   zoh; Delta_t B_t where A = 0
    h_t     = Abar_t h_{t-1} + Bbar_t u_t
    y_t     = sum_n C_t h_t + D u_t
"""

import torch
import torch.nn.functional as F
from jaxtyping import Inexact, Num
from torch import Tensor

from terramamba.ops.backends import wide_type
from terramamba.ops.scan_paths import PATHS, SCAN_PATHS

SERIES_BELOW = 0.05
"""|z| under which ``relative_expm1`` is a series: (e^z - 1) / z has a derivative that loses digits there."""


def selective_scan(
    u: Num[Tensor, "b d l"],
    delta: Num[Tensor, "b d l"],
    A: Num[Tensor, "d n"],
    B: Num[Tensor, "b g n l"],
    C: Num[Tensor, "b g n l"],
    D: Num[Tensor, " d"] | None,
    delta_bias: Num[Tensor, " d"] | None,
    delta_softplus: bool,
    discretization: str,
    initial_state: Num[Tensor, "b d n"] | None,
) -> tuple[Inexact[Tensor, "b d l"], Inexact[Tensor, "b d n"]]:
    """Scan: outputs and last state, both in the widest of the arguments' types and float32."""
    given = (u, delta, A, B, C, D, delta_bias, initial_state)
    dtype = wide_type(*given)
    u, delta, A, B, C = (x.to(dtype) for x in (u, delta, A, B, C))
    if delta_bias is not None:
        delta = delta + delta_bias.to(dtype)[:, None]
    if delta_softplus:
        if delta.is_complex():
            raise ValueError(
                "delta is complex, and softplus is of real numbers; give it real, or no softplus"
            )
        delta = F.softplus(delta)
    channels_per_group = u.shape[1] // B.shape[1]
    state = u.new_zeros(*u.shape[:2], A.shape[1]) if initial_state is None else initial_state.to(dtype)
    outputs = []
    for u_t, delta_t, B_t, C_t in zip(*(x.unbind(-1) for x in (u, delta, B, C)), strict=True):
        z = delta_t[..., None] * A
        scale = delta_t[..., None] * (relative_expm1(z) if discretization == "zoh" else 1.0)
        B_t, C_t = (x.repeat_interleave(channels_per_group, dim=1) for x in (B_t, C_t))
        state = torch.exp(z) * state + scale * B_t * u_t[..., None]
        outputs.append((state * C_t).sum(-1))
    y = torch.stack(outputs, dim=-1)
    if D is not None:
        y = y + D.to(dtype)[:, None] * u
    return y, state


def selective_scan_2d(
    x: Num[Tensor, "b h w d"],
    delta: Num[Tensor, "b h w 4 d"],
    A: Num[Tensor, "e n"],
    B: Num[Tensor, "b h w 4 n"],
    C: Num[Tensor, "b h w 4 n"],
    D: Num[Tensor, " e"] | None,
    delta_bias: Num[Tensor, " e"] | None,
    delta_softplus: bool,
    discretization: str,
    paths: str,
) -> Inexact[Tensor, "b h w d"]:
    """Scan maps along four paths, each written out as a sequence of its own, and sum them up in place."""
    _, h, w, d = x.shape
    to_paths, merge = SCAN_PATHS[paths]
    u = to_paths(x.permute(0, 3, 1, 2))
    # What differs from path to path is read along all four, and its own one is kept.
    delta, B, C = (
        torch.stack([to_paths(z[..., k, :].permute(0, 3, 1, 2))[:, k] for k in range(PATHS)], dim=1)
        for z in (delta, B, C)
    )
    y, _ = selective_scan(
        u.flatten(1, 2), delta.flatten(1, 2), A, B, C, D, delta_bias, delta_softplus, discretization, None
    )
    merged = merge(y.reshape(len(x), PATHS, d, h * w), h, w)
    return merged.reshape(len(x), d, h, w).permute(0, 2, 3, 1)


def lti_scan(
    x: Num[Tensor, "b l d"],
    delta: Num[Tensor, " d"],
    A: Num[Tensor, "d n"],
    B: Num[Tensor, "d n"],
    C: Num[Tensor, "d n"],
    D: Num[Tensor, " d"] | None,
    discretization: str,
) -> Inexact[Tensor, "b l d"]:
    """Scan with the same parameters at every step; outputs in the widest type, at least float32."""
    dtype = wide_type(x, delta, A, B, C, D)
    x, delta, A, B, C = (p.to(dtype) for p in (x, delta, A, B, C))
    z = delta[:, None] * A
    A_bar = torch.exp(z)
    B_bar = delta[:, None] * (relative_expm1(z) if discretization == "zoh" else 1.0) * B
    state = x.new_zeros(x.shape[0], *A.shape)
    outputs = []
    for x_t in x.unbind(1):
        state = A_bar * state + B_bar * x_t[..., None]
        outputs.append((state * C).sum(-1))
    y = torch.stack(outputs, dim=1)
    return y if D is None else y + D.to(dtype) * x


def relative_expm1(z: Inexact[Tensor, "*s"]) -> Inexact[Tensor, "*s"]:
    """Work out (e^z - 1) / z, which is 1 at z = 0, with the right derivative everywhere."""
    small = z.abs() < SERIES_BELOW
    far = torch.where(small, torch.ones_like(z), z)
    near = torch.where(small, z, torch.zeros_like(z))
    series = torch.ones_like(z)
    for k in range(9, 1, -1):
        series = 1 + near / k * series
    return torch.where(small, series, torch.expm1(far) / far)
