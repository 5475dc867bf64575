"""3-D CNN: convolutions over bands, rows and columns, and pooling of bands by strided convolutions.

Ben Hamida, Benoit, Lambert, Ben Amar, "3-D Deep Learning Approach for Remote Sensing Image Classification",
IEEE TGRS 56(8), 2018, pp. 4420-4434, doi 10.1109/TGRS.2018.2818945; its network for patches of 5 x 5 pixels.

Kernels are bands x rows x columns; bands are padded by one, rows and columns are not, so that a patch of
5 x 5 ends as one pixel. Of larger patches the fully connected layer reads what is left; smaller ones are
surrounded by zeros.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.baselines.patches import RECIPE, check_options, check_side, grow
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

LEAST_SIDE = 5


@dataclass(frozen=True, kw_only=True)
class ThreeDCNNConfig:
    """Options of the model; the defaults are the paper's, but for the patch side, which is 5 there."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    patch_size: int = 7
    """Patch side in pixels, odd."""
    kernels: int = 20
    """Kernels of the first two convolutions."""
    deep_kernels: int = 35
    """Kernels of the other four."""

    def __post_init__(self) -> None:
        check_options("three_d_cnn", self)


class ThreeDCNN(Model):
    """Six convolutions, of which the second, fourth and sixth halve the bands; one fully connected layer."""

    def __init__(self, config: ThreeDCNNConfig) -> None:
        super().__init__()
        few, many = config.kernels, config.deep_kernels
        self.patch_size = config.patch_size
        self.convs = nn.ModuleList(
            [
                nn.Conv3d(1, few, (3, 3, 3), padding=(1, 0, 0)),
                nn.Conv3d(few, few, (3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
                nn.Conv3d(few, many, (3, 3, 3), padding=(1, 0, 0)),
                nn.Conv3d(many, many, (3, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
                nn.Conv3d(many, many, (3, 1, 1), padding=(1, 0, 0)),
                nn.Conv3d(many, many, (2, 1, 1), stride=(2, 1, 1), padding=(1, 0, 0)),
            ]
        )
        quarter = (config.in_channels + 3) // 4
        left = max(config.patch_size, LEAST_SIDE) - 4
        self.head = nn.Linear(many * (quarter // 2 + 1) * left**2, config.num_classes)
        for layer in (*self.convs, self.head):
            nn.init.kaiming_normal_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w): logits (b, k).

        Raises:
            InputError: the patches do not have the side ``patch_size``.
        """
        check_side(self, x)
        y = grow(x, LEAST_SIDE)[:, None]
        for conv in self.convs:
            y = torch.relu(conv(y))
        return self.head(y.flatten(1))


def build(**options: Any) -> ThreeDCNN:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return ThreeDCNN(ThreeDCNNConfig(**options))


SPEC = ModelSpec(
    name="three_d_cnn",
    task="classify",
    title="3-D CNN on patches",
    paper="Ben Hamida et al., IEEE TGRS 56(8), 2018, pp. 4420-4434, doi 10.1109/TGRS.2018.2818945",
    build=build,
    config=ThreeDCNNConfig,
    presets={"default": {}},
    default_preset="default",
    recipe=RECIPE,
    claims={},
    example=(1, 144, 7, 7),
)
