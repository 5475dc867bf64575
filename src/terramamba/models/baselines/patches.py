"""What the networks for hyperspectral patches share: checks of their options, patches of any side, a recipe.

A network whose fully connected layer reads the whole patch is built for one side, its option ``patch_size``;
`terramamba classify train` gives it the side of its patches.
"""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.model import Model
from terramamba.models.ssa_variants import SPEC as SSA_MAMBA

RECIPE: Mapping[str, Any] = SSA_MAMBA.recipe
"""SSA-Mamba's, so that all have the same budget; what a paper says of its learning rate goes over it."""


def check_options(name: str, config: Any, *, least_bands: int = 1) -> None:
    """Raise ``InputError`` unless the dataclass ``config`` has whole numbers from 1 and shares below 1."""
    for field in fields(config):
        value = getattr(config, field.name)
        if field.type is int and value < 1:
            raise InputError(f"{name}: option {field.name}={value}; give at least 1")
        if field.name == "dropout" and not 0 <= value < 1:
            raise InputError(f"{name}: option dropout={value}; give a share from 0 to below 1")
        if field.name == "patch_size" and value % 2 == 0:
            raise InputError(f"{name}: option patch_size={value}; give an odd number of pixels, such as 7")
    if config.in_channels < least_bands:
        raise InputError(
            f"{name}: in_channels={config.in_channels}; its spectral convolutions need at least"
            f" {least_bands} bands, choose another model"
        )


def check_side(model: Model, x: Float[Tensor, "b c h w"]) -> None:
    """Raise ``InputError`` unless the patches have the side that the model was built for."""
    side = model.patch_size
    if tuple(x.shape[2:]) != (side, side):
        raise InputError(
            f"{model.spec_name}: patches of {x.shape[2]} x {x.shape[3]} pixels, but it was built for"
            f" {side} x {side}; set patch_size to the side of the patches"
        )


def grow(x: Float[Tensor, "b c h w"], least: int) -> Float[Tensor, "b c h2 w2"]:
    """Pad patches smaller than ``least`` pixels a side with zeros, evenly: both are odd."""
    margin = max(least - x.shape[-1], 0) // 2
    return F.pad(x, (margin, margin, margin, margin)) if margin else x


def projection(bands: int, components: int) -> nn.Conv2d:
    """Build a 1 x 1 convolution without bias from bands to components: the learned stand-in for a PCA.

    It starts as a random orthogonal map and is trained with the rest, so that a model file holds all that a
    map needs. With fewer bands than components it spreads them.
    """
    layer = nn.Conv2d(bands, components, kernel_size=1, bias=False)
    nn.init.orthogonal_(layer.weight)
    return layer
