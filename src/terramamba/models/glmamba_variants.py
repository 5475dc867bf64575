"""GLMamba with its switches: the paper's ablations, and what it leaves open.

Liu et al., IEEE JSTARS 19, 2026, doi 10.1109/JSTARS.2026.3675679. The registry's ``glmamba`` is the published
network of ``glmamba`` where no switch is set, and otherwise the same network of these parts. A switch takes
something away or puts something in its place; sizes, recipe and the names of weights stay, but for those of
another encoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.bitemporal_fusion import FUSIONS, Fusion
from terramamba.models.encoders.hybrid import HybridEncoder
from terramamba.models.encoders.local import OWN, EncoderChoice, OnLocalEncoder
from terramamba.models.glmamba import CSAM, CSIE, GROUPS, Decoder, DirectionGates, GLMamba, GLMambaConfig
from terramamba.models.layers import SqueezeExcitation
from terramamba.models.model import Model
from terramamba.models.spec import ModelSpec
from terramamba.models.vss import VSSEncoder

Interaction = Literal["position", "scalar", "scalar_features"]
Directions = Literal["channels", "axes"]


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
    """Interaction of CSIE: a weight for each position; or one for each group from pooled gates A_g, as the
    article has it ("scalar"), or from pooled features X_g A_g ("scalar_features")."""
    directions: Directions = "channels"
    """How CSIE gates: the means of a row and a column through one convolution, as the article's listing; or
    coordinate attention, a gate for the row times one for the column ("axes")."""
    groups: int = GROUPS
    """Groups of channels in CSIE."""
    shared_groups: bool = False
    """One set of CSIE weights for all groups of a stage."""
    encoder: EncoderChoice = OWN
    """The published encoder, or EfficientNet-lite0 to stride 16 and VSS blocks beyond, of which the last two
    of ``depths`` say how many."""

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
    """CSIE with one set of weights for all groups, other gates, or a weight for each group, not position."""

    def __init__(
        self, channels: int, groups: int, interaction: Interaction, directions: Directions, shared: bool
    ) -> None:
        nn.Module.__init__(self)
        own = channels // groups
        self.groups, self.interaction, self.directions, self.shared = groups, interaction, directions, shared
        if directions == "channels":
            self.gates = DirectionGates(own, 1) if shared else DirectionGates(channels, groups)
        else:
            self.axes = (
                SharedConv2d(own, groups, kernel_size=1)
                if shared
                else nn.Conv2d(channels, channels, kernel_size=1, groups=groups)
            )
        self.local = (
            SharedConv2d(own, groups, kernel_size=3, groups=own)
            if shared
            else nn.Conv2d(channels, channels, kernel_size=3, padding=1, groups=channels)
        )
        sets = 1 if shared else groups
        self.excite = nn.ModuleList(SqueezeExcitation(own, max(own // 4, 4)) for _ in range(sets))
        self.mix = nn.Conv2d(channels, channels, kernel_size=1)

    def directional(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Run path 1 on maps (b, c, h, w): X_g A_g, or A_g alone where that is what is pooled."""
        gates = self.axis_gates(x) if self.directions == "axes" else [self.channel_gates(x)]
        return reduce(torch.mul, gates if self.interaction == "scalar" else [x, *gates])

    def channel_gates(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Compute gates (b, c, h, w) from the means of rows and columns, convolved together."""
        if not self.shared:
            return self.gates(x)
        return self.gates(self._grouped(x).flatten(0, 1)).view(x.shape)

    def axis_gates(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Compute gates of rows (b, c, h, 1) and of columns (b, c, 1, w), each from their own means."""
        h = x.shape[2]
        means = torch.cat([x.mean(3), x.mean(2)], dim=2)[..., None]
        gates = torch.sigmoid(self.axes(means)).squeeze(-1)
        return [gates[:, :, :h, None], gates[:, :, None, h:]]

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
        own = config.encoder == OWN
        encoder: type[VSSEncoder | HybridEncoder] = VSSEncoder if own else HybridEncoder
        self.encoder = encoder(
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
            VariantCSIE(c, config.groups, config.interaction, config.directions, config.shared_groups)
            if config.csie
            else nn.Identity()
            for c in channels
        )
        self.decoder = Decoder(channels, config.num_classes)
        self.initialise()


class LocalGLMamba(OnLocalEncoder, GLMambaVariant):
    """The network on an encoder whose first stages are EfficientNet-lite0's."""


def build(**options: Any) -> GLMamba:
    """Build the published network, or where a switch is set the variant.

    Raises:
        InputError: options that do not go together.
    """
    config = GLMambaVariantConfig(**options)
    if config.encoder != OWN:
        return LocalGLMamba(config)
    return GLMamba(config) if config.published else GLMambaVariant(config)


def options_of_before(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Name the directions in options of a model that was saved before there were two kinds.

    It gates along the axes, and what it calls a scalar is from pooled features.
    """
    if "directions" in options:
        return options
    scalar = {"interaction": "scalar_features"} if options.get("interaction") == "scalar" else {}
    return {**options, **scalar, "directions": "axes"}


SPEC = ModelSpec(
    name="glmamba",
    task="change",
    title="GLMamba, global-local Mamba network for change detection",
    paper="Liu et al., IEEE JSTARS 19, 2026, pp. 11344-11360, doi 10.1109/JSTARS.2026.3675679",
    build=build,
    config=GLMambaVariantConfig,
    options_of_before=options_of_before,
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
