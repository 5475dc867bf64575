"""SSA-Mamba: spatial-spectral attentive state-space model for hyperspectral image classification.

Liao and Wang, "Spatial-Spectral Attentive State Space Model", IEEE JSTARS 19, 2026, pp. 6403-6424,
doi 10.1109/JSTARS.2026.3654346. This file is the published network, from its input to its logits. Its
ablations, what it leaves open, and its recipe are in ``ssa_variants``.

    here                       paper           meaning
    in_channels                C               spectral bands
    h, w                       H = W = P       patch side
    l = h * w                  L               tokens of a patch, row-major: token i = h * W + w
    d_model                    D               channels of a token
    d_inner = expand * d_model I = E D         channels inside a unit
    d_state                    N               states a channel
    num_classes                K               classes
    delta_log                  Delta           step, exp(delta_log)                                Eq. 7
    A_log                      A               state matrix, -exp(A_log)                           Eq. 3-12
    B, C, D                    B, C, D         input, output and skip weights of the state space   Eq. 3-12
    f_spa, f_spe               F_spa, F_spe    features of the two branches                        Eq. 13-14
    f_att                      F_att           attention of one branch (query) to the other        Eq. 15-19
    f_ca                       F_ca            both, fused                                         Eq. 20-26

None of the state space's parameters depends on the input: unlike in Mamba, the scan is linear and
time-invariant. Step, state matrix and scan are float32 (or wider) under autocast.

Where the paper disagrees with itself or leaves a choice:

- Eq. 7 makes the step with exp, one listing with softplus: exp.
- Bbar is Delta B as in Eq. 8, not the exact zero-order hold.
- The convolution over tokens is causal, as state-space models have it.
- Equations 1-35 give 6.20 M parameters at 144 bands and 15 classes, the text 7.32 M: the equations stand.
- Both branches read the same tokens in the same order and differ in their weights alone, so the spatial and
  the spectral branch, each alone, are the same network.
- Convolutions before a batch norm have no bias, which the norm would cancel; both bottlenecks of D/16 are at
  least 4 wide.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.core.errors import InputError
from terramamba.models.cost import ScanModule, scan_flops
from terramamba.models.layers import SqueezeExcitation, decay_groups
from terramamba.models.model import Features, Model
from terramamba.ops import lti_scan


@dataclass(frozen=True, kw_only=True)
class SSAMambaConfig:
    """Sizes of the model; the defaults are the paper's."""

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


class StateSpaceCore(ScanModule):
    """h_t = Abar h_{t-1} + Bbar x_t, y_t = sum_n C h_t + D x_t, the same for every token (Eq. 3-12).

    The parameters are plain tensors and not layers, so that no later initialisation overwrites theirs.
    """

    def __init__(self, d_inner: int, d_state: int) -> None:
        super().__init__()
        self.delta_log = nn.Parameter(torch.zeros(d_inner))
        self.A_log = nn.Parameter(torch.log(torch.rand(d_inner, d_state) + 0.1))
        self.B = nn.Parameter(0.02 * torch.randn(d_inner, d_state))
        self.C = nn.Parameter(0.02 * torch.randn(d_inner, d_state))
        self.D = nn.Parameter(torch.ones(d_inner))

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Scan tokens (b, l, d), each channel by its own state space."""
        wide = torch.promote_types(self.A_log.dtype, torch.float32)
        delta = torch.exp(self.delta_log.to(wide))  # Eq. 7
        A = -torch.exp(self.A_log.to(wide))
        return lti_scan(x, delta, A, self.B, self.C, self.D)  # Eq. 8-12

    def stated_flops(self, x: Float[Tensor, "b l d"]) -> int:
        """Count the FLOPs of ``forward`` by the field's formula."""
        return scan_flops(
            batch=x.shape[0], tokens=x.shape[1], channels=x.shape[2], states=self.A_log.shape[1]
        )


class TokenConv(nn.Conv1d):
    """Depthwise causal convolution along the tokens: a token sees itself and those before it."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__(channels, channels, width, groups=channels, bias=False)
        self.margins = (width - 1, 0)
        """Zeros before the first and after the last token."""

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Convolve tokens (b, l, d)."""
        padded = F.pad(x, (0, 0, *self.margins))
        # As an image one pixel high: with channels innermost that is several times faster than conv1d.
        image = F.conv2d(padded.mT[:, :, None], self.weight[:, :, None], groups=self.groups)
        return image[:, :, 0].mT


class SpectralSpatialMambaUnit(nn.Module):
    """Gated state-space unit with residual and norm (Eq. 3-12).

    [m; g] = in_proj(LN(x))          m' = SiLU(BN(conv(m)))
    out    = LN(x + dropout(out_proj(core(m') SiLU(g))))
    """

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        d, d_inner = config.d_model, config.expand * config.d_model
        self.norm = nn.LayerNorm(d)
        self.in_proj = nn.Linear(d, 2 * d_inner)
        self.conv = TokenConv(d_inner, config.conv_width)
        self.conv_norm = nn.BatchNorm1d(d_inner)
        self.core = StateSpaceCore(d_inner, config.d_state)
        self.out_proj = nn.Linear(d_inner, d)
        self.dropout = nn.Dropout(config.dropout)
        self.out_norm = nn.LayerNorm(d)

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Mix tokens (b, l, d) along the sequence."""
        m, g = self.in_proj(self.norm(x)).chunk(2, dim=-1)
        m = self.conv_norm(self.conv(m).flatten(0, 1)).view_as(m)  # over batch and tokens at once
        y = self.core(F.silu(m))
        return self.out_norm(x + self.dropout(self.out_proj(y * F.silu(g))))


class CrossAttention(nn.Module):
    """Multi-head attention from the tokens of one branch to those of the other; no biases (Eq. 15-19)."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query, self.key, self.value, self.out = (
            nn.Linear(config.d_model, config.d_model, bias=False) for _ in range(4)
        )

    def forward(
        self, query: Float[Tensor, "b l d"], context: Float[Tensor, "b l d"]
    ) -> Float[Tensor, "b l d"]:
        """Gather from the context tokens (b, l, d) what each query token attends to."""
        q = self._heads(self.query(query))
        k, v = self._heads(self.key(context)), self._heads(self.value(context))
        return self.out(rearrange(F.scaled_dot_product_attention(q, k, v), "b n l d -> b l (n d)"))

    def weights(
        self, query: Float[Tensor, "b l d"], context: Float[Tensor, "b l d"]
    ) -> Float[Tensor, "b n l l"]:
        """Work out the weights that ``forward``, whose fused attention never holds them, gives the tokens.

        They go from query to context token and sum to 1 over the last axis; float32.
        """
        q, k = self._heads(self.query(query)), self._heads(self.key(context))
        return torch.softmax(q.float() @ k.float().mT * q.shape[-1] ** -0.5, dim=-1)

    def _heads(self, x: Float[Tensor, "b l e"]) -> Float[Tensor, "b n l d"]:
        return rearrange(x, "b l (n d) -> b n l d", n=self.heads)


class GatedFusion(nn.Module):
    """Two features of a token become one, scaled by a gate and by channel weights (Eq. 20-26)."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        d = config.d_model
        self.gate = nn.Linear(2 * d, d)
        self.mlp = fusion_mlp(config)
        self.excitation = SqueezeExcitation(d, max(d // 16, 4))

    def forward(self, pair: Float[Tensor, "b l d2"]) -> Float[Tensor, "b l d"]:
        """Fuse tokens (b, l, 2 d) to tokens (b, l, d)."""
        return self.excitation.scale_tokens(self.mlp(pair) * torch.sigmoid(self.gate(pair)))


def fusion_mlp(config: SSAMambaConfig) -> nn.Sequential:
    """Build the perceptron of the fusion: 2 D channels of a token to D."""
    d = config.d_model
    return nn.Sequential(
        nn.LayerNorm(2 * d),
        nn.Linear(2 * d, d),
        nn.GELU(),
        nn.Dropout(config.dropout),
        nn.Linear(d, d),
        nn.Dropout(config.dropout),
    )


class CrossDomainMambaBlock(nn.Module):
    """Two branches, attention from the spatial to the spectral one, fusion, residual (Eq. 13-27)."""

    def __init__(self, config: SSAMambaConfig) -> None:
        super().__init__()
        d = config.d_model
        self.branches = nn.ModuleDict(
            {
                name: nn.Sequential(SpectralSpatialMambaUnit(config), nn.LayerNorm(d))
                for name in ("spatial", "spectral")
            }
        )
        self.attention = nn.ModuleList([CrossAttention(config)])  # a list: one of the variants has two
        self.attention_norm = nn.LayerNorm(d)
        self.fusion = GatedFusion(config)
        self.norm = nn.LayerNorm(d)

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Mix tokens (b, l, d) in space and spectrum."""
        f_spa, f_spe = self.branches["spatial"](x), self.branches["spectral"](x)  # Eq. 13-14
        f_att = self.attention_norm(self.attention[0](f_spa, f_spe))  # Eq. 15-19
        f_ca = self.fusion(torch.cat([f_spa, f_att], dim=-1))  # Eq. 20-26
        return self.norm(f_ca + x)  # Eq. 27


class SSAMamba(Model):
    """The network: input projection, blocks, feature integration, linear head.

    Args:
        config: sizes.
        block: makes a block of them.
    """

    classifies_tokens = True

    def __init__(
        self, config: SSAMambaConfig, block: Callable[[Any], nn.Module] = CrossDomainMambaBlock
    ) -> None:
        super().__init__()
        d = config.d_model
        self.project = nn.Sequential(  # Eq. 1-2
            nn.Conv2d(config.in_channels, d // 2, kernel_size=1, bias=False),
            nn.BatchNorm2d(d // 2),
            nn.GELU(),
            nn.Conv2d(d // 2, d, kernel_size=3, padding=1, bias=False),
            nn.BatchNorm2d(d),
            nn.GELU(),
            nn.Dropout(config.dropout),
        )
        self.blocks = nn.ModuleList(block(config) for _ in range(config.depth))
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
        """Classify the middle pixels of patches: logits (b, k).

        Args:
            x: patches (b, c, h, w), bands scaled to [0, 1].
            return_attention: also return the attention of ``forward_features``, block by block.
        """
        if return_attention:
            found = self.forward_features(x)
            return found.logits, list(found.attention.values())
        return self.head(self.features(x).mean(dim=(2, 3)))  # Eq. 35

    def token_logits(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """Classify each pixel of patches; the head is linear, so the mean over h, w is ``forward``'s."""
        features = rearrange(self.features(x), "b d h w -> b h w d")
        return rearrange(self.head(features), "b h w k -> b k h w")

    def features(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """Extract the features of patches (b, c, h, w) that the head averages and reads."""
        z_proj = self.project(x)
        return self.mix(z_proj) + z_proj  # Eq. 34

    def mix(self, z_proj: Float[Tensor, "b d h w"]) -> Float[Tensor, "b d h w"]:
        """Run the blocks over projected patches and integrate what they find (Eq. 28-33)."""
        z = rearrange(z_proj, "b d h w -> b (h w) d")
        for block, norm in zip(self.blocks, self.norms, strict=True):
            z = norm(block(z))  # Eq. 28
        return self.excitation(self.integrate(rearrange(z, "b (h w) d -> b d h w", h=z_proj.shape[2])))

    def forward_features(self, x: Float[Tensor, "b c h w"]) -> Features:
        """Run ``forward`` and watch its attention: weights (b, heads, l, l) by ``attentions``' names."""
        found: dict[str, Tensor] = {}
        hooks = [
            module.register_forward_hook(partial(_keep_weights, found, name))
            for name, module in self.attentions().items()
        ]
        try:
            return Features(self(x), attention=found)
        finally:
            for hook in hooks:
                hook.remove()

    def attentions(self) -> dict[str, CrossAttention]:
        """Name the attention of each block, in the order in which they run."""
        blocks = cast(Iterable[CrossDomainMambaBlock], self.blocks)
        return {f"block {i}": cast(CrossAttention, b.attention[0]) for i, b in enumerate(blocks, start=1)}

    def checkpoint_blocks(self) -> Sequence[nn.Module]:
        """List the state-space units of all branches."""
        return [module for module in self.modules() if isinstance(module, SpectralSpatialMambaUnit)]

    def parameter_groups(self, weight_decay: float) -> list[dict[str, Any]]:
        """Return groups for an optimiser; delta_log, A_log and D do not decay: zero means nothing to them."""
        names = (".delta_log", ".A_log", ".D")
        return decay_groups(self, weight_decay, lambda name, _: name.endswith(names))


def _keep_weights(
    found: dict[str, Tensor],
    name: str,
    attention: CrossAttention,
    inputs: tuple[Tensor, Tensor],
    _output: Tensor,
) -> None:
    found[name] = attention.weights(*inputs)


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
