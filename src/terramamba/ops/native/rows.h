// Memory for one task, and rows of strided tensors into it and back.
#pragma once

#include "calls.h"
#include "vectors.h"

#if defined(__GNUC__) || defined(__clang__)
#define ALWAYS_INLINE __attribute__((always_inline)) inline
#define PREFETCH(address) __builtin_prefetch(address, 0, 2)
#else
#define ALWAYS_INLINE inline
#define PREFETCH(address) static_cast<void>(address)
#endif

namespace {

// Aligned memory of one task, handed out in pieces.
struct Scratch {
    char* all;
    size_t used, size;
    explicit Scratch(size_t vectors) : all(nullptr), used(0), size(vectors * sizeof(V)) {
        void* memory = nullptr;
#ifdef _WIN32
        memory = _aligned_malloc(size, 64);
#else
        if (posix_memalign(&memory, 64, size) != 0) memory = nullptr;
#endif
        all = static_cast<char*>(memory);
    }
    ~Scratch() {
#ifdef _WIN32
        _aligned_free(all);
#else
        free(all);
#endif
    }
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
    const int32_t* path_index;
    int64_t first;
    int64_t operator()(int64_t t) const { return path_index ? path_index[first + t] : first + t; }
};

// Rows of numbers that are read soon: where channels lie together, steps are rows far apart, which a processor does
// not foresee. (Always inline, because GCC drops calls of a function that does nothing else.)
ALWAYS_INLINE void prefetch(const float* p, int64_t numbers) {
    for (int64_t i = 0; i < numbers; i += 16) PREFETCH(p + i);
}

inline void load(V* out, const float* p, int64_t channel, int64_t step, Rows row, int64_t steps, int64_t lanes) {
    if (channel == 1 && lanes == W) {
        for (int64_t t = 0; t < steps; ++t) out[t] = *reinterpret_cast<const Unaligned*>(p + row(t) * step);
        return;
    }
    if (lanes < W) memset(out, 0, size_t(steps) * sizeof(V));
    int64_t squares = 0;
    if (step == 1 && !row.path_index)
        for (; squares + W <= steps; squares += W) {
            V square[W] = {};
            for (int64_t i = 0; i < lanes; ++i)
                square[i] = *reinterpret_cast<const Unaligned*>(p + i * channel + row(squares));
            transpose(square);
            memcpy(out + squares, square, sizeof square);
        }
    float* flat = reinterpret_cast<float*>(out);
    for (int64_t i = 0; i < lanes; ++i)
        for (int64_t t = squares; t < steps; ++t) flat[t * W + i] = p[i * channel + row(t) * step];
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
    int64_t squares = 0;
    if (step == 1 && !row.path_index)
        for (; squares + W <= steps; squares += W) {
            V square[W];
            memcpy(square, in + squares, sizeof square);
            transpose(square);
            for (int64_t i = 0; i < lanes; ++i) {
                Unaligned* place = reinterpret_cast<Unaligned*>(p + i * channel + row(squares));
                *place = add ? *place + square[i] : square[i];
            }
        }
    const float* flat = reinterpret_cast<const float*>(in);
    for (int64_t i = 0; i < lanes; ++i)
        for (int64_t t = squares; t < steps; ++t) {
            float* place = p + i * channel + row(t) * step;
            *place = (add ? *place : 0.0f) + flat[t * W + i];
        }
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

}  // namespace
