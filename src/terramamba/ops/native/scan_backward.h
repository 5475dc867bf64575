// The gradients of the selective scan.
#pragma once

#include <initializer_list>

#include "scan_forward.h"

namespace {

// Gradients of the outputs and inputs of a block of steps of W channels. by_B is the gradient of delta_u times W
// of the discretization; by_delta that of delta through the decay (and, for zoh, through the input term).
struct Gradients {
    V *y, *by_B, *by_delta;
    explicit Gradients(Scratch& memory)
        : y(memory.vectors(BLOCK)), by_B(memory.vectors(BLOCK)), by_delta(memory.vectors(BLOCK)) {}
};

// J states of W channels through a block, forth from ``before`` and back. With g_t the gradient of h_t:
//   g_t = dy_t C_t + a_{t+1} g_{t+1}    dC_t += dy_t h_t    dB_t += w_t g_t    q_t = a_t h_{t-1} g_t
// where w_t = delta_u_t, for zoh delta_u_t r(delta_t A). ``carry`` is a g of the step after the block.
template <bool zoh, int J>
inline void run_back(int64_t steps, int64_t n, const Inputs& in, const Gradients& out, const float* B, const float* C,
                     const V* A, const V* A2, const V* before, V* carry, V* dA, V* A_bar, V* states, V* dB, V* dC) {
    V h[J];
    for (int j = 0; j < J; ++j) states[j] = h[j] = before[j];
    for (int64_t t = 0; t < steps; ++t) {
        const V delta = in.delta[t], delta_u = in.delta_u[t];
        for (int j = 0; j < J; ++j) {
            const V a = exp2(delta * A2[j]);
            A_bar[t * J + j] = a;
            h[j] = a * h[j] + (zoh ? delta_u * relative_expm1(delta * A[j], a) : delta_u) * B[t * n + j];
            states[(t + 1) * J + j] = h[j];
        }
    }
    V g_next[J], sum_A[J];
    for (int j = 0; j < J; ++j) g_next[j] = carry[j], sum_A[j] = dA[j];
    for (int64_t t = steps - 1; t >= 0; --t) {
        const V delta = in.delta[t], delta_u = in.delta_u[t], dy = out.y[t];
        V by_B = out.by_B[t], by_delta = out.by_delta[t];
        for (int j = 0; j < J; ++j) {
            const V a = A_bar[t * J + j];
            const V g = dy * C[t * n + j] + g_next[j];
            dC[t * n + j] += dy * states[(t + 1) * J + j];
            g_next[j] = a * g;
            const V q = g_next[j] * states[t * J + j], gB = g * B[t * n + j];
            by_delta += q * A[j];
            V dz = q;
            if (zoh) {
                const V z = delta * A[j], r = relative_expm1(z, a);
                dB[t * n + j] += g * delta_u * r;
                by_B += gB * r;
                by_delta += gB * in.u[t] * (a - r);
                dz += gB * delta_u * relative_expm1_slope(z, a, r);
            } else {
                dB[t * n + j] += g * delta_u;
                by_B += gB;
            }
            sum_A[j] += dz * delta;
        }
        out.by_B[t] = by_B, out.by_delta[t] = by_delta;
    }
    for (int j = 0; j < J; ++j) carry[j] = g_next[j], dA[j] = sum_A[j];
}

template <bool zoh>
bool backward(const Scan& s, const Cut& cut, const Task& task) {
    const int64_t n = s.n, all = task.vectors * n, weights = pieces(BLOCK * n, W), sums = BLOCK * n + 3;
    Scratch memory(size_t(7 * BLOCK + 2 * weights + 2 * sums + (2 * BLOCK + 1) * STATES + n + 4 * all + 2 * task.vectors));
    if (!memory.all) return false;
    Inputs in(memory);
    Gradients out(memory);
    V *A = memory.vectors(all), *A2 = memory.vectors(all), *carry = memory.vectors(all), *dA = memory.vectors(all),
      *dD = memory.vectors(task.vectors), *dbias = memory.vectors(task.vectors), *before = memory.vectors(n),
      *dB = memory.vectors(sums), *dC = memory.vectors(sums), *A_bar = memory.vectors(BLOCK * STATES),
      *states = memory.vectors((BLOCK + 1) * STATES);
    float *B = reinterpret_cast<float*>(memory.vectors(weights)), *C = reinterpret_cast<float*>(memory.vectors(weights));
    memset(dB, 0, size_t(sums) * sizeof(V));
    memset(dC, 0, size_t(sums) * sizeof(V));
    const int64_t width = least(task.vectors * W, cut.width - task.first_channel);
    for (int64_t group = task.first_group; group < task.last_group; ++group) {
        const int64_t base = group * cut.width;
        for (int64_t v = 0; v < task.vectors; ++v) {
            const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
            dD[v] = dbias[v] = V{};
            for (int64_t j = 0; j < n; ++j) {
                A[v * n + j] = load_lanes(s.A + (base + c) * n + j, n, lanes);
                A2[v * n + j] = A[v * n + j] * 1.44269504f;
                carry[v * n + j] = load_lanes(s.last + (task.b * s.d + base + c) * n + j, n, lanes);
                dA[v * n + j] = V{};
            }
        }
        for (int64_t block = pieces(s.length, BLOCK) - 1; block >= 0; --block) {
            const int64_t first = block * BLOCK, steps = least(BLOCK, s.length - first);
            const Rows row = {s.path_index ? s.path_index + group * s.length : nullptr, first},
                       next = {row.path_index, first - BLOCK};
            const int64_t next_steps = block ? BLOCK : 0, inputs = task.first_channel + (s.path_index ? 0 : base);
            load_weights(B, s.B, task.b, group, n, row, steps);
            load_weights(C, s.C, task.b, group, n, row, steps);
            for (int64_t v = 0; v < task.vectors; ++v) {
                const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
                const int64_t input = s.path_index ? c : base + c;
                in.read(s, task.b, input, base + c, row, steps, lanes);
                for (const Sequences& x : {s.u, s.y, s.du})
                    prefetch(x, task.b, inputs, next, next_steps, v, task.vectors, width);
                for (const Sequences& x : {s.delta, s.ddelta})
                    prefetch(x, task.b, base + task.first_channel, next, next_steps, v, task.vectors, width);
                load(out.y, s.y.data + task.b * s.y.sequence + input * s.y.channel, s.y.channel, s.y.step, row, steps,
                     lanes);
                for (int64_t j = 0; j < n; ++j)
                    before[j] =
                        load_lanes(s.saved_states + ((block * s.b + task.b) * n + j) * s.d + base + c, 1, lanes);
                memset(out.by_B, 0, size_t(steps) * sizeof(V));
                memset(out.by_delta, 0, size_t(steps) * sizeof(V));
                int64_t j = 0;
                for (; j + STATES <= n; j += STATES)
                    run_back<zoh, STATES>(steps, n, in, out, B + j, C + j, A + v * n + j, A2 + v * n + j, before + j,
                                          carry + v * n + j, dA + v * n + j, A_bar, states, dB + j, dC + j);
                for (; j < n; ++j)
                    run_back<zoh, 1>(steps, n, in, out, B + j, C + j, A + v * n + j, A2 + v * n + j, before + j,
                                     carry + v * n + j, dA + v * n + j, A_bar, states, dB + j, dC + j);
                const V D = s.D ? load_lanes(s.D + base + c, 1, lanes) : V{};
                for (int64_t t = 0; t < steps; ++t) {
                    const V delta = in.delta[t], u = in.u[t];
                    V ddelta = out.by_delta[t] + u * out.by_B[t];
                    // The slope of softplus is 1 - e^-softplus.
                    if (s.softplus) ddelta *= delta * relative_expm1(-delta, exp_negative(-delta));
                    dD[v] += out.y[t] * u;
                    dbias[v] += ddelta;
                    out.by_B[t] = delta * out.by_B[t] + D * out.y[t];
                    out.by_delta[t] = ddelta;
                }
                store(out.by_B, s.du.data + task.b * s.du.sequence + input * s.du.channel, s.du.channel, s.du.step, row,
                      steps, lanes, group > task.first_group);
                store(out.by_delta, s.ddelta.data + task.b * s.ddelta.sequence + (base + c) * s.ddelta.channel,
                      s.ddelta.channel, s.ddelta.step, row, steps, lanes, false);
                if ((v + 1) % cut.a_share && v + 1 < task.vectors) continue;
                const int64_t part = ((task.first_share + v / cut.a_share) * s.b + task.b) * s.length;
                for (int64_t t = 0; t < steps; ++t) {
                    const int64_t place = ((part + row(t)) * s.groups + group) * n;
                    for (int64_t j = 0; j < n; j += 4) {
                        const V4 b = lane_sums(dB + t * n + j), c = lane_sums(dC + t * n + j);
                        for (int64_t i = 0; i < least(4, n - j); ++i)
                            s.dB[place + j + i] = b[i], s.dC[place + j + i] = c[i];
                    }
                }
                memset(dB, 0, size_t(sums) * sizeof(V));
                memset(dC, 0, size_t(sums) * sizeof(V));
            }
        }
        for (int64_t v = 0; v < task.vectors; ++v) {
            const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
            const int64_t place = task.b * s.d + base + c;
            store_lanes(dD[v], s.dD + place, 1, lanes);
            store_lanes(dbias[v], s.dbias + place, 1, lanes);
            for (int64_t j = 0; j < n; ++j) {
                store_lanes(dA[v * n + j], s.dA + place * n + j, n, lanes);
                store_lanes(carry[v * n + j], s.dstate + place * n + j, n, lanes);
            }
        }
    }
    return true;
}

}  // namespace
