// Vectors of W numbers as extensions of GCC and Clang: operators on them are single instructions.
#pragma once

#if defined(__AVX2__)
#pragma GCC diagnostic push
#ifndef __clang__  // GCC takes the vectors that its own header leaves undefined for mistakes.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

#include <stdint.h>
#include <string.h>

#include <utility>

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

inline V constant(float x) { return V{} + x; }
inline V choose(I where, V a, V b) { return where ? a : b; }

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

#ifdef __clang__
#define SHUFFLE(a, b, type, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define SHUFFLE(a, b, type, ...) __builtin_shuffle(a, b, (type){__VA_ARGS__})
#endif

// Sums over the lanes of four vectors.
inline V4 lane_sums(const V* v) {
    V4 r[4];
    for (int i = 0; i < 4; ++i) {
        V4 quarter[W / 4];
        memcpy(quarter, v + i, sizeof(V));
        r[i] = quarter[0];
        for (int q = 1; q < W / 4; ++q) r[i] += quarter[q];
    }
    const V4 s01 = SHUFFLE(r[0], r[1], I4, 0, 4, 1, 5) + SHUFFLE(r[0], r[1], I4, 2, 6, 3, 7);
    const V4 s23 = SHUFFLE(r[2], r[3], I4, 0, 4, 1, 5) + SHUFFLE(r[2], r[3], I4, 2, 6, 3, 7);
    return SHUFFLE(s01, s23, I4, 0, 1, 4, 5) + SHUFFLE(s01, s23, I4, 2, 3, 6, 7);
}

// Squares of side S on both sides of the diagonal of every square of side 2 S change places.
template <int S, int... K>
inline void transpose_squares(V* v, std::integer_sequence<int, K...>) {
#pragma GCC unroll 16
    for (int r = 0; r < W; ++r) {
        if (r & S) continue;
        const V a = v[r], b = v[r + S];
        v[r] = SHUFFLE(a, b, I, (K & S ? W + K - S : K)...);
        v[r + S] = SHUFFLE(a, b, I, (K & S ? W + K : K + S)...);
    }
}

// W vectors as a matrix: rows become columns.
template <int S = W / 2>
inline void transpose(V* v) {
    transpose_squares<S>(v, std::make_integer_sequence<int, W>());
    if constexpr (S > 1) transpose<S / 2>(v);
}

}  // namespace
