"""The scans as operations that every exporter knows: for graphs that run where PyTorch does not.

The recurrence is one loop in the graph, whose body is one step, and the four paths through a map are
gathered and put back by index (docs/decisions/onnx-scan.md: why). Outside an export the loop is Python's own,
so that what is exported can be compared with the reference.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from terramamba.ops.backends import wide_type
from terramamba.ops.path_order import path_index
from terramamba.ops.reference import relative_expm1
from terramamba.ops.scan_paths import PATHS

Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, Tensor]]


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
    """Scan: outputs and last state in the widest of the arguments' types and float32."""
    dtype = wide_type(u, delta, A, B, C, D, delta_bias, initial_state)
    (b, d, length), (g, n) = u.shape, B.shape[1:3]
    u_steps, steps = (x.to(dtype).permute(2, 0, 1).reshape(length, b, g, d // g) for x in (u, delta))
    B_steps, C_steps = (x.to(dtype).permute(3, 0, 1, 2) for x in (B, C))
    skip, bias = (None if x is None else x.to(dtype).view(g, d // g) for x in (D, delta_bias))
    state = u.new_zeros(b, d, n, dtype=dtype) if initial_state is None else initial_state.to(dtype)
    y, last = _scan(
        u_steps,
        steps,
        A.to(dtype).view(g, d // g, n),
        B_steps,
        C_steps,
        skip,
        bias,
        delta_softplus,
        discretization,
        state.view(b, g, d // g, n),
    )
    return y.flatten(2).permute(1, 2, 0), last.flatten(1, 2)


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
    """Scan maps along four paths, the four groups of one scan, and sum them up in place."""
    dtype = wide_type(x, delta, A, B, C, D, delta_bias)
    b, h, w, d = x.shape
    place = path_index(paths, h, w, x.device).long()
    step = torch.zeros_like(place).scatter(
        1, place, torch.arange(h * w, device=x.device).expand(PATHS, h * w)
    )
    u = x.to(dtype).reshape(b, h * w, 1, d).expand(b, h * w, PATHS, d)
    u, delta, B, C = (_along(z, place) for z in (u, *(z.to(dtype).flatten(1, 2) for z in (delta, B, C))))
    skip, bias = (None if z is None else z.to(dtype).view(PATHS, d) for z in (D, delta_bias))
    y, _ = _scan(
        u,
        delta,
        A.to(dtype).view(PATHS, d, -1),
        B,
        C,
        skip,
        bias,
        delta_softplus,
        discretization,
        x.new_zeros(b, PATHS, d, A.shape[1], dtype=dtype),
    )
    merged = torch.stack([y[:, :, k].index_select(0, step[k]) for k in range(PATHS)]).sum(0)
    return merged.transpose(0, 1).reshape(b, h, w, d)


def causal_convolution(x: Float[Tensor, "b l d"], k: Float[Tensor, "d l"]) -> Float[Tensor, "b l d"]:
    """Convolve the l steps of every channel of x with the channel's kernel k, as networks' layers do."""
    length, channels = x.shape[1:]
    padded = F.pad(x.transpose(1, 2), (length - 1, 0))
    return F.conv1d(padded, k.flip(1)[:, None], groups=channels).transpose(1, 2)


def _along(z: Float[Tensor, "b l 4 m"], place: Tensor) -> Float[Tensor, "l b 4 m"]:
    """Order the tokens of each path as it comes by them, time first."""
    by_path = [z[:, :, k].index_select(1, place[k]) for k in range(PATHS)]
    return torch.stack(by_path, dim=2).transpose(0, 1)


def _scan(
    u: Float[Tensor, "l b g d"],
    delta: Float[Tensor, "l b g d"],
    A: Float[Tensor, "g d n"],
    B: Float[Tensor, "l b g n"],
    C: Float[Tensor, "l b g n"],
    D: Float[Tensor, "g d"] | None,
    delta_bias: Float[Tensor, "g d"] | None,
    softplus: bool,
    discretization: str,
    state: Float[Tensor, "b g d n"],
) -> tuple[Float[Tensor, "l b g d"], Float[Tensor, "b g d n"]]:
    """Scan l steps of g groups of d channels each; everything has one type."""
    if delta_bias is not None:
        delta = delta + delta_bias
    if softplus:
        delta = F.softplus(delta)

    def step(before: Tensor, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        delta_t, driven, B_t, C_t = given
        z = delta_t[..., None] * A
        into = driven[..., None] * B_t[..., None, :]
        if discretization == "zoh":
            into = into * relative_expm1(z)
        after = torch.exp(z) * before + into
        return after, (after * C_t[..., None, :]).sum(-1)

    last, y = _loop(step, state, (delta, delta * u, B, C))
    return (y if D is None else y + D * u), last


def _loop(step: Step, state: Tensor, given: tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
    """Run ``step`` over the first axis of ``given``; the last state, and all outputs."""
    if torch.compiler.is_exporting():
        from torch._higher_order_ops import scan  # what exporters turn into a loop of the graph

        return scan(lambda before, at: _apart(step(before, at)), state, given)
    outputs = []
    for at in zip(*given, strict=True):
        state, y = step(state, at)
        outputs.append(y)
    return state, torch.stack(outputs)


def _apart(found: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    """A loop of a graph may not carry on the very tensor that it gives out."""
    return found[0].clone(), found[1]
