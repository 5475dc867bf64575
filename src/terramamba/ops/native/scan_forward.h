// The selective scan: how it is cut into tasks, and its outputs.
#pragma once

#include "rows.h"

namespace {

inline void load_weights(float* out, const Weights& w, int64_t b, int64_t group, int64_t n, Rows row, int64_t steps) {
    const float* p = w.data + b * w.sequence + group * w.group;
    for (int64_t t = 0; t < steps; ++t) {
        const float* from = p + row(t) * w.step;
        if (w.state == 1)
            for (int64_t j = 0; j < n; ++j) out[t * n + j] = from[j];
        else
            for (int64_t j = 0; j < n; ++j) out[t * n + j] = from[j * w.state];
    }
}

// What a task works on: all steps of some channels, W at a time, of one sequence; of one group or of all paths.
struct Task {
    int64_t b, first_group, last_group, first_channel, vectors, first_share;
};

// How the channels of a group are cut up. Sums over channels are taken share by share: shares depend on the sizes
// alone. A task has as many shares as leave work for every thread, since neighbouring channels share their pages
// and cache lines.
struct Cut {
    int64_t width, vectors, a_share, shares, a_task, tasks_a_row, tasks;
    Cut(const Scan& s) {
        width = s.d / s.groups;
        vectors = pieces(width, W);
        const int64_t rows = s.path_index ? s.b : s.b * s.groups;
        a_share = vectors > 0 ? vectors : 1;
        while (a_share > 1 && rows * pieces(vectors, a_share) < FEWEST_SHARES) --a_share;
        shares = pieces(vectors, a_share);
        a_task = shares;
        while (a_task > 1 && rows * pieces(shares, a_task) < 2 * s.threads) --a_task;
        tasks_a_row = a_task > 0 ? pieces(shares, a_task) : 0;
        tasks = rows * tasks_a_row;
    }
    Task task(const Scan& s, int64_t i) const {
        const int64_t share = i % tasks_a_row * a_task, row = i / tasks_a_row, first = share * a_share;
        const int64_t b = s.path_index ? row : row / s.groups;
        const int64_t group = s.path_index ? 0 : row % s.groups;
        const int64_t stop = s.path_index ? s.groups : group + 1;
        return {b, group, stop, first * W, least(a_task * a_share, vectors - first), share};
    }
};

// Ask for the v-th part of some channels in a block of steps, of as many parts as there are vectors.
ALWAYS_INLINE void prefetch(const Sequences& x, int64_t b, int64_t channel, Rows row, int64_t steps, int64_t v,
                            int64_t vectors, int64_t width) {
    const float* p = x.data + b * x.sequence + channel * x.channel;
    if (x.channel == 1)
        for (int64_t t = steps * v / vectors; t < steps * (v + 1) / vectors; ++t) prefetch(p + row(t) * x.step, width);
    else if (!row.path_index)
        for (int64_t c = v * W; c < least(v * W + W, width); ++c) prefetch(p + c * x.channel + row.first, steps);
}

// The inputs of a block of steps of W channels.
struct Inputs {
    V *u, *raw, *delta, *delta_u;
    explicit Inputs(Scratch& memory)
        : u(memory.vectors(BLOCK)), raw(memory.vectors(BLOCK)), delta(memory.vectors(BLOCK)),
          delta_u(memory.vectors(BLOCK)) {}

    void read(const Scan& s, int64_t b, int64_t input, int64_t channel, Rows row, int64_t steps, int64_t lanes) {
        load(u, s.u.data + b * s.u.sequence + input * s.u.channel, s.u.channel, s.u.step, row, steps, lanes);
        load(raw, s.delta.data + b * s.delta.sequence + channel * s.delta.channel, s.delta.channel, s.delta.step,
             row, steps, lanes);
        const V bias = s.bias ? load_lanes(s.bias + channel, 1, lanes) : V{};
        for (int64_t t = 0; t < steps; ++t) {
            raw[t] += bias;
            delta[t] = s.softplus ? softplus(raw[t]) : raw[t];
            delta_u[t] = delta[t] * u[t];
        }
    }
};

// J states of W channels through a block: h_t = 2^(delta A2) h_{t-1} + delta_u_t B_t, y_t += C_t h_t.
template <bool zoh, int J>
inline void run(int64_t steps, int64_t n, const Inputs& in, const float* B, const float* C, const V* A, const V* A2,
                V* states, V* y) {
    V h[J];
    for (int j = 0; j < J; ++j) h[j] = states[j];
    for (int64_t t = 0; t < steps; ++t) {
        const V delta = in.delta[t], delta_u = in.delta_u[t];
        V sum = y[t];
        for (int j = 0; j < J; ++j) {
            const V a = exp2(delta * A2[j]);
            h[j] = a * h[j] + (zoh ? delta_u * relative_expm1(delta * A[j], a) : delta_u) * B[t * n + j];
            sum += h[j] * C[t * n + j];
        }
        y[t] = sum;
    }
    for (int j = 0; j < J; ++j) states[j] = h[j];
}

template <bool zoh>
bool forward(const Scan& s, const Cut& cut, const Task& task) {
    const int64_t n = s.n, weights = pieces(BLOCK * n, W);
    Scratch memory(size_t(5 * BLOCK + 2 * weights + 3 * task.vectors * n));
    if (!memory.all) return false;
    Inputs in(memory);
    V *y = memory.vectors(BLOCK), *A = memory.vectors(task.vectors * n), *A2 = memory.vectors(task.vectors * n),
      *h = memory.vectors(task.vectors * n);
    float *B = reinterpret_cast<float*>(memory.vectors(weights)), *C = reinterpret_cast<float*>(memory.vectors(weights));
    const int64_t width = least(task.vectors * W, cut.width - task.first_channel);
    for (int64_t group = task.first_group; group < task.last_group; ++group) {
        const int64_t base = group * cut.width;
        for (int64_t v = 0; v < task.vectors; ++v) {
            const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
            for (int64_t j = 0; j < n; ++j) {
                A[v * n + j] = load_lanes(s.A + (base + c) * n + j, n, lanes);
                A2[v * n + j] = A[v * n + j] * 1.44269504f;
                h[v * n + j] = s.state ? load_lanes(s.state + (task.b * s.d + base + c) * n + j, n, lanes) : V{};
            }
        }
        for (int64_t first = 0; first < s.length; first += BLOCK) {
            const int64_t steps = least(BLOCK, s.length - first);
            const Rows row = {s.path_index ? s.path_index + group * s.length : nullptr, first},
                       next = {row.path_index, first + BLOCK};
            const int64_t next_steps = least(BLOCK, s.length - next.first);
            load_weights(B, s.B, task.b, group, n, row, steps);
            load_weights(C, s.C, task.b, group, n, row, steps);
            for (int64_t v = 0; v < task.vectors; ++v) {
                const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
                const int64_t input = s.path_index ? c : base + c;
                if (s.saved_states)
                    for (int64_t j = 0; j < n; ++j)
                        store_lanes(h[v * n + j],
                                    s.saved_states + ((first / BLOCK * s.b + task.b) * n + j) * s.d + base + c, 1,
                                    lanes);
                in.read(s, task.b, input, base + c, row, steps, lanes);
                const int64_t inputs = task.first_channel + (s.path_index ? 0 : base);
                prefetch(s.u, task.b, inputs, next, next_steps, v, task.vectors, width);
                prefetch(s.delta, task.b, base + task.first_channel, next, next_steps, v, task.vectors, width);
                prefetch(s.y, task.b, inputs, next, next_steps, v, task.vectors, width);
                const V D = s.D ? load_lanes(s.D + base + c, 1, lanes) : V{};
                for (int64_t t = 0; t < steps; ++t) y[t] = D * in.u[t];
                int64_t j = 0;
                for (; j + 4 <= n; j += 4)
                    run<zoh, 4>(steps, n, in, B + j, C + j, A + v * n + j, A2 + v * n + j, h + v * n + j, y);
                for (; j < n; ++j)
                    run<zoh, 1>(steps, n, in, B + j, C + j, A + v * n + j, A2 + v * n + j, h + v * n + j, y);
                store(y, s.y.data + task.b * s.y.sequence + input * s.y.channel, s.y.channel, s.y.step, row, steps,
                      lanes, group > task.first_group);
            }
        }
        for (int64_t v = 0; v < task.vectors; ++v) {
            const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
            for (int64_t j = 0; j < n; ++j)
                store_lanes(h[v * n + j], s.last + (task.b * s.d + base + c) * n + j, n, lanes);
        }
    }
    return true;
}

}  // namespace
