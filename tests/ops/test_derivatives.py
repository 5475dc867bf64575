"""Derivatives beyond the first in reverse, and numbers that are not real: right, or refused in one line."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from scan_ways import ways
from torch import Tensor
from torch.autograd import forward_ad

from programs import python
from terramamba.ops import lti_scan, selective_scan, selective_scan_2d
from terramamba.ops.causal_convolution import causal_convolution, native_convolution

# PyTorch's own, at the first forward-mode derivative of a process.
pytestmark = pytest.mark.filterwarnings("ignore:.*torch.jit.script:DeprecationWarning")

REFERENCE = 'ask for backend="reference"'


@dataclass(frozen=True)
class Operator:
    """A function of named tensors, and small ones to give it."""

    name: str
    run: Callable[..., Tensor]
    shapes: dict[str, tuple[int, ...]]

    def inputs(self) -> dict[str, Tensor]:
        """Float64, delta positive and A negative, so that states decay."""
        drawn = {k: torch.randn(*shape, dtype=torch.float64) for k, shape in self.shapes.items()}
        return drawn | {"delta": 0.1 + drawn["delta"].abs(), "A": -drawn["A"].abs()}

    def of(self, name: str, backend: str, **options: object) -> tuple[Callable[[Tensor], Tensor], Tensor]:
        """The operator as a function of one of its tensors, and that tensor."""
        inputs = self.inputs()
        return lambda x: self.run(**{**inputs, name: x}, backend=backend, **options), inputs[name]


OPERATORS = (
    Operator(
        "selective_scan",
        selective_scan,
        {"u": (2, 2, 3), "delta": (2, 2, 3), "A": (2, 2), "B": (2, 2, 3), "C": (2, 2, 3), "D": (2,)},
    ),
    Operator(
        "selective_scan_2d",
        selective_scan_2d,
        {"x": (1, 2, 2, 1), "delta": (1, 2, 2, 4, 1), "A": (4, 2)} | dict.fromkeys("BC", (1, 2, 2, 4, 2)),
    ),
    Operator("lti_scan", lti_scan, {"x": (2, 4, 2), "delta": (2,)} | dict.fromkeys("ABC", (2, 2))),
)
EACH = pytest.mark.parametrize("op", OPERATORS, ids=lambda op: op.name)
FAST = pytest.mark.parametrize("backend", ways(), indirect=True)


def along(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(f(forward_ad.make_dual(x, torch.ones_like(x)))).tangent


TRANSFORMS = {
    "dual numbers": along,
    "jvp": lambda f, x: torch.func.jvp(f, (x,), (torch.ones_like(x),)),
    "grad": lambda f, x: torch.func.grad(lambda x: f(x).sum())(x),
    "vmap": lambda f, x: torch.func.vmap(f)(torch.stack([x, x])),
    "gradients of each sample": lambda f, x: torch.func.vmap(torch.func.grad(lambda x: f(x).sum()))(
        torch.stack([x, x])
    ),
    "hessian": lambda f, x: torch.func.hessian(lambda x: f(x).sum())(x),
    "hessian of autograd": lambda f, x: torch.autograd.functional.hessian(lambda x: f(x).sum(), x),
    "gradient of a gradient": lambda f, x: torch.autograd.grad(
        torch.autograd.grad(f(x.requires_grad_()).square().sum(), x, create_graph=True)[0].sum(), x
    ),
}


@FAST
@EACH
@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", ["delta", "C"])
def test_a_fast_backend_refuses_in_one_line(seed, transform, op, name, backend):
    f, x = op.of(name, backend)
    with pytest.raises(NotImplementedError) as refused:
        TRANSFORMS[transform](f, x)
    assert REFERENCE in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("convolution", [causal_convolution, native_convolution])
@pytest.mark.parametrize("transform", [t for t in TRANSFORMS if t != "hessian of autograd"])
def test_a_convolution_refuses_as_well(seed, transform, convolution):
    x = torch.randn(2, 5, 3)
    with pytest.raises(NotImplementedError, match=REFERENCE):
        TRANSFORMS[transform](lambda k: convolution(x, k), torch.randn(3, 5))


@FAST
@EACH
@pytest.mark.parametrize("dtype", [torch.int64, torch.complex64], ids=str)
def test_a_fast_backend_refuses_numbers_that_are_not_real(seed, op, backend, dtype):
    f, x = op.of("C", backend)
    with pytest.raises(ValueError, match=f"on backend '{backend}' takes real .* and C is {dtype}") as refused:
        f(x.to(dtype))
    assert REFERENCE in str(refused.value)


@FAST
@EACH
def test_a_fast_backend_refuses_sparse_tensors_in_one_line(seed, op, backend):
    f, x = op.of("C", backend)
    with pytest.raises(ValueError, match=r"takes dense tensors, and C is sparse; give C\.to_dense\(\)"):
        f(x.to_sparse())


@FAST
@EACH
def test_first_derivatives_in_a_graph_are_those_without_one(seed, op, backend):
    f, x = op.of("delta", backend)
    x.requires_grad_()
    plain, in_graph = (torch.autograd.grad(f(x).sum(), x, create_graph=c)[0] for c in (False, True))
    assert torch.equal(plain, in_graph)
    assert in_graph.requires_grad


@FAST
@EACH
def test_a_tensor_without_a_tangent_is_as_it_is_elsewhere(seed, op, backend):
    f, x = op.of("delta", backend)
    y = f(x)
    with forward_ad.dual_level():
        assert torch.equal(f(x), y)


@FAST
@EACH
def test_a_backward_pass_refuses_a_tangent(seed, op, backend):
    f, x = op.of("delta", backend)
    y = f(x.requires_grad_())
    with forward_ad.dual_level(), pytest.raises(NotImplementedError, match=REFERENCE):
        torch.autograd.grad(y, x, forward_ad.make_dual(torch.ones_like(y), torch.ones_like(y)))


@EACH
@pytest.mark.parametrize("zoh", [False, True])
def test_the_reference_has_every_derivative(seed, op, zoh):
    """Against differences of values or of first derivatives, a step of 1e-5 to both sides."""
    options = {"discretization": "zoh" if zoh else "euler"}
    for name in op.shapes:
        f, x = op.of(name, "reference", **options)
        side = torch.randn_like(x)
        weights = torch.randn_like(f(x))

        def loss(x, f=f, weights=weights):
            return (f(x).sin() * weights).sum()

        def difference(of, x=x, side=side):
            return (of(x + 1e-5 * side) - of(x - 1e-5 * side)) / 2e-5

        _, tangent = torch.func.jvp(f, (x,), (side,))
        close(tangent, difference(f))
        close(torch.func.jvp(torch.func.grad(loss), (x,), (side,))[1], difference(torch.func.grad(loss)))
        leaf = x.clone().requires_grad_()
        (first,) = torch.autograd.grad(loss(leaf), leaf, create_graph=True)
        (second,) = torch.autograd.grad((first * side).sum(), leaf)
        close(second, difference(torch.func.grad(loss)))
        several = torch.stack([x, x + side, 2 * x])
        close(torch.func.vmap(f)(several), torch.stack([f(z) for z in several]))
        of_each = torch.func.vmap(torch.func.grad(loss))(several)
        close(of_each, torch.stack([torch.func.grad(loss)(z) for z in several]))


def close(got: Tensor, want: Tensor) -> None:
    torch.testing.assert_close(got, want, rtol=1e-6, atol=1e-7 * float(want.abs().max() + 1))


@EACH
def test_the_reference_takes_complex_numbers(seed, op):
    """A rotating state: as in real numbers of two states that mix, or by linearity in C."""
    inputs = op.inputs()
    A, C, turned = inputs["A"], inputs["C"], torch.randn_like(inputs["C"])
    parts = [op.run(**{**inputs, "C": z}, backend="reference") for z in (C, turned)]
    without = op.run(**{**inputs, "C": 0 * C}, backend="reference")  # D u, which C does not weigh
    got = op.run(**{**inputs, "C": torch.complex(C, turned)}, backend="reference")
    torch.testing.assert_close(got, torch.complex(parts[0], parts[1] - without))
    decaying = op.run(**inputs, backend="reference")
    assert not torch.allclose(op.run(**{**inputs, "A": A + 1j}, backend="reference").real, decaying)
    x = (A + 0.5j).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: op.run(**{**inputs, "A": x}, backend="reference"), x)


@EACH
def test_the_reference_takes_integers_as_the_numbers_they_are(seed, op):
    first = next(iter(op.shapes))
    f, x = op.of(first, "reference")
    counts = (10 * x).long()
    got = f(counts)
    assert got.dtype == torch.float64
    assert torch.equal(got, f(counts.double()))


def test_softplus_of_complex_steps_is_refused(seed):
    f, x = OPERATORS[0].of("delta", "reference", delta_softplus=True)
    with pytest.raises(ValueError, match="delta is complex, and softplus is of real numbers"):
        f(x + 1j)


def test_many_gradients_at_once_are_right_or_refused(seed):
    for op in OPERATORS:
        f, x = op.of("delta", "reference")
        want = torch.autograd.functional.jacobian(f, x)
        close(torch.autograd.functional.jacobian(f, x, vectorize=True), want)
        f, x = op.of("delta", "pytorch")
        if op.name == "lti_scan":
            assert torch.autograd.functional.jacobian(f, x, vectorize=True).isfinite().all()
        else:
            with pytest.raises(NotImplementedError, match="one gradient at a time"):
                torch.autograd.functional.jacobian(f, x, vectorize=True)


def test_compiled_they_are_refused_too():
    """In a process without checks of annotations, at which a compiler would stop."""
    code = """
import torch
from torch.autograd import forward_ad
from terramamba.ops import lti_scan
x, p = torch.randn(1, 5, 2), torch.rand(2, 3)
scan = lambda x: lti_scan(x, p[:, 0], -p, p, p)
def slope(x):
    return torch.func.jvp(scan, (x,), (x,))[1]
def dual(x):
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(scan(forward_ad.make_dual(x, x))).tangent
for function in (slope, lambda x: torch.func.vmap(scan)(x[None]), dual):
    try:
        print(torch.compile(function, backend="eager")(x))
    except NotImplementedError as error:
        print(error)
"""
    done = python("-c", code, timeout=120)
    assert done.stdout.count(REFERENCE) == 3, done.stdout + done.stderr
