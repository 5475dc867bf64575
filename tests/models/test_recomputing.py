"""Activation checkpointing changes memory, not results."""

import copy

import pytest
import torch
from torch import Tensor, nn

from terramamba.models.recomputing import compiling, recomputing
from terramamba.models.registry import create_model


def make(name: str) -> tuple[nn.Module, Tensor]:
    if name == "glmamba":
        return create_model(name, preset="nano", in_channels=3), torch.randn(1, 2, 3, 40, 40)
    return create_model(name, preset="tiny", in_channels=12, num_classes=4), torch.randn(6, 12, 7, 7)


def run(model: nn.Module, x: Tensor) -> tuple[Tensor, list[Tensor], int]:
    kept: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        kept[tensor.data_ptr()] = tensor.numel()
        return tensor

    torch.manual_seed(3)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        y = model(x)
    y.square().mean().backward()
    return y, [p.grad for p in model.parameters()], sum(kept.values())


@pytest.mark.parametrize("name", ["ssa_mamba", "glmamba"])
def test_the_same_result_from_fewer_kept_numbers(seed, name):
    torch.manual_seed(seed)
    model, x = make(name)
    model.train()
    twin = copy.deepcopy(model)
    y, gradients, kept = run(model, x)
    with recomputing(twin):
        y2, gradients2, kept2 = run(twin, x)
    assert torch.equal(y, y2)
    assert all(torch.equal(a, b) for a, b in zip(gradients, gradients2, strict=True))
    assert all(torch.equal(a, b) for a, b in zip(model.buffers(), twin.buffers(), strict=True))
    assert kept2 < 0.7 * kept
    twin.zero_grad()
    assert run(twin, x)[2] == run(model, x)[2]


def test_evaluation_is_left_alone(seed):
    torch.manual_seed(seed)
    model, x = make("ssa_mamba")
    model.eval()
    with torch.no_grad():
        want = model(x)
        with recomputing(model):
            assert torch.equal(model(x), want)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script_method:DeprecationWarning")  # of PyTorch's own import
def test_blocks_are_compiled_within_and_as_they_were_afterwards():
    model, _ = make("ssa_mamba")
    blocks = model.checkpoint_blocks()
    with compiling(model):
        compiled = [block.forward for block in blocks]
        assert all("forward" in vars(block) for block in blocks)
        with recomputing(model):
            assert all(block.forward not in compiled for block in blocks)
        assert [block.forward for block in blocks] == compiled
    assert not any("forward" in vars(block) for block in blocks)
