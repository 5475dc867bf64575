"""ResNet: the spectral-spatial residual network (SSRN), residual blocks along bands and then over pixels.

Zhong, Li, Luo, Chapman, "Spectral-Spatial Residual Network for Hyperspectral Image Classification: A 3-D Deep
Learning Framework", IEEE TGRS 56(2), 2018, pp. 847-858, doi 10.1109/TGRS.2017.2755542.

    bands (7 of them at a time, every second) -> two residual blocks along bands -> 128 maps of all bands
    -> 3 x 3 pixels (no padding) -> two residual blocks over pixels -> mean over pixels -> classes

A block is x + (convolution, norm, ReLU, convolution, norm), then ReLU. Convolutions are followed by batch
norms, and so have no bias here. Where the paper is silent the padding of blocks is by zeros. Patches of one
pixel are surrounded by zeros.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.baselines.patches import RECIPE, check_options, grow
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

REACH = 7
"""Bands under a spectral convolution."""
LEAST_SIDE = 3


@dataclass(frozen=True, kw_only=True)
class ResNetConfig:
    """Options of the model; the defaults are the paper's."""

    in_channels: int
    """Spectral bands; at least 7."""
    num_classes: int
    """Classes."""
    kernels: int = 24
    """Kernels of the residual blocks."""
    maps: int = 128
    """Maps that the bands become between spectral and spatial blocks."""
    blocks: int = 2
    """Residual blocks along bands, and as many over pixels."""

    def __post_init__(self) -> None:
        check_options("resnet", self, least_bands=REACH)


def conv_bn(
    in_channels: int, out_channels: int, kernel: tuple[int, int, int], stride: int = 1, same: bool = False
) -> nn.Sequential:
    """Build a convolution over bands, rows and columns, and a batch norm; ``same``: it keeps the size."""
    bands, rows, columns = kernel
    padding = (bands // 2, rows // 2, columns // 2) if same else 0
    conv = nn.Conv3d(in_channels, out_channels, kernel, stride=(stride, 1, 1), padding=padding, bias=False)
    return nn.Sequential(conv, nn.BatchNorm3d(out_channels))


class ResidualBlock(nn.Module):
    """x + two convolutions of x."""

    def __init__(self, channels: int, kernel: tuple[int, int, int]) -> None:
        super().__init__()
        self.first = conv_bn(channels, channels, kernel, same=True)
        self.second = conv_bn(channels, channels, kernel, same=True)

    def forward(self, x: Float[Tensor, "b d c h w"]) -> Float[Tensor, "b d c h w"]:
        """Convolve features (b, d, c, h, w) and add them up."""
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class ResNet(Model):
    """Spectral blocks, spatial blocks, mean, linear head."""

    def __init__(self, config: ResNetConfig) -> None:
        super().__init__()
        d = config.kernels
        positions = (config.in_channels - REACH) // 2 + 1
        self.spectral = nn.Sequential(
            conv_bn(1, d, (REACH, 1, 1), stride=2),
            nn.ReLU(),
            *(ResidualBlock(d, (REACH, 1, 1)) for _ in range(config.blocks)),
            conv_bn(d, config.maps, (positions, 1, 1)),
            nn.ReLU(),
        )
        self.spatial = nn.Sequential(
            # The maps become the depth that one kernel of 3 x 3 x maps takes in whole.
            conv_bn(config.maps, d, (1, 3, 3)),
            nn.ReLU(),
            *(ResidualBlock(d, (1, 3, 3)) for _ in range(config.blocks)),
        )
        self.head = nn.Linear(d, config.num_classes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w) of any side: logits (b, k)."""
        y = self.spatial(self.spectral(grow(x, LEAST_SIDE)[:, None]))
        return self.head(y.mean(dim=(2, 3, 4)))


def build(**options: Any) -> ResNet:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return ResNet(ResNetConfig(**options))


SPEC = ModelSpec(
    name="resnet",
    task="classify",
    title="ResNet: spectral-spatial residual network (SSRN)",
    paper="Zhong et al., IEEE TGRS 56(2), 2018, pp. 847-858, doi 10.1109/TGRS.2017.2755542",
    build=build,
    config=ResNetConfig,
    presets={"paper": {}},
    default_preset="paper",
    recipe={**RECIPE, "lr": 3e-4},
    claims={},
    example=(1, 144, 7, 7),
)
