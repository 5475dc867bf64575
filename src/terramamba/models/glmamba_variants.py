"""GLMamba with its switches: the paper's ablations, and what it leaves open.

Liu et al., IEEE JSTARS 19, 2026, doi 10.1109/JSTARS.2026.3675679. The registry's ``glmamba`` is the published
network of ``glmamba`` where no switch is set, and otherwise the same network of these parts. A switch takes
something away or puts something in its place; sizes, recipe and the names of weights stay.
"""

from dataclasses import dataclass, fields
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.bitemporal_fusion import FUSIONS, Fusion
from terramamba.models.glmamba import CSAM, CSIE, GROUPS, Decoder, GLMamba, GLMambaConfig
from terramamba.models.layers import SqueezeExcitation
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.models.vss import VSSEncoder

Interaction = Literal["position", "scalar"]


@dataclass(frozen=True, kw_only=True)
class GLMambaVariantConfig(GLMambaConfig):
    """Sizes and switches; the defaults are the published network's."""

    scan: Literal["cross", "corners"] = "cross"
    """Four ways through a map: rows, columns and back; or row by row from each corner."""
    discretization: Literal["euler", "zoh"] = "euler"
    """Bbar = Delta B, or the paper's (exp(Delta A) - 1) / A * B."""
    mlp_ratio: float = 0.0
    """Hidden channels of an MLP after each scan, for one channel; 0: no MLP, as published."""
    csam: bool = True
    """Change-aware semantic aggregation."""
    bfa: Fusion = "full"
    """How the two dates are fused; "difference" leaves BFA out."""
    csie: bool = True
    """Cross-space interaction enhancement."""
    interaction: Interaction = "position"
    """Interaction of CSIE: a weight for each position, or one for each group."""
    groups: int = GROUPS
    """Groups of channels in CSIE."""
    shared_groups: bool = False
    """One set of CSIE weights for all groups of a stage."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        if self.groups < 1:
            raise InputError(f"glmamba: groups={self.groups!r}; give numbers of at least 1")
        if self.base_channels % 4 or self.base_channels % self.groups:
            raise InputError(
                f"glmamba: base_channels={self.base_channels}; give a multiple of 4 and groups={self.groups}"
            )
        super().__post_init__()
        if self.mlp_ratio < 0:
            raise InputError(f"glmamba: mlp_ratio={self.mlp_ratio}; give 0 (no MLP) or more")

    @property
    def published(self) -> bool:
        """Whether no switch is set."""
        sizes = {field.name: getattr(self, field.name) for field in fields(GLMambaConfig)}
        return self == GLMambaVariantConfig(**sizes)


class SharedConv2d(nn.Conv2d):
    """A convolution of one group's channels that serves ``copies`` groups in turn."""

    def __init__(self, channels: int, copies: int, kernel_size: int, groups: int = 1) -> None:
        super().__init__(channels, channels, kernel_size, padding=kernel_size // 2, groups=groups)
        self.copies = copies

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Convolve the channels of all groups."""
        weight, bias = self.weight.repeat(self.copies, 1, 1, 1), cast(Tensor, self.bias).repeat(self.copies)
        return F.conv2d(x, weight, bias, padding=self.padding, groups=self.groups * self.copies)


class VariantCSIE(CSIE):
    """CSIE with one set of weights for all groups, or with a weight for each group and not each position."""

    def __init__(self, channels: int, groups: int, interaction: Interaction, shared: bool) -> None:
        if shared:
            nn.Module.__init__(self)
            own = channels // groups
            self.groups = groups
            self.axes = SharedConv2d(own, groups, kernel_size=1)
            self.local = SharedConv2d(own, groups, kernel_size=3, groups=own)
            self.excite = nn.ModuleList([SqueezeExcitation(own, max(own // 4, 4))])
            self.mix = nn.Conv2d(channels, channels, kernel_size=1)
        else:
            super().__init__(channels, groups)
        self.interaction, self.shared = interaction, shared

    def channel_weights(self, mean: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """Weigh the channels of each group by their means."""
        if not self.shared:
            return super().channel_weights(mean)
        excite = cast(SqueezeExcitation, self.excite[0])
        return torch.cat([excite.weights(own) for own in mean.chunk(self.groups, dim=1)], dim=1)

    def agreement(
        self, x_g: Float[Tensor, "b g c h w"], x_l: Float[Tensor, "b g c h w"]
    ) -> Float[Tensor, "b g #h #w"]:
        """Weigh each position of each group, or each group, in (0, 1) (Eq. 27-29)."""
        if self.interaction == "position":
            return super().agreement(x_g, x_l)
        f_g, f_l = (x.mean((3, 4), keepdim=True) for x in (x_g, x_l))
        return torch.sigmoid((f_g * f_l).sum(2))


class GLMambaVariant(GLMamba):
    """The network made of the parts that the switches name."""

    def __init__(self, config: GLMambaVariantConfig) -> None:
        Model.__init__(self)
        self.encoder = VSSEncoder(
            config.in_channels,
            config.base_channels,
            config.depths,
            config.d_state,
            config.expand,
            config.scan,
            config.discretization,
            config.mlp_ratio,
        )
        channels = self.encoder.channels
        stages = (1, 2) if config.csam else ()
        self.csam = nn.ModuleDict({str(i + 1): CSAM(*channels[i - 1 : i + 2]) for i in stages})
        self.bfa = nn.ModuleList(FUSIONS[config.bfa](c) for c in channels)
        self.csie = nn.ModuleList(
            VariantCSIE(c, config.groups, config.interaction, config.shared_groups)
            if config.csie
            else nn.Identity()
            for c in channels
        )
        self.decoder = Decoder(channels, config.num_classes)
        self.initialise()


def build(**options: Any) -> GLMamba:
    """Build the published network, or where a switch is set the variant.

    Raises:
        InputError: options that do not go together.
    """
    config = GLMambaVariantConfig(**options)
    return GLMamba(config) if config.published else GLMambaVariant(config)


SPEC = ModelSpec(
    name="glmamba",
    task="change",
    title="GLMamba, global-local Mamba network for change detection",
    paper="Liu et al., IEEE JSTARS 19, 2026, pp. 11344-11360, doi 10.1109/JSTARS.2026.3675679",
    build=build,
    config=GLMambaVariantConfig,
    presets={
        "nano": {"base_channels": 16, "depths": (1, 1, 1, 1), "d_state": 4},
        "small": {"base_channels": 32},
        "base": {"base_channels": 48},
        "large": {"base_channels": 96},
    },
    default_preset="base",
    recipe={
        "epochs": 500,
        "batch_size": 16,
        "lr": 1e-4,
        "weight_decay": 0.0,
        "optimizer": "adam",
        "schedule": "poly",
        "poly_power": 0.9,
        "clip_norm": 1.0,
        "loss": "bce",
    },
    claims={
        "parameters": "10 to 15 M in the figure; C = 96 in the text",
        "LEVIR-CD": "F1 91.27, IoU 83.94, OA 99.03, kappa 90.78",
        "GZ-CD": "F1 87.64, IoU 78.00",
        "SYSU-CD": "F1 82.55, IoU 70.29",
    },
    example=(1, 2, 3, 256, 256),
)
