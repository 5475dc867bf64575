"""Triton kernels of the selective scan, forward; ``triton`` launches them, ``triton_steps`` explains them."""

from typing import no_type_check

import triton
import triton.language as tl

from terramamba.ops.triton_steps import (
    SIZES,
    STATE_STRIDES,
    advance,
    channel_tile,
    decay,
    input_factor,
    inverse,
    load_delta,
    per_channel,
    per_state,
    program_place,
    row_of,
)


@triton.jit(do_not_specialize=(*SIZES, *STATE_STRIDES))
@no_type_check
def chunk_states(
    x, delta, A, W, bias, path_index,
    states, sums,
    x_b, x_g, x_d, x_l,
    delta_b, delta_d, delta_l,
    A_d, A_n,
    W_b, W_g, W_n, W_l,
    bias_d, path_index_g, path_index_l,
    channels, n, length, blocks, chunks, groups, chunk_steps,
    SOFTPLUS: tl.constexpr, ZOH: tl.constexpr, BACKWARD: tl.constexpr,
    EVERY: tl.constexpr, UNROLL: tl.constexpr, ROWS: tl.constexpr, N: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Compute what each chunk makes of a state of 0, and the sum of its Delta, by which the state decays.

    Forward: h = Abar h + Bbar u, with x = u and W = B. ``BACKWARD``: the gradient of the state before a step
    from that of the state after it, g = Abar (g + C dy), last step first, with x = dy and W = C.
    ``states`` (chunks, b, n, d) and ``sums`` (chunks, b, d) lie side by side in memory.
    """
    block, chunk, group, sequence = program_place(blocks, chunks, groups)
    channel, real = channel_tile(block, channels, ROWS, LANES)
    state = tl.arange(0, N)
    some = state < n
    whole = group * channels + channel
    tile = real[:, None, :] & some[None, :, None]
    a = per_state(A, A_d, A_n, whole, state, tile)
    a_inverse = inverse(a)
    shift = per_channel(bias, bias_d, whole, real)
    x += sequence * x_b + group * x_g + channel * x_d
    delta += sequence * delta_b + whole * delta_d
    W += sequence * W_b + group * W_g + state * W_n
    if path_index is not None:
        path_index += group * path_index_g

    h = tl.zeros((ROWS, N, LANES), tl.float32)
    total = tl.zeros((ROWS, LANES), tl.float32)
    first = chunk * chunk_steps
    stop = tl.minimum(first + chunk_steps, length)
    for start in range(0, chunk_steps, UNROLL):
        for i in tl.static_range(UNROLL):
            t = first + start + i
            if BACKWARD:
                t = first + chunk_steps - 1 - start - i
            inside = t < stop
            row = row_of(t, inside, path_index, path_index_l)
            x_t = tl.load(x + row * x_l, mask=real & inside, other=0.0).to(tl.float32)
            delta_t, _ = load_delta(delta + row * delta_l, real & inside, shift, SOFTPLUS)
            W_t = tl.load(W + row * W_l, mask=some & inside, other=0.0).to(tl.float32)
            total += delta_t
            delta_t = delta_t[:, None, :]
            A_bar = decay(delta_t, a)
            given = W_t[None, :, None] * x_t[:, None, :]
            if BACKWARD:
                h = A_bar * (h + given)
            else:
                h = A_bar * h + input_factor(delta_t, a, a_inverse, A_bar, ZOH) * given

    d = groups * channels
    sequences = tl.num_programs(0) // (blocks * chunks * groups)
    place = chunk.to(tl.int64) * sequences + sequence
    tl.store(sums + place * d + whole, total, mask=real)
    tl.store(states + (place * n + state[None, :, None]) * d + whole[:, None, :], h, mask=tile)


@triton.jit(do_not_specialize=("channels", "n", "size", "chunks"))
@no_type_check
def carry_states(
    first, states, sums, A,
    first_b, first_d, first_n,
    A_d, A_n,
    channels, n, size, chunks,
    BACKWARD: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    """Put the state that enters each chunk in place of what ``chunk_states`` wrote, all states side by side.

    ``size`` is the number of (sequence, state, channel); ``first`` enters the first chunk, with ``BACKWARD``
    the last one.
    """
    index = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    real = index < size
    channel = index % channels
    state = index // channels % n
    sequence = index // channels // n
    a = tl.load(A + channel * A_d + state * A_n, mask=real, other=0.0).to(tl.float32)
    h = tl.zeros((BLOCK,), tl.float32)
    if first is not None:
        place = sequence * first_b + channel * first_d + state * first_n
        h = tl.load(first + place, mask=real, other=0.0).to(tl.float32)
    states += index
    sums += sequence * channels + channel
    for i in range(chunks):
        chunk = tl.cast(chunks - 1 - i if BACKWARD else i, tl.int64)
        alone = tl.load(states + chunk * size, mask=real, other=0.0)
        A_bar = decay(tl.load(sums + chunk * (size // n), mask=real, other=0.0), a)
        tl.store(states + chunk * size, h, mask=real)
        h = A_bar * h + alone


@triton.jit(do_not_specialize=(*SIZES, *STATE_STRIDES))
@no_type_check
def outputs(
    u, delta, A, B, C, D, bias, entering, path_index,
    y, last, saved_states,
    u_b, u_g, u_d, u_l,
    delta_b, delta_d, delta_l,
    A_d, A_n,
    B_b, B_g, B_n, B_l,
    C_b, C_g, C_n, C_l,
    D_d, bias_d, path_index_g, path_index_l,
    entering_c, entering_b, entering_d, entering_n,
    y_b, y_g, y_d, y_l,
    last_b, last_d, last_n,
    channels, n, length, blocks, chunks, groups, chunk_steps,
    SOFTPLUS: tl.constexpr, ZOH: tl.constexpr,
    EVERY: tl.constexpr, UNROLL: tl.constexpr, ROWS: tl.constexpr, N: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Compute y_t = sum_n C_t h_t + D u_t of one chunk from the state that enters it.

    ``saved_states`` (blocks of EVERY steps, b, n, d), or None, lies side by side in memory.
    """
    block, chunk, group, sequence = program_place(blocks, chunks, groups)
    channel, real = channel_tile(block, channels, ROWS, LANES)
    state = tl.arange(0, N)
    some = state < n
    whole = group * channels + channel
    tile = real[:, None, :] & some[None, :, None]
    a = per_state(A, A_d, A_n, whole, state, tile)
    a_inverse = inverse(a)
    shift = per_channel(bias, bias_d, whole, real)
    skip = per_channel(D, D_d, whole, real)
    if entering is not None:
        entering += chunk.to(tl.int64) * entering_c + sequence * entering_b
    h = per_state(entering, entering_d, entering_n, whole, state, tile)
    u += sequence * u_b + group * u_g + channel * u_d
    y += sequence * y_b + group * y_g + channel * y_d
    delta += sequence * delta_b + whole * delta_d
    B += sequence * B_b + group * B_g + state * B_n
    C += sequence * C_b + group * C_g + state * C_n
    if path_index is not None:
        path_index += group * path_index_g
    sequences = tl.num_programs(0) // (blocks * chunks * groups)
    d = groups * channels
    every = sequences.to(tl.int64) * n * d
    place = (sequence * n + state[None, :, None]) * d + whole[:, None, :]

    first = chunk * chunk_steps
    stop = tl.minimum(first + chunk_steps, length)
    for start in range(first, stop, UNROLL):
        if saved_states is not None:
            tl.store(saved_states + every * (start // EVERY) + place, h, mask=tile & (start % EVERY == 0))
        # Outputs are written after several steps: a write would hold back the reads of the next step.
        rows = ()
        results = ()
        for i in tl.static_range(UNROLL):
            t = start + i
            h, row, u_t = advance(
                h, t, stop, path_index, u, delta, B, path_index_l, u_l, delta_l, B_l,
                a, a_inverse, shift, real, some, SOFTPLUS, ZOH,
            )  # fmt: skip
            C_t = tl.load(C + row * C_l, mask=some & (t < stop), other=0.0).to(tl.float32)
            rows = rows + (row,)
            results = results + (tl.sum(h * C_t[None, :, None], axis=1) + skip * u_t,)
        for i in tl.static_range(UNROLL):
            tl.store(y + rows[i] * y_l, results[i], mask=real & (start + i < stop))
    if stop == length:
        place = whole[:, None, :] * last_d + state[None, :, None] * last_n
        tl.store(last + sequence * last_b + place, h, mask=tile)
