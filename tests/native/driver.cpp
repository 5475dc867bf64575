// Calls the CPU kernel as Python does, in buffers that end where their last number does: `make sanitize`.
//
// Linked with a kernel that is built with sanitizers, which stop the program at a read or write outside of a
// buffer, at undefined behaviour and at memory that is not given back; memory that nobody has written to is NaN.
// Checked here: all results are finite, and outputs are those of a plain loop.

#include <math.h>
#include <stdio.h>

#include <algorithm>
#include <memory>
#include <random>
#include <vector>

#if defined(__x86_64__)
#define X86  // as in setup.py
#endif
#include "../../src/terramamba/ops/native/scan.cpp"

namespace {

std::mt19937 random_bits;

int64_t draw(std::initializer_list<int64_t> choices) { return choices.begin()[random_bits() % choices.size()]; }
float normal() { return std::normal_distribution<float>()(random_bits); }

void require(bool holds, const char* what) {
    if (holds) return;
    fprintf(stderr, "failed: %s\n", what);
    exit(1);
}

// Numbers on the heap; those of results are never written to before the kernel does.
struct Buffer {
    int64_t size;
    std::unique_ptr<float[]> data;
    explicit Buffer(int64_t size) : size(size), data(new float[size]) {}
    template <class F>
    Buffer(int64_t size, F value) : Buffer(size) {
        std::generate_n(data.get(), size, value);
    }
    operator float*() { return data.get(); }
    bool finite() const {
        return std::all_of(data.get(), data.get() + size, [](float x) { return isfinite(x); });
    }
};

bool close(double got, double want, double scale) { return fabs(got - want) <= 1e-5 * (fabs(want) + scale); }

// (b, d, length) with steps or channels innermost.
Sequences sequences(Buffer& x, int64_t d, int64_t length, bool channels_innermost) {
    if (channels_innermost) return {x, d * length, 1, d};
    return {x, d * length, length, 1};
}

Weights weights(Buffer& x, int64_t groups, int64_t n, int64_t length, bool states_innermost) {
    if (states_innermost) return {x, groups * n * length, n, 1, groups * n};
    return {x, groups * n * length, n * length, length, 1};
}

float at(const Sequences& x, int64_t b, int64_t c, int64_t t) {
    return x.data[b * x.sequence + c * x.channel + t * x.step];
}

float at(const Weights& x, int64_t b, int64_t group, int64_t j, int64_t t) {
    return x.data[b * x.sequence + group * x.group + j * x.state + t * x.step];
}

// The outputs of a call, by the recurrence in double.
std::vector<double> loop(const Scan& s, int64_t inputs) {
    std::vector<double> y(size_t(s.b * inputs * s.length), 0.0);
    const int64_t width = s.d / s.groups;
    for (int64_t b = 0; b < s.b; ++b)
        for (int64_t c = 0; c < s.d; ++c) {
            const int64_t group = c / width, input = s.path_index ? c % width : c;
            std::vector<double> h(size_t(s.n), 0.0);
            for (int64_t j = 0; j < s.n && s.state; ++j) h[j] = s.state[(b * s.d + c) * s.n + j];
            for (int64_t t = 0; t < s.length; ++t) {
                const int64_t row = s.path_index ? s.path_index[group * s.length + t] : t;
                const double u = at(s.u, b, input, row);
                double delta = double(at(s.delta, b, c, row)) + (s.bias ? s.bias[c] : 0.0f);
                if (s.softplus) delta = log1p(exp(-fabs(delta))) + std::max(delta, 0.0);
                double sum = s.D ? s.D[c] * u : 0.0;
                for (int64_t j = 0; j < s.n; ++j) {
                    const double z = delta * s.A[c * s.n + j], factor = s.zoh && z != 0 ? expm1(z) / z : 1.0;
                    h[j] = exp(z) * h[j] + delta * factor * u * at(s.B, b, group, j, row);
                    sum += h[j] * at(s.C, b, group, j, row);
                }
                y[(b * inputs + input) * s.length + row] += sum;
            }
        }
    return y;
}

void check_scan(int level) {
    const int64_t b = draw({1, 2, 3}), groups = draw({1, 2, 4}), width = draw({1, 2, 3, 7, 8, 15, 16, 17, 33, 100}),
                  n = draw({1, 2, 3, 4, 5, 8, 15, 16, 17}), length = draw({1, 2, 7, 31, 32, 33, 64, 65, 100}),
                  d = groups * width;
    const bool paths = random_bits() % 2, innermost = random_bits() % 2;
    const int64_t inputs = paths ? width : d;
    Scan s = {};
    s.b = b, s.d = d, s.length = length, s.n = n, s.groups = groups, s.threads = draw({1, 2, 3});
    s.softplus = random_bits() % 2, s.zoh = random_bits() % 2;

    std::vector<int32_t> order;
    for (int64_t group = 0; group < groups; ++group) {
        std::vector<int32_t> path(static_cast<size_t>(length));
        for (int64_t t = 0; t < length; ++t) path[size_t(t)] = int32_t(t);
        std::shuffle(path.begin(), path.end(), random_bits);
        order.insert(order.end(), path.begin(), path.end());
    }
    std::unique_ptr<int32_t[]> path_index(new int32_t[order.size()]);
    std::copy(order.begin(), order.end(), path_index.get());
    s.path_index = paths ? path_index.get() : nullptr;

    auto step = [] { return 0.2f * fabsf(normal()); };
    Buffer u(b * inputs * length, normal), delta(b * d * length, step), B(b * groups * n * length, normal),
        C(b * groups * n * length, normal), A(d * n, [] { return -fabsf(normal()); }), D(d, normal), bias(d, step),
        state(b * d * n, normal), y(b * inputs * length), last(b * d * n),
        saved_states((length + BLOCK - 1) / BLOCK * b * n * d);
    s.u = sequences(u, inputs, length, innermost), s.y = sequences(y, inputs, length, innermost);
    s.delta = sequences(delta, d, length, innermost);
    s.B = weights(B, groups, n, length, innermost), s.C = weights(C, groups, n, length, innermost);
    s.A = A, s.last = last;
    if (random_bits() % 2) s.D = D;
    if (random_bits() % 2) s.bias = bias;
    if (random_bits() % 2) s.state = state;
    const bool keep = random_bits() % 4;
    s.saved_states = keep ? (float*)saved_states : nullptr;
    require(terramamba_scan(level, &s, 0) == 0, "memory for a scan");
    require(y.finite() && last.finite(), "outputs of a scan are finite");
    const std::vector<double> want = loop(s, inputs);
    double scale = 0.0;
    for (double x : want) scale = std::max(scale, fabs(x));
    for (int64_t i = 0; i < b; ++i)
        for (int64_t c = 0; c < inputs; ++c)
            for (int64_t t = 0; t < length; ++t)
                require(close(at(s.y, i, c, t), want[size_t((i * inputs + c) * length + t)], scale),
                        "outputs of a scan are those of the loop");
    if (!keep) return;
    require(saved_states.finite(), "states that a scan keeps are finite");

    const int64_t shares = terramamba_shares(level, &s);
    Buffer dy(b * inputs * length, normal), dlast(b * d * n, normal), du(b * inputs * length), ddelta(b * d * length),
        dB(shares * b * length * groups * n), dC(shares * b * length * groups * n), dA(b * d * n), dD(b * d), dbias(b * d),
        dstate(b * d * n);
    s.y = sequences(dy, inputs, length, innermost), s.last = dlast;
    s.du = sequences(du, inputs, length, innermost), s.ddelta = sequences(ddelta, d, length, innermost);
    s.dB = dB, s.dC = dC, s.dA = dA, s.dD = dD, s.dbias = dbias, s.dstate = dstate;
    require(terramamba_scan(level, &s, 1) == 0, "memory for the gradients of a scan");
    for (const Buffer* x : {&du, &ddelta, &dB, &dC, &dA, &dD, &dbias, &dstate})
        require(x->finite(), "gradients of a scan are finite");
}

void check_convolution(int level) {
    const int64_t b = draw({1, 2, 7, 8, 9, 17}), length = draw({1, 2, 7, 8, 9, 15, 16, 49, 65}),
                  d = draw({1, 3, 4, 8, 15, 16, 17, 40});
    Buffer x(b * length * d, normal), k(length * d, normal), dy(b * length * d, normal), y(b * length * d),
        dx(b * length * d), dk((b + SEQUENCES_A_CHUNK - 1) / SEQUENCES_A_CHUNK * length * d);
    const Convolution s = {b, length, d, draw({1, 2, 3}), x, k, dy, y, dx, dk};
    require(terramamba_convolution(level, &s, 0) == 0, "memory for a convolution");
    for (int64_t i = 0; i < b; ++i)
        for (int64_t c = 0; c < d; ++c)
            for (int64_t t = 0; t < length; ++t) {
                double sum = 0.0;
                for (int64_t j = 0; j <= t; ++j) sum += double(k[j * d + c]) * x[(i * length + t - j) * d + c];
                require(close(y[(i * length + t) * d + c], sum, 10.0), "outputs of a convolution are those of the loop");
            }
    require(terramamba_convolution(level, &s, 1) == 0, "memory for the gradients of a convolution");
    require(dx.finite() && dk.finite(), "gradients of a convolution are finite");
}

void check_exponentials(int level) {
    const int64_t d = draw({1, 3, 4, 8, 15, 16, 17, 40}), n = draw({1, 2, 3, 4, 5, 8, 16, 17}),
                  length = draw({1, 2, 7, 16, 49, 65});
    Buffer z(d * n, [] { return -fabsf(normal()); }), w(d * n, normal), D(d, normal), dk(length * d, normal),
        k(length * d), dz(d * n), dw(d * n);
    const bool more = random_bits() % 2;
    const Exponentials s = {d, n, length, draw({1, 2, 3}), z, w, more ? (float*)D : nullptr, dk, k, dz, dw};
    require(terramamba_exponentials(level, &s, 0) == 0, "memory for sums of exponentials");
    for (int64_t c = 0; c < d; ++c)
        for (int64_t t = 0; t < length; ++t) {
            double sum = more && t == 0 ? D[c] : 0.0;
            for (int64_t j = 0; j < n; ++j) sum += double(w[c * n + j]) * exp(double(t) * z[c * n + j]);
            require(close(k[t * d + c], sum, 10.0), "sums of exponentials are those of the loop");
        }
    require(terramamba_exponentials(level, &s, 1) == 0, "memory for the gradients of sums of exponentials");
    require(dz.finite() && dw.finite(), "gradients of sums of exponentials are finite");
}

}  // namespace

int main() {
    const unsigned seed = std::random_device()();
    printf("seed %u\n", seed);
    random_bits.seed(seed);
    for (int level : {PLAIN, AVX2, AVX512}) {
        if (!terramamba_has(level)) continue;
        for (int i = 0; i < 400; ++i) check_scan(level), check_convolution(level), check_exponentials(level);
        printf("level %d: 400 scans, convolutions and sums of exponentials each\n", level);
    }
}
