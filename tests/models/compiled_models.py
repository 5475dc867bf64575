"""Both models through torch.compile in one graph, against themselves.

    python FILE SEED

A program of its own: the checks of annotations that tests switch on cannot be compiled.
"""

import sys

import torch

from terramamba.models.registry import create_model

torch.manual_seed(int(sys.argv[1]))
ssa_mamba = create_model("ssa_mamba", preset="tiny", in_channels=8, num_classes=3)
glmamba = create_model("glmamba", preset="nano", in_channels=3)
for model, x in ((ssa_mamba, torch.randn(3, 8, 5, 5)), (glmamba, torch.randn(1, 2, 3, 32, 32))):
    model.eval()  # without dropout, whose random numbers another order of operations may draw otherwise
    parameters = list(model.parameters())
    results = []
    for run in (model, torch.compile(model, fullgraph=True, backend="aot_eager")):
        y = run(x)
        results.append((y, *torch.autograd.grad(y.square().mean(), parameters)))
    # A gradient whose terms cancel keeps fewer of float32's digits than they have: beside its own size the
    # bound has a share of the largest gradient, from which those terms came.
    largest = max(gradient.norm() for gradient in results[0][1:])
    for got, want in zip(*reversed(results), strict=True):
        bound = 1e-4 * want.norm() + 1e-6 * largest
        assert (got - want).norm() <= bound, ((got - want).norm(), want.norm(), largest)
