"""The selective scan in plain PyTorch: runs everywhere, with a backward pass written by hand.

Inside a block of steps everything that does not depend on the step before (exponentials, input terms, outputs,
gradients) is one operation over the block; the recurrence itself is one in-place operation a step. Kept for the
backward pass: the arguments, and the state before each block, from which the states inside are computed again.

With g_t the gradient with respect to the state h_t, and W the factor of u_t B_t in the recurrence:

    g_t  = dy_t C_t + Abar_{t+1} g_{t+1}     dC_t     = sum_d dy_t h_t       W = Delta                        euler
    q_t  = Abar_t h_{t-1} g_t                dB_t     = sum_d W_t u_t g_t    W = (exp(Delta A) - 1) / A       zoh
    du_t = sum_n W_t B_t g_t + D dy_t        dDelta_t = sum_n (A q_t + dW/dDelta u_t B_t g_t)
                                             dA       = sum_t (Delta_t q_t + dW/dA u_t B_t g_t)
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

from terramamba.ops.blocks import Layout, pieces
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
        y, last, kept = _Scan(*given, softplus, zoh).outputs(keep)
        ctx.save_for_backward(*given, *kept)
        ctx.options = (softplus, zoh)
        ctx.set_materialize_grads(False)
        return y, last

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Tensor | None, dlast: Tensor | None) -> tuple[Tensor | None, ...]:
        given, kept = ctx.saved_tensors[:8], ctx.saved_tensors[8:]
        dy = torch.zeros_like(given[0]) if dy is None else dy
        return (*_Scan(*given, *ctx.options).gradients(dy, dlast, kept), None, None, None)


class _Scan:
    """The arguments of a call, and the arrays of the slice, chunk and block that are being worked on.

    Arrays of a chunk are (step, 1, rows, columns), those of a block (step, state, rows, columns); see ``blocks``.
    """

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
        self.pieces = pieces(u.shape[0], u.shape[1], A.shape[1], u.shape[2], u.device)
        self.size = 0

    def outputs(self, keep: bool) -> tuple[Tensor, Tensor, list[Tensor]]:
        """Outputs, last state and, if asked for, the states before all blocks of each slice."""
        u, _, A, _, _, _, _, initial_state = self.given
        y = torch.empty_like(u)
        last = u.new_zeros(*u.shape[:2], A.shape[1], dtype=self.dtype)
        if initial_state is not None:
            last.copy_(initial_state)
        kept = []
        for rows in self.pieces.slices:
            self.enter(rows)
            self.h[0] = self.layout.load_state(last[rows])
            for chunk in self.pieces.chunks:
                self.load(chunk)
                y_chunk = self.layout.array("y", *self.u.shape)
                for block in self.pieces.blocks(chunk):
                    if keep:
                        kept.append(self.h[0].clone())
                    h = self.run(block)
                    torch.sum(
                        torch.mul(h, self.C[block], out=self.work[: len(h)]), 1, True, out=y_chunk[block]
                    )
                    self.h[0] = h[-1]
                if self.D is not None:
                    y_chunk.addcmul_(self.u, self.D)
                self.layout.store(y_chunk, y[rows, :, chunk])
            self.layout.store_state(self.h[0], last[rows])
        return y, last, kept

    def gradients(
        self, dy: Tensor, dlast: Tensor | None, kept: tuple[Tensor, ...]
    ) -> tuple[Tensor | None, ...]:
        """Gradients of the eight tensors of a call, None for those that were None."""
        u, delta, A, B, C, D, delta_bias, initial_state = self.given
        du, ddelta, dB, dC = (torch.empty_like(x) for x in (u, delta, B, C))
        dA, dD, dbias = (u.new_zeros(A.shape[0], k, dtype=self.dtype) for k in (A.shape[1], 1, 1))
        dstate = u.new_zeros(*u.shape[:2], A.shape[1], dtype=self.dtype)
        if dlast is not None:
            dstate.copy_(dlast)
        before = iter(reversed(kept))
        for rows in reversed(self.pieces.slices):
            self.enter(rows)
            self.g = torch.empty_like(self.decay)
            self.gs = self.g.unbind(0)
            self.carried = self.layout.load_state(dstate[rows])
            self.dA = torch.zeros_like(self.A)
            sum_D, sum_bias = torch.zeros_like(self.A[:1]), torch.zeros_like(self.A[:1])
            for chunk in reversed(self.pieces.chunks):
                self.load(chunk)
                self.dy = self.layout.load("dy", dy[rows, :, chunk])
                self.du, self.ddelta = (self.layout.array(name, *self.u.shape) for name in ("du", "ddelta"))
                self.dB, self.dC = (self.layout.array(name, *self.B.shape) for name in ("dB", "dC"))
                for block in reversed(self.pieces.blocks(chunk)):
                    self.h[0] = next(before)
                    self.back(block, self.run(block))
                if self.D is not None:
                    self.du.addcmul_(self.dy, self.D)
                    sum_D += self.dy.mul_(self.u).sum(0)
                if self.softplus:
                    self.ddelta *= self.raw_delta.sigmoid_()
                if delta_bias is not None:
                    sum_bias += self.ddelta.sum(0)
                self.layout.store(self.du, du[rows, :, chunk])
                self.layout.store(self.ddelta, ddelta[rows, :, chunk])
                self.layout.store_weights(self.dB, dB[rows, :, :, chunk])
                self.layout.store_weights(self.dC, dC[rows, :, :, chunk])
            self.layout.store_state(self.carried, dstate[rows])
            dA += self.layout.gather(self.dA)
            dD += self.layout.gather(sum_D)
            dbias += self.layout.gather(sum_bias)
        return (
            du,
            ddelta,
            dA.to(A.dtype),
            dB,
            dC,
            None if D is None else dD[:, 0].to(D.dtype),
            None if delta_bias is None else dbias[:, 0].to(delta_bias.dtype),
            None if initial_state is None else dstate.to(initial_state.dtype),
        )

    def enter(self, rows: slice) -> None:
        """Go to the sequences ``rows``; arrays are made anew only when their number changes."""
        u, _, A, B, _, D, delta_bias, _ = self.given
        self.rows = rows
        size = rows.stop - rows.start
        if size == self.size:
            return
        self.size = size
        self.layout = Layout(u[rows], B.shape[1], A.shape[1], self.dtype)
        steps, state = self.pieces.block_steps, (A.shape[1], *self.layout.inner)
        self.decay, self.work = (self.layout.array(name, steps, *state) for name in ("decay", "work"))
        self.h = self.layout.array("h", steps + 1, *state)
        self.decays, self.hs = self.decay.unbind(0), self.h.unbind(0)
        self.A = self.layout.spread(A)
        self.A2 = self.A * math.log2(math.e)
        self.D = None if D is None else self.layout.spread(D[:, None])
        self.bias = None if delta_bias is None else self.layout.spread(delta_bias[:, None])

    def load(self, chunk: slice) -> None:
        """Load the inputs of a chunk of steps."""
        u, delta, _, B, C, _, _, _ = self.given
        self.u = self.layout.load("u", u[self.rows, :, chunk])
        self.delta = self.raw_delta = self.layout.load("raw_delta", delta[self.rows, :, chunk])
        if self.bias is not None:
            self.raw_delta += self.bias
        if self.softplus:
            self.delta = self.layout.array("delta", *self.u.shape)
            F.softplus(self.raw_delta, out=self.delta)
        self.drive = torch.mul(self.delta, self.u, out=self.layout.array("drive", *self.u.shape))
        self.B = self.layout.load_weights("B", B[self.rows, :, :, chunk])
        self.C = self.layout.load_weights("C", C[self.rows, :, :, chunk])

    def run(self, block: slice) -> Tensor:
        """States of a block's steps, from the state before it in ``h[0]``; leaves its decays in ``decay``."""
        delta = self.delta[block]
        steps = len(delta)
        decay, h = self.decay[:steps], self.h[1 : steps + 1]
        if self.zoh:
            torch.mul(delta, self.A, out=decay)
            self.relative = relative_expm1(decay)
            torch.mul(self.relative * self.drive[block], self.B[block], out=h)
        else:
            torch.mul(self.drive[block], self.B[block], out=h)
        # exp2 takes a third of the time of exp.
        torch.exp2(torch.mul(delta, self.A2, out=decay), out=decay)
        for a_t, h_t, before in zip(self.decays[:steps], self.hs[1:], self.hs, strict=False):
            h_t.addcmul_(a_t, before)
        return h

    def back(self, block: slice, h: Tensor) -> None:
        """Gradients of a block whose states are ``h``; ``carried`` comes from the block after, goes to the one before."""
        steps = len(h)
        u, delta, B, dy = self.u[block], self.delta[block], self.B[block], self.dy[block]
        decay, g, work, before = self.decay[:steps], self.g[:steps], self.work[:steps], self.h[:steps]
        axis = self.layout.channel_axis
        torch.mul(dy, self.C[block], out=g)
        self.gs[steps - 1].add_(self.carried)
        for t in range(steps - 2, -1, -1):
            self.gs[t].addcmul_(self.decays[t + 1], self.gs[t + 1])
        torch.mul(self.decays[0], self.gs[0], out=self.carried)

        torch.sum(torch.mul(h, dy, out=work), axis, True, out=self.dC[block])
        du, ddelta, dB = self.du[block], self.ddelta[block], self.dB[block]
        torch.mul(g, self.drive[block], out=work)
        if self.zoh:
            work *= self.relative
        torch.sum(work, axis, True, out=dB)
        torch.mul(g, B, out=work)
        if self.zoh:
            torch.mul((work * self.relative).sum(1, keepdim=True), delta, out=du)
            torch.mul((work * decay).sum(1, keepdim=True), u, out=ddelta)
            slope = relative_expm1_slope(delta * self.A, self.relative)
            self.dA += slope.mul_(work).mul_(self.drive[block] * delta).sum(0)
        else:
            torch.sum(work, 1, True, out=du)
            torch.mul(du, u, out=ddelta)
            du *= delta
        q = decay.mul_(g).mul_(before)
        ddelta += torch.mul(q, self.A, out=work).sum(1, keepdim=True)
        self.dA += torch.mul(q, delta, out=work).sum(0)


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
