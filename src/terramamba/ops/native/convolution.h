// The causal convolution of channels with kernels of their own, and its gradients.
#pragma once

#include "rows.h"

namespace {

// Outputs of a tile, as many as leave room in the registers for as many lags of the kernel.
#if defined(__AVX512F__)
enum { TILE = 8 };
#else
enum { TILE = 6 };
#endif

// W channels of a sequence as they lie in memory: from one token to the next it is ``step`` numbers.
struct Column {
    float* data;
    int64_t step;
    explicit Column(V* packed) : data(reinterpret_cast<float*>(packed)), step(W) {}
    Column(const float* first, int64_t to_next) : data(const_cast<float*>(first)), step(to_next) {}
    Unaligned& operator[](int64_t t) const { return *reinterpret_cast<Unaligned*>(data + t * step); }
};

// Outputs first + before ... first + before + TILE - 1, where first < TILE and before is a multiple of TILE.
// An input meets TILE lags in a row, and the next one all of these but one: the lags stay in registers, lag m in
// the one with number m % TILE, and each step loads a single one.
template <bool add>
inline void convolve_tile(int64_t first, int64_t before, Column a, const V* k, Column out) {
    V sum[TILE], lag[TILE];
#pragma GCC unroll 8
    for (int t = 0; t < TILE; ++t) sum[t] = add ? V(out[first + before + t]) : V{};
    for (int64_t i = 0; i < first; ++i) {
        const V x = a[i], *of_first = k + first + before - i;
#pragma GCC unroll 8
        for (int t = 0; t < TILE; ++t) sum[t] += x * of_first[t];
    }
#pragma GCC unroll 8
    for (int t = 1; t < TILE; ++t) lag[t] = k[before + t];
    for (int64_t i = 0; i < before; i += TILE) {
#pragma GCC unroll 8
        for (int q = 0; q < TILE; ++q) {
            lag[(TILE - q) % TILE] = k[before - i - q];
            const V x = a[first + i + q];
#pragma GCC unroll 8
            for (int t = 0; t < TILE; ++t) sum[t] += x * lag[(TILE + t - q) % TILE];
        }
    }
    lag[0] = k[0];
#pragma GCC unroll 8
    for (int q = 0; q < TILE; ++q) {
        const V x = a[first + before + q];
#pragma GCC unroll 8
        for (int t = 0; t < TILE; ++t)
            if (t >= q) sum[t] += x * lag[t - q];
    }
#pragma GCC unroll 8
    for (int t = 0; t < TILE; ++t) out[first + before + t] = sum[t];
}

// out_t = sum over i <= t of a_i k_{t-i} for t < length, or that much more of it.
template <bool add>
inline void convolve(int64_t length, Column a, const V* k, Column out) {
    const int64_t first = length % TILE;
    for (int64_t t = 0; t < first; ++t) {
        V sum = add ? V(out[t]) : V{};
        for (int64_t i = 0; i <= t; ++i) sum += a[i] * k[t - i];
        out[t] = sum;
    }
    for (int64_t before = 0; before < length - first; before += TILE)
        convolve_tile<add>(first, before, a, k, out);
}

// The kernel, W channels after W channels: what all sequences read again and again.
struct Packed {
    Scratch memory;
    int64_t length;
    explicit Packed(const Convolution& s) : memory(size_t(pieces(s.d, W) * s.length)), length(s.length) {
        if (!memory.all) return;
#pragma omp parallel for num_threads(s.threads) schedule(static)
        for (int64_t v = 0; v < pieces(s.d, W); ++v)
            load(column(v), s.k + v * W, 1, s.d, {nullptr, 0}, length, least(W, s.d - v * W));
    }
    V* column(int64_t v) const { return reinterpret_cast<V*>(memory.all) + v * length; }
};

// A sequence of more numbers would not stay in the cache until its turn comes.
enum { LARGEST_AHEAD = 1 << 16 };

// A chunk of sequences of some channels, W at a time. Backward, time runs the other way: reversed, dx is the
// convolution of dy with k, and dk the convolution of dy with x.
bool convolve_some(const Convolution& s, const Packed& k, int64_t chunk, int64_t first_vector, int64_t vectors,
                   bool backward) {
    const int64_t length = s.length, last = (length - 1) * s.d, size = length * s.d;
    Scratch memory(size_t((3 + (backward ? vectors : 0)) * length));
    if (!memory.all) return false;
    V *x = memory.vectors(length), *dy = memory.vectors(length), *out = memory.vectors(length),
      *dk = memory.vectors(backward ? vectors * length : 0);
    if (backward) memset(dk, 0, size_t(vectors * length) * sizeof(V));
    const Rows forth = {nullptr, 0};
    const int64_t end = least(s.b, (chunk + 1) * SEQUENCES_A_CHUNK);
    for (int64_t b = chunk * SEQUENCES_A_CHUNK; b < end; ++b)
        for (int64_t v = first_vector; v < first_vector + vectors; ++v) {
            const int64_t c = v * W, lanes = least(W, s.d - c), start = b * size + c;
            if (b + 1 < end && size <= LARGEST_AHEAD) {
                const int64_t part = pieces(size, vectors), next = (b + 1) * size + (v - first_vector) * part;
                prefetch(s.x + next, part);
                prefetch((backward ? s.dy : s.y) + next, part);
            }
            const bool whole = lanes == W;
            if (backward) {
                load(x, s.x + start, 1, s.d, forth, length, lanes);
                if (!whole) load(dy, s.dy + start + last, 1, -s.d, forth, length, lanes);
                const Column from = whole ? Column(s.dy + start + last, -s.d) : Column(dy);
                convolve<false>(length, from, k.column(v), whole ? Column(s.dx + start + last, -s.d) : Column(out));
                convolve<true>(length, from, x, Column(dk + (v - first_vector) * length));
                if (!whole) store(out, s.dx + start + last, 1, -s.d, forth, length, lanes, false);
            } else if (whole) {
                convolve<false>(length, Column(s.x + start, s.d), k.column(v), Column(s.y + start, s.d));
            } else {
                load(x, s.x + start, 1, s.d, forth, length, lanes);
                convolve<false>(length, Column(x), k.column(v), Column(out));
                store(out, s.y + start, 1, s.d, forth, length, lanes, false);
            }
        }
    for (int64_t v = first_vector; backward && v < first_vector + vectors; ++v)
        store(dk + (v - first_vector) * length, s.dk + chunk * size + last + v * W, 1, -s.d, forth, length,
              least(W, s.d - v * W), false);
    return true;
}

// All of it, cut into chunks of sequences and, where these are few, into pieces of channels too.
bool convolve_all(const Convolution& s, bool backward) {
    const int64_t vectors = pieces(s.d, W), chunks = pieces(s.b, SEQUENCES_A_CHUNK);
    const int64_t a_task = pieces(vectors, pieces(4 * s.threads, chunks)), cuts = pieces(vectors, a_task);
    const Packed k(s);
    int failed = !k.memory.all;
#pragma omp parallel for num_threads(s.threads) schedule(dynamic) reduction(| : failed)
    for (int64_t i = 0; i < chunks * cuts; ++i) {
        const int64_t first = i % cuts * a_task;
        if (k.memory.all) failed |= !convolve_some(s, k, i / cuts, first, least(a_task, vectors - first), backward);
    }
    if (backward && !failed) add_up(s.dk, chunks, s.length * s.d, s.threads);
    return !failed;
}

}  // namespace
