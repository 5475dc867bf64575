"""BIT, the bitemporal image transformer: a few words for each date, read again by every pixel.

Chen, Qi, Shi, "Remote sensing image change detection with transformers", IEEE TGRS 60, 2022, 5607514, doi
10.1109/TGRS.2021.3095166, arXiv 2103.00208. Backbone: the stem and three stages of ResNet-18 (He et al.,
CVPR 2016, arXiv 1512.03385), the third without a stride.

    here                 paper       meaning
    c = channels         C = 32      channels of the pixels' features X and of the tokens T
    l = tokens           L = 4       tokens of a date
    Tokenizer            Eq. 1       T = softmax(phi(X))' X: each token a weighted mean of pixels
    encoder              Eq. 2-5     both dates' tokens, with W_PE added, attend to each other (N_E = 1)
    decoder              Eq. 6-7     each date's pixels attend to that date's tokens (N_D = 8)
    head                 -           |X1 - X2|, enlarged, two convolutions

The paper states 3.55 M parameters. The authors' program also holds ResNet-18's classifier of ImageNet, whose
513,000 weights no image passes; without them it has 3.04 M, as here. Where the paper is silent, as in that
program: each head has 64 channels in the encoder and 8 in the decoder, MLPs have 2 c hidden channels, queries
and tokens share a norm. Chosen here: attention is scaled by the channels of a head (Eq. 3); weights start at
random, not from ImageNet; the sigmoid of one logit for the softmax of two; inputs are mirrored to a multiple
of 8; AdamW for the paper's stochastic gradient descent (momentum 0.99, learning rate 0.01). Positions tell
the dates' tokens apart, so exchanging the dates changes the answer by as much as the two dates' positions
differ.
"""

from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.encoders.efficientnet_lite0 import CHANNELS, EfficientNetLite0
from terramamba.models.encoders.local import OWN, EncoderChoice, OnLocalEncoder
from terramamba.models.layers import by_date, reflect_to_multiple
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

STRIDE = 8
"""Side of the input for one position of the backbone's coarsest map."""


@dataclass(frozen=True, kw_only=True)
class BITConfig:
    """Options of the model."""

    in_channels: int
    """Bands of an image."""
    num_classes: int = 1
    """Logits a pixel; 1: changed or not."""
    base_channels: int = 64
    """Channels of ResNet's first stage; the next two have 2 and 4 times as many."""
    channels: int = 32
    """Channels of pixels and tokens in the transformer, C."""
    tokens: int = 4
    """Tokens of a date, L."""
    encoder_depth: int = 1
    """Layers in which the tokens attend to each other, N_E."""
    decoder_depth: int = 8
    """Layers in which the pixels attend to the tokens, N_D."""
    heads: int = 8
    """Heads of an attention."""
    encoder_head: int = 64
    """Channels of a head in the encoder."""
    decoder_head: int = 8
    """Channels of a head in the decoder."""
    encoder: EncoderChoice = OWN
    """The published backbone, or EfficientNet-lite0 in its place, which ``base_channels`` says nothing of."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        for name, value in vars(self).items():
            if name == "encoder":
                continue
            least = 0 if name == "encoder_depth" else 1
            if value < least:
                raise InputError(f"bit: {name}={value!r}; give a number of at least {least}")


class ResidualBlock(nn.Module):
    """ReLU(x + two convolutions of x), x projected where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
            nn.Conv2d(after, after, 3, padding=1, bias=False),
            nn.BatchNorm2d(after),
        )
        self.project = (
            nn.Identity()
            if before == after
            else nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Convolve maps (b, c, h, w) to maps of the block's channels, at full or half size."""
        return torch.relu(self.project(x) + self.convs(x))


class Tokenizer(nn.Module):
    """T = A' X, A = softmax over the pixels of a pointwise convolution of X (Eq. 1)."""

    def __init__(self, channels: int, tokens: int) -> None:
        super().__init__()
        self.score = nn.Linear(channels, tokens, bias=False)

    def forward(self, pixels: Float[Tensor, "b p c"]) -> Float[Tensor, "b l c"]:
        """Gather pixels (b, p, c) to tokens (b, l, c)."""
        return self.score(pixels).softmax(dim=1).transpose(1, 2) @ pixels


class AttentionLayer(nn.Module):
    """x + MHA(query LN(x), context LN(y)), then x + MLP(LN(x)) with GELU."""

    def __init__(self, channels: int, heads: int, head: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, heads * head, bias=False)
        self.key_value = nn.Linear(channels, 2 * heads * head, bias=False)
        self.out = nn.Linear(heads * head, channels)
        self.mlp = nn.Sequential(
            nn.LayerNorm(channels),
            nn.Linear(channels, 2 * channels),
            nn.GELU(),
            nn.Linear(2 * channels, channels),
        )

    def forward(self, x: Float[Tensor, "b m c"], y: Float[Tensor, "b n c"]) -> Float[Tensor, "b m c"]:
        """Attend from each of x (b, m, c) to the context y (b, n, c)."""
        query, (key, value) = self.query(self.norm(x)), self.key_value(self.norm(y)).chunk(2, dim=-1)
        split = (z.unflatten(-1, (self.heads, -1)).transpose(1, 2) for z in (query, key, value))
        attended = F.scaled_dot_product_attention(*split)  # Eq. 3
        x = x + self.out(attended.transpose(1, 2).flatten(2))
        return x + self.mlp(x)


class BIT(Model):
    """Backbone of each date, tokens, transformer encoder, transformer decoder, difference."""

    padded_to = STRIDE

    def __init__(self, config: BITConfig) -> None:
        super().__init__()
        c = config.channels
        self.reduce = nn.Conv2d(self.make_backbone(config), c, kernel_size=3, padding=1)
        self.tokenizer = Tokenizer(c, config.tokens)
        self.positions = nn.Parameter(torch.randn(2 * config.tokens, c))
        self.encoder = nn.ModuleList(
            AttentionLayer(c, config.heads, config.encoder_head) for _ in range(config.encoder_depth)
        )
        self.decoder = nn.ModuleList(
            AttentionLayer(c, config.heads, config.decoder_head) for _ in range(config.decoder_depth)
        )
        self.head = nn.Sequential(
            nn.Conv2d(c, c, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(c),
            nn.ReLU(inplace=True),
            nn.Conv2d(c, config.num_classes, kernel_size=3, padding=1),
        )

    def make_backbone(self, config: BITConfig) -> int:
        """Make what ``features`` runs, and return its channels."""
        base = config.base_channels
        self.stem = nn.Sequential(
            nn.Conv2d(config.in_channels, base, kernel_size=7, stride=2, padding=3, bias=False),
            nn.BatchNorm2d(base),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(kernel_size=3, stride=2, padding=1),
        )
        self.stages = nn.Sequential(
            *(ResidualBlock(base, base, 1) for _ in range(2)),
            *(ResidualBlock(base, 2 * base, 2), ResidualBlock(2 * base, 2 * base, 1)),
            *(ResidualBlock(2 * base, 4 * base, 1), ResidualBlock(4 * base, 4 * base, 1)),
        )
        return 4 * base

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h8 w8"]:
        """Run the backbone on images (b, c, h, w)."""
        return self.stages(self.stem(x))

    def forward(self, x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w)."""
        h, w = x.shape[-2:]
        y = self.features(reflect_to_multiple(x, self.padded_to).transpose(0, 1).flatten(0, 1))
        y = self.reduce(F.interpolate(y, scale_factor=2.0, mode="nearest"))
        pixels = y.flatten(2).transpose(1, 2)
        # Both dates' tokens side by side: the encoder attends across the dates, the decoder within one.
        tokens = torch.cat(by_date(self.tokenizer(pixels)), dim=1) + self.positions
        for layer in self.encoder:
            tokens = layer(tokens, tokens)
        tokens = torch.cat(tokens.chunk(2, dim=1))
        for layer in self.decoder:
            pixels = layer(pixels, tokens)
        before, after = by_date(pixels.transpose(1, 2).unflatten(2, y.shape[-2:]))
        difference = F.interpolate(
            (after - before).abs(), scale_factor=4.0, mode="bilinear", align_corners=False
        )
        return self.head(difference)[..., :h, :w]


class LocalBIT(OnLocalEncoder, BIT):
    """The same on EfficientNet-lite0: its maps at strides 8 and 16, both at stride 8, are the backbone's."""

    padded_to = 16

    def make_backbone(self, config: BITConfig) -> int:
        """Make EfficientNet-lite0, and return the channels of its two coarsest maps."""
        self.local = EfficientNetLite0(config.in_channels)
        return sum(CHANNELS[2:])

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h8 w8"]:
        """Run the backbone on images (b, c, h, w)."""
        _, _, fine, coarse = self.local(x)
        return torch.cat([fine, F.interpolate(coarse, scale_factor=2.0, mode="nearest")], dim=1)


def _build(**options: Any) -> BIT:
    config = BITConfig(**options)
    return (BIT if config.encoder == OWN else LocalBIT)(config)


SPEC = ModelSpec(
    name="bit",
    task="change",
    title="BIT, bitemporal image transformer on ResNet-18",
    paper="Chen et al., IEEE TGRS 60, 2022, 5607514, doi 10.1109/TGRS.2021.3095166",
    build=_build,
    config=BITConfig,
    presets={"small": {"base_channels": 16, "decoder_depth": 2}, "paper": {}},
    default_preset="paper",
    recipe={
        "epochs": 200,
        "batch_size": 8,
        "lr": 1e-3,
        "weight_decay": 5e-4,
        "optimizer": "adamw",
        "schedule": "poly",
        "poly_power": 1.0,
        "clip_norm": 1.0,
        "loss": "bce",
    },
    claims={
        "parameters": "3.55 M, of which the authors' program leaves 0.51 M unused",
        "LEVIR-CD": "F1 89.31, IoU 80.68",
    },
    example=(1, 2, 3, 256, 256),
)
