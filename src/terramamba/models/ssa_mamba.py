"""SSA-Mamba: spatial-spectral attentive state-space model for hyperspectral image classification.

Liao and Wang, "Spatial-Spectral Attentive State Space Model", IEEE JSTARS 19, 2026, pp. 6403-6424,
doi 10.1109/JSTARS.2026.3654346.

    here                       paper           meaning
    in_channels                C               spectral bands
    h, w                       H = W = P       patch side
    l = h * w                  L               tokens of a patch, row-major: token i = h * W + w
    d_model                    D               channels of a token
    d_inner = expand * d_model I = E D         channels inside a unit
    d_state                    N               states a channel
    num_classes                K               classes
    delta_log                  Delta           step, exp(delta_log)                                Eq. 7
    A_log                      A               decay, -exp(A_log)                                  Eq. 3-12
    B, C, D                    B, C, D         input, output and skip weights of the state space   Eq. 3-12
    f_spa, f_spe               F_spa, F_spe    what the two branches found                         Eq. 13-14
    f_att                      F_att           what one branch asked of the other                  Eq. 15-19
    f_ca                       F_ca            both, fused                                         Eq. 20-26

None of the state space's parameters depends on the input: unlike in Mamba, the scan is linear and
time-invariant. Step, decay and scan are float32 (or wider) under autocast.

Where the paper disagrees with itself or leaves a choice:

- Eq. 7 makes the step with exp, one listing with softplus: exp; option ``step``.
- Bbar is Delta B as in Eq. 8; the exact zero-order hold is the option ``discretization``.
- The convolution over tokens is causal, as state-space models have it; option ``conv``.
- Equations 1-35 give 6.20 M parameters at 144 bands and 15 classes, the text 7.32 M: the equations stand.
- Both branches read the same tokens in the same order and differ in their weights alone, so the spatial and
  the spectral branch, each alone, are the same network.
- Convolutions before a batch norm have no bias, which the norm would cancel; both bottlenecks of D/16 are at
  least 4 wide.
"""

from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.layers import SqueezeExcitation, decay_groups
from terramamba.models.spec import ModelSpec
from terramamba.models.ssa_unit import Alignment, SpectralSpatialMambaUnit, Step
from terramamba.ops.backends import Discretization


@dataclass(frozen=True, kw_only=True)
class SSAMambaConfig:
    """Options of the model; the defaults are the paper's. In brackets: published OA on Houston2013."""

    in_channels: int
    """Spectral bands."""
    num_classes: int
    """Classes."""
    d_model: int = 256
    """Channels of a token; even."""
    d_state: int = 16
    """States a channel."""
    conv_width: int = 3
    """Tokens under the unit's convolution."""
    expand: int = 2
    """Channels inside a unit, as a multiple of d_model."""
    depth: int = 4
    """Blocks in a row."""
    heads: int = 8
    """Attention heads; a divisor of d_model."""
    dropout: float = 0.1
    """Share of values dropped in training."""
    step: Step = "exp"
    """How the step is made positive."""
    discretization: Discretization = "euler"
    """Bbar: Delta B, or the exact zero-order hold."""
    conv: Alignment = "causal"
    """Tokens that the unit's convolution sees: up to its own, or on both sides."""
    attention: Literal["asymmetric", "symmetric", "reversed", "none"] = "asymmetric"
    """Spatial asks spectral (93.98); both ask, answers added (92.32); spectral asks spatial; nobody asks."""
    gate: bool = True
    """Gate in the fusion (93.98; without 92.36)."""
    residuals: bool = True
    """Multi-scale residuals: around each block and around all (93.98; without 91.57)."""
    branches: Literal["separate", "coupled", "spatial", "spectral"] = "separate"
    """Two; two with one set of weights; or one alone, which leaves nothing to ask and to fuse."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if field.type is int and value < 1:
                raise InputError(f"ssa_mamba: option {field.name}={value}; give at least 1")
        if self.d_model % 2 or self.d_model % self.heads:
            raise InputError(
                f"ssa_mamba: option d_model={self.d_model}; give an even multiple of heads={self.heads}"
            )
        if not 0 <= self.dropout < 1:
            raise InputError(f"ssa_mamba: option dropout={self.dropout}; give a share from 0 to below 1")


class CrossAttention(nn.Module):
    """Multi-head attention in which one branch asks and the other answers; no biases (Eq. 15-19)."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query, self.key, self.value, self.out = (
            nn.Linear(config.d_model, config.d_model, bias=False) for _ in range(4)
        )

    def forward(
        self, asking: Float[Tensor, "b l d"], asked: Float[Tensor, "b l d"], return_weights: bool = False
    ) -> tuple[Float[Tensor, "b l d"], Float[Tensor, "b n l l"] | None]:
        """Answers (b, l, d), one for each asking token.

        The weights (b, heads, l, l), from asking to asked token and summing to 1, are worked out only on
        request: the fused attention never holds them.
        """
        q, k, v = (
            rearrange(projection(x), "b l (n d) -> b n l d", n=self.heads)
            for projection, x in ((self.query, asking), (self.key, asked), (self.value, asked))
        )
        y = self.out(rearrange(F.scaled_dot_product_attention(q, k, v), "b n l d -> b l (n d)"))
        if not return_weights:
            return y, None
        return y, torch.softmax(q.float() @ k.float().mT * q.shape[-1] ** -0.5, dim=-1)


class GatedFusion(nn.Module):
    """Two features of a token become one, scaled by a gate and by channel weights (Eq. 20-26)."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        d = config.d_model
        self.gate = nn.Linear(2 * d, d) if config.gate else None
        self.mlp = nn.Sequential(
            nn.LayerNorm(2 * d),
            nn.Linear(2 * d, d),
            nn.GELU(),
            nn.Dropout(config.dropout),
            nn.Linear(d, d),
            nn.Dropout(config.dropout),
        )
        self.excitation = SqueezeExcitation(d, max(d // 16, 4))

    def forward(self, pair: Float[Tensor, "b l d2"]) -> Float[Tensor, "b l d"]:
        """Tokens (b, l, 2 d) to tokens (b, l, d)."""
        f = self.mlp(pair)
        if self.gate is not None:
            f = f * torch.sigmoid(self.gate(pair))
        return self.excitation.scale_tokens(f)


BRANCHES = {
    "separate": ("spatial", "spectral"),
    "coupled": ("both",),
    "spatial": ("spatial",),
    "spectral": ("spectral",),
}


def make_branch(config: SSAMambaConfig) -> nn.Sequential:
    """A unit and its norm (Eq. 13-14)."""
    unit = SpectralSpatialMambaUnit(
        config.d_model,
        config.expand * config.d_model,
        config.d_state,
        conv_width=config.conv_width,
        conv=config.conv,
        step=config.step,
        discretization=config.discretization,
        dropout=config.dropout,
    )
    return nn.Sequential(unit, nn.LayerNorm(config.d_model))


class CrossDomainMambaBlock(nn.Module):
    """Two branches, attention from one to the other, fusion, residual (Eq. 13-27)."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        d = config.d_model
        self.config = config
        self.branches = nn.ModuleDict({name: make_branch(config) for name in BRANCHES[config.branches]})
        two = config.branches in ("separate", "coupled")
        directions = {"none": 0, "symmetric": 2}.get(config.attention, 1) if two else 0
        self.attention = nn.ModuleList(CrossAttention(config) for _ in range(directions))
        self.attention_norm = nn.LayerNorm(d) if directions else None
        self.fusion = GatedFusion(config) if two else None
        self.norm = nn.LayerNorm(d)

    def forward(
        self, x: Float[Tensor, "b l d"], return_attention: bool = False
    ) -> tuple[Float[Tensor, "b l d"], list[Float[Tensor, "b n l l"]]]:
        """Tokens (b, l, d) to tokens of the same shape, and the attention of each direction if asked for."""
        found = [branch(x) for branch in self.branches.values()]
        # Coupled branches read the same tokens with the same weights: one pass serves both.
        f_spa, f_spe = found[0], found[-1]  # Eq. 13-14
        maps: list[Tensor] = []
        if self.fusion is None:
            f_ca = f_spa
        else:
            asking, asked = (f_spe, f_spa) if self.config.attention == "reversed" else (f_spa, f_spe)
            answer, maps = self._attend(asking, asked, return_attention)
            f_ca = self.fusion(torch.cat([asking, answer], dim=-1))
        return self.norm(f_ca + x if self.config.residuals else f_ca), maps  # Eq. 27

    def _attend(self, asking: Tensor, asked: Tensor, return_attention: bool) -> tuple[Tensor, list[Tensor]]:
        if self.attention_norm is None:
            return asked, []
        # The second way round is taken where there is a second module.
        ways = zip(self.attention, ((asking, asked), (asked, asking)), strict=False)
        answers = [attention(*pair, return_attention) for attention, pair in ways]
        f_att = self.attention_norm(reduce(torch.add, (answer for answer, _ in answers)))
        return f_att, [weights for _, weights in answers if weights is not None]


class SSAMamba(nn.Module):
    """The network: input projection, blocks, feature integration, linear head."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        d = config.d_model
        self.config = config
        self.project = nn.Sequential(  # Eq. 1-2
            nn.Conv2d(config.in_channels, d // 2, kernel_size=1, bias=False),
            nn.BatchNorm2d(d // 2),
            nn.GELU(),
            nn.Conv2d(d // 2, d, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(d),
            nn.GELU(),
            nn.Dropout(config.dropout),
        )
        self.blocks = nn.ModuleList(CrossDomainMambaBlock(config) for _ in range(config.depth))
        self.norms = nn.ModuleList(nn.LayerNorm(d) for _ in range(config.depth))
        self.integrate = nn.Sequential(  # Eq. 29-33, with the excitation
            nn.Conv2d(d, d, kernel_size=3, padding=1, groups=d, bias=False),
            nn.BatchNorm2d(d),
            nn.GELU(),
            nn.Conv2d(d, d, kernel_size=1, bias=False),
            nn.BatchNorm2d(d),
            nn.GELU(),
            nn.Dropout2d(config.dropout),
        )
        self.excitation = SqueezeExcitation(d, max(d // 16, 4))
        self.head = nn.Linear(d, config.num_classes)
        self.apply(_initialise)

    def forward(
        self, x: Float[Tensor, "b c h w"], return_attention: bool = False
    ) -> Float[Tensor, "b k"] | tuple[Float[Tensor, "b k"], list[Float[Tensor, "b n l l"]]]:
        """Logits (b, k) of the patches' middle pixels.

        Args:
            x: patches (b, c, h, w), bands scaled to [0, 1].
            return_attention: also return the attention maps (b, heads, l, l), from asking to asked token,
                block by block; two a block where attention is symmetric, spatial first.
        """
        features, maps = self.features(x, return_attention)
        logits = self.head(features.mean(dim=(2, 3)))  # Eq. 35
        return (logits, maps) if return_attention else logits

    def token_logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Logits (b, k, h, w) of each pixel; the head is linear, so their mean over h, w is ``forward``'s."""
        features, _ = self.features(x)
        return rearrange(self.head(rearrange(features, "b d h w -> b h w d")), "b h w k -> b k h w")

    def features(
        self, x: Float[Tensor, "b c h w"], return_attention: bool = False
    ) -> tuple[Float[Tensor, "b d h w"], list[Float[Tensor, "b n l l"]]]:
        """Features (b, d, h, w) before pooling, and the attention maps if asked for."""
        z_proj = self.project(x)
        z = rearrange(z_proj, "b d h w -> b (h w) d")
        maps: list[Tensor] = []
        for block, norm in zip(self.blocks, self.norms, strict=True):
            z, weights = block(z, return_attention)
            z = norm(z)  # Eq. 28
            maps += weights
        y = self.excitation(self.integrate(rearrange(z, "b (h w) d -> b d h w", h=x.shape[2])))
        return y + z_proj if self.config.residuals else y, maps  # Eq. 34

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Groups for the optimiser; delta_log, A_log and D do not decay: zero means nothing to them."""
        names = (".delta_log", ".A_log", ".D")
        return decay_groups(self, weight_decay, lambda name, _: name.endswith(names))


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def build(**options: Any) -> SSAMamba:
    """The model with these options."""
    return SSAMamba(SSAMambaConfig(**options))


SPEC = ModelSpec(
    name="ssa_mamba",
    task="classify",
    title="SSA-Mamba: two state-space branches, one asking the other",
    paper="Liao and Wang, IEEE JSTARS 19, 2026, pp. 6403-6424, doi 10.1109/JSTARS.2026.3654346",
    build=build,
    config=SSAMambaConfig,
    presets={
        "paper": {},
        "small": {"d_model": 64, "depth": 2, "heads": 4},
        "tiny": {"d_model": 32, "depth": 1, "heads": 2},
    },
    default_preset="paper",
    recipe={
        "epochs": 200,
        "batch_size": 16,
        "optimizer": "adam",
        "lr": 1e-3,
        "weight_decay": 5e-4,
        "schedule": "cosine",
        "warmup_epochs": 5,
        "clip_norm": 1.0,
        "patience": 50,
    },
    claims={
        "parameters": "7.32 M",
        "time": "0.646 ms a sample (RTX 4090, PyTorch 2.0)",
        "memory": "317 MB peak GPU memory, classifying a scene of 1580 x 3750 pixels and 256 bands",
        "Houston2013 OA / AA / kappa": "93.98 / 94.72 / 93.49",
        "WHU-Hi-HongHu OA": "93.58",
        "XiongAn OA": "96.06",
    },
    example=(1, 144, 7, 7),
)
