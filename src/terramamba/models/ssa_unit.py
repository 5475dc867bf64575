"""The state-space unit of SSA-Mamba (Eq. 3-12); letters and equations as in ``ssa_mamba``.

[m; g] = in_proj(LN(x))          m' = SiLU(BN(conv(m)))
Delta  = exp(delta_log)          A = -exp(A_log)          Abar = exp(Delta A)          Bbar = Delta B
h_t    = Abar h_{t-1} + Bbar m'_t                         y_t  = sum_n C h_t + D m'_t
out    = LN(x + dropout(out_proj(y SiLU(g))))
"""

from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from terramamba.models.cost import scan_flops
from terramamba.ops import lti_scan
from terramamba.ops.backends import Discretization

Step = Literal["exp", "softplus"]
Alignment = Literal["causal", "centred"]


class StateSpaceCore(nn.Module):
    """h_t = Abar h_{t-1} + Bbar x_t, y_t = sum_n C h_t + D x_t, the same for every token (Eq. 3-12).

    The parameters are plain tensors and not layers, so that no later initialisation overwrites theirs.
    """

    def __init__(self, d_inner: int, d_state: int, step: Step, discretization: Discretization) -> None:
        super().__init__()
        self.step = step
        self.discretization = discretization
        self.delta_log = nn.Parameter(torch.zeros(d_inner))
        self.A_log = nn.Parameter(torch.log(torch.rand(d_inner, d_state) + 0.1))
        self.B = nn.Parameter(0.02 * torch.randn(d_inner, d_state))
        self.C = nn.Parameter(0.02 * torch.randn(d_inner, d_state))
        self.D = nn.Parameter(torch.ones(d_inner))

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Tokens (b, l, d) through d independent state spaces."""
        wide = torch.promote_types(self.A_log.dtype, torch.float32)
        delta_log = self.delta_log.to(wide)
        delta = delta_log.exp() if self.step == "exp" else F.softplus(delta_log)  # Eq. 7
        A = -torch.exp(self.A_log.to(wide))
        return lti_scan(x, delta, A, self.B, self.C, self.D, discretization=self.discretization)

    def stated_flops(self, x: Float[Tensor, "b l d"]) -> int:
        """FLOPs of one call."""
        return scan_flops(
            batch=x.shape[0], tokens=x.shape[1], channels=x.shape[2], states=self.A_log.shape[1]
        )


class TokenConv(nn.Conv1d):
    """Depthwise convolution along the tokens (b, l, d), causal or centred."""

    def __init__(self, channels: int, width: int, alignment: Alignment) -> None:
        super().__init__(channels, channels, width, groups=channels, bias=False)
        ahead = 0 if alignment == "causal" else width // 2
        self.margins = (width - 1 - ahead, ahead)

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Tokens to tokens; beyond the ends there are zeros."""
        padded = F.pad(x, (0, 0, *self.margins))
        # As an image one pixel high: with channels innermost that is several times faster than conv1d.
        image = F.conv2d(padded.mT[:, :, None], self.weight[:, :, None], groups=self.groups)
        return image[:, :, 0].mT


class SpectralSpatialMambaUnit(nn.Module):
    """Gated state-space unit with residual and norm (Eq. 3-12)."""

    def __init__(
        self,
        d_model: int,
        d_inner: int,
        d_state: int,
        *,
        conv_width: int,
        conv: Alignment,
        step: Step,
        discretization: Discretization,
        dropout: float,
    ) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(d_model)
        self.in_proj = nn.Linear(d_model, 2 * d_inner)
        self.conv = TokenConv(d_inner, conv_width, conv)
        self.conv_norm = nn.BatchNorm1d(d_inner)
        self.core = StateSpaceCore(d_inner, d_state, step, discretization)
        self.out_proj = nn.Linear(d_inner, d_model)
        self.dropout = nn.Dropout(dropout)
        self.out_norm = nn.LayerNorm(d_model)

    def forward(self, x: Float[Tensor, "b l d"]) -> Float[Tensor, "b l d"]:
        """Tokens (b, l, d) to tokens of the same shape."""
        m, g = self.in_proj(self.norm(x)).chunk(2, dim=-1)
        m = self.conv_norm(self.conv(m).flatten(0, 1)).view_as(m)  # over batch and tokens at once
        y = self.core(F.silu(m))
        return self.out_norm(x + self.dropout(self.out_proj(y * F.silu(g))))
