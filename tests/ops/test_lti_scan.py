"""The time-invariant scan as a convolution against its recurrence in float64: outputs and all gradients."""

import numpy as np
import pytest
import torch
from scan_cases import assert_close, disturbed, wave
from scan_ways import FLOAT32, bounds, ways
from torch import Tensor

from terramamba.ops import causal_convolution, lti_scan

BACKENDS = pytest.mark.parametrize("backend", ways(), indirect=True)
LENGTHS = (1, 2, 9, 49, 63, 64, 65, causal_convolution.TOEPLITZ_UP_TO + 1, 500)


def make_inputs(b: int, length: int, d: int, n: int, with_D: bool) -> dict[str, Tensor]:
    tensors = {
        "x": torch.randn(length, b, d).transpose(0, 1),
        "delta": torch.rand(d) + 0.1,
        "A": -torch.rand(d, n) - 0.05,
        "B": torch.randn(d, n),
        "C": torch.randn(d, n),
    }
    if with_D:
        tensors["D"] = torch.randn(d)
    return {k: x.double().requires_grad_() for k, x in tensors.items()}


def results(inputs: dict[str, Tensor], backend: str, discretization: str) -> dict[str, Tensor]:
    y = lti_scan(**inputs, discretization=discretization, backend=backend)
    gradients = torch.autograd.grad(
        (y.double() * wave(y)).sum(), list(inputs.values()), materialize_grads=True
    )
    return {"y": y, **dict(zip(inputs, gradients, strict=True))}


def narrow(inputs: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    return {k: x.detach().to(dtype).requires_grad_() for k, x in inputs.items()}


@BACKENDS
@pytest.mark.parametrize("length", LENGTHS)
def test_backends_agree_with_the_reference(seed, poison, length, backend):
    rng = np.random.default_rng(seed)
    for discretization in ("euler", "zoh"):
        b, d, n = (int(rng.choice(sizes)) for sizes in ([1, 3], [1, 3, 16, 100], [1, 4, 16, 17]))
        inputs = make_inputs(b, length, d, n, bool(rng.integers(2)))
        truth = results(inputs, "reference", discretization)
        singles = narrow(inputs, torch.float32)
        plain = disturbed(results, singles, "reference", discretization)
        within = bounds("lti_scan", backend, outputs=1e-12, gradients=1e-10)
        assert_close(
            results(inputs, backend, discretization),
            truth,
            **within,
            plain=plain if within is FLOAT32 else None,
        )
        assert_close(results(singles, backend, discretization), truth, **FLOAT32, plain=plain)


@BACKENDS
@pytest.mark.parametrize("length", [49, 100])
def test_half_precision_and_autocast(seed, length, backend):
    inputs = make_inputs(2, length, 8, 4, True)
    halves = narrow(inputs, torch.bfloat16)
    truth = results(narrow(halves, torch.float64), "reference", "euler")
    got = results(halves, backend, "euler")
    assert {x.dtype for x in got.values()} == {torch.bfloat16}
    assert_close(got, truth, outputs=2**-8, gradients=2**-8)
    singles = narrow(inputs, torch.float32)
    plain = results(singles, backend, "euler")
    with torch.autocast("cpu", torch.bfloat16):
        under = results(singles, backend, "euler")
    assert all(torch.equal(plain[k], under[k]) for k in plain)
    # A bfloat16 activation meets float32 parameters under autocast: the kernel stays float32.
    mixed = singles | {"x": singles["x"].detach().bfloat16()}
    exact = mixed | {"x": mixed["x"].float()}
    y, want = (lti_scan(**given, backend=backend) for given in (mixed, exact))
    assert torch.equal(y, want.bfloat16())


@BACKENDS
@pytest.mark.parametrize("discretization", ["euler", "zoh"])
def test_extreme_steps_are_finite_and_right(seed, discretization, backend):
    inputs = make_inputs(2, 49, 4, 17, True)
    A = -torch.logspace(-6, np.log10(80), 4 * 17).view(4, 17).double()
    A[0, 0] = 0
    inputs |= {"delta": torch.ones(4).double().requires_grad_(), "A": A.requires_grad_()}
    truth = results(inputs, "reference", discretization)
    got = results(narrow(inputs, torch.float32), backend, discretization)
    assert all(torch.isfinite(x).all() for x in got.values())
    assert_close(got, truth, outputs=2e-6, gradients=1e-5)


@pytest.mark.parametrize("backend", [*ways(), "reference"], indirect=True)
@pytest.mark.parametrize("length", [5, 200, 1100])
def test_empty_batches_and_calls_without_gradients(seed, poison, length, backend):
    inputs = {k: x.detach() for k, x in make_inputs(3, length, 4, 2, True).items()}
    with torch.inference_mode():
        y = lti_scan(**inputs, backend=backend)
    assert torch.equal(y, lti_scan(**inputs, backend=backend))
    empty = {k: (x[:0] if k == "x" else x).clone().requires_grad_() for k, x in inputs.items()}
    none = lti_scan(**empty, backend=backend)
    assert none.shape == (0, length, 4)
    gradients = torch.autograd.grad(none.sum(), list(empty.values()))
    assert all(
        torch.equal(found, torch.zeros_like(x)) for found, x in zip(gradients, empty.values(), strict=True)
    )


def test_an_impulse_gives_the_kernel(seed):
    """y of a single 1 at the first token is k_j = sum_n C Abar^j Bbar, with D at lag 0."""
    d, n, length = 3, 5, 40
    delta, A, B, C, D = torch.rand(d), -torch.rand(d, n), torch.randn(d, n), torch.randn(d, n), torch.randn(d)
    x = torch.zeros(1, length, d)
    x[:, 0] = 1
    powers = torch.exp(delta[:, None] * A)[..., None] ** torch.arange(length)
    want = ((C * delta[:, None] * B)[..., None] * powers).sum(1)
    want[:, 0] += D
    torch.testing.assert_close(lti_scan(x, delta, A, B, C, D)[0].t(), want, rtol=1e-5, atol=1e-6)


def test_toeplitz_and_fft_are_one_convolution(seed):
    x, k = torch.randn(2, 30, 4).double().requires_grad_(), torch.randn(4, 30).double().requires_grad_()
    pairs = []
    for convolve in (causal_convolution.causal_convolution, causal_convolution.fft_convolution):
        y = convolve(x, k)
        pairs.append((y, *torch.autograd.grad((y * wave(y)).sum(), (x, k))))
    for toeplitz, fft in zip(*pairs, strict=True):
        torch.testing.assert_close(toeplitz, fft)


def test_fft_sizes_have_small_factors():
    assert [causal_convolution.quick_size(n) for n in (1, 7, 193, 199, 2047)] == [2, 8, 200, 200, 2048]


def test_toeplitz_matrices_hold_the_kernel_on_and_above_the_diagonal():
    matrix = causal_convolution.toeplitz(torch.tensor([[1.0, 2.0, 3.0]]))[0]
    assert matrix.tolist() == [[1, 2, 3], [0, 1, 2], [0, 0, 1]]
    numbers = torch.arange(9.0).view(1, 3, 3)
    assert causal_convolution.diagonal_sums(numbers).tolist() == [[12, 6, 2]]
