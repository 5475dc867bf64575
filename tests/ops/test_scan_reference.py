"""The reference recurrences against plain NumPy loops, and their gradients against finite differences."""

import numpy as np
import pytest
import torch
from scan_cases import CORNERS, Case

from terramamba.ops import lti_scan, reference


def numpy_scan(u, delta, A, B, C, D, delta_bias, softplus, zoh, state):
    b, d, length = u.shape
    y, h = np.zeros_like(u), np.zeros((b, d, A.shape[1])) if state is None else state.copy()
    for i, c, t in np.ndindex(b, d, length):
        step = delta[i, c, t] + (0 if delta_bias is None else delta_bias[c])
        step = np.log1p(np.exp(step)) if softplus else step
        for k in range(A.shape[1]):
            factor = np.expm1(step * A[c, k]) / A[c, k] if zoh and A[c, k] else step
            group = c * B.shape[1] // d
            h[i, c, k] = np.exp(step * A[c, k]) * h[i, c, k] + factor * B[i, group, k, t] * u[i, c, t]
            y[i, c, t] += C[i, group, k, t] * h[i, c, k]
        y[i, c, t] += 0 if D is None else D[c] * u[i, c, t]
    return y, h


@pytest.mark.parametrize("zoh", [False, True])
@pytest.mark.parametrize("extras", [False, True])
def test_selective_reference_is_the_recurrence(seed, zoh, extras):
    case = Case(l=17, d=8, n=3, g=4, zoh=zoh, D=extras, bias=extras, softplus=extras, state=extras)
    inputs = case.inputs()
    inputs["A"].detach()[0, 0] = 0.0
    y, last = case.scan(inputs, "reference")
    given = {k: x.detach().numpy() for k, x in inputs.items()}
    want = numpy_scan(
        *(given.get(k) for k in ("u", "delta", "A", "B", "C", "D", "delta_bias")),
        extras,
        zoh,
        given.get("initial_state"),
    )
    np.testing.assert_allclose(y.detach().numpy(), want[0], rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(last.detach().numpy(), want[1], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("discretization", ["euler", "zoh"])
def test_lti_reference_is_the_recurrence(seed, discretization):
    x, delta, A = torch.randn(2, 9, 3).double(), torch.rand(3).double(), -torch.rand(3, 4).double()
    B, C, D = torch.randn(3, 4).double(), torch.randn(3, 4).double(), torch.randn(3).double()
    y = lti_scan(x, delta, A, B, C, D, discretization=discretization, backend="reference")
    step, a, c = delta.numpy()[:, None], A.numpy(), C.numpy()
    B_bar = B.numpy() * (step if discretization == "euler" else np.expm1(step * a) / a)
    h, want = np.zeros((2, 3, 4)), []
    for t in range(9):
        h = np.exp(step * a) * h + B_bar * x.numpy()[:, t, :, None]
        want.append((c * h).sum(-1) + D.numpy() * x.numpy()[:, t])
    np.testing.assert_allclose(y.numpy(), np.stack(want, 1), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("zoh", [False, True])
def test_gradcheck_of_the_reference(seed, zoh):
    case = Case(l=3, d=4, n=2, g=2, b=1, zoh=zoh)
    inputs = case.inputs()

    def scan(*values):
        return case.scan(dict(zip(inputs, values, strict=True)), "reference")

    assert torch.autograd.gradcheck(scan, tuple(inputs.values()))


def test_gradcheck_of_the_lti_reference(seed):
    inputs = [
        torch.rand(*shape).double().requires_grad_() for shape in ((1, 3, 2), (2,), *((2, 3),) * 3, (2,))
    ]
    for discretization in ("euler", "zoh"):
        assert torch.autograd.gradcheck(
            lambda *p, kind=discretization: lti_scan(*p, discretization=kind, backend="reference"), inputs
        )


def test_reference_takes_any_float_type_and_widens_to_float32(seed):
    for dtype, inside in ((torch.bfloat16, torch.float32), (torch.float64, torch.float64)):
        y, last = CORNERS[1].but(l=3).scan(CORNERS[1].but(l=3).inputs(dtype), "reference")
        assert (y.dtype, last.dtype) == (dtype, inside)


def test_relative_expm1_and_its_slope_are_exact_everywhere():
    z = torch.tensor([0.0, -1e-12, -1e-6, -0.0499, -0.0501, -0.4999, -0.5001, -3.0, -80.0, 2.0]).double()
    z.requires_grad_()
    value = reference.relative_expm1(z)
    (slope,) = torch.autograd.grad(value.sum(), z)
    # The integrals of e^(z s) and of s e^(z s) over [0, 1], by Gauss-Legendre quadrature.
    points, weights = (torch.from_numpy(x) / 2 for x in np.polynomial.legendre.leggauss(60))
    curve = torch.exp(z.detach()[:, None] * (points + 0.5))
    torch.testing.assert_close(value.detach(), (curve * weights).sum(1), rtol=1e-12, atol=0)
    torch.testing.assert_close(slope, (curve * (points + 0.5) * weights).sum(1), rtol=1e-11, atol=0)


def test_gradients_do_not_index_time(seed):
    """Indexing x[:, t] makes a full gradient for each step: the backward pass would be quadratic in l."""
    case = Case(l=20)
    y, _ = case.scan(case.inputs(), "reference")
    seen, names, stack = set(), [], [y.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and node not in seen:
            seen.add(node)
            names.append(node.name())
            stack += [parent for parent, _ in node.next_functions]
    assert "UnbindBackward0" in names
    assert not [name for name in names if name.startswith(("Select", "Index"))]
