// What the kernel is called with: pointers, sizes and strides, in C.
#pragma once

#include <stdint.h>

extern "C" {

// A tensor over sequences, channels and steps; the rest are strides, in numbers.
struct Sequences { float* data; int64_t sequence, channel, step; };

// A tensor over sequences, groups, states and steps.
struct Weights { float* data; int64_t sequence, group, state, step; };

// One call. d channels are d / groups to a group. With path_index, a group is a path through a map: step t of path
// k is row path_index[k * length + t] of every tensor, all paths read the same d / groups channels of u, and y is
// their sum. A (d, n), D, bias (d) and state, last (b, d, n) are contiguous; D, bias, state may be null.
struct Scan {
    int64_t b, d, length, n, groups, softplus, zoh, threads;
    const int32_t* path_index;
    Sequences u, delta, y;
    Weights B, C;
    const float *A, *D, *bias, *state;
    float* last;
    float* saved_states; // (blocks, b, n, d): the state before each block, or null
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

// k_t = sum over n of w_n e^(t z_n), D more at t = 0; z, w, dz, dw (d, n), k, dk (length, d) and D (d), which
// may be null, are contiguous.
struct Exponentials {
    int64_t d, n, length, threads;
    const float *z, *w, *D, *dk;
    float *k, *dz, *dw;
};

enum { BLOCK = 32, FEWEST_SHARES = 16, SEQUENCES_A_CHUNK = 8 };
}
