"""The CPU kernel, called with tensors.

It works in float32 on as many threads as PyTorch has; every sum is taken in an order that does not depend on
their number.
"""

import torch
from torch import Tensor

from terramamba.ops import native_library
from terramamba.ops.native_library import (
    EVERY,
    SEQUENCES_A_CHUNK,
    Convolution,
    Exponentials,
    Scan,
    Strided,
    Weights,
)
from terramamba.ops.operator import like


def _empty(*shape: int) -> Tensor:
    return torch.empty(shape, dtype=torch.float32, device="cpu")


def _pointer(x: Tensor | None) -> int | None:
    return None if x is None else x.data_ptr()


class _Call:
    """A call of the kernel: its struct, and the tensors that the pointers in it point into."""

    def __init__(
        self,
        u: Tensor,
        delta: Tensor,
        A: Tensor,
        B: Tensor,
        C: Tensor,
        D: Tensor | None,
        delta_bias: Tensor | None,
        state: Tensor | None,
        path_index: Tensor | None,
        softplus: bool,
        zoh: bool,
    ) -> None:
        self.b, self.d, self.length = delta.shape
        self.n, self.groups = A.shape[1], B.shape[1]
        self.strided = [x.detach().float() for x in (u, delta, B, C)]
        self.plain = [
            None if x is None else x.detach().float().contiguous() for x in (A, D, delta_bias, state)
        ]
        self.path_index = None if path_index is None else path_index.to(torch.int32).contiguous()
        self.scan = Scan(
            *(self.b, self.d, self.length, self.n, self.groups, softplus, zoh, torch.get_num_threads()),
            path_index=_pointer(self.path_index),
        )
        for name, x in zip(("u", "delta", "B", "C"), self.strided, strict=True):
            self.point(name, x)
        for name, y in zip(("A", "D", "bias", "state"), self.plain, strict=True):
            setattr(self.scan, name, _pointer(y))

    def point(self, name: str, x: Tensor) -> None:
        """Enter a tensor and its strides."""
        kind = Strided if x.ndim == 3 else Weights
        setattr(self.scan, name, kind(x.data_ptr(), x.stride()))

    def run(self, back: bool) -> None:
        if self.b and self.d:
            native_library.run("scan", self.scan, back)


def saved_shape(b: int, d: int, length: int, n: int) -> tuple[int, ...]:
    """Give the shape of the states that the forward pass saves: one before every ``EVERY`` steps."""
    return -(-length // EVERY), b, n, d


def forward(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    state: Tensor | None,
    path_index: Tensor | None,
    softplus: bool,
    zoh: bool,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Scan: outputs, last state and what the backward pass needs; see ``operator``."""
    call = _Call(u, delta, A, B, C, D, delta_bias, state, path_index, softplus, zoh)
    y = like(u, torch.float32)
    last = _empty(call.b, call.d, call.n)
    saved_states = _empty(*(saved_shape(call.b, call.d, call.length, call.n) if keep else (0,)))
    call.point("y", y)
    call.scan.last, call.scan.saved_states = last.data_ptr(), saved_states.data_ptr() if keep else None
    call.run(back=False)
    return _as_type(y, u), last, saved_states


def backward(
    dy: Tensor,
    dlast: Tensor,
    saved_states: Tensor,
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    state: Tensor | None,
    path_index: Tensor | None,
    softplus: bool,
    zoh: bool,
) -> tuple[Tensor, ...]:
    """Work out the gradients of the tensors from u to state; see ``operator``."""
    call = _Call(u, delta, A, B, C, D, delta_bias, state, path_index, softplus, zoh)
    b, d, n, scan = call.b, call.d, call.n, call.scan
    dy, dlast = dy.detach().float(), dlast.detach().float().contiguous()
    du, ddelta = (like(x, torch.float32) for x in (u, delta))
    for name, x in (("y", dy), ("du", du), ("ddelta", ddelta)):
        call.point(name, x)
    shares = native_library.shares(scan)
    dB, dC = (_empty(shares, b, call.length, call.groups, n) for _ in range(2))
    dA, dD, dbias, dstate = (_empty(b, d, *rest) for rest in ((n,), (), (), (n,)))
    parts = {
        "last": dlast,
        "saved_states": saved_states,
        "dB": dB,
        "dC": dC,
        "dA": dA,
        "dD": dD,
        "dbias": dbias,
        "dstate": dstate,
    }
    for name, x in parts.items():
        setattr(scan, name, x.data_ptr())
    call.run(back=True)
    weights = (_total(x).permute(0, 2, 3, 1) for x in (dB, dC))
    found = (du, ddelta, _total(dA), *weights, _total(dD), _total(dbias), dstate)
    given = (u, delta, A, B, C, D, delta_bias, state)
    return tuple(A.new_empty(0) if x is None else _as_type(dx, x) for x, dx in zip(given, found, strict=True))


def convolution_forward(x: Tensor, k: Tensor) -> Tensor:
    """Convolve every channel, y_t = sum over j <= t of k_j x_{t-j}, in the type of x; summed in float32."""
    y = _empty(*x.shape)
    _convolve(x, k, y=y)
    return _as_type(y, x)


def convolution_backward(dy: Tensor, x: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
    """Work out the gradients of x and k from that of y."""
    b, length, d = x.shape
    dy = dy.detach().float().contiguous()
    dx, dk = _empty(*x.shape), _empty(-(-b // SEQUENCES_A_CHUNK), length, d)
    _convolve(x, k, dy=dy, dx=dx, dk=dk)
    return _as_type(dx, x), _as_type(_total(dk).t().contiguous(), k)


def _convolve(x: Tensor, k: Tensor, **others: Tensor) -> None:
    """Write the outputs or, where there is a dy, the gradients."""
    b, length, d = x.shape
    x, k = (z.detach().float().contiguous() for z in (x, k.t()))
    pointers = {name: z.data_ptr() for name, z in others.items()}
    call = Convolution(b, length, d, torch.get_num_threads(), x.data_ptr(), k.data_ptr(), **pointers)
    if x.numel():
        native_library.run("convolution", call, back="dy" in others)


def exponentials_forward(z: Tensor, w: Tensor, D: Tensor | None, length: int) -> Tensor:
    """Sum k_t = sum over n of w_n e^(t z_n), D more at t = 0, for t < length; float32, channels innermost."""
    k = _empty(length, len(z))
    _sum_exponentials(z, w, length, D=D, k=k)
    return k.t()


def exponentials_backward(dk: Tensor, z: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Work out the gradients of z and w from that of k."""
    dz, dw = _empty(*z.shape), _empty(*w.shape)
    _sum_exponentials(z, w, dk.shape[1], dk=dk.t(), dz=dz, dw=dw)
    return _as_type(dz, z), _as_type(dw, w)


def _sum_exponentials(z: Tensor, w: Tensor, length: int, **others: Tensor | None) -> None:
    """Write k or, where there is a dk, the gradients."""
    given = {"z": z, "w": w, **others}
    held = {name: None if x is None else x.detach().float().contiguous() for name, x in given.items()}
    pointers = {name: _pointer(x) for name, x in held.items()}
    call = Exponentials(*z.shape, length, torch.get_num_threads(), **pointers)
    if len(z):
        native_library.run("exponentials", call, back="dk" in others)


def _total(parts: Tensor) -> Tensor:
    """The first part, in which the kernel has added up all of them; without any the sum is 0."""
    if len(parts) == 0:
        return parts.new_zeros(parts.shape[1:])
    return parts[0] if len(parts) == 1 else parts[0].clone()


def _as_type(x: Tensor, model: Tensor) -> Tensor:
    return x.to(model.dtype)
