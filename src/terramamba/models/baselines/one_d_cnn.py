"""1-D CNN: a convolution along the spectrum of the middle pixel.

Hu, Huang, Wei, Zhang, Li, "Deep Convolutional Neural Networks for Hyperspectral Image Classification",
Journal of Sensors 2015, 258619, doi 10.1155/2015/258619.

    here              paper    meaning
    in_channels       n1       bands
    width of kernel   k1       bands under the convolution: a ninth of n1
    pooled            n3       positions left by the max pooling of the n1 - k1 + 1
    hidden            n4       units of the fully connected layer
    num_classes       n5       classes

The paper chooses n3 between 30 and 40 by scene; that many windows, as even as can be, are pooled here (they
overlap by at most one position where the number does not divide). Its optimiser is plain gradient descent.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.baselines.patches import RECIPE, check_options
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

START = 0.05
"""Weights start between minus and plus this."""


@dataclass(frozen=True, kw_only=True)
class OneDCNNConfig:
    """Options of the model; the defaults are the paper's for Indian Pines and Salinas."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    kernels: int = 20
    """Kernels of the convolution."""
    pooled: int = 40
    """Positions after pooling; fewer where the convolution leaves fewer."""
    hidden: int = 100
    """Units of the fully connected layer."""

    def __post_init__(self) -> None:
        check_options("one_d_cnn", self)


class OneDCNN(Model):
    """Convolution, max pooling, two fully connected layers; tanh between them."""

    def __init__(self, config: OneDCNNConfig) -> None:
        super().__init__()
        width = max(config.in_channels // 9, 1)
        positions = min(config.pooled, config.in_channels - width + 1)
        self.layers = nn.Sequential(
            nn.Conv1d(1, config.kernels, width),
            nn.Tanh(),
            nn.AdaptiveMaxPool1d(positions),
            nn.Flatten(),
            nn.Linear(config.kernels * positions, config.hidden),
            nn.Tanh(),
            nn.Linear(config.hidden, config.num_classes),
        )
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -START, START)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w), without regard to the others: logits (b, k)."""
        spectra = x[:, :, x.shape[2] // 2, x.shape[3] // 2]
        return self.layers(spectra[:, None])


def build(**options: Any) -> OneDCNN:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return OneDCNN(OneDCNNConfig(**options))


SPEC = ModelSpec(
    name="one_d_cnn",
    task="classify",
    title="1-D CNN on single spectra",
    paper="Hu et al., Journal of Sensors 2015, 258619, doi 10.1155/2015/258619",
    build=build,
    config=OneDCNNConfig,
    presets={"paper": {}},
    default_preset="paper",
    recipe=RECIPE,
    claims={
        "parameters": "81,408 (Indian Pines, 220 bands, 8 classes); 82,216 (Salinas, 224 bands, 16 classes)"
    },
    example=(1, 144, 7, 7),  # the patch side of ssa_mamba, so that both are judged on the same split
)
