"""The plain loop over time, as papers and their code write it down: what everything else is compared with.

Every step indexes its inputs. That is quadratic in the backward pass: the gradient of an index is a tensor of
the full length, zero but for one step, and each step makes one for every input. ``ops.reference`` is the same
loop over unbound steps, which is linear.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from terramamba.ops.backends import BACKENDS, Backend, Run, available_backends
from terramamba.ops.scan_paths import PATHS, SCAN_PATHS

LOOP = "loop"


NOT_TIMED = ("triton", "graph")
"""Backends for GPUs, and for networks that are exported."""


def timed_backends(op: str = "selective_scan") -> list[str]:
    """List the backends of an operator that are timed on this machine."""
    return [name for name, reason in available_backends(op).items() if not reason and name not in NOT_TIMED]


@contextmanager
def loop_backends() -> Iterator[None]:
    """Let every operator have the backend "loop" inside the block."""
    loops: dict[str, Run] = {
        "selective_scan": selective_scan,
        "selective_scan_2d": selective_scan_2d,
        "lti_scan": lti_scan,
    }
    for op, run in loops.items():
        BACKENDS[op][LOOP] = Backend(run)
    try:
        yield
    finally:
        for op in loops:
            del BACKENDS[op][LOOP]


def selective_scan(
    u: Float[Tensor, "b d l"],
    delta: Float[Tensor, "b d l"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b g n l"],
    C: Float[Tensor, "b g n l"],
    D: Float[Tensor, " d"] | None,
    delta_bias: Float[Tensor, " d"] | None,
    delta_softplus: bool,
    discretization: str,
    initial_state: Float[Tensor, "b d n"] | None,
) -> tuple[Float[Tensor, "b d l"], Float[Tensor, "b d n"]]:
    """Compute outputs and last state in float32; Bbar = Delta B."""
    _check(discretization)
    u, delta, B, C = (x.float() for x in (u, delta, B, C))
    channels_per_group = u.shape[1] // B.shape[1]
    if delta_bias is not None:
        delta = delta + delta_bias[:, None]
    if delta_softplus:
        delta = F.softplus(delta)
    state = u.new_zeros(*u.shape[:2], A.shape[1]) if initial_state is None else initial_state
    outputs = []
    for t in range(u.shape[2]):
        step = delta[:, :, t, None]
        B_t, C_t = (x[:, :, :, t].repeat_interleave(channels_per_group, dim=1) for x in (B, C))
        state = torch.exp(step * A) * state + step * B_t * u[:, :, t, None]
        outputs.append((state * C_t).sum(-1))
    y = torch.stack(outputs, dim=-1)
    return (y if D is None else y + D[:, None] * u), state


def selective_scan_2d(
    x: Float[Tensor, "b h w d"],
    delta: Float[Tensor, "b h w 4 d"],
    A: Float[Tensor, "e n"],
    B: Float[Tensor, "b h w 4 n"],
    C: Float[Tensor, "b h w 4 n"],
    D: Float[Tensor, " e"] | None,
    delta_bias: Float[Tensor, " e"] | None,
    delta_softplus: bool,
    discretization: str,
    paths: str,
) -> Float[Tensor, "b h w d"]:
    """Write the four paths out as four groups of channels, scan, and put them back."""
    to_paths, from_paths = SCAN_PATHS[paths]
    h, w = x.shape[1:3]

    def along_paths(z: Tensor) -> Tensor:
        own = [to_paths(z[..., k, :].permute(0, 3, 1, 2))[:, k] for k in range(PATHS)]
        return torch.stack(own, dim=1)

    u = to_paths(x.permute(0, 3, 1, 2))
    steps, B, C = (along_paths(z) for z in (delta, B, C))
    y, _ = selective_scan(
        u.flatten(1, 2), steps.flatten(1, 2), A, B, C, D, delta_bias, delta_softplus, discretization, None
    )
    return from_paths(y.view(u.shape), h, w).transpose(1, 2).reshape(x.shape)


def lti_scan(
    x: Float[Tensor, "b l d"],
    delta: Float[Tensor, " d"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "d n"],
    C: Float[Tensor, "d n"],
    D: Float[Tensor, " d"] | None,
    discretization: str,
) -> Float[Tensor, "b l d"]:
    """Compute outputs in float32; Bbar = Delta B, the same at every step."""
    _check(discretization)
    x = x.float()
    A_bar, B_bar = torch.exp(delta[:, None] * A), delta[:, None] * B
    state = x.new_zeros(x.shape[0], *A.shape)
    outputs = []
    for t in range(x.shape[1]):
        state = A_bar * state + B_bar * x[:, t, :, None]
        outputs.append((state * C).sum(-1))
    y = torch.stack(outputs, dim=1)
    return y if D is None else y + D * x


def _check(discretization: str) -> None:
    if discretization != "euler":
        raise ValueError(f"the plain loop is written for 'euler' alone, not for {discretization!r}")
