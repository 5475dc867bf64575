"""2-D CNN: convolutions over a patch of a few components of the spectrum.

Makantasis, Karantzalos, Doulamis, Doulamis, "Deep supervised learning for hyperspectral data classification
through convolutional neural networks", IGARSS 2015, pp. 4959-4962, doi 10.1109/IGARSS.2015.7326945.

With c components: 3 x 3 convolution to 3 c maps, 3 x 3 convolution to 9 c maps, no padding and no pooling, a
fully connected layer of 6 c units, classes. The paper's patches have 5 x 5 pixels, which the convolutions
bring down to one; of larger patches the fully connected layer reads what is left, smaller ones are
surrounded by zeros. The paper reduces the bands by a randomised PCA of the scene; here a 1 x 1 convolution is
learned with the rest. ReLU between the layers.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.baselines.patches import RECIPE, check_options, check_side, grow, projection
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

LEAST_SIDE = 5


@dataclass(frozen=True, kw_only=True)
class TwoDCNNConfig:
    """Options of the model; the defaults are the paper's, but for the patch side, which is 5 there."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    patch_size: int = 7
    """Patch side in pixels, odd."""
    components: int = 10
    """Components that the bands are reduced to (c)."""

    def __post_init__(self) -> None:
        check_options("two_d_cnn", self)


class TwoDCNN(Model):
    """Projection, two convolutions, two fully connected layers."""

    def __init__(self, config: TwoDCNNConfig) -> None:
        super().__init__()
        c = config.components
        left = max(config.patch_size, LEAST_SIDE) - 4
        self.patch_size = config.patch_size
        self.project = projection(config.in_channels, c)
        self.layers = nn.Sequential(
            nn.Conv2d(c, 3 * c, 3),
            nn.ReLU(),
            nn.Conv2d(3 * c, 9 * c, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Linear(9 * c * left**2, 6 * c),
            nn.ReLU(),
            nn.Linear(6 * c, config.num_classes),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w): logits (b, k).

        Raises:
            InputError: the patches do not have the side ``patch_size``.
        """
        check_side(self, x)
        return self.layers(grow(self.project(x), LEAST_SIDE))


def build(**options: Any) -> TwoDCNN:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return TwoDCNN(TwoDCNNConfig(**options))


SPEC = ModelSpec(
    name="two_d_cnn",
    task="classify",
    title="2-D CNN on patches of a few components",
    paper="Makantasis et al., IGARSS 2015, pp. 4959-4962, doi 10.1109/IGARSS.2015.7326945",
    build=build,
    config=TwoDCNNConfig,
    presets={"default": {}},
    default_preset="default",
    recipe=RECIPE,
    claims={},
    example=(1, 144, 7, 7),
)
