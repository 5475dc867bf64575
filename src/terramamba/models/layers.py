"""Layers that two or more models use, padding to a multiple, and which parameters decay."""

from collections.abc import Callable
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn


def decay_groups(
    model: nn.Module, weight_decay: float, exempt: Callable[[str, nn.Parameter], bool]
) -> list[dict[str, Any]]:
    """Return all parameters in two groups for an optimiser: those that decay, and the ``exempt`` ones."""
    named = list(model.named_parameters())
    return [
        {
            "params": [parameter for name, parameter in named if exempt(name, parameter) is free],
            "weight_decay": 0.0 if free else weight_decay,
        }
        for free in (False, True)
    ]


def is_scan_or_vector(name: str, parameter: nn.Parameter) -> bool:
    """Tell whether it is A_log, dt_bias or D of a selective scan, a weight of a norm or a bias."""
    return parameter.ndim == 1 or name.endswith((".A_log", ".dt_bias"))


def reflect_to_multiple(x: Float[Tensor, "*b h w"], multiple: int) -> Float[Tensor, "*b h2 w2"]:
    """Pad ``x`` below and to the right to a multiple of ``multiple``, mirrored at its last row and column.

    Unlike torch's padding, the reflection goes to and fro as often as it must, so that a side may be shorter
    than what is added to it; a side of one pixel is repeated.
    """
    for axis in (-2, -1):
        size = x.shape[axis]
        if size % multiple:
            positions = torch.arange(-(-size // multiple) * multiple, device=x.device)
            positions = positions % max(2 * (size - 1), 1)
            x = x.index_select(axis, torch.minimum(positions, 2 * (size - 1) - positions))
    return x


def by_date(maps: Shaped[Tensor, "b2 ..."]) -> tuple[Shaped[Tensor, "b ..."], Shaped[Tensor, "b ..."]]:
    """Take maps of both dates, all of the first before all of the second, apart, as views; b may be open."""
    before, after = maps.view(2, -1, *maps.shape[1:]).unbind(0)
    return before, after


def conv_bn_relu(in_channels: int, out_channels: int, kernel_size: int = 3) -> nn.Sequential:
    """Build a convolution that keeps the size, batch normalisation and ReLU."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2, bias=False),
        nn.BatchNorm2d(out_channels),
        nn.ReLU(inplace=True),
    )


class SqueezeExcitation(nn.Module):
    """Channel weights from the mean over all positions (Hu et al., CVPR 2018, Eq. 2-4).

    ``hidden`` is the width of the bottleneck. For maps (``forward``) and tokens (``scale_tokens``).
    """

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def weights(self, mean: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """Work out channel weights in (0, 1) from channel means (b, c)."""
        return torch.sigmoid(self.excite(torch.relu(self.squeeze(mean))))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Scale each channel of maps (b, c, h, w)."""
        return x * self.weights(x.mean(dim=(2, 3)))[:, :, None, None]

    def scale_tokens(self, x: Float[Tensor, "b l c"]) -> Float[Tensor, "b l c"]:
        """Scale each channel of tokens (b, l, c)."""
        return x * self.weights(x.mean(dim=1))[:, None, :]


class CBAM(nn.Module):
    """Channel attention, then spatial attention (Woo et al., ECCV 2018; GLMamba Eq. 16-18).

    No ReLU before the spatial sigmoid: it would forbid weights under 0.5.
    """

    def __init__(self, channels: int, ratio: int = 16) -> None:
        super().__init__()
        hidden = max(channels // ratio, 1)
        self.mlp = nn.Sequential(
            nn.Linear(channels, hidden, bias=False),
            nn.ReLU(inplace=True),
            nn.Linear(hidden, channels, bias=False),
        )
        self.spatial = nn.Conv2d(2, 1, kernel_size=7, padding=3)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Weigh maps (b, c, h, w) by channel and by position."""
        channel = torch.sigmoid(self.mlp(x.mean(dim=(2, 3))) + self.mlp(x.amax(dim=(2, 3))))
        x = x * channel[:, :, None, None]
        pooled = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.spatial(pooled))
