"""EfficientNet-lite0 without its classifier: feature maps of an image at strides 2, 4, 8 and 16.

Tan, Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", ICML 2019, arXiv
1905.11946, in the variant "lite0" of the TensorFlow model garden: no squeeze-and-excitation, ReLU6, a stem of
32 channels. The last two of its stages (stride 32) are left out: an image is told from another of the same
place by what is near.

    here          paper            meaning
    MBConv        MBConv1, MBConv6 1x1 expansion, depthwise convolution, 1x1 projection
    expansion     -                hidden channels for one input channel
"""

import re
from collections.abc import Mapping
from typing import cast

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.encoders.pretrained import IMAGENET, take

STEM = 32
EPSILON, MOMENTUM = 1e-3, 0.01
"""Of batch normalisation, as trained."""
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
)
"""Blocks, kernel, stride of the first block, expansion and channels of each stage."""
OUT_OF = (0, 1, 2, 4)
"""Stages whose maps are given out: the last at each stride."""
CHANNELS = tuple(STAGES[stage][-1] for stage in OUT_OF)
SEEN = IMAGENET.normalisation
"""Images come in with deviation 1 and mean 0; the public weights saw these."""


class SameConv2d(nn.Conv2d):
    """A convolution padded as TensorFlow does: where the stride leaves one pixel over, it is the last."""

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Convolve to ceil(side / stride)."""
        margins: list[int] = []
        for side, kernel, stride in zip(
            x.shape[:1:-1], self.kernel_size[::-1], self.stride[::-1], strict=True
        ):
            total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
            margins += [total // 2, total - total // 2]
        if margins[0] == margins[1] and margins[2] == margins[3]:
            padding = (margins[2], margins[0])
            return F.conv2d(x, self.weight, self.bias, self.stride, padding, groups=self.groups)
        return F.conv2d(F.pad(x, margins), self.weight, self.bias, self.stride, groups=self.groups)


def _norm(channels: int) -> nn.BatchNorm2d:
    return nn.BatchNorm2d(channels, eps=EPSILON, momentum=MOMENTUM)


class MBConv(nn.Module):
    """Expand, filter each channel, project; the input is added where shapes allow."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = expansion * in_channels
        self.adds = stride == 1 and in_channels == channels
        self.expand = (
            nn.Sequential(nn.Conv2d(in_channels, hidden, 1, bias=False), _norm(hidden), nn.ReLU6())
            if expansion > 1
            else nn.Identity()
        )
        self.depthwise = nn.Sequential(
            SameConv2d(hidden, hidden, kernel, stride, groups=hidden, bias=False), _norm(hidden), nn.ReLU6()
        )
        self.project = nn.Sequential(nn.Conv2d(hidden, channels, 1, bias=False), _norm(channels))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h2 w2"]:
        """Run the block on maps."""
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.adds else y


class EfficientNetLite0(nn.Module):
    """Stem and five stages; 0.85 million parameters for three bands."""

    channels = CHANNELS
    """Of the maps, fine to coarse."""

    def __init__(self, in_channels: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(SameConv2d(in_channels, STEM, 3, 2, bias=False), _norm(STEM), nn.ReLU6())
        self.stages = nn.ModuleList()
        last = STEM
        for blocks, kernel, stride, expansion, channels in STAGES:
            sizes = [last, *[channels] * blocks]
            self.stages.append(
                nn.Sequential(
                    *(
                        MBConv(sizes[i], sizes[i + 1], kernel, stride if i == 0 else 1, expansion)
                        for i in range(blocks)
                    )
                )
            )
            last = channels

    def load_public(self, weights: Mapping[str, Tensor]) -> None:
        """Take public weights of EfficientNet-lite0, whose last stages and classifier are left out.

        Raises:
            InputError: they are another network's.
        """
        whose = "these weights of EfficientNet-lite0"
        self.load_state_dict(take(self.state_dict(), weights, _own_name, "stem.0.weight", whose))

    def blocks(self) -> list[nn.Module]:
        """List the MBConv blocks, fine to coarse."""
        return [block for stage in self.stages for block in cast(nn.Sequential, stage)]

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Encode images (b, c, h, w) to maps (b, channels[i], h / strides[i], w / strides[i]), rounded up."""
        y = self.stem(x * SEEN.deviation + SEEN.mean)
        maps = []
        for i, stage in enumerate(self.stages):
            y = stage(y)
            if i in OUT_OF:
                maps.append(y)
        return maps


_PLACES = [(stage, block) for stage, sizes in enumerate(STAGES) for block in range(sizes[0])]
_PARTS = {
    "_expand_conv": "expand.0",
    "_bn0": "expand.1",
    "_depthwise_conv": "depthwise.0",
    "_bn1": "depthwise.1",
    "_project_conv": "project.0",
    "_bn2": "project.1",
}


def _own_name(name: str) -> str | None:
    """Name here of a weight of the public code; None of what lies beyond stride 16."""
    stem = re.fullmatch(r"(_conv_stem|_bn0)\.(\w+)", name)
    if stem:
        return f"stem.{int(stem[1] == '_bn0')}.{stem[2]}"
    block = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
    if block is None or int(block[1]) >= len(_PLACES) or block[2] not in _PARTS:
        return None
    stage, place = _PLACES[int(block[1])]
    return f"stages.{stage}.{place}.{_PARTS[block[2]]}.{block[3]}"
