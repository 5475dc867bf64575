"""GLMamba: a global-local Mamba network for change detection between two images of one place.

Liu, Zhu, Yin, Qin, Lin, Huang, Xia, Weng, IEEE JSTARS 19, 2026, pp. 11344-11360, doi
10.1109/JSTARS.2026.3675679. Two other papers call their networks GLMamba, one for brain tumours and one for
super-resolution; this is the change detector. Its code could not be had: what follows is the article's
equations. Its ablations, what it leaves open, and its recipe are in ``glmamba_variants``.

    here                   paper      meaning
    base_channels          C          stage i = 1..4: C * 2^(i-1) channels at 1/4, 1/8, 1/16, 1/32 of a side
    VSSEncoder (vss.py)    Eq. 1-10   one encoder for both dates
    CSAM                   Eq. 11-14  change-aware semantic aggregation; stages 2 and 3, each date alone
    bitemporal_fusion.py   Eq. 15-22  BFA, bitemporal fusion attention; every stage
    CSIE                   Eq. 23-30  cross-space interaction enhancement; every stage
    Decoder                -          coarse to fine, to one logit a pixel at full size

Where the publication disagrees with itself or leaves something open:

- The step goes through softplus: SiLU, written once, can be negative, and then the state explodes.
- Bbar = Delta B, as every Mamba code base has it, for the paper's zero-order hold.
- CSAM is always called: a published listing builds it and never does, yet the article's table counts on it.
- No ReLU before the sigmoid of the spatial attention: it would forbid weights under 0.5.
- CSIE's interaction is matched at every position, where the literal formula is one number a group: path 1's
  features are then X_g * A_g. A_g is the listing's, which convolves the means of both directions together.
- C = 96, the text's width, makes an encoder of 18.5 M parameters alone, while the article's figure shows 10
  to 15 M in all: ``base`` has C = 48, ``large`` C = 96.
- Each of the decoder's two last steps halves the channels: C -> C/2 -> C/4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.bitemporal_fusion import BitemporalFusionAttention
from terramamba.models.encoders.hybrid import HybridEncoder
from terramamba.models.encoders.pretrained import VMAMBA
from terramamba.models.encoders.vmamba_weights import load_vmamba_weights
from terramamba.models.layers import (
    SqueezeExcitation,
    by_date,
    conv_bn_relu,
    decay_groups,
    is_scan_or_vector,
    reflect_to_multiple,
)
from terramamba.models.model import Features, Model, TargetLayer
from terramamba.models.vss import VSSEncoder

STRIDE = 32
"""Side of the input for one position of the coarsest map."""
GROUPS = 4
"""Groups of channels in CSIE."""


@dataclass(frozen=True, kw_only=True)
class GLMambaConfig:
    """Sizes of the model."""

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

    def __post_init__(self) -> None:
        """Refuse what cannot be built, in one line."""
        sizes = ("in_channels", "num_classes", "base_channels", "d_state", "expand")
        for name, value in [(n, getattr(self, n)) for n in sizes] + [("depths", d) for d in self.depths]:
            if value < 1:
                raise InputError(f"glmamba: {name}={getattr(self, name)!r}; give numbers of at least 1")
        if len(self.depths) != 4:
            raise InputError(f"glmamba: depths={self.depths!r}; give four numbers, one a stage")
        if self.base_channels % 4:
            raise InputError(f"glmamba: base_channels={self.base_channels}; give a multiple of 4")


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
        """Aggregate maps of a date at twice, once and half the resolution to maps like ``f2``."""
        parts = [self.finer(F.max_pool2d(f1, 2)), self.same(f2), self.project(f2), _twice(self.coarser(f3))]
        return torch.relu(self.fuse(torch.cat(parts, dim=1)) + f2)


class DirectionGates(nn.Conv2d):
    """A_g in (0, 1): the means of rows and of columns, side by side in 2c/G channels, convolved to c/G.

    A 1x1 convolution of means that are spread over a map is the spread convolution of the means, which have
    h + w positions in place of h * w.
    """

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__(2 * channels, channels, kernel_size=1, groups=groups)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Compute the gates of maps (b, c, h, w), each from the means of its row and its column."""
        of_rows, of_columns = self.weight.chunk(2, dim=1)
        rows = F.conv2d(x.mean(3, keepdim=True), of_rows, self.bias, groups=self.groups)
        columns = F.conv2d(x.mean(2, keepdim=True), of_columns, groups=self.groups)
        return torch.sigmoid(rows + columns)


class CSIE(nn.Module):
    """Groups of channels weigh their positions by how far two views of them agree (Eq. 23-30).

    Path 1 gates positions by the means of their rows and columns (X_g * A_g); path 2 convolves neighbourhoods
    (X_l).
    """

    def __init__(self, channels: int, groups: int = GROUPS) -> None:
        super().__init__()
        own = channels // groups
        self.groups = groups
        self.gates = DirectionGates(channels, groups)
        self.local = nn.Conv2d(channels, channels, kernel_size=3, padding=1, groups=channels)
        # At least four hidden units: one alone behind a ReLU may start shut, and then stays so.
        self.excite = nn.ModuleList(SqueezeExcitation(own, max(own // 4, 4)) for _ in range(groups))
        self.mix = nn.Conv2d(channels, channels, kernel_size=1)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Enhance maps (b, c, h, w) where their two views agree."""
        x_g = self.directional(x)  # Eq. 23-24
        x_l = self.local(x)
        x_l = x_l * self.channel_weights(x_l.mean((2, 3)))[:, :, None, None]  # Eq. 25-26
        weight = self.agreement(self._grouped(x_g), self._grouped(x_l))
        weighted = (self._grouped(x) * weight[:, :, None]).flatten(1, 2)
        return self.mix(weighted) + x  # Eq. 30

    def directional(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Run path 1 on maps (b, c, h, w)."""
        return x * self.gates(x)

    def channel_weights(self, mean: Float[Tensor, "b c"]) -> Float[Tensor, "b c"]:
        """Weigh the channels of each group by their means."""
        groups = zip(mean.chunk(self.groups, dim=1), self.excite, strict=True)
        return torch.cat([cast(SqueezeExcitation, se).weights(own) for own, se in groups], dim=1)

    def agreement(
        self, x_g: Float[Tensor, "b g c h w"], x_l: Float[Tensor, "b g c h w"]
    ) -> Float[Tensor, "b g #h #w"]:
        """Weigh each position of each group, in (0, 1), by how the paths match there (Eq. 27-29)."""
        f_g, f_l = (x.mean((3, 4), keepdim=True) for x in (x_g, x_l))
        return torch.sigmoid((f_g.softmax(2) * x_l + f_l.softmax(2) * x_g).sum(2))

    def _grouped(self, x: Tensor) -> Tensor:
        return x.view(x.shape[0], self.groups, x.shape[1] // self.groups, *x.shape[2:])


class Decoder(nn.Module):
    """Every stage reduced to C channels, added up from coarse to fine, then enlarged to full size."""

    def __init__(self, channels: tuple[int, ...], num_classes: int) -> None:
        super().__init__()
        width = channels[0]
        self.reduce = nn.ModuleList(nn.Conv2d(c, width, kernel_size=1) for c in channels)
        self.refine = nn.ModuleList([conv_bn_relu(width, width // 2), conv_bn_relu(width // 2, width // 4)])
        self.head = nn.Conv2d(width // 4, num_classes, kernel_size=1)

    def forward(self, maps: list[Tensor]) -> Float[Tensor, "b k h w"]:
        """Decode maps of the stages, fine to coarse, to logits at four times the size of the finest."""
        *finer, y = (reduce(x) for reduce, x in zip(self.reduce, maps, strict=True))
        for x in reversed(finer):
            y = x + _twice(y)
        for refine in self.refine:
            y = refine(_twice(y))
        return self.head(y)


class GLMamba(Model):
    """Encoder for both dates, CSAM for each, BFA across them, CSIE, decoder."""

    encoder_name = VMAMBA

    def __init__(self, config: GLMambaConfig) -> None:
        super().__init__()
        self.encoder: VSSEncoder | HybridEncoder = VSSEncoder(
            config.in_channels, config.base_channels, config.depths, config.d_state, config.expand
        )
        channels = self.encoder.channels
        self.csam = nn.ModuleDict({str(i + 1): CSAM(*channels[i - 1 : i + 2]) for i in (1, 2)})
        self.bfa = nn.ModuleList(BitemporalFusionAttention(c) for c in channels)
        self.csie = nn.ModuleList(CSIE(c) for c in channels)
        self.decoder = Decoder(channels, config.num_classes)
        self.initialise()

    def initialise(self) -> None:
        """Draw the weights of all but the encoder, which has drawn its own, and lay out the memory."""
        for drawn in (self.csam, self.bfa, self.csie, self.decoder):
            drawn.apply(_kaiming)
        # The encoder's maps have channels innermost: with weights alike no convolution turns them around.
        # CSIE's convolutions in groups stay as they are: they would round otherwise.
        mixes = (csie.mix for csie in self.csie if isinstance(csie, CSIE))
        for part in (self.encoder, self.csam, self.bfa, self.decoder, *mixes):
            part.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(
        self, x: Float[Tensor, "b 2 c h w"], return_features: bool = False
    ) -> Float[Tensor, "b k h w"] | tuple[Float[Tensor, "b k h w"], Mapping[str, Tensor]]:
        """Detect change between images of any size: logits (b, k, h, w).

        Args:
            x: images (b, 2, c, h, w), the date before and the date after, bands scaled by one rule.
            return_features: also return the maps of ``forward_features``.
        """
        found = self.forward_features(x)
        return (found.logits, found.maps) if return_features else found.logits

    def forward_features(self, x: Float[Tensor, "b 2 c h w"]) -> Features:
        """Run the network and return its logits with the maps in between.

        They are ``encoder1..4`` and ``csam2..3`` (b, 2, c_i, h_i, w_i), ``bfa1..4`` and ``csie1..4``
        (b, c_i, h_i, w_i), at the size padded to 32.
        """
        h, w = x.shape[-2:]
        # Dates outermost: each date's maps stay one piece of memory.
        dates = reflect_to_multiple(x, STRIDE).transpose(0, 1).flatten(0, 1)
        encoded = self.encoder(dates)  # Eq. 1-10
        refined = list(encoded)
        for stage, csam in self.csam.items():
            i = int(stage) - 1
            refined[i] = csam(*encoded[i - 1 : i + 2])  # Eq. 11-14
        fused = [bfa(*by_date(maps)) for bfa, maps in zip(self.bfa, refined, strict=True)]  # Eq. 15-22
        enhanced = [csie(y) for csie, y in zip(self.csie, fused, strict=True)]  # Eq. 23-30
        maps = {
            **{f"encoder{i}": _beside(y) for i, y in enumerate(encoded, start=1)},
            **{f"csam{stage}": _beside(refined[int(stage) - 1]) for stage in self.csam},
            **{f"bfa{i}": y for i, y in enumerate(fused, start=1)},
            **{f"csie{i}": y for i, y in enumerate(enhanced, start=1)},
        }
        return Features(self.decoder(enhanced)[..., :h, :w], maps, attention={})

    def target_layers(self, meaning: int = 0) -> Sequence[TargetLayer]:
        """List CSAM, of both dates, BFA and CSIE; what has no weights decides nothing and is left out."""
        parts = {"CSAM": {int(stage): csam for stage, csam in self.csam.items()}}
        parts |= {name: dict(enumerate(m, start=1)) for name, m in (("BFA", self.bfa), ("CSIE", self.csie))}
        return [
            TargetLayer(part, stage, 2 ** (stage + 1), module)
            for part, modules in parts.items()
            for stage, module in modules.items()
            if any(True for _ in module.parameters())
        ]

    def load_encoder(self, weights: Mapping[str, Tensor]) -> None:
        """Have the encoder begin with VMamba's public weights."""
        load_vmamba_weights(cast(VSSEncoder, self.encoder), weights)

    def checkpoint_blocks(self) -> Sequence[nn.Module]:
        """List the encoder's VSS blocks."""
        return self.encoder.checkpoint_blocks()

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return groups for an optimiser; A_log, D, norms and all biases do not decay."""
        return decay_groups(self, weight_decay, is_scan_or_vector)


def _beside(maps: Float[Tensor, "n c h w"]) -> Float[Tensor, "b 2 c h w"]:
    return torch.stack(by_date(maps), dim=1)


def _twice(x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h2 w2"]:
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def _kaiming(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.Linear):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
