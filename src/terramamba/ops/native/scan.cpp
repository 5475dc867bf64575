// The selective scan, the causal convolution and its kernel, of terramamba.ops, on a CPU, forward and backward.
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
// which gives the functions that choose among them. Compilers without vectors as GCC and Clang have them take
// plain_vectors.h, which is "plain" alone. Everything here is C or in an unnamed namespace: an inline
// function of a header, compiled for AVX-512, might otherwise be the one that the linker keeps for all levels.

#include "calls.h"

#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)

#ifdef LEVEL

#include "convolution.h"
#include "exponentials.h"
#include "scan_backward.h"
#include "scan_forward.h"

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

int JOIN(convolution_, LEVEL)(const Convolution* s, int back) { return !convolve_all(*s, back != 0); }

int JOIN(exponentials_, LEVEL)(const Exponentials* s, int back) {
    int failed = 0;
#pragma omp parallel for num_threads(s->threads) schedule(dynamic) reduction(| : failed)
    for (int64_t i = 0; i < pieces(s->d, W); ++i) failed |= !exponentials(*s, i * W, back != 0);
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
    int exponentials_##level(const Exponentials*, int); \
    int lanes_##level();

extern "C" {
DECLARE(plain)
#ifdef X86
DECLARE(avx2)
DECLARE(avx512)
#endif

#ifdef _WIN32
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED
#endif

// Numbers of the levels; native.py has their names in this order.
enum { PLAIN, AVX2, AVX512 };

EXPORTED int terramamba_has(int level) {
#ifdef X86
    if (level == AVX512) return lanes_avx512() == 16 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq");
    if (level == AVX2) return lanes_avx2() == 8 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return level == PLAIN;
}

EXPORTED int terramamba_block() { return BLOCK; }
EXPORTED int terramamba_sequences_a_chunk() { return SEQUENCES_A_CHUNK; }

EXPORTED int terramamba_threaded() {
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
EXPORTED int64_t terramamba_shares(int level, const Scan* s) { return CALL(shares, s); }

// 0, or 1 where there is not enough memory.
EXPORTED int terramamba_scan(int level, const Scan* s, int back) { return CALL(scan, s, back); }
EXPORTED int terramamba_convolution(int level, const Convolution* s, int back) { return CALL(convolution, s, back); }
EXPORTED int terramamba_exponentials(int level, const Exponentials* s, int back) { return CALL(exponentials, s, back); }
}

#endif
