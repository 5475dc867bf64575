"""Two dates' maps become one: GLMamba's bitemporal fusion attention (BFA, Eq. 15-22) and its ablations.

Every fusion takes the maps of the date before (X1) and of the date after (X2), both (b, c, h, w), and returns
one map of the same shape.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.layers import CBAM, conv_bn_relu

Fusion = Literal["full", "subtraction", "connection", "cbam", "cross_attention", "difference"]
"""full: BFA; subtraction, connection: one of its two paths; cbam: CBAM on the concatenated dates instead;
cross_attention: each date attends to the other instead; difference: X2 - X1, no fusion module."""


class Difference(nn.Module):
    """X2 - X1: what is left when there is no fusion module."""

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Subtract the earlier maps from the later."""
        return after - before


class Subtraction(nn.Module):
    """Zd = CBAM(X2 - X1) (Eq. 15-18)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = CBAM(channels, ratio=16)

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Weigh where, and in which channels, the dates differ."""
        return self.attention(after - before)


class Connection(nn.Module):
    """Zc = conv1x1(conv3x3([X1; X2])), each with BN and ReLU (Eq. 19-21)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            conv_bn_relu(2 * channels, channels), conv_bn_relu(channels, channels, kernel_size=1)
        )

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Convolve what the dates show together."""
        return self.convs(torch.cat([before, after], dim=1))


class BitemporalFusionAttention(nn.Module):
    """Y = Zd + Zc: subtraction path and connection path (Eq. 22)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.subtraction = Subtraction(channels)
        self.connection = Connection(channels)

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Add up both paths."""
        return self.subtraction(before, after) + self.connection(before, after)


class ConcatenationAttention(nn.Module):
    """conv1x1(CBAM([X1; X2])) with BN and ReLU."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attention = CBAM(2 * channels, ratio=16)
        self.reduce = conv_bn_relu(2 * channels, channels, kernel_size=1)

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Weigh the dates side by side, by channel and position, and reduce them to one map."""
        return self.reduce(self.attention(torch.cat([before, after], dim=1)))


class CrossAttention(nn.Module):
    """conv1x1([Z1; Z2]) with BN and ReLU, Z1 = X1 + attention(query X1, context X2), Z2 the other way round.

    One set of weights serves both directions; heads have 32 channels where c allows it. Every position
    attends to every position: time grows with (h * w)^2.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        heads = 1 if channels % 32 else channels // 32
        self.attention = nn.MultiheadAttention(channels, heads, bias=False, batch_first=True)
        self.reduce = conv_bn_relu(2 * channels, channels, kernel_size=1)

    def forward(
        self, before: Float[Tensor, "b c h w"], after: Float[Tensor, "b c h w"]
    ) -> Float[Tensor, "b c h w"]:
        """Have each date attend to the other, and reduce both to one map."""
        tokens = [x.flatten(2).transpose(1, 2) for x in (before, after)]
        attended = [
            query + self.attention(query, context, context, need_weights=False)[0]
            for query, context in (tokens, tokens[::-1])
        ]
        b, c, h, w = before.shape
        return self.reduce(torch.cat(attended, dim=2).transpose(1, 2).view(b, 2 * c, h, w))


FUSIONS: Mapping[str, Callable[[int], nn.Module]] = {
    "full": BitemporalFusionAttention,
    "subtraction": Subtraction,
    "connection": Connection,
    "cbam": ConcatenationAttention,
    "cross_attention": CrossAttention,
    "difference": lambda channels: Difference(),
}
"""Fusion modules by name; each is built from the number of channels."""
