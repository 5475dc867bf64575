"""ChangeMamba's change decoder on this project's VSS encoder: both dates' tokens in one scan.

Chen, Song, Han, Xia, Yokoya, "ChangeMamba: remote sensing change detection with spatiotemporal state space
model", IEEE TGRS 62, 2024, 4409720, doi 10.1109/TGRS.2024.3417253, arXiv 2404.03425 (MambaBCD). Each stage of
the encoder's maps of both dates goes through three VSS blocks, which differ in how the tokens are laid out:

    sequential   the later date's map to the right of the earlier one's: a row of one, then of the other
    cross        columns in turns: a pixel's two dates are neighbours
    parallel     channels side by side: a pixel's two dates are one token

The results, those of two tokens a pixel taken apart again, are fused by a pointwise convolution, summed from
coarse to fine with a residual block after each sum, and classified at 1/4 of a side.

The encoder is models/vss.py, the first VMamba with its gate, as GLMamba has it, so that the two models differ
only in what comes after it; the paper's is a later VMamba, trained on ImageNet, for which the sizes that it
states (17.13 to 84.70 M) hold. Weights start at random; the sigmoid of one logit stands for the softmax of
two; inputs are mirrored to a multiple of 32; epochs stand for the paper's 50,000 steps, Dice for its Lovasz
loss. Dates have places of their own in all three layouts, so exchanging them changes the answer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.encoders.hybrid import HybridEncoder
from terramamba.models.encoders.local import OWN, EncoderChoice, OnLocalEncoder
from terramamba.models.encoders.pretrained import VMAMBA
from terramamba.models.encoders.vmamba_weights import load_vmamba_weights
from terramamba.models.layers import (
    by_date,
    conv_bn_relu,
    decay_groups,
    is_scan_or_vector,
    reflect_to_multiple,
)
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.models.vss import VSSBlock, VSSEncoder

STRIDE = 32


@dataclass(frozen=True, kw_only=True)
class ChangeMambaConfig:
    """Options of the model."""

    in_channels: int
    """Bands of an image."""
    num_classes: int = 1
    """Logits a pixel; 1: changed or not."""
    base_channels: int = 48
    """Channels of the encoder's first stage; each later one has twice as many."""
    depths: tuple[int, ...] = (2, 2, 6, 2)
    """VSS blocks of the encoder's four stages."""
    width: int = 128
    """Channels of the decoder."""
    d_state: int = 16
    """States a channel, N."""
    expand: int = 2
    """Channels inside a block for one outside."""
    scan: Literal["cross", "corners"] = "cross"
    """Four ways through a map: rows, columns and back; or row by row from each corner."""
    mlp_ratio: float = 0.0
    """Hidden channels of an MLP after each scan, for one channel; 0: no MLP, as in GLMamba."""
    encoder: EncoderChoice = OWN
    """GLMamba's own, or EfficientNet-lite0 to stride 16 and VSS blocks beyond, of which the last two of
    ``depths`` say how many."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        least_one = ("in_channels", "num_classes", "base_channels", "width", "d_state", "expand")
        for name, value in [(n, getattr(self, n)) for n in least_one] + [("depths", d) for d in self.depths]:
            if value < 1:
                raise InputError(f"changemamba: {name}={getattr(self, name)!r}; give numbers of at least 1")
        if len(self.depths) != 4:
            raise InputError(f"changemamba: depths={self.depths!r}; give four numbers, one a stage")
        if self.mlp_ratio < 0:
            raise InputError(f"changemamba: mlp_ratio={self.mlp_ratio}; give 0 (no MLP) or more")


class SpatioTemporalScan(nn.Module):
    """Three layouts of two dates' tokens, a VSS block for each, fused to one map."""

    def __init__(self, channels: int, config: ChangeMambaConfig) -> None:
        super().__init__()
        width = config.width

        def block(entry: int) -> nn.Sequential:
            vss = VSSBlock(width, config.d_state, config.expand, config.scan, mlp_ratio=config.mlp_ratio)
            return nn.Sequential(nn.Linear(entry, width), vss)

        self.sequential, self.cross, self.parallel = block(channels), block(channels), block(2 * channels)
        self.fuse = conv_bn_relu(5 * width, width, kernel_size=1)

    def forward(
        self, before: Float[Tensor, "b h w c"], after: Float[Tensor, "b h w c"]
    ) -> Float[Tensor, "b d h w"]:
        """Scan maps of two dates (b, h, w, c) together, to one map of the decoder's channels."""
        sequential = self.sequential(torch.cat([before, after], dim=2))
        cross = self.cross(torch.stack([before, after], dim=3).flatten(2, 3))
        parallel = self.parallel(torch.cat([before, after], dim=3))
        parts = [parallel, cross[:, :, ::2], cross[:, :, 1::2], *sequential.chunk(2, dim=2)]
        return self.fuse(torch.cat(parts, dim=3).permute(0, 3, 1, 2))


class Smooth(nn.Module):
    """ReLU(x + two convolutions of x)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convs = nn.Sequential(
            conv_bn_relu(width, width),
            nn.Conv2d(width, width, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, x: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        """Smooth maps (b, d, h, w)."""
        return torch.relu(x + self.convs(x))


class ChangeMamba(Model):
    """Encoder for both dates, spatio-temporal scans of every stage, sums from coarse to fine."""

    encoder_name = VMAMBA

    def __init__(self, config: ChangeMambaConfig) -> None:
        super().__init__()
        own = config.encoder == OWN
        encoder: type[VSSEncoder | HybridEncoder] = VSSEncoder if own else HybridEncoder
        self.encoder = encoder(
            config.in_channels,
            config.base_channels,
            config.depths,
            config.d_state,
            config.expand,
            config.scan,
            mlp_ratio=config.mlp_ratio,
        )
        self.scans = nn.ModuleList(SpatioTemporalScan(c, config) for c in self.encoder.channels)
        self.smooth = nn.ModuleList(Smooth(config.width) for _ in self.encoder.channels[:-1])
        self.head = nn.Conv2d(config.width, config.num_classes, kernel_size=1)

    def forward(self, x: Float[Tensor, "b 2 c h w"]) -> Float[Tensor, "b k h w"]:
        """Detect change between two dates' images (b, 2, c, h, w), of any size: logits (b, k, h, w)."""
        h, w = x.shape[-2:]
        encoded = self.encoder(reflect_to_multiple(x, STRIDE).transpose(0, 1).flatten(0, 1))
        *finer, y = (
            scan(*by_date(maps.permute(0, 2, 3, 1))) for scan, maps in zip(self.scans, encoded, strict=True)
        )
        for smooth, fine in zip(reversed(self.smooth), reversed(finer), strict=True):
            y = smooth(fine + _enlarged(y, 2))
        return _enlarged(self.head(y), 4)[..., :h, :w]

    def load_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Have the encoder begin with VMamba's public weights."""
        load_vmamba_weights(cast(VSSEncoder, self.encoder), weights)

    def checkpoint_blocks(self) -> Sequence[nn.Module]:
        """List the blocks of the encoder and the VSS blocks of the decoder."""
        return [
            *self.encoder.checkpoint_blocks(),
            *(m for m in self.scans.modules() if isinstance(m, VSSBlock)),
        ]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return groups for an optimiser; A_log, D, norms and all biases do not decay."""
        return decay_groups(self, weight_decay, is_scan_or_vector)


def _enlarged(x: Float[Tensor, "b c h w"], times: int) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(x, scale_factor=float(times), mode="bilinear", align_corners=False)


class LocalChangeMamba(OnLocalEncoder, ChangeMamba):
    """The same on an encoder whose first stages are EfficientNet-lite0's."""


def _build(**options: Any) -> ChangeMamba:
    config = ChangeMambaConfig(**options)
    return ChangeMamba(config) if config.encoder == OWN else LocalChangeMamba(config)


SPEC = ModelSpec(
    name="changemamba",
    task="change",
    title="ChangeMamba's decoder (MambaBCD) on GLMamba's encoder",
    paper="Chen et al., IEEE TGRS 62, 2024, 4409720, doi 10.1109/TGRS.2024.3417253",
    build=_build,
    config=ChangeMambaConfig,
    presets={
        "nano": {"base_channels": 16, "depths": (1, 1, 1, 1), "width": 32, "d_state": 4},
        "small": {"base_channels": 32, "width": 64},
        "base": {},
        "large": {"base_channels": 96, "depths": (2, 2, 4, 2)},
    },
    default_preset="base",
    recipe={
        "epochs": 200,
        "batch_size": 16,
        "lr": 1e-4,
        "weight_decay": 5e-3,
        "optimizer": "adamw",
        "schedule": "constant",
        "loss": "bce_dice",
    },
    claims={
        "parameters": "17.13 M (Tiny), 49.94 M (Small), 84.70 M (Base), on another encoder",
        "WHU-CD": "F1 94.19, IoU 89.02 (Base)",
    },
    example=(1, 2, 3, 256, 256),
)
