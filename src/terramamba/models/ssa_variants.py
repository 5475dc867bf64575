"""SSA-Mamba with its switches: the paper's ablations, and what it leaves open.

Liao and Wang, IEEE JSTARS 19, 2026, doi 10.1109/JSTARS.2026.3654346. The registry's ``ssa_mamba`` is the
published network of ``ssa_mamba`` where no switch is set, and otherwise the same network of these blocks. A
switch takes something away or puts something in its place; sizes, recipe and the names of weights stay.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import reduce
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.layers import SqueezeExcitation
from terramamba.models.spec import ModelSpec
from terramamba.models.ssa_mamba import (
    CrossAttention,
    GatedFusion,
    SpectralSpatialMambaUnit,
    SSAMamba,
    SSAMambaConfig,
    StateSpaceCore,
    fusion_mlp,
)
from terramamba.ops import lti_scan
from terramamba.ops.backends import Discretization


@dataclass(frozen=True, kw_only=True)
class SSAVariantConfig(SSAMambaConfig):
    """Sizes and switches; the defaults are the paper's. In brackets: published OA on Houston2013."""

    step: Literal["exp", "softplus"] = "exp"
    """How the step is made positive."""
    discretization: Discretization = "euler"
    """Bbar: Delta B, or the exact zero-order hold."""
    conv: Literal["causal", "centred"] = "causal"
    """Tokens that the unit's convolution sees: up to its own, or on both sides."""
    attention: Literal["asymmetric", "symmetric", "reversed", "none"] = "asymmetric"
    """From spatial to spectral branch (93.98); both ways, added (92.32); from spectral to spatial; none."""
    gate: bool = True
    """Gate in the fusion (93.98; without 92.36)."""
    residuals: bool = True
    """Multi-scale residuals: around each block and around all (93.98; without 91.57)."""
    branches: Literal["separate", "coupled", "spatial", "spectral"] = "separate"
    """Two; two with one set of weights; or one alone, which leaves nothing to attend to and to fuse."""

    @property
    def published(self) -> bool:
        """Whether no switch is set."""
        sizes = {field.name: getattr(self, field.name) for field in fields(SSAMambaConfig)}
        return self == SSAVariantConfig(**sizes)


BRANCHES: Mapping[str, tuple[str, ...]] = {
    "separate": ("spatial", "spectral"),
    "coupled": ("both",),
    "spatial": ("spatial",),
    "spectral": ("spectral",),
}
"""Names of the branches that have weights."""


class VariantCore(StateSpaceCore):
    """The state space with the parameters of ``core``, and another step or discretization."""

    def __init__(self, core: StateSpaceCore, step: str, discretization: Discretization) -> None:
        nn.Module.__init__(self)  # the parameters are there already
        for name, parameter in core.named_parameters():
            self.register_parameter(name, parameter)
        self.step, self.discretization = step, discretization

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Scan tokens (b, l, d), each channel by its own state space."""
        wide = torch.promote_types(self.A_log.dtype, torch.float32)
        delta_log = self.delta_log.to(wide)
        delta = delta_log.exp() if self.step == "exp" else F.softplus(delta_log)  # Eq. 7
        A = -torch.exp(self.A_log.to(wide))
        return lti_scan(x, delta, A, self.B, self.C, self.D, discretization=self.discretization)


def make_branch(config: SSAVariantConfig) -> nn.Sequential:
    """Build a unit and its norm (Eq. 13-14)."""
    unit = SpectralSpatialMambaUnit(config)
    unit.core = VariantCore(unit.core, config.step, config.discretization)
    if config.conv == "centred":
        after = config.conv_width // 2
        unit.conv.margins = (config.conv_width - 1 - after, after)
    return nn.Sequential(unit, nn.LayerNorm(config.d_model))


class UngatedFusion(nn.Module):
    """``GatedFusion`` without its gate."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        self.mlp = fusion_mlp(config)
        self.excitation = SqueezeExcitation(config.d_model, max(config.d_model // 16, 4))

    def forward(self, pair: Float[Tensor, "b l d2"]) -> Float[Tensor, "b l d"]:
        """Fuse tokens (b, l, 2 d) to tokens (b, l, d)."""
        return self.excitation.scale_tokens(self.mlp(pair))


class VariantBlock(nn.Module):
    """``CrossDomainMambaBlock`` with its switches (Eq. 13-27)."""

    def __init__(self, config: SSAVariantConfig) -> None:
        super().__init__()
        d = config.d_model
        self.config = config
        self.branches = nn.ModuleDict({name: make_branch(config) for name in BRANCHES[config.branches]})
        two = config.branches in ("separate", "coupled")
        directions = {"none": 0, "symmetric": 2}.get(config.attention, 1) if two else 0
        self.attention = nn.ModuleList(CrossAttention(config) for _ in range(directions))
        self.attention_norm = nn.LayerNorm(d) if directions else None
        fusion = GatedFusion if config.gate else UngatedFusion
        self.fusion = fusion(config) if two else None
        self.norm = nn.LayerNorm(d)

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Mix tokens (b, l, d) in space and spectrum."""
        found = [branch(x) for branch in self.branches.values()]
        # Coupled branches read the same tokens with the same weights: one pass serves both.
        f_spa, f_spe = found[0], found[-1]  # Eq. 13-14
        f_ca = f_spa if self.fusion is None else self._fused(self.fusion, f_spa, f_spe)
        return self.norm(f_ca + x if self.config.residuals else f_ca)  # Eq. 27

    def _fused(self, fusion: nn.Module, f_spa: Tensor, f_spe: Tensor) -> Tensor:
        query, context = (f_spe, f_spa) if self.config.attention == "reversed" else (f_spa, f_spe)
        f_att = context
        if self.attention_norm is not None:
            # The second way round is taken where there is a second module.
            ways = zip(self.attention, ((query, context), (context, query)), strict=False)
            f_att = self.attention_norm(reduce(torch.add, (attention(*pair) for attention, pair in ways)))
        return fusion(torch.cat([query, f_att], dim=-1))


class SSAMambaVariant(SSAMamba):
    """The network made of ``VariantBlock``."""

    def __init__(self, config: SSAVariantConfig) -> None:
        super().__init__(config, VariantBlock)
        self.residuals = config.residuals

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Extract the features of patches (b, c, h, w) that the head averages and reads."""
        z_proj = self.project(x)
        y = self.mix(z_proj)
        return y + z_proj if self.residuals else y  # Eq. 34

    def attentions(self) -> dict[str, CrossAttention]:
        """Name the attention of each block and, where there are two, direction, in the order they run."""
        found: dict[str, CrossAttention] = {}
        for i, block in enumerate(self.blocks, start=1):
            modules = list(cast(VariantBlock, block).attention)
            ways = (", spatial asks spectral", ", spectral asks spatial") if len(modules) == 2 else ("",)
            found |= {
                f"block {i}{way}": cast(CrossAttention, module)
                for way, module in zip(ways, modules, strict=False)
            }
        return found


def build(**options: Any) -> SSAMamba:
    """Build the published network, or where a switch is set the variant.

    Raises:
        InputError: options that do not go together.
    """
    config = SSAVariantConfig(**options)
    return SSAMamba(config) if config.published else SSAMambaVariant(config)


SPEC = ModelSpec(
    name="ssa_mamba",
    task="classify",
    title="SSA-Mamba: two state-space branches, one asking the other",
    paper="Liao and Wang, IEEE JSTARS 19, 2026, pp. 6403-6424, doi 10.1109/JSTARS.2026.3654346",
    build=build,
    config=SSAVariantConfig,
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
