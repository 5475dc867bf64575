"""A Siamese U-Net that decodes the absolute differences of its two encoders' features, at every scale.

Its nearest published relative is FC-Siam-diff (Daudt, Le Saux, Boulch, "Fully convolutional Siamese
networks for change detection", ICIP 2018, doi 10.1109/ICIP.2018.8451652). Here the coarsest features are a
difference too (there they are the second date's), so that exchanging the dates changes nothing; there are
two convolutions at each of the four scales, bilinear enlargement instead of transposed convolutions, and no
dropout. The recipe is this project's. With the option ``encoder`` the maps are EfficientNet-lite0's.
"""

from collections.abc import Iterator
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.encoders.efficientnet_lite0 import CHANNELS, EfficientNetLite0
from terramamba.models.encoders.local import OWN, EncoderChoice, OnLocalEncoder
from terramamba.models.layers import by_date, conv_bn_relu, reflect_to_multiple
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec

SCALES = 4


class UNetDiff(Model):
    """Encoder shared by both dates, absolute differences, decoder with skip connections."""

    finest = 1
    """Side of the image, in pixels, for one position of the finest maps."""

    def __init__(self, in_channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        channels = [width * 2**i for i in range(SCALES)]
        self.make_encoder(in_channels, channels)
        self.up = nn.ModuleList(_two_convs(coarse + fine, fine) for fine, coarse in pairwise(channels))
        self.head = nn.Conv2d(width, num_classes, kernel_size=1)

    def make_encoder(self, in_channels: int, channels: list[int]) -> None:
        """Make what ``maps`` runs, with so many channels at each scale."""
        self.down = nn.ModuleList(
            _two_convs(fine, coarse) for fine, coarse in pairwise([in_channels, *channels])
        )

    def maps(self, y: Float[Tensor, "b c h w"]) -> Iterator[Tensor]:
        """Encode images (b, c, h, w) to maps at each scale, fine to coarse."""
        for i, down in enumerate(self.down):
            y = down(F.max_pool2d(y, 2) if i else y)
            yield y

    def forward(self, x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w)."""
        h, w = x.shape[-2:]
        y = reflect_to_multiple(x, self.finest * 2 ** (SCALES - 1)).transpose(0, 1).flatten(0, 1)
        differences = []
        for maps in self.maps(y.contiguous(memory_format=torch.channels_last)):
            before, after = by_date(maps)
            differences.append((after - before).abs())
        y = differences.pop()
        for up in reversed(self.up):
            y = up(torch.cat([_twice(y), differences.pop()], dim=1))
        return self.enlarged(self.head(y))[..., :h, :w]

    def enlarged(self, logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Enlarge logits at the finest scale to the size of the image."""
        return logits


class LocalUNetDiff(OnLocalEncoder, UNetDiff):
    """The same on EfficientNet-lite0: maps at strides 2 to 16, projected to the U-Net's channels."""

    finest = 2

    def make_encoder(self, in_channels: int, channels: list[int]) -> None:
        """Make EfficientNet-lite0 and the projections of its maps."""
        self.local = EfficientNetLite0(in_channels)
        self.project = nn.ModuleList(
            conv_bn_relu(c, k, kernel_size=1) for c, k in zip(CHANNELS, channels, strict=True)
        )

    def maps(self, y: Float[Tensor, "b c h w"]) -> Iterator[Tensor]:
        """Encode images (b, c, h, w) to maps at each scale, fine to coarse."""
        for project, maps in zip(self.project, self.local(y), strict=True):
            yield project(maps)

    def enlarged(self, logits: Float[Tensor, "b k h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Enlarge logits at stride 2 to the size of the image."""
        return _twice(logits)


def _twice(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _two_convs(in_channels: int, out_channels: int) -> nn.Sequential:
    return nn.Sequential(conv_bn_relu(in_channels, out_channels), conv_bn_relu(out_channels, out_channels))


def _build(in_channels: int, num_classes: int = 1, width: int = 16, encoder: EncoderChoice = OWN) -> UNetDiff:
    for name, value in (("in_channels", in_channels), ("num_classes", num_classes), ("width", width)):
        if value < 1:
            raise InputError(f"unet_diff: {name}={value!r}; give a number of at least 1")
    return (UNetDiff if encoder == OWN else LocalUNetDiff)(in_channels, num_classes, width)


SPEC = ModelSpec(
    name="unet_diff",
    task="change",
    title="Siamese U-Net on absolute feature differences",
    paper="after FC-Siam-diff: Daudt et al., ICIP 2018, doi 10.1109/ICIP.2018.8451652",
    build=_build,
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
    claims={"LEVIR-CD (FC-Siam-diff, as quoted by GLMamba)": "F1 84.57, IoU 73.32"},
    example=(1, 2, 3, 256, 256),
)
