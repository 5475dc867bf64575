// The kernel of a scan whose parameters do not change, k_t = sum over n of w_n e^(t z_n), and its gradients.
#pragma once

#include "rows.h"

namespace {

// J states of W channels: k_t += sum over j of w_j 2^(t z2_j).
template <int J>
inline void sum_exponentials(int64_t length, const V* z2, const V* w, V* k) {
    for (int64_t t = 0; t < length; ++t) {
        V sum = k[t];
        for (int j = 0; j < J; ++j) sum += w[j] * exp2(z2[j] * float(t));
        k[t] = sum;
    }
}

// by_w_j = sum over t of dk_t e^(t z_j), and by_z_j = w_j times the same sum of t dk_t e^(t z_j).
template <int J>
inline void sum_exponentials_back(int64_t length, const V* z2, const V* w, const V* dk, V* by_z, V* by_w) {
    V plain[J] = {}, sloped[J] = {};
    for (int64_t t = 0; t < length; ++t)
        for (int j = 0; j < J; ++j) {
            const V a = dk[t] * exp2(z2[j] * float(t));
            plain[j] += a, sloped[j] += a * float(t);
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
