"""The scans on a GPU: Triton kernels, launched here. Triton itself is imported when the first scan runs.

The sequences, blocks of channels and groups (or paths through a map) of a scan are programs that run side by
side. Where these are too few to fill the GPU, the steps are cut into chunks as well: first every chunk is run
from a state of 0, then the states that enter the chunks are worked out one from the other, then the chunks
are run again from those. Sums over programs are parts in memory, added in a fixed order: results repeat.
"""

from importlib.util import find_spec

import torch
from jaxtyping import Float, Int
from torch import Tensor

from terramamba.ops import triton_launch
from terramamba.ops.operator import empty_gradients, like
from terramamba.ops.triton_launch import (
    MOST_STATES,
    WARP,
    Launch,
    by_group,
    enter,
    forward_unroll,
    on,
    path_parts,
    power_of_2,
    strides,
    sum_parts,
)

EVERY = triton_launch.EVERY
"""Steps between the states that are kept for the backward pass."""
FORWARD_LANES = 32
"""Channels side by side in a program: a warp's threads, so that each sum over states is in one thread."""
FEWER_LANES = 8
"""The same, at most, where a channel has more states than a thread can hold: several threads share them."""
FORWARD_TILE = 512
"""Most states of a program, 16 a thread."""
BACKWARD_LANES = 8
"""The same in the backward pass, whose sums over channels then take 3 exchanges between threads, not 5."""
BACKWARD_ROWS = 4
"""Most rows of that many channels in a program of the backward pass."""
BACKWARD_TILE = 256
"""States of a warp of the backward pass: UNROLL tiles of them fill a quarter of its registers."""
BACKWARD_WARPS = 16
"""Most warps of a program of the backward pass, which share the states of its channels if these are many."""
CONVOLUTION_TILE = {"SEQUENCES": 4, "STEPS": 8, "LANES": 32}
"""Outputs of a program of the convolution: every x is read once for 8 of them, every k once for 4."""


def saved_shape(b: int, d: int, length: int, n: int) -> tuple[int, int, int, int]:
    """Give the shape of the states that ``forward`` saves; a warp's channels lie side by side."""
    return -(-length // EVERY), b, n, d


def reason() -> str:
    """Say why the kernels cannot run here, "" if they can."""
    if find_spec("triton") is None:
        return "it needs Triton, which comes with PyTorch for CUDA; or pip install 'terramamba[triton]'"
    if not torch.cuda.is_available():
        return "it needs a CUDA device"
    return ""


def forward(
    u: Float[Tensor, "b e l"],
    delta: Float[Tensor, "b d l"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b g n l"],
    C: Float[Tensor, "b g n l"],
    D: Float[Tensor, " d"] | None,
    delta_bias: Float[Tensor, " d"] | None,
    state: Float[Tensor, "b d n"] | None,
    path_index: Int[Tensor, "g l"] | None,
    softplus: bool,
    zoh: bool,
    keep: bool,
) -> tuple[Float[Tensor, "b e l"], Float[Tensor, "b d n"], Float[Tensor, "..."]]:
    """Scan b sequences of d channels in g groups over l steps with n states a channel (Mamba, Algorithm 2).

    Args:
        u: inputs; e = d, or with ``path_index`` e = d / g.
        delta: steps before bias and softplus.
        A: negative for a decaying state.
        B: input weights, shared by the d / g channels of a group.
        C: output weights, like B.
        D: weight of the input in the output; None: 0.
        delta_bias: added to delta; None: 0.
        state: state before the first step; None: 0.
        path_index: every group is a path through the same map: its step t reads and writes row
            path_index[k, t] of u, delta, B, C and y, and y is the sum over the paths. None: step t is row t.
        softplus: put delta through softplus.
        zoh: Bbar = (exp(Delta A) - 1) / A * B in place of Delta B.
        keep: return the states that ``backward`` needs.

    Returns:
        Outputs in the type of u; last state in float32; states before the steps 0, EVERY, 2 EVERY ... as
        float32 (k, b, n, d), or an empty tensor without ``keep``. Inside, everything is float32.
    """
    from terramamba.ops import triton_forward as kernels

    d, n = A.shape
    b, groups, _, length = B.shape
    y = like(u)
    last = A.new_empty(b, d, n, dtype=torch.float32)
    saved_states = last.new_empty(saved_shape(b, d, length, n) if keep else (0,))
    if b == 0:
        return y, last, saved_states
    tile = power_of_2(n)
    lanes = max(min(FORWARD_LANES if tile <= MOST_STATES else FEWER_LANES, FORWARD_TILE // tile), 1)
    unroll = forward_unroll(lanes * tile // WARP, zoh, B, C)
    launch = Launch.of(B, d, softplus, zoh, lanes=lanes, unroll=unroll)
    parts = by_group(y, groups, None) if path_index is None else path_parts(last, launch, b)
    with on(u.device):
        entering, chunk_stride = state, 0
        if launch.chunks > 1:
            states = enter(launch, u, delta, A, B, delta_bias, state, path_index, backward=False)
            entering, chunk_stride = states[0], states.stride(0)
        kernels.outputs[(launch.programs,)](
            *(u, delta, A, B, C, D, delta_bias, entering, path_index, parts, last),
            saved_states if keep else None,
            *by_group(u, groups, path_index).stride(),
            *(*strides(delta, A, B, C, D, delta_bias), *strides(path_index, ndim=2)),
            *(chunk_stride, *strides(entering, ndim=3)),
            *parts.stride(),
            *last.stride(),
            *launch.sizes,
            **launch.options,
        )
        if path_index is not None:
            sum_parts(parts, 1, y)
    return y, last, saved_states


def backward(
    dy: Float[Tensor, "b e l"],
    dlast: Float[Tensor, "b d n"],
    saved_states: Float[Tensor, "k b n d"],
    u: Float[Tensor, "b e l"],
    delta: Float[Tensor, "b d l"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b g n l"],
    C: Float[Tensor, "b g n l"],
    D: Float[Tensor, " d"] | None,
    delta_bias: Float[Tensor, " d"] | None,
    state: Float[Tensor, "b d n"] | None,
    path_index: Int[Tensor, "g l"] | None,
    softplus: bool,
    zoh: bool,
) -> tuple[Tensor, ...]:
    """Differentiate by u, delta, A, B, C, D, delta_bias and state, from the gradients of y and last.

    Each has the type of its tensor; for None it is an empty tensor (0).
    """
    from terramamba.ops import triton_backward as kernels

    d, n = A.shape
    b, groups, _, length = B.shape
    found = empty_gradients(u, delta, A, B, C, D, delta_bias, state)
    du, ddelta, dA, dB, dC, dD, dbias, dstate = found
    if b == 0:
        for x in (dA, dD, dbias):
            x.zero_()
        return found
    into_state = None if state is None else dstate
    tile = BACKWARD_LANES * power_of_2(n)
    rows = max(min(BACKWARD_TILE // tile, BACKWARD_ROWS), 1)
    warps = max(min(tile // BACKWARD_TILE, BACKWARD_WARPS), 1)
    launch = Launch.of(B, d, softplus, zoh, lanes=BACKWARD_LANES, rows=rows, warps=warps)
    parts = by_group(du, groups, None) if path_index is None else path_parts(saved_states, launch, b)
    parts_B, parts_C = saved_states.new_empty(2, launch.blocks, b, length, groups, n)
    parts_A = saved_states.new_empty(launch.chunks, b, n, d)
    parts_D, parts_bias = saved_states.new_empty(2, launch.chunks, b, d)
    with on(u.device):
        entering, chunk_stride = dlast, 0
        if launch.chunks > 1:
            states = enter(launch, dy, delta, A, C, delta_bias, dlast, path_index, backward=True)
            entering, chunk_stride = states[0], states.stride(0)
        kernels.gradients[(launch.programs,)](
            *(dy, entering, saved_states, u, delta, A, B, C, D, delta_bias, path_index),
            *(parts, ddelta, parts_A, parts_B, parts_C, parts_D, parts_bias, into_state),
            *by_group(dy, groups, path_index).stride(),
            *(chunk_stride, *entering.stride()),
            *by_group(u, groups, path_index).stride(),
            *(*strides(delta, A, B, C, D, delta_bias), *strides(path_index, ndim=2)),
            *parts.stride(),
            *ddelta.stride(),
            *strides(into_state, ndim=3),
            *launch.sizes,
            **launch.options,
        )
        if path_index is not None:
            sum_parts(parts, 1, du)
        sum_parts(parts_A.mT, (0, 1), dA)
        sum_parts(parts_B.permute(0, 1, 3, 4, 2), 0, dB)
        sum_parts(parts_C.permute(0, 1, 3, 4, 2), 0, dC)
        if D is not None:
            sum_parts(parts_D, (0, 1), dD)
        if delta_bias is not None:
            sum_parts(parts_bias, (0, 1), dbias)
    return found


def convolution_forward(x: Float[Tensor, "b l d"], k: Float[Tensor, "d l"]) -> Float[Tensor, "b l d"]:
    """Convolve every channel, y_t = sum over j <= t of k_j x_{t-j}, in the type of x; summed in float32."""
    y = x.new_empty(x.shape)
    _convolve(x, k, y, reverse=False)
    return y


def convolution_backward(
    dy: Float[Tensor, "b l d"], x: Float[Tensor, "b l d"], k: Float[Tensor, "d l"]
) -> tuple[Float[Tensor, "b l d"], Float[Tensor, "d l"]]:
    """Work out the gradients of x and k, each in the type of its tensor."""
    from terramamba.ops import triton_convolution as kernels

    b, length, d = x.shape
    dx, dk = x.new_empty(x.shape), k.new_empty(k.shape)
    if b == 0:
        return dx, dk.zero_()
    _convolve(dy, k, dx, reverse=True)
    lags, lanes = CONVOLUTION_TILE["STEPS"], CONVOLUTION_TILE["LANES"]
    blocks = -(-d // lanes) * -(-length // lags)
    shares = min(b, -(-triton_launch.PROGRAMS * triton_launch.multiprocessors(x.device) // blocks))
    parts = torch.empty(shares, d, length, dtype=torch.float32, device=x.device)
    with on(x.device):
        kernels.kernel_gradient[(blocks * shares,)](
            *(dy, x, parts, *dy.stride(), *x.stride(), b, d, length, -(-b // shares)),
            LAGS=lags,
            LANES=lanes,
            num_warps=1,
        )
        sum_parts(parts, 0, dk)
    return dx, dk


def _convolve(x: Tensor, k: Tensor, y: Tensor, *, reverse: bool) -> None:
    from terramamba.ops import triton_convolution as kernels

    b, length, d = x.shape
    tile = CONVOLUTION_TILE
    grid = -(-b // tile["SEQUENCES"]) * -(-length // tile["STEPS"]) * -(-d // tile["LANES"])
    if grid == 0:
        return
    with on(x.device):
        kernels.convolve[(grid,)](
            *(x, k, y, *x.stride(), *k.stride(), *y.stride(), b, d, length),
            REVERSE=reverse,
            **tile,
            num_warps=1,
        )
