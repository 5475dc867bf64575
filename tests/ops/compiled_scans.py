"""The scans under ``torch.compile`` without a graph break, at sizes that change from call to call.

    python FILE SEED

A program, so that annotations are not checked: the checks would be compiled along.
"""

import sys

import torch
from torch import Tensor

from terramamba.ops import lti_scan, selective_scan, selective_scan_2d

torch.manual_seed(int(sys.argv[1]))


def leaf(*shape: int) -> Tensor:
    return torch.randn(*shape, requires_grad=True)


def along_a_sequence(u, delta, A, B, C, D, state):
    y, last = selective_scan(
        2 * u, delta, -A.exp(), B, C, D, delta_softplus=True, initial_state=state, return_last_state=True
    )
    return y.sin() + last.sum()


def through_a_map(x, delta, A, B, C):
    y = selective_scan_2d(
        x.cos(), delta, -A.exp(), B, C, delta_softplus=True, discretization="zoh", paths="corners"
    )
    return y.sin()


def of_fixed_steps(x, delta, A, B, C, D):
    return lti_scan(2 * x, delta.exp(), -A.exp(), B, C, D).sin()


def sequences(length: int) -> tuple[Tensor, ...]:
    weights = (leaf(2, 3, length) for _ in range(2))
    return leaf(2, 8, length), leaf(2, 8, length), leaf(8, 3), *weights, leaf(8), leaf(2, 8, 3)


def maps(h: int) -> tuple[Tensor, ...]:
    return leaf(2, h, 5, 8), leaf(2, h, 5, 4, 8), leaf(32, 3), *(leaf(2, h, 5, 4, 3) for _ in range(2))


def fixed(length: int) -> tuple[Tensor, ...]:
    return leaf(2, length, 8), leaf(8), *(leaf(8, 3) for _ in range(3)), leaf(8)


CALLS = (
    (along_a_sequence, sequences, (40, 31)),
    (through_a_map, maps, (3, 4)),
    (of_fixed_steps, fixed, (49, 450)),
)

for function, inputs_of, sizes in CALLS:
    compiled = torch.compile(function, fullgraph=True, backend="aot_eager")
    for size, under in zip(sizes, (False, True), strict=True):
        inputs = inputs_of(size)
        with torch.autocast("cpu", torch.bfloat16, enabled=under):
            eager, traced = (
                (y, *torch.autograd.grad(y.sum(), inputs)) for y in (function(*inputs), compiled(*inputs))
            )
        for want, got in zip(eager, traced, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)
        print(f"{function.__name__} of size {size} is the same, under autocast: {under}")
