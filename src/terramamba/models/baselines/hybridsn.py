"""HybridSN: three 3-D convolutions, then a 2-D one over all that they found.

Roy, Krishna, Dubey, Chaudhuri, "HybridSN: Exploring 3-D-2-D CNN Feature Hierarchy for Hyperspectral Image
Classification", IEEE GRSL 17(2), 2020, pp. 277-281, doi 10.1109/LGRS.2019.2918719.

Kernels are components x rows x columns; nothing is padded. The paper's patches have 25 x 25 pixels; the four
convolutions need 9 x 9, so smaller patches are surrounded by zeros. The paper reduces the bands by a PCA of
the scene (to 30 components for Indian Pines, 15 elsewhere); here a 1 x 1 convolution is learned with the
rest.
"""

from dataclasses import dataclass
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.baselines.patches import RECIPE, check_options, check_side, grow, projection
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

LEAST_SIDE = 9
LEAST_COMPONENTS = 13


@dataclass(frozen=True, kw_only=True)
class HybridSNConfig:
    """Options of the model; the defaults are the paper's, but for the patch side, which is 25 there."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    patch_size: int = 7
    """Patch side in pixels, odd."""
    components: int = 30
    """Components that the bands are reduced to; at least 13."""
    dropout: float = 0.4
    """Share of values dropped in training."""

    def __post_init__(self) -> None:
        check_options("hybridsn", self)
        if self.components < LEAST_COMPONENTS:
            raise InputError(
                f"hybridsn: option components={self.components}; give at least {LEAST_COMPONENTS}, the reach"
                " of its spectral convolutions"
            )


class HybridSN(Model):
    """Projection, three 3-D convolutions, a 2-D one, three fully connected layers."""

    def __init__(self, config: HybridSNConfig) -> None:
        super().__init__()
        left = max(config.patch_size, LEAST_SIDE) - 8
        self.patch_size = config.patch_size
        self.project = projection(config.in_channels, config.components)
        self.volume = nn.Sequential(
            nn.Conv3d(1, 8, (7, 3, 3)),
            nn.ReLU(),
            nn.Conv3d(8, 16, (5, 3, 3)),
            nn.ReLU(),
            nn.Conv3d(16, 32, (3, 3, 3)),
            nn.ReLU(),
        )
        self.plane = nn.Sequential(nn.Conv2d(32 * (config.components - 12), 64, 3), nn.ReLU())
        self.head = nn.Sequential(
            nn.Linear(64 * left**2, 256),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Dropout(config.dropout),
            nn.Linear(128, config.num_classes),
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w): logits (b, k).

        Raises:
            InputError: the patches do not have the side ``patch_size``.
        """
        check_side(self, x)
        y = self.volume(grow(self.project(x), LEAST_SIDE)[:, None])
        return self.head(self.plane(y.flatten(1, 2)).flatten(1))


def build(**options: Any) -> HybridSN:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return HybridSN(HybridSNConfig(**options))


SPEC = ModelSpec(
    name="hybridsn",
    task="classify",
    title="HybridSN: 3-D convolutions, then 2-D",
    paper="Roy et al., IEEE GRSL 17(2), 2020, pp. 277-281, doi 10.1109/LGRS.2019.2918719",
    build=build,
    config=HybridSNConfig,
    presets={"default": {}},
    default_preset="default",
    recipe=RECIPE,
    claims={
        "parameters": "5,122,176 (Indian Pines: 25 x 25 pixels, 30 components, 16 classes, no projection)"
    },
    example=(1, 144, 7, 7),
)
