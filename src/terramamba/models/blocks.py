"""The blocks that a model repeats: what training recomputes or compiles one by one."""

from torch import nn

from terramamba.models.ssa_unit import SpectralSpatialMambaUnit
from terramamba.models.vss import VSSBlock

BLOCKS = (VSSBlock, SpectralSpatialMambaUnit)
"""Modules of one tensor in and one out that hold most of a model's activations and time."""


def blocks(model: nn.Module) -> list[nn.Module]:
    """The blocks of ``model``, in its order."""
    return [module for module in model.modules() if isinstance(module, BLOCKS)]


def compile_blocks(model: nn.Module) -> None:
    """Run each block through ``torch.compile`` from now on; weights and their names stay.

    Not the whole model: that takes minutes where blocks take seconds, and PyTorch 2.13 then loses gradients
    of GLMamba on a CPU (those of everything before its decoder come out as 0).
    """
    for block in blocks(model):
        block.compile()
