"""Visual state-space (VSS) block and encoder, as VMamba has them and GLMamba uses them (Eq. 1-10).

Liu et al., "VMamba: Visual State Space Model", NeurIPS 2024, arXiv 2401.10166 (its first version, "v0").

    here                 paper       meaning
    c, d = expand * c    C, I        channels of a stage, channels inside its blocks
    n = d_state          N           states a channel
    r = ceil(c / 16)     R           rank of the step's projection
    l = h * w            L           tokens of a map
    x_proj               -           tokens -> [dt; B; C], one matrix for each of the four paths
    dt_weight, dt_bias   -           Delta = softplus(dt_weight dt + dt_bias), one pair for each path
    A_log                A           A = -exp(A_log), negative whatever is learnt
    D                    D           weight of a token in its own output

Maps stay (b, h, w, c) inside the encoder, so that norms and projections work on neighbouring numbers.
Step, softplus and scan are float32 under autocast.
"""

import math
from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.cost import ScanModule, scan_flops
from terramamba.ops import selective_scan_2d
from terramamba.ops.backends import Discretization
from terramamba.ops.scan_paths import PATHS

DT_MIN, DT_MAX = 1e-3, 0.1


class SS2D(ScanModule):
    """Selective scan of a map along four paths, each with its own x_proj, dt, A and D, summed (Eq. 1-10).

    The parameters are plain tensors and not layers: a weight initialisation that goes over all layers
    afterwards cannot reach them.
    """

    def __init__(
        self, width: int, rank: int, d_state: int, scan: str, discretization: Discretization
    ) -> None:
        super().__init__()
        self.sizes = [rank, d_state, d_state]
        self.scan = scan
        self.discretization: Discretization = discretization
        self.x_proj = nn.Parameter(torch.empty(PATHS, sum(self.sizes), width))
        self.dt_weight = nn.Parameter(torch.empty(PATHS, width, rank))
        self.dt_bias = nn.Parameter(torch.empty(PATHS, width))
        self.A_log = nn.Parameter(torch.empty(PATHS * width, d_state))
        self.D = nn.Parameter(torch.empty(PATHS * width))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self) -> None:
        """Start as Mamba does: A = -(1..n), D = 1, steps log-uniform between 0.001 and 0.1."""
        _, width, rank = self.dt_weight.shape
        self.x_proj.uniform_(-(width**-0.5), width**-0.5)
        self.dt_weight.uniform_(-(rank**-0.5), rank**-0.5)
        step = torch.exp(torch.empty_like(self.dt_bias).uniform_(math.log(DT_MIN), math.log(DT_MAX)))
        self.dt_bias.copy_(step + torch.log(-torch.expm1(-step)))  # the inverse of softplus
        states = torch.arange(1, self.A_log.shape[1] + 1, dtype=self.A_log.dtype, device=self.A_log.device)
        self.A_log.copy_(states.log().expand_as(self.A_log))
        self.D.fill_(1.0)

    def forward(self, x: Float[Tensor, "b h w d"]) -> Float[Tensor, "b h w d"]:
        """Scan maps (b, h, w, d) along the four paths and sum what they give each token."""
        projected = F.linear(x, self.x_proj.flatten(0, 1)).view(*x.shape[:3], PATHS, sum(self.sizes))
        dt, B, C = torch.split(projected, self.sizes, dim=-1)
        delta = torch.einsum("bhwkr,kdr->bhwkd", dt, self.dt_weight)
        return selective_scan_2d(
            x,
            delta,
            -torch.exp(self.A_log),
            B,
            C,
            self.D,
            delta_bias=self.dt_bias.flatten(),
            delta_softplus=True,
            discretization=self.discretization,
            paths=self.scan,
        )

    def stated_flops(self, x: Float[Tensor, "b h w d"]) -> int:
        """Count the FLOPs of ``forward``: the scan by the formula 9 B L I N, and the two projections."""
        tokens = x.shape[0] * x.shape[1] * x.shape[2]
        projections = 2 * tokens * (self.x_proj.numel() + self.dt_weight.numel())
        return scan_flops(1, tokens, *self.A_log.shape) + projections


class VSSBlock(nn.Module):
    """x + out_proj(LN(SS2D(SiLU(dwconv(x_part)))) * SiLU(z)), [x_part; z] = in_proj(LN(x)).

    With ``mlp_ratio`` > 0 a second residual branch follows: LN, linear, GELU, linear.
    """

    def __init__(
        self,
        channels: int,
        d_state: int = 16,
        expand: int = 2,
        scan: str = "cross",
        discretization: Discretization = "euler",
        mlp_ratio: float = 0.0,
    ) -> None:
        super().__init__()
        width = expand * channels
        self.norm = nn.LayerNorm(channels)
        self.in_proj = nn.Linear(channels, 2 * width, bias=False)
        self.conv = nn.Conv2d(width, width, kernel_size=3, padding=1, groups=width)
        self.ss2d = SS2D(width, math.ceil(channels / 16), d_state, scan, discretization)
        self.out_norm = nn.LayerNorm(width)
        self.out_proj = nn.Linear(width, channels, bias=False)
        hidden = int(channels * mlp_ratio)
        self.mlp = (
            nn.Sequential(
                nn.LayerNorm(channels), nn.Linear(channels, hidden), nn.GELU(), nn.Linear(hidden, channels)
            )
            if hidden
            else None
        )

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h w c"]:
        """Mix maps (b, h, w, c) over their positions."""
        part, gate = self.in_proj(self.norm(x)).chunk(2, dim=-1)
        part = F.silu(self.conv(part.permute(0, 3, 1, 2)))
        y = self.ss2d(part.permute(0, 2, 3, 1))
        x = x + self.out_proj(self.out_norm(y) * F.silu(gate))
        return x if self.mlp is None else x + self.mlp(x)


class PatchMerging(nn.Module):
    """Four neighbours become one token: LN of 4c, linear 4c -> 2c.

    An odd side gets one row or column of zeros.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduction = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x: Float[Tensor, "b h w c"]) -> Float[Tensor, "b h2 w2 c2"]:
        """Merge maps (b, h, w, c) to (b, ceil(h/2), ceil(w/2), 2c)."""
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        quarters = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(quarters, dim=-1)))


class VSSEncoder(nn.Module):
    """Patch embedding and stages of VSS blocks; stage i = 0.. has c * 2^i channels at 1/2^(i+2) of a side."""

    def __init__(
        self,
        in_channels: int,
        base_channels: int,
        depths: Sequence[int],
        d_state: int = 16,
        expand: int = 2,
        scan: str = "cross",
        discretization: Discretization = "euler",
        mlp_ratio: float = 0.0,
    ) -> None:
        super().__init__()
        self.channels = tuple(base_channels * 2**i for i in range(len(depths)))
        self.embed = nn.Conv2d(in_channels, base_channels, kernel_size=4, stride=4)
        self.embed_norm = nn.LayerNorm(base_channels)
        self.stages = nn.ModuleList(
            nn.Sequential(
                *(VSSBlock(c, d_state, expand, scan, discretization, mlp_ratio) for _ in range(depth))
            )
            for c, depth in zip(self.channels, depths, strict=True)
        )
        self.merges = nn.ModuleList(PatchMerging(c) for c in self.channels[:-1])
        self.norms = nn.ModuleList(nn.LayerNorm(c) for c in self.channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> list[Tensor]:
        """Encode images (b, c, h, w) to one normalised map (b, c_i, h_i, w_i) a stage, fine to coarse."""
        tokens = self.embed_norm(self.embed(x).permute(0, 2, 3, 1))
        maps = []
        for i, stage in enumerate(self.stages):
            tokens = stage(self.merges[i - 1](tokens) if i else tokens)
            maps.append(self.norms[i](tokens).permute(0, 3, 1, 2))
        return maps

    def checkpoint_blocks(self) -> list[nn.Module]:
        """List the blocks of all stages, fine to coarse."""
        return [block for stage in self.stages for block in cast(nn.Sequential, stage)]
