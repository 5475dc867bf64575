// Vectors of W numbers in C++ alone, for compilers without such extensions (MSVC): loops that they may unroll.
#pragma once

#include <stdint.h>
#include <string.h>

namespace {

enum { W = 4, STATES = 2 };

struct V {
    float lanes[W];
    float& operator[](int64_t i) { return lanes[i]; }
    float operator[](int64_t i) const { return lanes[i]; }
};
typedef V Unaligned;
typedef V V4;

struct I {
    bool lanes[W];
};

inline V constant(float x) {
    V v;
    for (int i = 0; i < W; ++i) v[i] = x;
    return v;
}

#define ARITHMETIC(op)                                            \
    inline V operator op(V a, V b) {                              \
        for (int i = 0; i < W; ++i) a[i] = a[i] op b[i];          \
        return a;                                                 \
    }                                                             \
    inline V operator op(V a, float b) { return a op constant(b); } \
    inline V operator op(float a, V b) { return constant(a) op b; } \
    inline V& operator op##=(V& a, V b) { return a = a op b; }    \
    inline V& operator op##=(V& a, float b) { return a = a op b; }
ARITHMETIC(+)
ARITHMETIC(-)
ARITHMETIC(*)
ARITHMETIC(/)
#undef ARITHMETIC

inline V operator-(V a) {
    for (int i = 0; i < W; ++i) a[i] = -a[i];
    return a;
}

#define COMPARISON(op)                                                \
    inline I operator op(V a, float b) {                              \
        I where;                                                      \
        for (int i = 0; i < W; ++i) where.lanes[i] = a.lanes[i] op b; \
        return where;                                                 \
    }
COMPARISON(<)
COMPARISON(>)
#undef COMPARISON

inline I operator&(I a, I b) {
    for (int i = 0; i < W; ++i) a.lanes[i] = a.lanes[i] && b.lanes[i];
    return a;
}

inline V choose(I where, V a, V b) {
    for (int i = 0; i < W; ++i) a[i] = where.lanes[i] ? a[i] : b[i];
    return a;
}

inline V round_to_integer(V z) { return (z + 12582912.0f) - 12582912.0f; }

inline V clamp(V z) {
    z = choose(z < -126.0f, constant(-126.0f), z);
    return choose(z > 128.0f, constant(128.0f), z);
}

// Adding 1.5 * 2^23 puts the integer k into the last bits. Right for k from -126 to 128, and NaN stays NaN.
inline V times_power_of_two(V p, V k) {
    uint32_t bits[W], shifted[W];
    memcpy(bits, &p, sizeof p);
    k += 12582912.0f;
    memcpy(shifted, &k, sizeof k);
    for (int i = 0; i < W; ++i) bits[i] += shifted[i] << 23;
    memcpy(&p, bits, sizeof p);
    return p;
}

// Sums over the lanes of four vectors.
inline V4 lane_sums(const V* v) {
    V4 sums;
    for (int i = 0; i < 4; ++i) sums[i] = (v[i][0] + v[i][1]) + (v[i][2] + v[i][3]);
    return sums;
}

// W vectors as a matrix: rows become columns.
inline void transpose(V* v) {
    for (int r = 0; r < W; ++r)
        for (int c = 0; c < r; ++c) {
            const float above = v[c][r];
            v[c][r] = v[r][c];
            v[r][c] = above;
        }
}

}  // namespace
