"""Triton kernels of the causal convolution, for sequences of up to some hundred steps: work grows with l^2.

``triton`` launches them; this file needs Triton to be imported. Everything is summed in float32.
"""

from typing import no_type_check

import triton
import triton.language as tl


@triton.jit(do_not_specialize=["sequences", "channels", "length"])
@no_type_check
def convolve(
    x, k, y,
    x_b, x_l, x_d,
    k_d, k_l,
    y_b, y_l, y_d,
    sequences, channels, length,
    REVERSE: tl.constexpr, SEQUENCES: tl.constexpr, STEPS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Compute y_t = sum over s <= t of k_{t-s} x_s; ``REVERSE`` counts steps from the end: the gradient of x.

    A program has a tile of outputs (sequences, steps, channels) and adds what one input step gives to all.
    """
    blocks = tl.cdiv(channels, LANES)
    steps = tl.cdiv(length, STEPS)
    index = tl.program_id(0)
    channel = (index % blocks * LANES + tl.arange(0, LANES)).to(tl.int64)
    first = index // blocks % steps * STEPS
    sequence = (index // (blocks * steps) * SEQUENCES + tl.arange(0, SEQUENCES)).to(tl.int64)
    t = first + tl.arange(0, STEPS)
    real = (sequence < sequences)[:, None] & (channel < channels)[None, :]
    x += sequence[:, None] * x_b + channel[None, :] * x_d
    k += channel[None, :] * k_d
    total = tl.zeros((SEQUENCES, STEPS, LANES), tl.float32)
    for s in range(tl.minimum(first + STEPS, length)):
        row = length - 1 - s if REVERSE else s
        x_s = tl.load(x + tl.cast(row, tl.int64) * x_l, mask=real, other=0.0).to(tl.float32)
        lag = t - s
        causal = ((lag >= 0) & (t < length))[:, None] & (channel < channels)[None, :]
        k_s = tl.load(k + lag.to(tl.int64)[:, None] * k_l, mask=causal, other=0.0).to(tl.float32)
        total += x_s[:, None, :] * k_s[None, :, :]
    row = (length - 1 - t if REVERSE else t).to(tl.int64)
    place = sequence[:, None, None] * y_b + row[None, :, None] * y_l + channel[None, None, :] * y_d
    tl.store(y + place, total, mask=real[:, None, :] & (t < length)[None, :, None])


@triton.jit(do_not_specialize=["sequences", "channels", "length", "share"])
@no_type_check
def kernel_gradient(
    dy, x, dk,
    dy_b, dy_l, dy_d,
    x_b, x_l, x_d,
    sequences, channels, length, share,
    LAGS: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Compute dk_j = sum over t >= j of dy_t x_{t-j} for a share of the sequences; dk is (shares, d, l)."""
    blocks = tl.cdiv(channels, LANES)
    lags = tl.cdiv(length, LAGS)
    index = tl.program_id(0)
    channel = (index % blocks * LANES + tl.arange(0, LANES)).to(tl.int64)
    first = index // blocks % lags * LAGS
    part = index // (blocks * lags)
    lag = first + tl.arange(0, LAGS)
    real = channel < channels
    dy += channel * dy_d
    x += channel[None, :] * x_d
    total = tl.zeros((LAGS, LANES), tl.float32)
    for sequence in range(part * share, tl.minimum((part + 1) * share, sequences)):
        dy_s = dy + tl.cast(sequence, tl.int64) * dy_b
        x_s = x + tl.cast(sequence, tl.int64) * x_b
        for t in range(first, length):
            dy_t = tl.load(dy_s + tl.cast(t, tl.int64) * dy_l, mask=real, other=0.0).to(tl.float32)
            row = (t - lag).to(tl.int64)
            causal = (row >= 0)[:, None] & real[None, :]
            total += dy_t[None, :] * tl.load(x_s + row[:, None] * x_l, mask=causal, other=0.0).to(tl.float32)
    place = (part.to(tl.int64) * channels + channel)[None, :] * length + lag[:, None]
    tl.store(dk + place, total, mask=(lag < length)[:, None] & real[None, :])
