// The kernel of a scan whose parameters do not change, k_t = sum over n of w_n e^(t z_n), and its gradients.
#pragma once

#include "rows.h"

namespace {

// Steps in a row whose powers are taken once: e^(t z) is the product of a coarse and a fine power.
enum { FINE = 8 };

// J states of W channels: k_t += sum over j of w_j 2^(t z2_j).
template <int J>
inline void sum_exponentials(int64_t length, const V* z2, const V* w, V* k) {
    V fine[FINE][J], coarse[J];
    for (int r = 0; r < FINE; ++r)
        for (int j = 0; j < J; ++j) fine[r][j] = exp2(z2[j] * float(r));
    for (int64_t first = 0; first < length; first += FINE) {
        for (int j = 0; j < J; ++j) coarse[j] = w[j] * exp2(z2[j] * float(first));
        const int64_t steps = least(FINE, length - first);
        for (int64_t r = 0; r < steps; ++r) {
            V sum = k[first + r];
            for (int j = 0; j < J; ++j) sum += coarse[j] * fine[r][j];
            k[first + r] = sum;
        }
    }
}

// by_w_j = sum over t of dk_t e^(t z_j), and by_z_j = w_j times the same sum of t dk_t e^(t z_j).
template <int J>
inline void sum_exponentials_back(int64_t length, const V* z2, const V* w, const V* dk, V* by_z, V* by_w) {
    V fine[FINE][J], plain[J] = {}, sloped[J] = {};
    for (int r = 0; r < FINE; ++r)
        for (int j = 0; j < J; ++j) fine[r][j] = exp2(z2[j] * float(r));
    for (int64_t first = 0; first < length; first += FINE) {
        V near[J] = {}, near_sloped[J] = {};
        const int64_t steps = least(FINE, length - first);
        for (int64_t r = 0; r < steps; ++r)
            for (int j = 0; j < J; ++j) {
                const V a = dk[first + r] * fine[r][j];
                near[j] += a, near_sloped[j] += a * float(first + r);
            }
        for (int j = 0; j < J; ++j) {
            const V coarse = exp2(z2[j] * float(first));
            plain[j] += coarse * near[j], sloped[j] += coarse * near_sloped[j];
        }
    }
    for (int j = 0; j < J; ++j) by_w[j] = plain[j], by_z[j] = sloped[j] * w[j];
}

// W channels.
bool exponentials(const Exponentials& s, int64_t c, bool backward) {
    const int64_t n = s.n, lanes = least(W, s.d - c);
    Scratch memory(size_t(4 * n + s.length));
    if (!memory.all) return false;
    V *z2 = memory.vectors(n), *w = memory.vectors(n), *dz = memory.vectors(n), *dw = memory.vectors(n),
      *k = memory.vectors(s.length);
    for (int64_t j = 0; j < n; ++j) {
        z2[j] = load_lanes(s.z + c * n + j, n, lanes) * 1.44269504f;
        w[j] = load_lanes(s.w + c * n + j, n, lanes);
    }
    const Rows forth = {nullptr, 0};
    int64_t j = 0;
    if (backward) {
        load(k, s.dk + c, 1, s.d, forth, s.length, lanes);
        for (; j + 4 <= n; j += 4) sum_exponentials_back<4>(s.length, z2 + j, w + j, k, dz + j, dw + j);
        for (; j < n; ++j) sum_exponentials_back<1>(s.length, z2 + j, w + j, k, dz + j, dw + j);
        for (j = 0; j < n; ++j) {
            store_lanes(dz[j], s.dz + c * n + j, n, lanes);
            store_lanes(dw[j], s.dw + c * n + j, n, lanes);
        }
    } else {
        memset(k, 0, size_t(s.length) * sizeof(V));
        if (s.D) k[0] = load_lanes(s.D + c, 1, lanes);
        for (; j + 4 <= n; j += 4) sum_exponentials<4>(s.length, z2 + j, w + j, k);
        for (; j < n; ++j) sum_exponentials<1>(s.length, z2 + j, w + j, k);
        store(k, s.k + c, 1, s.d, forth, s.length, lanes, false);
    }
    return true;
}

}  // namespace
