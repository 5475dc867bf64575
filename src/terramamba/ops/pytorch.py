"""The selective scan in plain PyTorch: runs everywhere, with a backward pass written by hand.

Sequences come in slices and steps in blocks, so that what is computed for a block stays in the processor's
cache. Inside a block everything that does not depend on the step before (exponentials, input terms, outputs,
gradients) is one operation over the block; the recurrence itself is one in-place operation a step. Kept for the
backward pass: the arguments, and the state before each block, from which the states inside are computed again.

With g_t the gradient with respect to the state h_t, and W the factor of u_t B_t in the recurrence:

    g_t  = dy_t C_t + Abar_{t+1} g_{t+1}     dC_t     = sum_d dy_t h_t       W = Delta                        euler
    q_t  = Abar_t h_{t-1} g_t                dB_t     = sum_d W_t u_t g_t    W = (exp(Delta A) - 1) / A       zoh
    du_t = sum_n W_t B_t g_t + D dy_t        dDelta_t = sum_n (A q_t + dW/dDelta u_t B_t g_t)
                                             dA       = sum_t (Delta_t q_t + dW/dA u_t B_t g_t)
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from terramamba.ops.blocks import Blocks, slices
from terramamba.ops.reference import wide_type


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
    """Outputs in the type of u; last state in the widest of the arguments' types and float32."""
    given = (u, delta, A, B, C, D, delta_bias, initial_state)
    keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in given)
    return _SelectiveScan.apply(*given, delta_softplus, discretization == "zoh", keep)  # type: ignore[no-untyped-call]


class _SelectiveScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *arguments: Any) -> tuple[Tensor, Tensor]:
        *given, softplus, zoh, keep = arguments
        u, delta, A, B, C, D, delta_bias, initial_state = given
        scan = _Scan(*given, softplus, zoh)
        y = torch.empty_like(u)
        last = u.new_zeros(*u.shape[:2], A.shape[1], dtype=scan.dtype)
        if initial_state is not None:
            last.copy_(initial_state)
        kept: list[Tensor] = []
        for rows in scan.rows:
            scan.enter(rows)
            scan.states[0].copy_(scan.blocks.load_state(last[rows]))
            for steps in scan.steps:
                if keep:
                    kept.append(scan.states[0].clone())
                length = scan.load(steps)
                scan.run(length)
                scan.blocks.store(scan.outputs(steps, length), y[rows, :, steps])
                scan.states[0].copy_(scan.states[length])
            scan.blocks.store_state(scan.states[0], last[rows])
        ctx.save_for_backward(*given, *kept)
        ctx.options = (softplus, zoh)
        ctx.set_materialize_grads(False)
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor | None, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        u, delta, A, B, C, D, delta_bias, initial_state, *kept = ctx.saved_tensors
        scan = _Scan(u, delta, A, B, C, D, delta_bias, initial_state, *ctx.options)
        dy = torch.zeros_like(u) if dy is None else dy
        gradients = scan.gradients(dy, dlast, kept)
        return (*gradients, None, None, None)


class _Scan:
    """The arguments of a call, and the arrays of the block that is being worked on."""

    def __init__(
        self,
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
    ) -> None:
        self.given = (u, delta, A, B, C, D, delta_bias, initial_state)
        self.softplus, self.zoh = softplus, zoh
        self.dtype = wide_type(*self.given)
        self.rows, self.steps = slices(u.shape[0], A.numel(), u.shape[2], u.device)
        self.size = 0

    def enter(self, rows: slice) -> None:
        """Go to the sequences ``rows``; arrays are made anew only when their number changes."""
        u, _, A, B, _, D, delta_bias, _ = self.given
        self.at = rows
        b, g = u[rows].shape[0], B.shape[1]
        if b == self.size:
            return
        self.size = b
        self.blocks = Blocks(b, g, u.shape[1] // g, A.shape[1], self.dtype)
        block = (self.steps[0].stop, A.shape[1], *self.blocks.inner)
        self.decay = u.new_empty(block, dtype=self.dtype)
        self.h = u.new_empty((block[0] + 1, *block[1:]), dtype=self.dtype)
        self.work = torch.empty_like(self.decay)
        self.decays, self.states = self.decay.unbind(0), self.h.unbind(0)
        self.A = self.blocks.spread(A)
        # 2^x takes a third of the time of e^x.
        self.A2 = self.A * math.log2(math.e)
        self.D = None if D is None else self.blocks.spread(D[:, None])
        self.bias = None if delta_bias is None else self.blocks.spread(delta_bias[:, None])

    def load(self, steps: slice) -> int:
        """Load the inputs of a block of steps; returns their number."""
        u, delta, _, B, _, _, _, _ = self.given
        self.u = self.blocks.load(u[self.at, :, steps])
        self.delta = self.blocks.load(delta[self.at, :, steps])
        if self.bias is not None:
            self.delta = self.delta + self.bias
        self.raw_delta = self.delta
        if self.softplus:
            self.delta = F.softplus(self.delta)
        self.B = self.blocks.load_weights(B[self.at, :, :, steps])
        return self.u.shape[0]

    def run(self, length: int) -> None:
        """From the state before the block, which is ``states[0]``, compute decays and states of all its steps."""
        decay, h = self.decay[:length], self.h[1 : length + 1]
        if self.zoh:
            torch.mul(self.delta, self.A, out=decay)
            self.relative = relative_expm1(decay)
            self.W = self.relative * self.delta
        else:
            self.W = self.delta
        torch.mul(self.delta, self.A2, out=decay)
        torch.exp2(decay, out=decay)
        torch.mul(self.W * self.u, self.B, out=h)
        for a_t, h_t, before in zip(self.decays[:length], self.states[1:], self.states, strict=False):
            h_t.addcmul_(a_t, before)

    def outputs(self, steps: slice, length: int) -> Tensor:
        C = self.blocks.load_weights(self.given[4][self.at, :, :, steps])
        y = torch.mul(self.h[1 : length + 1], C, out=self.work[:length]).sum(1, keepdim=True)
        return y if self.D is None else y.addcmul_(self.u, self.D)

    def gradients(self, dy: Tensor, dlast: Tensor | None, kept: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
        """Gradients of the eight tensors of a call, None for those that were None."""
        u, delta, A, B, C, D, delta_bias, initial_state = self.given
        du, ddelta, dB, dC = (torch.empty_like(x) for x in (u, delta, B, C))
        dA, dD, dbias = (u.new_zeros(A.shape[0], k, dtype=self.dtype) for k in (A.shape[1], 1, 1))
        dfirst = u.new_zeros(*u.shape[:2], A.shape[1], dtype=self.dtype)
        if dlast is not None:
            dfirst.copy_(dlast)
        before = iter(reversed(kept))
        for rows in reversed(self.rows):
            self.enter(rows)
            g = torch.empty_like(self.decay)
            gs = g.unbind(0)
            carried = self.blocks.load_state(dfirst[rows])
            sum_A, sum_D, sum_bias = (torch.zeros_like(x) for x in (self.A, self.A[:1], self.A[:1]))
            for steps in reversed(self.steps):
                self.states[0].copy_(next(before))
                length = self.load(steps)
                self.run(length)
                dy_b = self.blocks.load(dy[rows, :, steps])
                C_b = self.blocks.load_weights(C[rows, :, :, steps])
                self.adjoint(dy_b, C_b, g, gs, carried)
                du_b, ddelta_b, dB_b, dC_b = self.block_gradients(dy_b, g[:length], sum_A)
                if self.D is not None:
                    du_b.addcmul_(dy_b, self.D)
                    sum_D += (dy_b * self.u).sum(0)
                if self.softplus:
                    ddelta_b *= torch.sigmoid(self.raw_delta)
                sum_bias += ddelta_b.sum(0)
                self.blocks.store(du_b, du[rows, :, steps])
                self.blocks.store(ddelta_b, ddelta[rows, :, steps])
                self.blocks.store_weights(dB_b, dB[rows, :, :, steps])
                self.blocks.store_weights(dC_b, dC[rows, :, :, steps])
            self.blocks.store_state(carried, dfirst[rows])
            dA += self.blocks.gather(sum_A)
            dD += self.blocks.gather(sum_D)
            dbias += self.blocks.gather(sum_bias)
        return (
            du,
            ddelta,
            dA.to(A.dtype),
            dB,
            dC,
            None if D is None else dD[:, 0].to(D.dtype),
            None if delta_bias is None else dbias[:, 0].to(delta_bias.dtype),
            None if initial_state is None else dfirst.to(initial_state.dtype),
        )

    def adjoint(
        self, dy: Tensor, C: Tensor, g: Tensor, gs: Sequence[Tensor], carried: Tensor
    ) -> None:
        """Gradients g of the block's states; ``carried`` goes in from the block after and out to the one before."""
        length = dy.shape[0]
        torch.mul(dy, C, out=g[:length])
        gs[length - 1].add_(carried)
        for t in range(length - 2, -1, -1):
            gs[t].addcmul_(self.decays[t + 1], gs[t + 1])
        torch.mul(self.decays[0], gs[0], out=carried)

    def block_gradients(self, dy: Tensor, g: Tensor, sum_A: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Gradients of u, delta (after softplus), B and C in a block; that of A is added to ``sum_A``."""
        length = dy.shape[0]
        decay, before, h = self.decay[:length], self.h[:length], self.h[1 : length + 1]
        work, axis = self.work[:length], self.blocks.channel_axis
        dC = torch.mul(h, dy, out=work).sum(axis)
        dB = torch.mul(g, self.W * self.u, out=work).sum(axis)
        torch.mul(g, self.B, out=work)
        if self.zoh:
            du = (work * self.W).sum(1, keepdim=True)
            ddelta = (work * decay).sum(1, keepdim=True).mul_(self.u)
            slope = relative_expm1_slope(self.delta * self.A, self.relative)
            sum_A += slope.mul_(work).mul_(self.u * self.delta.square()).sum(0)
        else:
            ddelta = work.sum(1, keepdim=True)
            du = ddelta * self.W
            ddelta *= self.u
        q = decay.mul_(g).mul_(before)
        ddelta += torch.mul(q, self.A, out=work).sum(1, keepdim=True)
        sum_A += torch.mul(q, self.delta, out=work).sum(0)
        return du, ddelta, dB, dC


def relative_expm1(z: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """(e^z - 1) / z, which is 1 at z = 0."""
    return torch.expm1(z).div_(z).masked_fill_(z == 0, 1.0)


def relative_expm1_slope(z: Float[Tensor, "*s"], value: Float[Tensor, "*s"]) -> Float[Tensor, "*s"]:
    """Derivative of ``relative_expm1`` at z, where it is ``value``: (e^z - value) / z, which is 1/2 at z = 0.

    The difference loses digits near 0, where the sum over k of k z^(k-1) / (k+1)! stands for it.
    """
    near = z.abs() < 0.5
    x = z.masked_fill(~near, 0.0)
    terms = 9 if z.dtype == torch.float32 else 16
    series = torch.ones_like(z)
    for k in range(terms, 1, -1):
        series.mul_(x).mul_(k / ((k + 1) * (k - 1))).add_(1.0)
    far = torch.exp(z).sub_(value).div_(z)
    return torch.where(near, series.mul_(0.5), far)
