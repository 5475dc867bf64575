"""The scans as graphs: the same as the reference, and exported with open batch and length, gradients too."""

import pytest
import torch
from torch.export import Dim, export

from terramamba.ops import lti_scan, selective_scan, selective_scan_2d

ZOH = pytest.mark.parametrize("discretization", ["euler", "zoh"])
BATCH, LENGTH = Dim("batch"), Dim("length")


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64)


@ZOH
@pytest.mark.parametrize("b", [2, 0])
def test_along_sequences_it_is_the_reference(discretization, b):
    tensors = [drawn(b, 6, 9), drawn(b, 6, 9), -drawn(6, 3).exp(), drawn(b, 2, 3, 9), drawn(b, 2, 3, 9)]
    options = {
        "delta_bias": drawn(6),
        "initial_state": drawn(b, 6, 3),
        "delta_softplus": True,
        "discretization": discretization,
        "return_last_state": True,
    }
    found, wanted = (
        selective_scan(*tensors, drawn(6) * 0 + 2, **options, backend=name) for name in ("graph", "reference")
    )
    for y, want in zip(found, wanted, strict=True):
        torch.testing.assert_close(y, want, rtol=1e-12, atol=1e-12)


@ZOH
@pytest.mark.parametrize("paths", ["cross", "corners"])
@pytest.mark.parametrize("b", [2, 0])
def test_through_maps_it_is_the_reference(paths, discretization, b):
    tensors = [drawn(b, 3, 4, 5), drawn(b, 3, 4, 4, 5), -drawn(20, 3).exp()]
    tensors += [drawn(b, 3, 4, 4, 3), drawn(b, 3, 4, 4, 3), drawn(20)]
    found, wanted = (
        selective_scan_2d(*tensors, discretization=discretization, paths=paths, backend=name)
        for name in ("graph", "reference")
    )
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("b", "length"), [(2, 1), (2, 7), (2, 30), (0, 7)])
def test_with_constant_steps_it_is_the_reference(b, length):
    tensors = [drawn(b, length, 6), drawn(6).exp(), -drawn(6, 3).exp(), drawn(6, 3), drawn(6, 3), drawn(6)]
    found, wanted = (lti_scan(*tensors, backend=name) for name in ("graph", "reference"))
    torch.testing.assert_close(found, wanted, rtol=1e-10, atol=1e-10)


class Sequences(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.A = torch.nn.Parameter(-torch.rand(6, 4))

    def forward(self, u, delta, B):
        return selective_scan(u, delta, self.A, B, B, delta_softplus=True)


class Constant(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.A = torch.nn.Parameter(-torch.rand(6, 4))

    def forward(self, x):
        return lti_scan(x, torch.ones(6), self.A, self.A, self.A)


@pytest.mark.parametrize(
    ("network", "shapes", "axes"),
    [
        (Sequences, [(6, "l"), (6, "l"), (4, "l")], {0: BATCH, 2: LENGTH}),
        (Constant, [("l", 6)], {0: BATCH, 1: LENGTH}),
    ],
)
def test_an_exported_scan_trains_at_any_batch_and_length(unchecked, network, shapes, axes):
    module = network()

    def inputs(batch: int, length: int) -> list[torch.Tensor]:
        return [torch.randn(batch, *(length if n == "l" else n for n in shape)) for shape in shapes]

    graph = export(module, tuple(inputs(2, 9)), dynamic_shapes=(axes,) * len(shapes), strict=False).module()
    # Past the pieces of 32 steps of the CPU kernel, and past its longest convolution.
    for batch, length in ((1, 5), (3, 100), (2, 1100)):
        given = inputs(batch, length)
        found, wanted = graph(*given), module(*given)
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4)
        (of_graph,) = torch.autograd.grad(found.sum(), list(graph.parameters()))
        (of_module,) = torch.autograd.grad(wanted.sum(), list(module.parameters()))
        torch.testing.assert_close(of_graph, of_module, rtol=1e-3, atol=1e-2)
