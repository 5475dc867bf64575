// Vectors of W numbers and the functions of them that a scan needs.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <utility>
#if defined(__AVX2__)
#pragma GCC diagnostic push
#ifndef __clang__  // GCC takes the vectors that its own header leaves undefined for mistakes.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>
#pragma GCC diagnostic pop
#endif

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
