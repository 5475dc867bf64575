// The selective scan and the causal convolution of terramamba.ops on a CPU, forward and backward.
//
// One vector holds the same state of W neighbouring channels, so a scan is plain arithmetic on vectors with no
// shuffling. Inputs are read in blocks of steps into small aligned arrays; there a few states at a time go
// through all steps of the block in registers. Nothing of size steps * channels * states is ever stored: the
// backward pass starts from the state before each block, which the forward pass has kept, and works out the
// states inside again.
//
// The work is cut into shares of channels by the sizes alone and every sum is taken in a fixed order, so results
// do not depend on the number of threads.
//
// setup.py compiles this file once for each instruction set with LEVEL set to its name, and once without,
// which gives the functions that choose among them. Everything here is C or in an unnamed namespace: an inline
// function of a header, compiled for AVX-512, might otherwise be the one that the linker keeps for all levels.

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#if defined(__AVX2__)
#pragma GCC diagnostic push
#ifndef __clang__  // GCC takes the vectors that its own header leaves undefined for mistakes.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

extern "C" {

// A tensor over sequences, channels and steps; the rest are strides, in numbers.
struct Sequences { float* data; int64_t sequence, channel, step; };

// A tensor over sequences, groups, states and steps.
struct Weights { float* data; int64_t sequence, group, state, step; };

// One call. d channels are d / groups to a group. With places, a group is a path through a map: step t of path
// k is row places[k * length + t] of every tensor, all paths read the same d / groups channels of u, and y is
// their sum. A (d, n), D, bias (d) and state, last (b, d, n) are contiguous; D, bias, state may be null.
struct Scan {
    int64_t b, d, length, n, groups, softplus, zoh, threads;
    const int32_t* places;
    Sequences u, delta, y;
    Weights B, C;
    const float *A, *D, *bias, *state;
    float* last;
    float* kept;         // (blocks, b, n, d): the state before each block, or null
    // Gradients. dy is y; dlast is last; dB and dC are (shares, b, length, groups, n), dA is (b, d, n), dD and
    // dbias are (b, d); the first share or sequence of them is the sum over all when the call is over.
    Sequences du, ddelta;
    float *dB, *dC, *dA, *dD, *dbias, *dstate;
};

// y_t = sum over j <= t of k_j x_{t-j}; x, y (b, length, d) and k, dk (length, d) are contiguous.
// dk is (chunks of sequences, length, d), the first one the sum of all when the call is over.
struct Convolution {
    int64_t b, length, d, threads;
    const float *x, *k, *dy;
    float *y, *dx, *dk;
};

enum { BLOCK = 32, FEWEST_SHARES = 16, SEQUENCES_A_CHUNK = 8 };
}

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#ifdef LEVEL

namespace {

#if defined(__AVX512F__)
enum { W = 16, STATES = 4 };
#elif defined(__AVX2__) && defined(__FMA__)
enum { W = 8, STATES = 2 };
#else
enum { W = 4, STATES = 2 };
#endif

typedef float V __attribute__((vector_size(4 * W)));
typedef float Unaligned __attribute__((vector_size(4 * W), aligned(4), may_alias));
typedef int32_t I __attribute__((vector_size(4 * W)));
typedef float V4 __attribute__((vector_size(16)));
typedef int32_t I4 __attribute__((vector_size(16)));

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t pieces(int64_t all, int64_t size) { return (all + size - 1) / size; }
inline V constant(float x) { return V{} + x; }

// 2^f for |f| <= 1/2, to 1.7e-7 and exact at 0.
inline V power_of_fraction(V f) {
    V p = f * 0.0013264727f + 0.009671513f;
    p = p * f + 0.055507336f;
    p = p * f + 0.24022242f;
    p = p * f + 0.693147f;
    return p * f + 1.0f;
}

#if defined(__AVX512F__)
inline V round_to_integer(V z) { return _mm512_roundscale_ps(z, 8); }
inline V times_power_of_two(V p, V k) { return _mm512_scalef_ps(p, k); }
inline V clamp(V z) { return z; }
#else
#if defined(__AVX2__)
inline V round_to_integer(V z) { return _mm256_round_ps(z, 8); }
inline V clamp(V z) { return _mm256_min_ps(constant(128.0f), _mm256_max_ps(constant(-126.0f), z)); }
#else
inline V round_to_integer(V z) { return (z + 12582912.0f) - 12582912.0f; }
inline V clamp(V z) {
    z = z < -126.0f ? constant(-126.0f) : z;
    return z > 128.0f ? constant(128.0f) : z;
}
#endif
// Adding 1.5 * 2^23 puts the integer k into the last bits. Right for k from -126 to 128, and NaN stays NaN.
inline V times_power_of_two(V p, V k) { return (V)((I)p + ((I)(k + 12582912.0f) << 23)); }
#endif

inline V exp2(V z) {
    z = clamp(z);
    const V k = round_to_integer(z);
    return times_power_of_two(power_of_fraction(z - k), k);
}

// e^x for x <= 0, with the reduced argument to full precision (ln 2 in two parts).
inline V exp_negative(V x) {
    x = x < -87.0f ? constant(-87.0f) : x;
    const V k = round_to_integer(x * 1.44269504f);
    const V r = (x - k * 0.693145752f) - k * 1.42860677e-6f;
    return times_power_of_two(power_of_fraction(r * 1.44269504f), k);
}

// log(1 + e^x) = max(x, 0) + log1p(e), e = e^-|x|; log1p(e) = 2 artanh(e / (2 + e)).
inline V softplus(V x) {
    const V e = exp_negative(x > 0.0f ? -x : x);
    const V s = e / (2.0f + e), q = s * s;
    V p = q * (1.0f / 13) + (1.0f / 11);
    p = p * q + (1.0f / 9);
    p = p * q + (1.0f / 7);
    p = p * q + (1.0f / 5);
    p = p * q + (1.0f / 3);
    p = p * q + 1.0f;
    return (x > 0.0f ? x : V{}) + 2.0f * s * p;
}

inline I near_zero(V z) { return (z < 0.5f) & (z > -0.5f); }

// (e^z - 1) / z, given e^z; near 0, where the difference loses digits, by its series.
inline V relative_expm1(V z, V e) {
    V p = z * (1.0f / 9) + 1.0f;
    for (int k = 8; k > 1; --k) p = p * z * (1.0f / k) + 1.0f;
    return near_zero(z) ? p : (e - 1.0f) / z;
}

// Its derivative, given e^z and its value r.
inline V relative_expm1_slope(V z, V e, V r) {
    V p = constant(1.0f);
    for (int k = 9; k > 1; --k) p = p * z * (float(k) / ((k + 1) * (k - 1))) + 1.0f;
    return near_zero(z) ? 0.5f * p : (e - r) / z;
}

// Sums over the lanes of four vectors.
inline V4 lane_sums(const V* v) {
    V4 r[4];
    for (int i = 0; i < 4; ++i) {
        V4 quarter[W / 4];
        memcpy(quarter, v + i, sizeof(V));
        r[i] = quarter[0];
        for (int q = 1; q < W / 4; ++q) r[i] += quarter[q];
    }
#ifdef __clang__
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, (I4){i, j, k, l})
#endif
    const V4 s01 = SHUFFLE(r[0], r[1], 0, 4, 1, 5) + SHUFFLE(r[0], r[1], 2, 6, 3, 7);
    const V4 s23 = SHUFFLE(r[2], r[3], 0, 4, 1, 5) + SHUFFLE(r[2], r[3], 2, 6, 3, 7);
    return SHUFFLE(s01, s23, 0, 1, 4, 5) + SHUFFLE(s01, s23, 2, 3, 6, 7);
}

// Aligned memory of one task, handed out in pieces.
struct Scratch {
    char* all;
    size_t used, size;
    explicit Scratch(size_t vectors) : all(nullptr), used(0), size(vectors * sizeof(V)) {
        void* memory = nullptr;
        if (posix_memalign(&memory, 64, size) == 0) all = static_cast<char*>(memory);
    }
    ~Scratch() { free(all); }
    Scratch(const Scratch&) = delete;
    V* vectors(int64_t count) {
        V* piece = reinterpret_cast<V*>(all + used);
        used += size_t(count) * sizeof(V);
        return piece;
    }
};

inline V load_lanes(const float* p, int64_t stride, int64_t lanes) {
    V v = {};
    for (int64_t i = 0; i < lanes; ++i) v[i] = p[i * stride];
    return v;
}

inline void store_lanes(V v, float* p, int64_t stride, int64_t lanes) {
    for (int64_t i = 0; i < lanes; ++i) p[i * stride] = v[i];
}

// Some steps of W channels of a sequence: row(t) is where step t lies.
struct Rows {
    const int32_t* places;
    int64_t first;
    int64_t operator()(int64_t t) const { return places ? places[first + t] : first + t; }
};

inline void load(V* out, const float* p, int64_t channel, int64_t step, Rows row, int64_t steps, int64_t lanes) {
    if (channel == 1 && lanes == W) {
        for (int64_t t = 0; t < steps; ++t) out[t] = *reinterpret_cast<const Unaligned*>(p + row(t) * step);
        return;
    }
    if (lanes < W) memset(out, 0, size_t(steps) * sizeof(V));
    float* flat = reinterpret_cast<float*>(out);
    for (int64_t i = 0; i < lanes; ++i)
        for (int64_t t = 0; t < steps; ++t) flat[t * W + i] = p[i * channel + row(t) * step];
}

inline void store(const V* in, float* p, int64_t channel, int64_t step, Rows row, int64_t steps, int64_t lanes,
                  bool add) {
    if (channel == 1 && lanes == W) {
        for (int64_t t = 0; t < steps; ++t) {
            Unaligned* place = reinterpret_cast<Unaligned*>(p + row(t) * step);
            *place = add ? *place + in[t] : in[t];
        }
        return;
    }
    const float* flat = reinterpret_cast<const float*>(in);
    for (int64_t i = 0; i < lanes; ++i)
        for (int64_t t = 0; t < steps; ++t) {
            float* place = p + i * channel + row(t) * step;
            *place = (add ? *place : 0.0f) + flat[t * W + i];
        }
}

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
        const int64_t rows = s.places ? s.b : s.b * s.groups;
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
        const int64_t b = s.places ? row : row / s.groups;
        const int64_t group = s.places ? 0 : row % s.groups;
        return {b, group, s.places ? s.groups : group + 1, first * W, least(a_task * a_share, vectors - first), share};
    }
};

// The inputs of a block of steps of W channels.
struct Inputs {
    V *u, *raw, *delta, *drive;
    explicit Inputs(Scratch& memory)
        : u(memory.vectors(BLOCK)), raw(memory.vectors(BLOCK)), delta(memory.vectors(BLOCK)),
          drive(memory.vectors(BLOCK)) {}

    void read(const Scan& s, int64_t b, int64_t input, int64_t channel, Rows row, int64_t steps, int64_t lanes) {
        load(u, s.u.data + b * s.u.sequence + input * s.u.channel, s.u.channel, s.u.step, row, steps, lanes);
        load(raw, s.delta.data + b * s.delta.sequence + channel * s.delta.channel, s.delta.channel, s.delta.step,
             row, steps, lanes);
        const V bias = s.bias ? load_lanes(s.bias + channel, 1, lanes) : V{};
        for (int64_t t = 0; t < steps; ++t) {
            raw[t] += bias;
            delta[t] = s.softplus ? softplus(raw[t]) : raw[t];
            drive[t] = delta[t] * u[t];
        }
    }
};

// J states of W channels through a block: h_t = 2^(delta A2) h_{t-1} + drive_t B_t, y_t += C_t h_t.
template <bool zoh, int J>
inline void run(int64_t steps, int64_t n, const Inputs& in, const float* B, const float* C, const V* A, const V* A2,
                V* states, V* y) {
    V h[J];
    for (int j = 0; j < J; ++j) h[j] = states[j];
    for (int64_t t = 0; t < steps; ++t) {
        const V delta = in.delta[t], drive = in.drive[t];
        V sum = y[t];
        for (int j = 0; j < J; ++j) {
            const V a = exp2(delta * A2[j]);
            h[j] = a * h[j] + (zoh ? drive * relative_expm1(delta * A[j], a) : drive) * B[t * n + j];
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
            const Rows row = {s.places ? s.places + group * s.length : nullptr, first};
            load_weights(B, s.B, task.b, group, n, row, steps);
            load_weights(C, s.C, task.b, group, n, row, steps);
            for (int64_t v = 0; v < task.vectors; ++v) {
                const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
                const int64_t input = s.places ? c : base + c;
                if (s.kept)
                    for (int64_t j = 0; j < n; ++j)
                        store_lanes(h[v * n + j], s.kept + ((first / BLOCK * s.b + task.b) * n + j) * s.d + base + c, 1,
                                    lanes);
                in.read(s, task.b, input, base + c, row, steps, lanes);
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

// Gradients of the outputs and inputs of a block of steps of W channels. by_B is the gradient of drive times W
// of the discretization; by_delta that of delta through the decay (and, for zoh, through the input term).
struct Gradients {
    V *y, *by_B, *by_delta;
    explicit Gradients(Scratch& memory)
        : y(memory.vectors(BLOCK)), by_B(memory.vectors(BLOCK)), by_delta(memory.vectors(BLOCK)) {}
};

// J states of W channels through a block, forth from ``before`` and back. With g_t the gradient of h_t:
//   g_t = dy_t C_t + a_{t+1} g_{t+1}    dC_t += dy_t h_t    dB_t += w_t g_t    q_t = a_t h_{t-1} g_t
// where w_t = drive_t, for zoh drive_t r(delta_t A). ``carry`` is a g of the step after the block.
template <bool zoh, int J>
inline void run_back(int64_t steps, int64_t n, const Inputs& in, const Gradients& out, const float* B, const float* C,
                     const V* A, const V* A2, const V* before, V* carry, V* dA, V* decay, V* states, V* dB, V* dC) {
    V h[J];
    for (int j = 0; j < J; ++j) states[j] = h[j] = before[j];
    for (int64_t t = 0; t < steps; ++t) {
        const V delta = in.delta[t], drive = in.drive[t];
        for (int j = 0; j < J; ++j) {
            const V a = exp2(delta * A2[j]);
            decay[t * J + j] = a;
            h[j] = a * h[j] + (zoh ? drive * relative_expm1(delta * A[j], a) : drive) * B[t * n + j];
            states[(t + 1) * J + j] = h[j];
        }
    }
    V g_next[J], sum_A[J];
    for (int j = 0; j < J; ++j) g_next[j] = carry[j], sum_A[j] = dA[j];
    for (int64_t t = steps - 1; t >= 0; --t) {
        const V delta = in.delta[t], drive = in.drive[t], dy = out.y[t];
        V by_B = out.by_B[t], by_delta = out.by_delta[t];
        for (int j = 0; j < J; ++j) {
            const V a = decay[t * J + j];
            const V g = dy * C[t * n + j] + g_next[j];
            dC[t * n + j] += dy * states[(t + 1) * J + j];
            g_next[j] = a * g;
            const V q = g_next[j] * states[t * J + j], gB = g * B[t * n + j];
            by_delta += q * A[j];
            V dz = q;
            if (zoh) {
                const V z = delta * A[j], r = relative_expm1(z, a);
                dB[t * n + j] += g * drive * r;
                by_B += gB * r;
                by_delta += gB * in.u[t] * (a - r);
                dz += gB * drive * relative_expm1_slope(z, a, r);
            } else {
                dB[t * n + j] += g * drive;
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
      *dB = memory.vectors(sums), *dC = memory.vectors(sums), *decay = memory.vectors(BLOCK * STATES),
      *states = memory.vectors((BLOCK + 1) * STATES);
    float *B = reinterpret_cast<float*>(memory.vectors(weights)), *C = reinterpret_cast<float*>(memory.vectors(weights));
    memset(dB, 0, size_t(sums) * sizeof(V));
    memset(dC, 0, size_t(sums) * sizeof(V));
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
            const Rows row = {s.places ? s.places + group * s.length : nullptr, first};
            load_weights(B, s.B, task.b, group, n, row, steps);
            load_weights(C, s.C, task.b, group, n, row, steps);
            for (int64_t v = 0; v < task.vectors; ++v) {
                const int64_t c = task.first_channel + v * W, lanes = least(W, cut.width - c);
                const int64_t input = s.places ? c : base + c;
                in.read(s, task.b, input, base + c, row, steps, lanes);
                load(out.y, s.y.data + task.b * s.y.sequence + input * s.y.channel, s.y.channel, s.y.step, row, steps,
                     lanes);
                for (int64_t j = 0; j < n; ++j)
                    before[j] = load_lanes(s.kept + ((block * s.b + task.b) * n + j) * s.d + base + c, 1, lanes);
                memset(out.by_B, 0, size_t(steps) * sizeof(V));
                memset(out.by_delta, 0, size_t(steps) * sizeof(V));
                int64_t j = 0;
                for (; j + STATES <= n; j += STATES)
                    run_back<zoh, STATES>(steps, n, in, out, B + j, C + j, A + v * n + j, A2 + v * n + j, before + j,
                                          carry + v * n + j, dA + v * n + j, decay, states, dB + j, dC + j);
                for (; j < n; ++j)
                    run_back<zoh, 1>(steps, n, in, out, B + j, C + j, A + v * n + j, A2 + v * n + j, before + j,
                                     carry + v * n + j, dA + v * n + j, decay, states, dB + j, dC + j);
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

// The first of ``count`` arrays becomes the sum of all of them.
void add_up(float* parts, int64_t count, int64_t size, int64_t threads) {
    if (count < 2) return;
    const int64_t stretch = 4096;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t i = 0; i < pieces(size, stretch); ++i) {
        const int64_t end = least(size, (i + 1) * stretch);
        for (int64_t part = 1; part < count; ++part)
            for (int64_t k = i * stretch; k < end; ++k) parts[k] += parts[part * size + k];
    }
}

// J outputs: sum_t += sum over i < inputs of a_i lag_{t-i}, where lag has its past before it.
template <int J>
inline void convolve_tile(int64_t inputs, const V* a, const V* lag, V* out) {
    V sum[J];
    for (int t = 0; t < J; ++t) sum[t] = out[t];
    for (int64_t i = 0; i < inputs; ++i) {
        const V x = a[i];
        const V* k = lag - i;
        for (int t = 0; t < J; ++t) sum[t] += x * k[t];
    }
    for (int t = 0; t < J; ++t) out[t] = sum[t];
}

// out_t += sum over i <= t of a_i k_{t-i} for t < length. k has seven vectors of zeros before its first one.
inline void convolve(int64_t length, const V* a, const V* k, V* out) {
    int64_t t = 0;
    for (; t + 8 <= length; t += 8) convolve_tile<8>(t + 8, a, k + t, out + t);
    for (; t < length; ++t) convolve_tile<1>(t + 1, a, k + t, out + t);
}

// Some sequences of W channels. Backward, time runs the other way: reversed, dx is the convolution of dy with k,
// and dk the convolution of dy with x.
bool convolve_some(const Convolution& s, int64_t c, int64_t chunk, bool backward) {
    const int64_t length = s.length, lanes = least(W, s.d - c);
    Scratch memory(size_t(5 * length + 14));
    if (!memory.all) return false;
    memset(memory.all, 0, memory.size);
    V *k = memory.vectors(length + 7) + 7, *x = memory.vectors(length + 7) + 7, *out = memory.vectors(length),
      *dy = memory.vectors(length), *dk = memory.vectors(length);
    const Rows forth = {nullptr, 0};
    load(k, s.k + c, 1, s.d, forth, s.length, lanes);
    for (int64_t b = chunk * SEQUENCES_A_CHUNK; b < least(s.b, (chunk + 1) * SEQUENCES_A_CHUNK); ++b) {
        const int64_t start = b * s.length * s.d + c, end = start + (s.length - 1) * s.d;
        load(x, s.x + start, 1, s.d, forth, s.length, lanes);
        memset(out, 0, size_t(length) * sizeof(V));
        if (backward) {
            load(dy, s.dy + end, 1, -s.d, forth, s.length, lanes);
            convolve(length, dy, k, out);
            store(out, s.dx + end, 1, -s.d, forth, s.length, lanes, false);
            convolve(length, dy, x, dk);
        } else {
            convolve(length, x, k, out);
            store(out, s.y + start, 1, s.d, forth, s.length, lanes, false);
        }
    }
    if (backward) store(dk, s.dk + (chunk * s.length + s.length - 1) * s.d + c, 1, -s.d, forth, s.length, lanes, false);
    return true;
}

}  // namespace

extern "C" {

int64_t JOIN(shares_, LEVEL)(const Scan* s) { return Cut(*s).shares; }

int JOIN(scan_, LEVEL)(const Scan* s, int back) {
    const Cut cut(*s);
    int failed = 0;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic) reduction(| : failed)
    for (int64_t i = 0; i < cut.tasks; ++i) {
        const Task task = cut.task(*s, i);
        const bool done = back ? (s->zoh ? backward<true>(*s, cut, task) : backward<false>(*s, cut, task))
                               : (s->zoh ? forward<true>(*s, cut, task) : forward<false>(*s, cut, task));
        failed |= !done;
    }
    if (back && !failed) {
        const int64_t weights = s->b * s->length * s->groups * s->n;
        add_up(s->dB, cut.shares, weights, s->threads);
        add_up(s->dC, cut.shares, weights, s->threads);
        add_up(s->dA, s->b, s->d * s->n, s->threads);
        add_up(s->dD, s->b, s->d, s->threads);
        add_up(s->dbias, s->b, s->d, s->threads);
    }
    return failed;
}

int JOIN(convolution_, LEVEL)(const Convolution* s, int back) {
    const int64_t columns = pieces(s->d, W), chunks = pieces(s->b, SEQUENCES_A_CHUNK);
    int failed = 0;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic) reduction(| : failed)
    for (int64_t i = 0; i < columns * chunks; ++i) failed |= !convolve_some(*s, i % columns * W, i / columns, back != 0);
    if (back && !failed) add_up(s->dk, chunks, s->length * s->d, s->threads);
    return failed;
}

// Numbers in a vector: flags of the user may have kept the compiler from what the name says.
int JOIN(lanes_, LEVEL)() { return W; }
}

#else  // no LEVEL: the choice among them

#define DECLARE(level)                         \
    int64_t shares_##level(const Scan*);       \
    int scan_##level(const Scan*, int);        \
    int convolution_##level(const Convolution*, int); \
    int lanes_##level();

extern "C" {
DECLARE(plain)
#ifdef X86
DECLARE(avx2)
DECLARE(avx512)
#endif

// Numbers of the levels; native.py has their names in this order.
enum { PLAIN, AVX2, AVX512 };

int terramamba_has(int level) {
#ifdef X86
    if (level == AVX512) return lanes_avx512() == 16 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    if (level == AVX2) return lanes_avx2() == 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return level == PLAIN;
}

int terramamba_block() { return BLOCK; }
int terramamba_sequences_a_chunk() { return SEQUENCES_A_CHUNK; }

int terramamba_threaded() {
#ifdef _OPENMP
    return 1;
#else
    return 0;
#endif
}

#ifdef X86
#define CALL(name, ...) \
    (level == AVX512 ? name##_avx512(__VA_ARGS__) : level == AVX2 ? name##_avx2(__VA_ARGS__) : name##_plain(__VA_ARGS__))
#else
#define CALL(name, ...) name##_plain(__VA_ARGS__)
#endif

// How many shares of channels there are: how many arrays dB and dC need.
int64_t terramamba_shares(int level, const Scan* s) { return CALL(shares, s); }

// 0, or 1 where there is not enough memory.
int terramamba_scan(int level, const Scan* s, int back) { return CALL(scan, s, back); }
int terramamba_convolution(int level, const Convolution* s, int back) { return CALL(convolution, s, back); }
}

#endif
