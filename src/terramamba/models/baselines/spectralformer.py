"""SpectralFormer: a transformer whose tokens are groups of neighbouring bands.

Hong, Han, Yao, Gao, Zhang, Plaza, Chanussot, "SpectralFormer: Rethinking Hyperspectral Image Classification
With Transformers", IEEE TGRS 60, 2022, 5518615, doi 10.1109/TGRS.2021.3130716; patch-wise.

    group-wise spectral embedding   a token for each band: the patch in that band and its neighbours, linear
                                    to d_model; the ends of the spectrum are neighbours of each other
    cross-layer adaptive fusion     what enters layer l is weighed with what entered layer l - 2: two learned
                                    numbers for each such pair of layers

The fusion is the equation's, with weights for the two layers; published code also mixes tokens in it. The
weights start at one half. A class token carries the answer; norms come before attention and perceptron.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.baselines.patches import RECIPE, check_options, check_side
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec


@dataclass(frozen=True, kw_only=True)
class SpectralFormerConfig:
    """Options of the model; the defaults are the paper's."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    patch_size: int = 7
    """Patch side in pixels, odd."""
    group: int = 3
    """Neighbouring bands in a token; odd."""
    d_model: int = 64
    """Channels of a token."""
    depth: int = 5
    """Layers."""
    heads: int = 4
    """Attention heads; a divisor of d_model."""
    hidden: int = 8
    """Units of a layer's perceptron."""
    dropout: float = 0.1
    """Share of values dropped in training."""

    def __post_init__(self) -> None:
        check_options("spectralformer", self)
        if self.group % 2 == 0:
            raise InputError(f"spectralformer: option group={self.group}; give an odd number of bands")
        if self.d_model % self.heads:
            raise InputError(
                f"spectralformer: option d_model={self.d_model}; give a multiple of heads={self.heads}"
            )


class Attention(nn.Module):
    """Multi-head attention of all tokens to all."""

    def __init__(self, config: SpectralFormerConfig) -> None:
        super().__init__()
        d = config.d_model
        self.heads = config.heads
        self.norm = nn.LayerNorm(d)
        self.qkv = nn.Linear(d, 3 * d, bias=False)
        self.out = nn.Sequential(nn.Linear(d, d), nn.Dropout(config.dropout))

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Attend from each token (b, l, d) to all."""
        q, k, v = rearrange(self.qkv(self.norm(x)), "b l (t n d) -> t b n l d", t=3, n=self.heads)
        return self.out(rearrange(F.scaled_dot_product_attention(q, k, v), "b n l d -> b l (n d)"))


def perceptron(config: SpectralFormerConfig) -> nn.Sequential:
    """Build a norm and two linear layers for each token."""
    return nn.Sequential(
        nn.LayerNorm(config.d_model),
        nn.Linear(config.d_model, config.hidden),
        nn.GELU(),
        nn.Dropout(config.dropout),
        nn.Linear(config.hidden, config.d_model),
        nn.Dropout(config.dropout),
    )


class SpectralFormer(Model):
    """Group-wise embedding, layers with fusion across them, linear head on the class token."""

    neighbours: Tensor

    def __init__(self, config: SpectralFormerConfig) -> None:
        super().__init__()
        d, bands = config.d_model, config.in_channels
        self.patch_size = config.patch_size
        offsets = torch.arange(config.group) - config.group // 2
        index = (torch.arange(bands)[:, None] + offsets) % bands
        self.register_buffer("neighbours", index, persistent=False)
        self.embed = nn.Linear(config.group * config.patch_size**2, d)
        self.place = nn.Parameter(torch.randn(bands + 1, d))
        self.class_token = nn.Parameter(torch.randn(d))
        self.dropout = nn.Dropout(config.dropout)
        self.attention = nn.ModuleList(Attention(config) for _ in range(config.depth))
        self.perceptrons = nn.ModuleList(perceptron(config) for _ in range(config.depth))
        self.fusion = nn.ParameterList(torch.full((2,), 0.5) for _ in range(config.depth - 2))
        self.norm = nn.LayerNorm(d)
        self.head = nn.Linear(d, config.num_classes)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k"]:
        """Classify the middle pixels of patches (b, c, h, w): logits (b, k).

        Raises:
            InputError: the patches do not have the side ``patch_size``.
        """
        check_side(self, x)
        groups = rearrange(x[:, self.neighbours], "b c g h w -> b c (g h w)")
        class_token = self.class_token.expand(x.shape[0], 1, -1)
        z = self.dropout(torch.cat([class_token, self.embed(groups)], dim=1) + self.place)
        entered: list[Tensor] = []
        for layer, (attention, mlp) in enumerate(zip(self.attention, self.perceptrons, strict=True)):
            entered.append(z)
            if layer >= 2:
                weight = self.fusion[layer - 2]
                z = weight[0] * z + weight[1] * entered[layer - 2]
            z = z + attention(z)
            z = z + mlp(z)
        return self.head(self.norm(z[:, 0]))


def build(**options: Any) -> SpectralFormer:
    """Build the model with these options.

    Raises:
        InputError: options that cannot be, or do not go together.
    """
    return SpectralFormer(SpectralFormerConfig(**options))


SPEC = ModelSpec(
    name="spectralformer",
    task="classify",
    title="SpectralFormer: a transformer on groups of bands",
    paper="Hong et al., IEEE TGRS 60, 2022, 5518615, doi 10.1109/TGRS.2021.3130716",
    build=build,
    config=SpectralFormerConfig,
    presets={"paper": {}},
    default_preset="paper",
    recipe={**RECIPE, "lr": 5e-4},
    claims={},
    example=(1, 144, 7, 7),
)
