"""TinyCD: a change detector of 0.29 M parameters on the first stages of EfficientNet-B4.

Codegoni, Lombardi, Ferrari, "TINYCD: a (not so) deep learning model for change detection", Neural Computing
and Applications 35, 2023, pp. 8471-8486, doi 10.1007/s00521-022-08122-3, arXiv 2207.13159. Its backbone: Tan
and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", ICML 2019, arXiv
1905.11946, of whose B4 the stem and three stages are used; inverted bottlenecks (MBConv) with squeeze and
excitation.

    scale   backbone                  both dates mixed by     what becomes of it
    1       the images                Mixing, to c channels   mask of the finest step up
    1/2     stem 48, 2 blocks of 24   Mixing, to 24 channels  mask of the second step up
    1/4     4 blocks of 32            Mixing, to 32 channels  mask of the first step up
    1/8     4 blocks of 56            Mixing, to 56 channels  what is enlarged, masked and decoded

Weights start at random: the article's backbone was trained on ImageNet, whose images have three bands. The
logit is the value before the article's sigmoid; inputs are mirrored to a multiple of 16, so that an instance
norm never sees a single position. Dates have weights of their own where they are mixed, so exchanging them
changes the answer. The rate of stochastic depth rises from block to block as in the backbone's program
(0.2 at the end of all 32 blocks of B4).
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.layers import by_date, reflect_to_multiple
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

STRIDE = 16
STEM = 48
STAGES = ((24, 2, 1, 3, 1), (32, 4, 6, 3, 2), (56, 4, 6, 5, 2))
"""Channels, blocks, expansion, side of the kernel and stride of the stages that are used."""
BLOCKS_OF_B4 = 32


@dataclass(frozen=True, kw_only=True)
class TinyCDConfig:
    """Options of the model."""

    in_channels: int
    """Bands of an image."""
    num_classes: int = 1
    """Logits a pixel; 1: changed or not."""
    drop_path: float = 0.2
    """How often training leaves out the last block of all of EfficientNet-B4; earlier ones in proportion."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        for name in ("in_channels", "num_classes"):
            if getattr(self, name) < 1:
                raise InputError(f"tinycd: {name}={getattr(self, name)!r}; give a number of at least 1")
        if not 0 <= self.drop_path < 1:
            raise InputError(f"tinycd: drop_path={self.drop_path!r}; give a number from 0 to below 1")


class MBConv(nn.Module):
    """Inverted bottleneck: expansion, depthwise convolution, squeeze and excitation, projection, residual.

    In the names of the weights these are ``widen``, ``look``, ``weigh`` and ``narrow``; the residual is there
    where shapes allow.
    """

    def __init__(
        self, before: int, after: int, expansion: int, side: int, stride: int, drop_path: float
    ) -> None:
        super().__init__()
        expanded, squeezed = before * expansion, before // 4
        self.drop_path, self.residual = drop_path, stride == 1 and before == after
        self.widen = _conv_bn_silu(before, expanded, 1) if expansion > 1 else nn.Identity()
        self.look = _conv_bn_silu(expanded, expanded, side, stride, groups=expanded)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            nn.Conv2d(expanded, squeezed, 1),
            nn.SiLU(),
            nn.Conv2d(squeezed, expanded, 1),
        )
        self.narrow = nn.Sequential(nn.Conv2d(expanded, after, 1, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c2 h2 w2"]:
        """Convolve maps (b, c, h, w) to maps of the block's channels, at full or half size."""
        y = self.look(self.widen(x))
        y = self.narrow(y * torch.sigmoid(self.weigh(y)))
        if not self.residual:
            return y
        if self.training and self.drop_path:
            kept = torch.rand(len(y), 1, 1, 1, dtype=y.dtype, device=y.device) >= self.drop_path
            y = y * kept / (1 - self.drop_path)
        return x + y


class Mixing(nn.Module):
    """Each channel of both dates to one, by a convolution of that channel's two maps (the article's MAMB)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2 * channels, channels, kernel_size=3, padding=1, groups=channels)
        self.act = nn.PReLU()
        self.norm = nn.InstanceNorm2d(channels)

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Mix maps of two dates (b, c, h, w) to one of the same shape."""
        interleaved = torch.stack([before, after], dim=2).flatten(1, 2)
        return self.norm(self.act(self.conv(interleaved)))


class StepUp(nn.Module):
    """Twice the size, times the mask, then a depthwise and a pointwise convolution."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            nn.Conv2d(before, before, kernel_size=3, padding=1, groups=before),
            nn.PReLU(),
            nn.InstanceNorm2d(before),
            nn.Conv2d(before, after, kernel_size=1),
            nn.PReLU(),
            nn.InstanceNorm2d(after),
        )

    def forward(
        self, x: Float[Tensor, "b c h w"], mask: Float[Tensor, "b 1 h2 w2"]
    ) -> Float[Tensor, "b c2 h2 w2"]:
        """Enlarge maps to the size of the mask and mask them."""
        x = F.interpolate(x, size=mask.shape[-2:], mode="bilinear", align_corners=True)
        return self.convs(x * mask)


class TinyCD(Model):
    """Backbone of each date, mixing at four scales, three masked steps up, pixelwise classifier."""

    def __init__(self, config: TinyCDConfig) -> None:
        super().__init__()
        bands = config.in_channels
        self.stem = _conv_bn_silu(bands, STEM, 3, stride=2)
        self.stages, before, place = nn.ModuleList(), STEM, 0
        for after, blocks, expansion, side, stride in STAGES:
            stage = nn.Sequential()
            for i in range(blocks):
                rate = config.drop_path * place / BLOCKS_OF_B4
                stage.append(MBConv(before, after, expansion, side, stride if i == 0 else 1, rate))
                before, place = after, place + 1
            self.stages.append(stage)
        fine, middle, coarse = (stage[0] for stage in STAGES)
        self.mixings = nn.ModuleList(Mixing(c) for c in (bands, fine, middle, coarse))
        self.masks = nn.ModuleList(
            [_pixelwise(bands, 10, 5, 1), _pixelwise(fine, 12, 6, 1), _pixelwise(middle, 16, 8, 1)]
        )
        self.up = nn.ModuleList([StepUp(coarse, 64), StepUp(64, 64), StepUp(64, 32)])
        self.head = _pixelwise(32, 16, 8, config.num_classes, last=nn.Identity())
        for part in (self.stem, self.stages):
            part.apply(_initialise)

    def forward(self, x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w)."""
        h, w = x.shape[-2:]
        y = reflect_to_multiple(x, STRIDE).transpose(0, 1).flatten(0, 1)
        mixed = [self.mixings[0](*by_date(y))]
        y = self.stem(y)
        for stage, mixing in zip(self.stages, self.mixings[1:], strict=True):
            y = stage(y)
            mixed.append(mixing(*by_date(y)))
        z = mixed.pop()
        for up, mask, maps in zip(self.up, reversed(self.masks), reversed(mixed), strict=True):
            z = up(z, mask(maps))
        return self.head(z)[..., :h, :w]


def _conv_bn_silu(before: int, after: int, side: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, side, stride, padding=side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(after),
        nn.SiLU(inplace=True),
    )


def _pixelwise(*channels: int, last: nn.Module | None = None) -> nn.Sequential:
    """Build linear layers of each pixel, PReLU after each but, where one is given, the ``last``."""
    layers = nn.Sequential()
    for before, after in pairwise(channels):
        layers.extend([nn.Conv2d(before, after, kernel_size=1), nn.PReLU()])
    if last is not None:
        layers[-1] = last
    return layers


def _initialise(module: nn.Module) -> None:
    """Draw weights as EfficientNet does."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _build(**options: Any) -> TinyCD:
    return TinyCD(TinyCDConfig(**options))


SPEC = ModelSpec(
    name="tinycd",
    task="change",
    title="TinyCD, mixing and masks on the first stages of EfficientNet-B4",
    paper="Codegoni et al., Neural Computing and Applications 35, 2023, doi 10.1007/s00521-022-08122-3",
    build=_build,
    config=TinyCDConfig,
    presets={"default": {}},
    default_preset="default",
    recipe={
        "epochs": 100,
        "batch_size": 8,
        "lr": 3.568e-3,
        "weight_decay": 9.45e-3,
        "optimizer": "adamw",
        "schedule": "cosine",
        "loss": "bce",
    },
    claims={"parameters": "0.29 M", "LEVIR-CD": "F1 91.05, IoU 83.57"},
    example=(1, 2, 3, 256, 256),
)
