"""What the Triton kernels of the selective scan share; this file needs Triton to be imported.

One program scans the channels of one block, of one group (or path through a map) of one sequence, over one
chunk of the steps. Its states stay in registers as a tile (rows, n, lanes) with channel = row * lanes + lane:
the compiler lays the last axis over the threads of a warp first, then the axis before it.

All offsets are 64-bit. Channels, states and steps outside the tensors are read as 0, which leaves states as
they are: a step Delta of 0 keeps the state and adds nothing to any gradient.
"""

from typing import no_type_check

import triton
import triton.language as tl

SIZES = ("channels", "length", "blocks", "chunks", "groups", "chunk_steps")
"""Sizes for which no kernel is compiled anew."""
STATE_STRIDES = ("A_d", "A_n", "entering_d", "entering_n", "last_d", "last_n", "dstate_d", "dstate_n")
"""Nor for these: a compiler that knew the states of a channel to lie side by side would spread them over the
threads, not the channels, and every sum over the states would be exchanges between threads."""
LOG2_E = tl.constexpr(1.4426950408889634)
"""exp(x) = exp2(LOG2_E x), for which the GPU has an instruction."""


@triton.jit
@no_type_check
def channel_tile(block, channels, ROWS: tl.constexpr, LANES: tl.constexpr):
    """Name the channels (rows, lanes) of a block, counted in their group, and which of them there are."""
    row, lane = tl.arange(0, ROWS), tl.arange(0, LANES)
    channel = (block * (ROWS * LANES) + row[:, None] * LANES + lane[None, :]).to(tl.int64)
    return channel, channel < channels


@triton.jit
@no_type_check
def per_channel(parameter, stride, channel, real):
    """Load a parameter (d) of the channels; 0 where it is None."""
    value = tl.zeros(channel.shape, tl.float32)
    if parameter is not None:
        value = tl.load(parameter + channel * stride, mask=real, other=0.0).to(tl.float32)
    return value


@triton.jit
@no_type_check
def per_state(values, stride_d, stride_n, channel, state, tile):
    """Load a matrix (d, n) at the states of a tile; 0 where it is None."""
    place = channel[:, None, :] * stride_d + state[None, :, None] * stride_n
    value = tl.zeros(place.shape, tl.float32)
    if values is not None:
        value = tl.load(values + place, mask=tile, other=0.0).to(tl.float32)
    return value


@triton.jit
@no_type_check
def softplus(x):
    """Compute log(1 + e^x) = max(x, 0) + log(1 + w), w = e^-|x|; log(1 + w) = 2 artanh(w / (2 + w)).

    The argument of the series is at most 1/3. A logarithm of 1 + w would lose the digits of a small w.
    """
    w = tl.exp(-tl.abs(x))
    s = w / (2.0 + w)
    square = s * s
    series = 1.0 / 13 + square * (1.0 / 15)
    series = 1.0 / 11 + square * series
    series = 1.0 / 9 + square * series
    series = 1.0 / 7 + square * series
    series = 1.0 / 5 + square * series
    series = 1.0 / 3 + square * series
    series = 1.0 + square * series
    return tl.maximum(x, 0.0) + 2.0 * s * series


@triton.jit
@no_type_check
def sigmoid(x):
    """Compute the slope of ``softplus``; e^-|x| cannot overflow."""
    w = tl.exp(-tl.abs(x))
    return tl.where(x < 0, w, 1.0) / (1.0 + w)


@triton.jit
@no_type_check
def load_delta(pointers, inside, bias, SOFTPLUS: tl.constexpr):
    """Load Delta, and what it was before softplus; Delta is 0 outside."""
    raw = tl.load(pointers, mask=inside, other=0.0).to(tl.float32) + bias
    delta = raw
    if SOFTPLUS:
        delta = softplus(raw)
    return tl.where(inside, delta, 0.0), raw


@triton.jit
@no_type_check
def decay(delta, A):
    """Compute Abar = e^(Delta A). The steps are scaled, not A, which would hold twice as many registers."""
    return tl.exp2(delta * LOG2_E * A)


@triton.jit
@no_type_check
def inverse(A):
    """Compute 1 / A, where A is not 0: only ever used away from 0."""
    return 1.0 / tl.where(A == 0, 1.0, A)


@triton.jit
@no_type_check
def input_factor(delta, A, A_inverse, A_bar, ZOH: tl.constexpr):
    """Compute Bbar / B: Delta, or (e^z - 1) / A with z = Delta A, near 0 Delta (1 + z/2 + z^2/6 + ...)."""
    factor = delta
    if ZOH:
        z = delta * A
        series = 1.0 + z * (1.0 / 9)
        series = 1.0 + z * (1.0 / 8) * series
        series = 1.0 + z * (1.0 / 7) * series
        series = 1.0 + z * (1.0 / 6) * series
        series = 1.0 + z * (1.0 / 5) * series
        series = 1.0 + z * (1.0 / 4) * series
        series = 1.0 + z * (1.0 / 3) * series
        series = 1.0 + z * (1.0 / 2) * series
        factor = tl.where(tl.abs(z) < 0.5, delta * series, (A_bar - 1.0) * A_inverse)
    return factor


@triton.jit
@no_type_check
def input_factor_slope(delta, A, A_inverse, A_bar, factor):
    """Differentiate by A the zoh ``input_factor``: near 0 Delta^2 times the sum of k z^(k-1) / (k+1)!."""
    z = delta * A
    series = 1.0 / 5760 + z * (1.0 / 45360)
    series = 1.0 / 840 + z * series
    series = 1.0 / 144 + z * series
    series = 1.0 / 30 + z * series
    series = 1.0 / 8 + z * series
    series = 1.0 / 3 + z * series
    series = 1.0 / 2 + z * series
    return tl.where(tl.abs(z) < 0.5, delta * delta * series, (delta * A_bar - factor) * A_inverse)


@triton.jit
@no_type_check
def program_place(blocks, chunks, groups):
    """Tell which (block of channels, chunk of steps, group, sequence) a program has; blocks come in turn."""
    index = tl.program_id(0)
    block = index % blocks
    index = index // blocks
    chunk = index % chunks
    index = index // chunks
    return block, chunk, (index % groups).to(tl.int64), (index // groups).to(tl.int64)


@triton.jit
@no_type_check
def row_of(t, inside, path_index, path_index_l):
    """Tell where step t lies in memory: at row t, or in a map at that of its place."""
    row = t
    if path_index is not None:
        row = tl.load(path_index + t * path_index_l, mask=inside, other=0)
    return tl.cast(row, tl.int64)


@triton.jit
@no_type_check
def advance(
    h, t, stop, path_index, u, delta, B, path_index_l, u_l, delta_l, B_l,
    a, a_inverse, shift, real, some,
    SOFTPLUS: tl.constexpr, ZOH: tl.constexpr,
):  # fmt: skip
    """Compute the state after step t, its row and its input; ``real`` channels and ``some`` states exist."""
    inside = t < stop
    row = row_of(t, inside, path_index, path_index_l)
    u_t = tl.load(u + row * u_l, mask=real & inside, other=0.0).to(tl.float32)
    delta_t, _ = load_delta(delta + row * delta_l, real & inside, shift, SOFTPLUS)
    B_t = tl.load(B + row * B_l, mask=some & inside, other=0.0).to(tl.float32)
    delta_t = delta_t[:, None, :]
    A_bar = decay(delta_t, a)
    factor = input_factor(delta_t, a, a_inverse, A_bar, ZOH)
    return A_bar * h + factor * u_t[:, None, :] * B_t[None, :, None], row, u_t
