"""GLMamba: a global-local Mamba network for change detection between two images of one place.

Liu, Zhu, Yin, Qin, Lin, Huang, Xia, Weng, IEEE JSTARS 19, 2026, pp. 11344-11360, doi
10.1109/JSTARS.2026.3675679. Two other papers call their networks GLMamba, one for brain tumours and one for
super-resolution; this is the change detector. Its code could not be had: what follows is the article's
equations.

    here                   paper      meaning
    base_channels          C          stage i = 1..4: C * 2^(i-1) channels at 1/4, 1/8, 1/16, 1/32 of a side
    VSSEncoder (vss.py)    Eq. 1-10   one encoder for both dates
    CSAM                   Eq. 11-14  change-aware semantic aggregation; stages 2 and 3, each date alone
    bitemporal_fusion.py   Eq. 15-22  BFA, bitemporal fusion attention; every stage
    CSIE                   Eq. 23-30  cross-space interaction enhancement; every stage
    Decoder                -          coarse to fine, to one logit a pixel at full size

Where the publication disagrees with itself or leaves something open:

- The step goes through softplus: SiLU, written once, can be negative, and then the state explodes.
- Bbar = Delta B, as every Mamba code base has it; ``discretization="zoh"`` is the paper's formula.
- CSAM is always called: a published listing builds it and never does, yet the article's table counts on it.
- No ReLU before the sigmoid of the spatial attention: it would forbid weights under 0.5.
- CSIE's interaction is matched at every position; ``interaction="scalar"`` is the literal formula, one
  number a group. A_g is the product of a row's and a column's gate, path 1's features are X_g * A_g.
- C = 96, the text's width, makes an encoder of 18.5 M parameters alone, while the article's figure shows 10
  to 15 M in all: ``base`` has C = 48, ``large`` C = 96.
- Each of the decoder's two last steps halves the channels: C -> C/2 -> C/4.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.bitemporal_fusion import FUSIONS, Fusion
from terramamba.models.layers import SqueezeExcitation, conv_bn_relu, decay_groups, is_scan_or_vector
from terramamba.models.padding import reflect_to_multiple
from terramamba.models.spec import ModelSpec
from terramamba.models.vss import VSSEncoder

STRIDE = 32
"""Side of the input for one position of the coarsest map."""


@dataclass(frozen=True, kw_only=True)
class GLMambaConfig:
    """Options of the model."""

    in_channels: int
    """Bands of an image."""
    num_classes: int = 1
    """Logits a pixel; 1: changed or not; more for semantic change."""
    base_channels: int = 48
    """Channels of the first stage, C."""
    depths: tuple[int, ...] = (2, 2, 6, 2)
    """VSS blocks of the four stages."""
    d_state: int = 16
    """States a channel, N."""
    expand: int = 2
    """Channels inside a block for one outside."""
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
    interaction: Literal["position", "scalar"] = "position"
    """Interaction of CSIE: a weight for each position, or one for each group."""
    groups: int = 4
    """Groups of channels in CSIE."""
    shared_groups: bool = False
    """One set of CSIE weights for all groups of a stage."""

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        least_one = ("in_channels", "num_classes", "base_channels", "d_state", "expand", "groups")
        for name, value in [(n, getattr(self, n)) for n in least_one] + [("depths", d) for d in self.depths]:
            if value < 1:
                raise InputError(f"glmamba: {name}={getattr(self, name)!r}; give numbers of at least 1")
        if len(self.depths) != 4:
            raise InputError(f"glmamba: depths={self.depths!r}; give four numbers, one a stage")
        if self.base_channels % 4 or self.base_channels % self.groups:
            raise InputError(
                f"glmamba: base_channels={self.base_channels}; give a multiple of 4 and groups={self.groups}"
            )
        if self.mlp_ratio < 0:
            raise InputError(f"glmamba: mlp_ratio={self.mlp_ratio}; give 0 (no MLP) or more")


class CSAM(nn.Module):
    """A stage sees its finer and its coarser neighbour: ReLU(CBR([f1', f2', f2'', f3']) + f2) (Eq. 11-14)."""

    def __init__(self, finer: int, channels: int, coarser: int) -> None:
        super().__init__()
        self.finer = conv_bn_relu(finer, channels)
        self.same = conv_bn_relu(channels, channels)
        self.project = nn.Conv2d(channels, channels, kernel_size=1)
        self.coarser = nn.Sequential(
            nn.Conv2d(coarser, channels, kernel_size=1), conv_bn_relu(channels, channels)
        )
        self.fuse = conv_bn_relu(4 * channels, channels)

    def forward(
        self, f1: Float[Tensor, "b c1 h1 w1"], f2: Float[Tensor, "b c h w"], f3: Float[Tensor, "b c3 h3 w3"]
    ) -> Float[Tensor, "b c h w"]:
        """Maps of a date at twice, once and half the resolution, to one like ``f2``."""
        parts = [self.finer(F.max_pool2d(f1, 2)), self.same(f2), self.project(f2), _twice(self.coarser(f3))]
        return torch.relu(self.fuse(torch.cat(parts, dim=1)) + f2)


class CSIE(nn.Module):
    """Groups of channels weigh their positions by how far two views of them agree (Eq. 23-30).

    Path 1 gates rows and columns by their means (X_g * A_g); path 2 looks at the neighbourhood (X_l).
    """

    def __init__(self, channels: int, groups: int, interaction: str, shared: bool) -> None:
        super().__init__()
        own, sets = channels // groups, 1 if shared else groups
        self.groups, self.copies, self.interaction = groups, groups // sets, interaction
        self.axes = nn.Conv2d(own * sets, own * sets, kernel_size=1, groups=sets)
        self.local = nn.Conv2d(own * sets, own * sets, kernel_size=3, padding=1, groups=own * sets)
        # At least four hidden units: one alone behind a ReLU may start shut, and then stays so.
        self.excite = nn.ModuleList(SqueezeExcitation(own, max(own // 4, 4)) for _ in range(sets))
        self.mix = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Maps (b, c, h, w) to maps of the same shape."""
        h = x.shape[2]
        means = torch.cat([x.mean(3), x.mean(2)], dim=2)[..., None]
        gates = torch.sigmoid(self._conv(self.axes, means)).squeeze(-1)
        along = x * gates[:, :, :h, None] * gates[:, :, None, h:]  # Eq. 23-24
        near = self._conv(self.local, x)
        near_mean = near.mean((2, 3))
        excite = cycle(cast(Iterator[SqueezeExcitation], self.excite))
        means_of_groups = near_mean.chunk(self.groups, dim=1)
        excited = torch.cat(
            [se.weights(mean) for mean, se in zip(means_of_groups, excite, strict=False)], dim=1
        )
        near = near * excited[:, :, None, None]  # Eq. 25-26
        weight = self._agreement(self._grouped(along), self._grouped(near))
        weighted = (self._grouped(x) * weight[:, :, None]).flatten(1, 2)
        return self.mix(weighted) + x  # Eq. 30

    def _agreement(
        self, along: Float[Tensor, "b g c h w"], near: Float[Tensor, "b g c h w"]
    ) -> Float[Tensor, "b g #h #w"]:
        """Weight of each position of each group, in (0, 1) (Eq. 27-29)."""
        f_along, f_near = (x.mean((3, 4), keepdim=True) for x in (along, near))
        if self.interaction == "scalar":
            return torch.sigmoid((f_along * f_near).sum(2))
        return torch.sigmoid((f_along.softmax(2) * near + f_near.softmax(2) * along).sum(2))

    def _conv(self, conv: nn.Conv2d, x: Tensor) -> Tensor:
        """``conv`` on all groups, its weights repeated where they are shared."""
        weight, bias = conv.weight.repeat(self.copies, 1, 1, 1), cast(Tensor, conv.bias).repeat(self.copies)
        return F.conv2d(x, weight, bias, padding=conv.padding, groups=conv.groups * self.copies)

    def _grouped(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], self.groups, -1, *x.shape[2:])


class Decoder(nn.Module):
    """Every stage reduced to C channels, added up from coarse to fine, then enlarged to full size."""

    def __init__(self, channels: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        width = channels[0]
        self.reduce = nn.ModuleList(nn.Conv2d(c, width, kernel_size=1) for c in channels)
        self.refine = nn.ModuleList([conv_bn_relu(width, width // 2), conv_bn_relu(width // 2, width // 4)])
        self.head = nn.Conv2d(width // 4, num_classes, kernel_size=1)

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Maps of the stages, fine to coarse, to logits at four times the size of the finest."""
        *finer, y = (reduce(x) for reduce, x in zip(self.reduce, maps, strict=True))
        for x in reversed(finer):
            y = x + _twice(y)
        for refine in self.refine:
            y = refine(_twice(y))
        return self.head(y)


class GLMamba(nn.Module):
    """Encoder for both dates, CSAM for each, BFA across them, CSIE, decoder."""

    def __init__(self, config: GLMambaConfig) -> None:
        super().__init__()
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
        self.csam = nn.ModuleDict(
            {str(i + 1): CSAM(*channels[i - 1 : i + 2]) for i in (1, 2)} if config.csam else {}
        )
        self.bfa = nn.ModuleList(FUSIONS[config.bfa](c) for c in channels)
        self.csie = nn.ModuleList(
            CSIE(c, config.groups, config.interaction, config.shared_groups) if config.csie else nn.Identity()
            for c in channels
        )
        self.decoder = Decoder(channels, config.num_classes)
        for part in (self.csam, self.bfa, self.csie, self.decoder):
            part.apply(_kaiming)
        # The encoder's maps have channels innermost: with weights alike no convolution turns them around.
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self, x: Float[Tensor, "b 2 c h w"], return_features: bool = False
    ) -> Float[Tensor, "b k h w"] | tuple[Float[Tensor, "b k h w"], dict[str, Tensor]]:
        """Logits of the images x (b, 2, c, h, w), the date before and the date after, of any size.

        With ``return_features`` also the maps in between by name: ``encoder1..4`` and ``csam2..3``
        (b, 2, c_i, h_i, w_i), ``bfa1..4`` and ``csie1..4`` (b, c_i, h_i, w_i), at the size padded to 32.
        """
        h, w = x.shape[-2:]
        # Dates outermost: each date's maps stay one piece of memory.
        dates = reflect_to_multiple(x, STRIDE).transpose(0, 1).flatten(0, 1)
        encoded = self.encoder(dates)
        refined = list(encoded)
        for stage, csam in self.csam.items():
            i = int(stage) - 1
            refined[i] = csam(*encoded[i - 1 : i + 2])
        fused = [bfa(*maps.chunk(2)) for bfa, maps in zip(self.bfa, refined, strict=True)]
        enhanced = [csie(y) for csie, y in zip(self.csie, fused, strict=True)]
        logits = self.decoder(enhanced)[..., :h, :w]
        if not return_features:
            return logits
        features = {f"encoder{i}": torch.stack(maps.chunk(2), 1) for i, maps in enumerate(encoded, start=1)}
        features |= {f"csam{stage}": torch.stack(refined[int(stage) - 1].chunk(2), 1) for stage in self.csam}
        features |= {f"bfa{i}": y for i, y in enumerate(fused, start=1)}
        features |= {f"csie{i}": y for i, y in enumerate(enhanced, start=1)}
        return logits, features

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """All parameters for an optimiser; A_log, D, norms and all biases do not decay."""
        return decay_groups(self, weight_decay, is_scan_or_vector)


def _twice(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _build(**options: Any) -> GLMamba:
    return GLMamba(GLMambaConfig(**options))


SPEC = ModelSpec(
    name="glmamba",
    task="change",
    title="GLMamba, global-local Mamba network for change detection",
    paper="Liu et al., IEEE JSTARS 19, 2026, pp. 11344-11360, doi 10.1109/JSTARS.2026.3675679",
    build=_build,
    config=GLMambaConfig,
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
