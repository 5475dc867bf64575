"""The selective scan in plain PyTorch: runs everywhere, with a backward pass written by hand.

Steps come in blocks that fit the processor's cache. Inside a block everything that does not depend on the step
before (exponentials, input terms, outputs, gradients) is one operation over the whole block; the recurrence itself
is one in-place operation a step. Kept for the backward pass: the arguments, and the state before each block, from
which the states inside are computed again. Blocks are laid out (step, batch, group, state, channel), so that the
innermost loops run over channels, which lie side by side.
"""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from terramamba.ops.reference import relative_expm1, wide_type

BLOCK_ELEMENTS = 1 << 18
"""States of one block: a few arrays of this size share the cache."""
BLOCK_STEPS = (16, 256)
"""Fewest and most steps of a block."""


def selective_scan(
    u: Float[Tensor, "b d l"],
    delta: Float[Tensor, "b d l"],
    A: Float[Tensor, "d n"],
    B: Float[Tensor, "b g n l"],
    C: Float[Tensor, "b g n l"],
    D: Float[Tensor, " d"] | None,
    delta_bias: Float[Tensor, " d"] | None,
    delta_softplus: bool,
    discretization: str,
    initial_state: Float[Tensor, "b d n"] | None,
) -> tuple[Float[Tensor, "b d l"], Float[Tensor, "b d n"]]:
    """Outputs and last state, both in the widest of the arguments' types and float32."""
    y, last = _SelectiveScan.apply(
        u, delta, A, B, C, D, delta_bias, initial_state, delta_softplus, discretization == "zoh"
    )
    return y, last


class _SelectiveScan(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        delta_bias: Tensor | None,
        initial_state: Tensor | None,
        softplus: bool,
        zoh: bool,
    ) -> tuple[Tensor, Tensor]:
        scan = _Blocks(u, delta, A, B, C, delta_bias, initial_state, softplus, zoh)
        y = torch.empty(scan.u.shape, dtype=scan.dtype, device=u.device)
        keep = any(ctx.needs_input_grad)
        states = []
        state = scan.first_state
        for t0, t1 in scan.ranges:
            if keep:
                states.append(state)
            _, _, h = scan.states(t0, t1, state)
            torch.matmul(scan.C[t0:t1].unsqueeze(-2), h, out=y[t0:t1].unsqueeze(-2))
            state = h[-1].clone()
        if D is not None:
            y.addcmul_(scan.u, D.to(scan.dtype).view(scan.groups, -1))
        ctx.save_for_backward(u, delta, A, B, C, D, delta_bias, initial_state, *states)
        ctx.options = (softplus, zoh)
        ctx.set_materialize_grads(False)
        return y.flatten(2).permute(1, 2, 0), scan.to_state(state)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor | None, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        u, delta, A, B, C, D, delta_bias, initial_state, *states = ctx.saved_tensors
        with torch.autocast(u.device.type, enabled=False):
            scan = _Blocks(u, delta, A, B, C, delta_bias, initial_state, *ctx.options)
            dy = torch.zeros_like(u) if dy is None else dy
            return (*scan.gradients(dy, dlast, D, states), None, None)


class _Blocks:
    """The arguments, time first and channels last, and what is computed from them block by block."""

    def __init__(
        self,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        delta_bias: Tensor | None,
        initial_state: Tensor | None,
        softplus: bool,
        zoh: bool,
    ) -> None:
        self.dtype = dtype = wide_type(u, delta, A, B, C, delta_bias, initial_state)
        b, d, length = u.shape
        n, self.groups = A.shape[1], B.shape[1]
        self.shape = (b, self.groups, n, d // self.groups)
        self.softplus, self.zoh = softplus, zoh
        self.given = (u, delta, A, B, C, delta_bias, initial_state)
        self.u = self._time_first(u)
        self.delta = self._time_first(delta)
        if delta_bias is not None:
            self.delta = self.delta + delta_bias.to(dtype).view(self.groups, -1)
        self.delta_raw = self.delta
        if softplus:
            self.delta = F.softplus(self.delta)
        self.A = A.to(dtype).view(self.groups, -1, n).transpose(1, 2).contiguous()
        self.B = B.permute(3, 0, 1, 2).to(dtype).contiguous()
        self.C = C.permute(3, 0, 1, 2).to(dtype).contiguous()
        if initial_state is None:
            self.first_state = u.new_zeros(self.shape, dtype=dtype)
        else:
            self.first_state = self._from_state(initial_state)
        steps = BLOCK_ELEMENTS // max(b * d * n, 1)
        steps = min(max(steps, BLOCK_STEPS[0]), BLOCK_STEPS[1])
        self.ranges = [(t0, min(t0 + steps, length)) for t0 in range(0, length, steps)]

    def _time_first(self, x: Tensor) -> Tensor:
        return x.permute(2, 0, 1).to(self.dtype).contiguous().unflatten(-1, (self.groups, -1))

    def _from_state(self, state: Tensor) -> Tensor:
        return state.to(self.dtype).unflatten(1, (self.groups, -1)).transpose(2, 3).contiguous()

    def to_state(self, state: Tensor) -> Tensor:
        """(b, g, n, d/g) -> (b, d, n)."""
        return state.transpose(2, 3).flatten(1, 2)

    def states(self, t0: int, t1: int, state: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Decay, input terms' scale and states of the steps t0..t1 that follow ``state``."""
        delta = self.delta[t0:t1].unsqueeze(-2)
        z = delta * self.A
        if self.zoh:
            scale = delta * relative_expm1(z)
            h = scale * self.u[t0:t1].unsqueeze(-2) * self.B[t0:t1].unsqueeze(-1)
        else:
            scale = delta
            h = (delta * self.u[t0:t1].unsqueeze(-2)) * self.B[t0:t1].unsqueeze(-1)
        decay = z.exp_()
        before = state
        for a_t, h_t in zip(decay.unbind(0), h.unbind(0), strict=True):
            h_t.addcmul_(a_t, before)
            before = h_t
        return decay, scale, h

    def gradients(
        self, dy: Tensor, dlast: Tensor | None, D: Tensor | None, states: list[Tensor]
    ) -> tuple[Tensor | None, ...]:
        """Gradients of u, delta, A, B, C, D, delta_bias and the initial state."""
        u, delta, A, B, C, delta_bias, initial_state = self.given
        dy = self._time_first(dy)
        du, ddelta = torch.empty_like(self.u), torch.empty_like(self.u)
        dA = torch.zeros_like(self.A)
        dB, dC = torch.empty_like(self.B), torch.empty_like(self.C)
        carried = torch.zeros_like(self.first_state) if dlast is None else self._from_state(dlast)
        for (t0, t1), state in zip(reversed(self.ranges), reversed(states), strict=True):
            block = slice(t0, t1)
            decay, scale, h = self.states(t0, t1, state)
            dy_b, u_b = dy[block], self.u[block]
            torch.matmul(h, dy_b.unsqueeze(-1), out=dC[block].unsqueeze(-1))
            before = torch.cat([state[None], h[:-1]])
            g = dy_b.unsqueeze(-2) * self.C[block].unsqueeze(-1)
            g[-1] += carried
            steps = list(zip(decay.unbind(0), g.unbind(0), strict=True))
            for (a_next, g_next), (_, g_t) in zip(steps[:0:-1], steps[-2::-1], strict=True):
                g_t.addcmul_(a_next, g_next)
            carried = decay[0] * g[0]
            delta_b = self.delta[block].unsqueeze(-2)
            dz = before.mul_(g).mul_(decay)
            if self.zoh:
                z = delta_b * self.A
                gB = g * self.B[block].unsqueeze(-1)
                dB[block] = (g * scale * u_b.unsqueeze(-2)).sum(-1)
                du[block] = (gB * scale).sum(-2)
                gB *= u_b.unsqueeze(-2)
                phi = relative_expm1(z)
                ddelta[block] = (gB * phi).sum(-2)
                dz += gB * delta_b * relative_expm1_slope(z, phi)
            else:
                drive = self.delta[block] * u_b
                torch.matmul(g, drive.unsqueeze(-1), out=dB[block].unsqueeze(-1))
                dw = torch.matmul(self.B[block].unsqueeze(-2), g).squeeze(-2)
                torch.mul(dw, self.delta[block], out=du[block])
                torch.mul(dw, u_b, out=ddelta[block])
            ddelta[block] += (dz * self.A).sum(-2)
            dA += dz.mul_(delta_b).sum((0, 1))
        if self.softplus:
            ddelta *= torch.sigmoid(self.delta_raw)
        dD = None
        if D is not None:
            dD = (dy * self.u).sum((0, 1)).flatten().to(D.dtype)
            du.addcmul_(dy, D.to(self.dtype).view(self.groups, -1))
        return (
            du.flatten(2).permute(1, 2, 0).to(u.dtype),
            ddelta.flatten(2).permute(1, 2, 0).to(delta.dtype),
            dA.transpose(1, 2).flatten(0, 1).to(A.dtype),
            dB.permute(1, 2, 3, 0).to(B.dtype),
            dC.permute(1, 2, 3, 0).to(C.dtype),
            dD,
            None if delta_bias is None else ddelta.sum((0, 1)).flatten().to(delta_bias.dtype),
            None if initial_state is None else self.to_state(carried).to(initial_state.dtype),
        )


def relative_expm1_slope(z: Tensor, phi: Tensor) -> Tensor:
    """Derivative of ``relative_expm1`` at z, where its value is ``phi``: (e^z - phi) / z, 1/2 at z = 0."""
    small = z.abs() < 0.5
    near = torch.where(small, z, 0.0)
    series = torch.ones_like(z)
    for k in range(15, 1, -1):
        series = 1 + near * (k / ((k + 1) * (k - 1))) * series
    return torch.where(small, 0.5 * series, (torch.exp(z) - phi) / torch.where(small, 1.0, z))
