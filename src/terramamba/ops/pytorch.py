"""The selective scan in plain PyTorch: runs everywhere, with a backward pass written by hand.

Inside a tile of steps everything that does not depend on the step before (exponentials, input terms,
outputs, gradients) is one operation over the tile; the recurrence itself is one in-place operation a step.
Kept for the backward pass: the arguments, and the state before each tile, from which the states inside are
computed again.

With g_t the gradient of the state h_t, and W the factor of u_t B_t in the recurrence:

    g_t  = dy_t C_t + Abar_{t+1} g_{t+1}     dC_t     = sum_d dy_t h_t       W = Delta                   euler
    q_t  = Abar_t h_{t-1} g_t                dB_t     = sum_d W_t u_t g_t    W = (exp(Delta A) - 1) / A  zoh
    du_t = sum_n W_t B_t g_t + D dy_t        dDelta_t = sum_n (A q_t + dW/dDelta u_t B_t g_t)
                                             dA       = sum_t (Delta_t q_t + dW/dA u_t B_t g_t)

Arrays of a chunk of steps are (step, 1, rows, columns), those of a tile (step, state, rows, columns):
``scan_tiles`` says how the work is cut up.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from terramamba.ops.backends import wide_type
from terramamba.ops.derivatives import first_derivative, refuse_batched
from terramamba.ops.scan_tiles import Layout, Memory, Pieces, pieces
from terramamba.ops.zoh import relative_expm1, relative_expm1_slope


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
    """Scan: outputs in the type of u, last state in the widest of the arguments' types and float32."""
    given = _Tensors(u, delta, A, B, C, D, delta_bias, initial_state)
    keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in given)
    run: Callable[..., tuple[Tensor, Tensor]] = _SelectiveScan.apply
    if torch.compiler.is_compiling():
        # A compiler would unroll the loop over steps. Not as a decorator: that imports the compiler.
        run = torch.compiler.disable(run)  # type: ignore[no-untyped-call]
    return run(delta_softplus, discretization == "zoh", keep, *given)


class _Tensors(NamedTuple):
    """The tensors of a call; ``state`` is the initial one."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor | None
    delta_bias: Tensor | None
    state: Tensor | None

    def of(self, rows: slice) -> "_Tensors":
        """The same for some of the sequences."""
        state = None if self.state is None else self.state[rows]
        u, delta, B, C = (x[rows] for x in (self.u, self.delta, self.B, self.C))
        return self._replace(u=u, delta=delta, B=B, C=C, state=state)


class _Gradients(NamedTuple):
    """The gradients of a call's tensors, those of D and delta_bias as (d, 1)."""

    u: Tensor
    delta: Tensor
    A: Tensor
    B: Tensor
    C: Tensor
    D: Tensor
    delta_bias: Tensor
    state: Tensor

    def of(self, rows: slice) -> "_Gradients":
        """The same for some of the sequences."""
        u, delta, B, C, state = (x[rows] for x in (self.u, self.delta, self.B, self.C, self.state))
        return self._replace(u=u, delta=delta, B=B, C=C, state=state)


class _SelectiveScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, softplus: bool, zoh: bool, keep: bool, *tensors: Any) -> tuple[Tensor, Tensor]:
        given = _Tensors(*tensors)
        u, (d, n) = given.u, given.A.shape
        cut = pieces(len(u), d, u.shape[2], n, u.device)
        memory = Memory(wide_type(*given), u.device)
        y = torch.empty_like(u)
        last = u.new_empty(len(u), d, n, dtype=memory.dtype)
        saved_states: list[Tensor] = []
        for rows in cut.slices:
            scan = _SliceScan(given.of(rows), cut, memory, softplus, zoh)
            saved_states += scan.outputs(y[rows], last[rows], keep)
        ctx.save_for_backward(*given, *saved_states)
        ctx.options = (cut, softplus, zoh)
        ctx.set_materialize_grads(False)
        return y, last

    @staticmethod
    @first_derivative
    def backward(
        ctx: Any, saved: tuple[Any, ...], dy: Tensor | None, dlast: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        refuse_batched(dy, dlast)
        cut, softplus, zoh = ctx.options
        given, saved_states = _Tensors(*saved[: len(_Tensors._fields)]), saved[len(_Tensors._fields) :]
        u = given.u
        memory = Memory(wide_type(*given), u.device)
        dy = torch.zeros_like(u) if dy is None else dy
        dstate = u.new_zeros(*u.shape[:2], given.A.shape[1], dtype=memory.dtype)
        if dlast is not None:
            dstate.copy_(dlast)
        du, ddelta, dB, dC = (torch.empty_like(x) for x in (u, given.delta, given.B, given.C))
        dA, dD, dbias = (u.new_zeros(u.shape[1], n, dtype=memory.dtype) for n in (given.A.shape[1], 1, 1))
        d = _Gradients(du, ddelta, dA, dB, dC, dD, dbias, dstate)
        tiles = len(saved_states) // max(len(cut.slices), 1)
        for i, rows in enumerate(cut.slices):
            scan = _SliceScan(given.of(rows), cut, memory, softplus, zoh)
            scan.gradients(dy[rows], saved_states[i * tiles : (i + 1) * tiles], d.of(rows))
        gradients = (
            None if x is None else dx.reshape(x.shape).to(x.dtype) for x, dx in zip(given, d, strict=True)
        )
        return (None, None, None, *gradients)


@dataclass(frozen=True)
class _Chunk:
    """Inputs of some steps: raw_delta is delta before softplus, delta_u is delta times u."""

    u: Tensor
    raw_delta: Tensor
    delta: Tensor
    delta_u: Tensor
    B: Tensor
    C: Tensor


@dataclass(frozen=True)
class _ChunkGradients:
    """Gradients of a chunk's outputs and inputs."""

    dy: Tensor
    u: Tensor
    delta: Tensor
    B: Tensor
    C: Tensor


class _SliceScan:
    """The scan of one slice of the batch, forth and back."""

    def __init__(self, given: _Tensors, cut: Pieces, memory: Memory, softplus: bool, zoh: bool) -> None:
        self.given, self.cut, self.memory, self.softplus, self.zoh = given, cut, memory, softplus, zoh
        n = given.A.shape[1]
        self.layout = layout = Layout(given.u, given.B.shape[1], n, memory)
        self.A = layout.expand(given.A)
        self.A2 = self.A * math.log2(math.e)
        self.D = None if given.D is None else layout.expand(given.D[:, None])
        self.bias = None if given.delta_bias is None else layout.expand(given.delta_bias[:, None])
        steps = cut.tile_steps
        tile = (n, *layout.inner)
        self.A_bar, self.g, self.work = (memory.array(name, steps, *tile) for name in ("A_bar", "g", "work"))
        self.h = memory.array("h", steps + 1, *tile)
        self.A_bars, self.gs, self.states = self.A_bar.unbind(0), self.g.unbind(0), self.h.unbind(0)

    def outputs(self, y: Tensor, last: Tensor, keep: bool) -> list[Tensor]:
        """Write outputs and last state; returns, if asked for, the states before all tiles."""
        saved_states = []
        state = self.given.state
        self.states[0].copy_(torch.zeros_like(self.A) if state is None else self.layout.load_state(state))
        for steps in self.cut.chunks:
            chunk = self.load(steps)
            y_chunk = self.memory.array("y", *chunk.u.shape)
            for tile in self.cut.tiles(steps):
                if keep:
                    saved_states.append(self.states[0].clone())
                h = self.run(chunk, tile)
                torch.sum(torch.mul(h, chunk.C[tile], out=self.work[: len(h)]), 1, True, out=y_chunk[tile])
                self.states[0].copy_(h[-1])
            if self.D is not None:
                y_chunk.addcmul_(chunk.u, self.D)
            self.layout.store(y_chunk, y[..., steps])
        self.layout.store_state(self.states[0], last)
        return saved_states

    def gradients(self, dy: Tensor, saved_states: tuple[Tensor, ...], d: _Gradients) -> None:
        """Write the gradients of the slice's tensors to ``d``; those of A, D and delta_bias are added there.

        ``d.state`` has the gradient of the last state before, and that of the initial state afterwards.
        """
        layout, array = self.layout, self.memory.array
        carried = layout.load_state(d.state)
        dA, dD, dbias = (torch.zeros_like(x) for x in (self.A, self.A[:1], self.A[:1]))
        before = iter(reversed(saved_states))
        for steps in reversed(self.cut.chunks):
            chunk = self.load(steps)
            of_chunk = _ChunkGradients(
                layout.load("dy", dy[..., steps]),
                *(array(name, *chunk.u.shape) for name in ("du", "ddelta")),
                *(array(name, *chunk.B.shape) for name in ("dB", "dC")),
            )
            for tile in reversed(self.cut.tiles(steps)):
                self.states[0].copy_(next(before))
                h = self.run(chunk, tile)
                g = self.adjoint(of_chunk.dy[tile], chunk.C[tile], carried)
                dA += self.tile_gradients(chunk, of_chunk, tile, h, g)
            if self.D is not None:
                of_chunk.u.addcmul_(of_chunk.dy, self.D)
                dD += of_chunk.dy.mul_(chunk.u).sum(0)
            if self.softplus:
                of_chunk.delta.mul_(chunk.raw_delta.sigmoid_())
            if self.bias is not None:
                dbias += of_chunk.delta.sum(0)
            layout.store(of_chunk.u, d.u[..., steps])
            layout.store(of_chunk.delta, d.delta[..., steps])
            layout.store_weights(of_chunk.B, d.B[..., steps])
            layout.store_weights(of_chunk.C, d.C[..., steps])
        layout.store_state(carried, d.state)
        for total, part in ((d.A, dA), (d.D, dD), (d.delta_bias, dbias)):
            total += layout.gather(part)

    def load(self, steps: slice) -> _Chunk:
        """Read the inputs of a chunk of steps."""
        given, layout = self.given, self.layout
        u = layout.load("u", given.u[..., steps])
        delta = raw_delta = layout.load("raw_delta", given.delta[..., steps])
        if self.bias is not None:
            raw_delta += self.bias
        if self.softplus:
            delta = self.memory.array("delta", *u.shape)
            torch.ops.aten.softplus.out(raw_delta, out=delta)
        delta_u = torch.mul(delta, u, out=self.memory.array("delta_u", *u.shape))
        B, C = (layout.load_weights(name, x[..., steps]) for name, x in (("B", given.B), ("C", given.C)))
        return _Chunk(u, raw_delta, delta, delta_u, B, C)

    def run(self, chunk: _Chunk, tile: slice) -> Tensor:
        """Run a tile from the state before it, ``states[0]``, to its states; its Abar are in ``A_bar``."""
        delta = chunk.delta[tile]
        steps = len(delta)
        A_bar, h = self.A_bar[:steps], self.h[1 : steps + 1]
        if self.zoh:
            self.relative = relative_expm1(torch.mul(delta, self.A, out=A_bar))
            torch.mul(self.relative * chunk.delta_u[tile], chunk.B[tile], out=h)
        else:
            torch.mul(chunk.delta_u[tile], chunk.B[tile], out=h)
        # exp2 takes a third of the time of exp.
        torch.exp2(torch.mul(delta, self.A2, out=A_bar), out=A_bar)
        for a_t, h_t, before in zip(self.A_bars[:steps], self.states[1:], self.states, strict=False):
            h_t.addcmul_(a_t, before)
        return h

    def adjoint(self, dy: Tensor, C: Tensor, carried: Tensor) -> Tensor:
        """Differentiate by a tile's states; ``carried`` comes from the tile after, goes to the one before."""
        steps = len(dy)
        g = torch.mul(dy, C, out=self.g[:steps])
        self.gs[steps - 1].add_(carried)
        for t in range(steps - 2, -1, -1):
            self.gs[t].addcmul_(self.A_bars[t + 1], self.gs[t + 1])
        torch.mul(self.A_bars[0], self.gs[0], out=carried)
        return g

    def tile_gradients(self, chunk: _Chunk, d: _ChunkGradients, tile: slice, h: Tensor, g: Tensor) -> Tensor:
        """Write the gradients of a tile's inputs, given its states and theirs; returns that of A."""
        u, delta, delta_u, B = chunk.u[tile], chunk.delta[tile], chunk.delta_u[tile], chunk.B[tile]
        dy, du, ddelta, dB, dC = d.dy[tile], d.u[tile], d.delta[tile], d.B[tile], d.C[tile]
        A_bar, before, work = self.A_bar[: len(g)], self.h[: len(g)], self.work[: len(g)]
        axis = self.layout.channel_axis
        torch.sum(torch.mul(h, dy, out=work), axis, True, out=dC)
        torch.mul(g, delta_u, out=work)
        torch.sum(work.mul_(self.relative) if self.zoh else work, axis, True, out=dB)
        torch.mul(g, B, out=work)
        if self.zoh:
            torch.sum(work * A_bar, 1, True, out=ddelta)
            slope = relative_expm1_slope(delta * self.A, self.relative)
            dA = slope.mul_(work).mul_(delta_u * delta).sum(0)
            torch.sum(work.mul_(self.relative), 1, True, out=du)
        else:
            dA = torch.zeros_like(self.A)
            torch.sum(work, 1, True, out=du)
            ddelta.copy_(du)
        ddelta.mul_(u)
        du.mul_(delta)
        q = A_bar.mul_(before).mul_(g)
        ddelta += torch.mul(q, self.A, out=work).sum(1, keepdim=True)
        return dA.add_(torch.mul(q, delta, out=work).sum(0))
