"""FC-EF, FC-Siam-conc and FC-Siam-diff: the three fully convolutional change detectors.

Daudt, Le Saux, Boulch, "Fully convolutional Siamese networks for change detection", ICIP 2018, pp. 4063-4067,
doi 10.1109/ICIP.2018.8451652, arXiv 1810.08462. A U-Net of four scales, shallower than its model:

    fc_ef          early fusion: one encoder for the two dates' bands side by side
    fc_siam_conc   one encoder for each date, weights shared; skips carry both dates' features
    fc_siam_diff   the same encoders; skips carry the absolute difference of the features

The decoders of the Siamese networks start at the later date's coarsest features, as in the authors' program,
so none of the three answers the same when the dates are exchanged. Where the article is silent, chosen here:
dropout of whole channels after every convolution but the last; the sigmoid of one logit for the softmax of
two; inputs are mirrored to a multiple of 16; the recipe.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.layers import by_date, reflect_to_multiple
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

Fusion = Literal["early", "concatenation", "difference"]
CONVS_DOWN = (2, 2, 3, 3)
"""Convolutions of each scale of an encoder, fine to coarse; a decoder has as many."""
STRIDE = 2 ** len(CONVS_DOWN)


@dataclass(frozen=True, kw_only=True)
class FCSiamConfig:
    """Options of the three models."""

    in_channels: int
    """Bands of an image."""
    num_classes: int = 1
    """Logits a pixel; 1: changed or not."""
    width: int = 16
    """Channels of the finest scale; each coarser one has twice as many."""
    dropout: float = 0.2
    """Share of the channels dropped after a convolution in training."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        for name in ("in_channels", "num_classes"):
            if getattr(self, name) < 1:
                raise InputError(f"fc_siam: {name}={getattr(self, name)!r}; give a number of at least 1")
        if self.width < 2 or self.width % 2:
            raise InputError(f"fc_siam: width={self.width!r}; give an even number, of at least 2")
        if not 0 <= self.dropout < 1:
            raise InputError(f"fc_siam: dropout={self.dropout!r}; give a number from 0 to below 1")


class FCSiam(Model):
    """Encoder of both dates at once or of each, and a decoder with skip connections."""

    def __init__(self, config: FCSiamConfig, fusion: Fusion) -> None:
        super().__init__()
        self.fusion = fusion
        conv = partial(_conv, dropout=config.dropout)
        channels = [config.width * 2**i for i in range(len(CONVS_DOWN))]
        skips = 2 if fusion == "concatenation" else 1
        entry = config.in_channels * (2 if fusion == "early" else 1)
        self.down = nn.ModuleList(
            nn.Sequential(conv(before, own), *(conv(own, own) for _ in range(convs - 1)))
            for before, own, convs in zip([entry, *channels], channels, CONVS_DOWN, strict=False)
        )
        self.enlarge = nn.ModuleList(
            nn.ConvTranspose2d(c, c, kernel_size=3, stride=2, padding=1, output_padding=1) for c in channels
        )
        self.up = nn.ModuleList(
            nn.Sequential(conv((1 + skips) * own, own), *_narrowing(conv, own, convs - 1, last=i == 0))
            for i, (own, convs) in enumerate(zip(channels, CONVS_DOWN, strict=True))
        )
        self.head = nn.Conv2d(channels[0], config.num_classes, kernel_size=3, padding=1)

    def forward(self, x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w)."""
        h, w = x.shape[-2:]
        x = reflect_to_multiple(x, STRIDE)
        y = x.flatten(1, 2) if self.fusion == "early" else x.transpose(0, 1).flatten(0, 1)
        y = y.contiguous(memory_format=torch.channels_last)
        skips = []
        for down in self.down:
            features = down(y)
            skips.append(self._skip(features))
            y = F.max_pool2d(features, 2)
        if self.fusion != "early":
            _, y = by_date(y)
        for enlarge, up, skip in zip(reversed(self.enlarge), reversed(self.up), reversed(skips), strict=True):
            y = up(torch.cat([enlarge(y), skip], dim=1))
        return self.head(y)[..., :h, :w]

    def _skip(self, features: Tensor) -> Tensor:
        if self.fusion == "early":
            return features
        before, after = by_date(features)
        return torch.cat([before, after], 1) if self.fusion == "concatenation" else (after - before).abs()


def _conv(in_channels: int, out_channels: int, dropout: float) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size=3, padding=1),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
        nn.Dropout2d(dropout),
    )


def _narrowing(conv: Callable[..., nn.Module], own: int, count: int, *, last: bool) -> list[nn.Module]:
    """Build ``count`` convolutions; the last halves the channels, which at the finest scale the head does."""
    convs = [conv(own, own) for _ in range(count - 1)]
    return convs if last else [*convs, conv(own, own // 2)]


def _build(fusion: Fusion, **options: Any) -> FCSiam:
    return FCSiam(FCSiamConfig(**options), fusion)


def _spec(name: str, fusion: Fusion, title: str, parameters: str) -> ModelSpec:
    return ModelSpec(
        name=name,
        task="change",
        title=title,
        paper="Daudt et al., ICIP 2018, pp. 4063-4067, doi 10.1109/ICIP.2018.8451652",
        build=partial(_build, fusion),
        config=FCSiamConfig,
        presets={"default": {}},
        default_preset="default",
        recipe={
            "epochs": 200,
            "batch_size": 16,
            "lr": 1e-3,
            "weight_decay": 1e-4,
            "optimizer": "adamw",
            "schedule": "poly",
            "poly_power": 0.9,
            "clip_norm": 1.0,
            "loss": "bce",
        },
        claims={"parameters": f"{parameters} of the authors' program, as later articles count them"},
        example=(1, 2, 3, 256, 256),
    )


FC_EF = _spec("fc_ef", "early", "FC-EF, fully convolutional early fusion", "1.35 M")
FC_SIAM_CONC = _spec(
    "fc_siam_conc", "concatenation", "FC-Siam-conc, Siamese encoders, concatenated skips", "1.55 M"
)
FC_SIAM_DIFF = _spec(
    "fc_siam_diff", "difference", "FC-Siam-diff, Siamese encoders, skips of differences", "1.35 M"
)
