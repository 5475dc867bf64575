// The functions of vectors of W numbers that a scan needs.
#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// PLAIN_VECTORS has a compiler that knows vectors do without, so that the other way can be tried.
#if (defined(__GNUC__) || defined(__clang__)) && !defined(PLAIN_VECTORS)
#include "compiler_vectors.h"
#else
#include "plain_vectors.h"
#endif

namespace {

inline int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
inline int64_t pieces(int64_t all, int64_t size) { return (all + size - 1) / size; }

// 2^f for |f| <= 1/2, to 1.7e-7 and exact at 0.
inline V power_of_fraction(V f) {
    V p = f * 0.0013264727f + 0.009671513f;
    p = p * f + 0.055507336f;
    p = p * f + 0.24022242f;
    p = p * f + 0.693147f;
    return p * f + 1.0f;
}

inline V exp2(V z) {
    z = clamp(z);
    const V k = round_to_integer(z);
    return times_power_of_two(power_of_fraction(z - k), k);
}

// e^x for x <= 0, with the reduced argument to full precision (ln 2 in two parts).
inline V exp_negative(V x) {
    x = choose(x < -87.0f, constant(-87.0f), x);
    const V k = round_to_integer(x * 1.44269504f);
    const V r = (x - k * 0.693145752f) - k * 1.42860677e-6f;
    return times_power_of_two(power_of_fraction(r * 1.44269504f), k);
}

// log(1 + e^x) = max(x, 0) + log1p(e), e = e^-|x|; log1p(e) = 2 artanh(e / (2 + e)).
inline V softplus(V x) {
    const V e = exp_negative(choose(x > 0.0f, -x, x));
    const V s = e / (2.0f + e), q = s * s;
    V p = q * (1.0f / 13) + (1.0f / 11);
    p = p * q + (1.0f / 9);
    p = p * q + (1.0f / 7);
    p = p * q + (1.0f / 5);
    p = p * q + (1.0f / 3);
    p = p * q + 1.0f;
    return choose(x > 0.0f, x, V{}) + 2.0f * s * p;
}

inline I near_zero(V z) { return (z < 0.5f) & (z > -0.5f); }

// (e^z - 1) / z, given e^z; near 0, where the difference loses digits, by its series.
inline V relative_expm1(V z, V e) {
    V p = z * (1.0f / 9) + 1.0f;
    for (int k = 8; k > 1; --k) p = p * z * (1.0f / k) + 1.0f;
    return choose(near_zero(z), p, (e - 1.0f) / z);
}

// Its derivative, given e^z and its value r.
inline V relative_expm1_slope(V z, V e, V r) {
    V p = constant(1.0f);
    for (int k = 9; k > 1; --k) p = p * z * (float(k) / ((k + 1) * (k - 1))) + 1.0f;
    return choose(near_zero(z), 0.5f * p, (e - r) / z);
}

}  // namespace
