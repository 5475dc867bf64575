"""Triton kernel of the selective scan, backward; ``triton`` launches it, ``triton_steps`` explains it."""

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
    input_factor_slope,
    inverse,
    load_delta,
    per_channel,
    per_state,
    program_place,
    row_of,
    sigmoid,
)


@triton.jit(do_not_specialize=(*SIZES, *STATE_STRIDES))
@no_type_check
def gradients(
    dy, entering, saved_states, u, delta, A, B, C, D, bias, path_index,
    du, ddelta, dA, dB, dC, dD, dbias, dstate,
    dy_b, dy_g, dy_d, dy_l,
    entering_c, entering_b, entering_d, entering_n,
    u_b, u_g, u_d, u_l,
    delta_b, delta_d, delta_l,
    A_d, A_n,
    B_b, B_g, B_n, B_l,
    C_b, C_g, C_n, C_l,
    D_d, bias_d, path_index_g, path_index_l,
    du_b, du_g, du_d, du_l,
    ddelta_b, ddelta_d, ddelta_l,
    dstate_b, dstate_d, dstate_n,
    channels, n, length, blocks, chunks, groups, chunk_steps,
    SOFTPLUS: tl.constexpr, ZOH: tl.constexpr,
    EVERY: tl.constexpr, UNROLL: tl.constexpr, ROWS: tl.constexpr, N: tl.constexpr, LANES: tl.constexpr,
):  # fmt: skip
    """Compute the gradients of one chunk, from that of the state after it, which enters it here.

    The states of UNROLL steps are computed again from a saved one and held in registers; then these steps are
    walked in reverse. W is the ``input_factor``, g_t the gradient of h_t, q_t = Abar_t h_{t-1} g_t:

        g_t  = dy_t C_t + Abar_{t+1} g_{t+1}     dC_t = sum_d dy_t h_t     dB_t = sum_d W_t u_t g_t
        du_t = sum_n W_t B_t g_t + D dy_t        dDelta_t = sum_n (A q_t + dW/dDelta u_t B_t g_t)
                                                 dA       = sum_t (Delta_t q_t + dW/dA u_t B_t g_t)

    Parts of sums over programs lie side by side: dB, dC (blocks, b, length, groups, n), dA (chunks, b, n, d),
    dD and dbias (chunks, b, d); so does ``saved_states`` (blocks of EVERY steps, b, n, d).
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
    entering += chunk.to(tl.int64) * entering_c + sequence * entering_b
    g = per_state(entering, entering_d, entering_n, whole, state, tile)
    dy += sequence * dy_b + group * dy_g + channel * dy_d
    u += sequence * u_b + group * u_g + channel * u_d
    du += sequence * du_b + group * du_g + channel * du_d
    delta += sequence * delta_b + whole * delta_d
    ddelta += sequence * ddelta_b + whole * ddelta_d
    B += sequence * B_b + group * B_g + state * B_n
    C += sequence * C_b + group * C_g + state * C_n
    if path_index is not None:
        path_index += group * path_index_g
    sequences = tl.num_programs(0) // (blocks * chunks * groups)
    d = groups * channels
    every = sequences.to(tl.int64) * n * d
    place = (sequence * n + state[None, :, None]) * d + whole[:, None, :]
    weights = ((block * sequences + sequence) * length * groups + group) * n + state
    dB += weights
    dC += weights

    sum_A = tl.zeros((ROWS, N, LANES), tl.float32)
    sum_D = tl.zeros((ROWS, LANES), tl.float32)
    sum_bias = tl.zeros((ROWS, LANES), tl.float32)
    first = chunk * chunk_steps
    stop = tl.minimum(first + chunk_steps, length)
    parts = tl.cdiv(stop - first, UNROLL)
    for part in range(parts):
        start = first + (parts - 1 - part) * UNROLL
        h = tl.load(saved_states + every * (start // EVERY) + place, mask=tile, other=0.0)
        for t in range(start // EVERY * EVERY, start):
            h, row, u_t = advance(
                h, t, stop, path_index, u, delta, B, path_index_l, u_l, delta_l, B_l,
                a, a_inverse, shift, real, some, SOFTPLUS, ZOH,
            )  # fmt: skip
        before = ()
        for i in tl.static_range(UNROLL):
            before = before + (h,)
            t = start + i
            h, row, u_t = advance(
                h, t, stop, path_index, u, delta, B, path_index_l, u_l, delta_l, B_l,
                a, a_inverse, shift, real, some, SOFTPLUS, ZOH,
            )  # fmt: skip
        for i in tl.static_range(UNROLL - 1, -1, -1):
            t = start + i
            inside = t < stop
            row = row_of(t, inside, path_index, path_index_l)
            u_t = tl.load(u + row * u_l, mask=real & inside, other=0.0).to(tl.float32)
            dy_t = tl.load(dy + row * dy_l, mask=real & inside, other=0.0).to(tl.float32)
            delta_t, raw = load_delta(delta + row * delta_l, real & inside, shift, SOFTPLUS)
            B_t = tl.load(B + row * B_l, mask=some & inside, other=0.0).to(tl.float32)
            C_t = tl.load(C + row * C_l, mask=some & inside, other=0.0).to(tl.float32)
            B_t = B_t[None, :, None]
            delta_t = delta_t[:, None, :]
            A_bar = decay(delta_t, a)
            factor = input_factor(delta_t, a, a_inverse, A_bar, ZOH)

            dC_t = tl.sum(tl.sum(h * dy_t[:, None, :], axis=0), axis=1)
            g += C_t[None, :, None] * dy_t[:, None, :]
            dB_t = tl.sum(tl.sum(g * (factor * u_t[:, None, :]), axis=0), axis=1)
            gB = g * B_t
            g = A_bar * g
            q = g * before[i]
            if ZOH:
                du_t = tl.sum(factor * gB, axis=1)
                gBu = gB * u_t[:, None, :]
                ddelta_t = tl.sum(a * q + A_bar * gBu, axis=1)
                sum_A += delta_t * q + input_factor_slope(delta_t, a, a_inverse, A_bar, factor) * gBu
            else:
                summed = tl.sum(gB, axis=1)
                du_t = tl.sum(delta_t, axis=1) * summed
                ddelta_t = tl.sum(a * q, axis=1) + u_t * summed
                sum_A += delta_t * q
            h = before[i]
            if SOFTPLUS:
                ddelta_t *= sigmoid(raw)
            ddelta_t = tl.where(inside, ddelta_t, 0.0)
            sum_bias += ddelta_t
            sum_D += dy_t * u_t
            tl.store(du + row * du_l, du_t + skip * dy_t, mask=real & inside)
            tl.store(ddelta + row * ddelta_l, ddelta_t, mask=real & inside)
            tl.store(dB + row * groups * n, dB_t, mask=some & inside)
            tl.store(dC + row * groups * n, dC_t, mask=some & inside)

    tl.store(dA + every * chunk + place, sum_A, mask=tile)
    place = (chunk * sequences + sequence) * d + whole
    if D is not None:
        tl.store(dD + place, sum_D, mask=real)
    if bias is not None:
        tl.store(dbias + place, sum_bias, mask=real)
    if dstate is not None:
        place = whole[:, None, :] * dstate_d + state[None, :, None] * dstate_n
        tl.store(dstate + sequence * dstate_b + place, g, mask=tile & (chunk == 0))
