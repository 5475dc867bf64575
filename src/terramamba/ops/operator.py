"""Kernels as PyTorch operators: they trace, compile and have gradients like PyTorch's own.

A convolution kernel is y_t = sum over j <= t of k_j x_{t-j} and its gradients. A scan kernel is a pair of
functions, the same for every kernel and device:

    forward(u, delta, A, B, C, D, delta_bias, state, path_index, softplus, zoh, keep) -> y, last, saved_states
    backward(dy, dlast, saved_states, u, ..., path_index, softplus, zoh) -> gradients of u ... state

    u, y           (b, e, l)     inputs, outputs in the type of u
    delta          (b, d, l)     steps, before delta_bias (d) and softplus
    A              (d, n)
    B, C           (b, g, n, l)  weights of g groups of d/g channels
    state, last    (b, d, n)     states before the first and after the last step
    path_index     (g, l)        int32 or None
    saved_states                 what backward needs besides the arguments; empty unless ``keep``

Without ``path_index`` e = d. With it, groups are paths through one map: all read the same e = d/g channels,
step t of path k is row ``path_index[k, t]`` of every tensor, and y is the sum over the paths.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from terramamba.ops.derivatives import BACKWARD, refuse_second_derivative, refuse_transforms

ARGUMENTS = (
    "Tensor u, Tensor delta, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? delta_bias, Tensor? state, "
    "Tensor? path_index, bool softplus, bool zoh"
)
TENSORS = 8
"""u to state: those that have gradients."""

Scan = Callable[..., tuple[Tensor, Tensor]]
Convolution = Callable[[Tensor, Tensor], Tensor]
Exponentials = Callable[[Tensor, Tensor, Tensor | None, int], Tensor]


def _define(name: str, schema: str, kernel: Callable[..., Any], device_types: str | None) -> Any:
    """A new operator with its kernel.

    Not by ``torch.library.custom_op``: that imports PyTorch's compiler, seconds of it, at the first call.
    """
    torch.library.define(f"terramamba::{name}", schema)
    torch.library.impl(f"terramamba::{name}", device_types or "default", kernel)
    return getattr(torch.ops.terramamba, name).default


def register_scan(
    name: str,
    forward: Callable[..., tuple[Tensor, Tensor, Tensor]],
    backward: Callable[..., tuple[Tensor, ...]],
    saved_shape: Callable[[int, int, int, int], tuple[int, ...]],
    device_types: str | None = None,
) -> Scan:
    """Register ``forward`` and ``backward`` as ``terramamba::{name}``; returns a function of ARGUMENTS.

    Args:
        name: of the operator; that of its gradient has ``_backward`` after it.
        forward: see above.
        backward: see above; an absent tensor's gradient is an empty tensor.
        saved_shape: from b, d, l, n to the shape of ``saved_states``, which is float32.
        device_types: "cpu" or "cuda", where the kernel runs; None: anywhere.
    """
    scan = _define(name, f"({ARGUMENTS}, bool keep) -> (Tensor, Tensor, Tensor)", forward, device_types)
    gradients = _define(
        f"{name}_backward",
        f"(Tensor dy, Tensor dlast, Tensor saved_states, {ARGUMENTS}) -> ({', '.join(['Tensor'] * TENSORS)})",
        backward,
        device_types,
    )

    @torch.library.register_fake(scan.name())
    def _(u: Tensor, delta: Tensor, A: Tensor, *rest: Any) -> tuple[Tensor, Tensor, Tensor]:
        b, d, length = delta.shape
        n, keep = A.shape[1], rest[-1]
        saved = saved_shape(b, d, length, n) if keep else (0,)
        if keep and torch.compiler.is_exporting():
            # Else the order of memory would bind an open length to one piece, or to several.
            pieces: Any = torch.library.get_ctx().new_dynamic_size()
            saved = (pieces, *saved[1:])
        return like(u), u.new_empty(b, d, n, dtype=torch.float32), u.new_empty(saved, dtype=torch.float32)

    @torch.library.register_fake(gradients.name())
    def _(dy: Tensor, dlast: Tensor, saved_states: Tensor, *given: Any) -> tuple[Tensor, ...]:
        return empty_gradients(*given[:TENSORS])

    def save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor, Tensor]) -> None:
        *tensors, softplus, zoh, _ = inputs
        ctx.save_for_backward(output[2], *tensors)
        ctx.options = softplus, zoh
        ctx.set_materialize_grads(False)

    def differentiate(ctx: Any, dy: Tensor | None, dlast: Tensor | None, _: Any) -> tuple[Tensor | None, ...]:
        refuse_transforms(BACKWARD, dy, dlast)
        saved_states, *given = ctx.saved_tensors
        u, delta, A = given[:3]
        dy = torch.zeros_like(u) if dy is None else dy
        if dlast is None:
            dlast = u.new_zeros(*delta.shape[:2], A.shape[1], dtype=torch.float32)
        found = gradients(dy, dlast, saved_states, *given, *ctx.options)
        present = (None if x is None else dx for x, dx in zip(given, found, strict=False))
        return (*present, None, None, None, None)

    torch.library.register_autograd(scan.name(), differentiate, setup_context=save)
    torch.library.register_autograd(gradients.name(), refuse_second_derivative)

    def run(*arguments: Any) -> tuple[Tensor, Tensor]:
        keep = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in arguments[:TENSORS])
        y, last, _ = scan(*arguments, keep)
        return y, last

    return run


def register_convolution(
    name: str,
    forward: Convolution,
    backward: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    device_types: str | None = None,
) -> Convolution:
    """Register a causal convolution as ``terramamba::{name}``: y (b, l, d) of x (b, l, d) and k (d, l).

    ``backward`` takes dy, x and k and returns dx and dk; all are contiguous, y and dx also where x is not.
    """
    convolution = _define(name, "(Tensor x, Tensor k) -> Tensor", forward, device_types)
    gradients = _define(
        f"{name}_backward", "(Tensor dy, Tensor x, Tensor k) -> (Tensor, Tensor)", backward, device_types
    )

    @torch.library.register_fake(convolution.name())
    def _(x: Tensor, k: Tensor) -> Tensor:
        return x.new_empty(x.shape)

    @torch.library.register_fake(gradients.name())
    def _(dy: Tensor, x: Tensor, k: Tensor) -> tuple[Tensor, Tensor]:
        return x.new_empty(x.shape), k.new_empty(k.shape)

    def save(ctx: Any, inputs: tuple[Tensor, Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)

    def differentiate(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor]:
        refuse_transforms(BACKWARD, dy)
        return gradients(dy, *ctx.saved_tensors)

    torch.library.register_autograd(convolution.name(), differentiate, setup_context=save)
    torch.library.register_autograd(gradients.name(), refuse_second_derivative)
    return convolution


def register_exponentials(
    name: str,
    forward: Exponentials,
    backward: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]],
    device_types: str | None = None,
) -> Exponentials:
    """Register ``terramamba::{name}``: k (d, l) of z (d, n), w (d, n), D (d) or None, and l.

    k_t = sum over n of w_n e^(t z_n), D more at t = 0; it is float32 and has its channels innermost.
    ``backward`` takes dk, z and w and returns dz and dw.
    """
    sums = _define(name, "(Tensor z, Tensor w, Tensor? D, SymInt length) -> Tensor", forward, device_types)
    gradients = _define(
        f"{name}_backward", "(Tensor dk, Tensor z, Tensor w) -> (Tensor, Tensor)", backward, device_types
    )

    @torch.library.register_fake(sums.name())
    def _(z: Tensor, w: Tensor, D: Tensor | None, length: int) -> Tensor:
        return z.new_empty(length, z.shape[0], dtype=torch.float32).t()

    @torch.library.register_fake(gradients.name())
    def _(dk: Tensor, z: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
        return z.new_empty(z.shape), w.new_empty(w.shape)

    def save(ctx: Any, inputs: tuple[Tensor, Tensor, Tensor | None, int], output: Tensor) -> None:
        z, w, D, _ = inputs
        ctx.save_for_backward(z, w)
        ctx.type_of_D = None if D is None else D.dtype

    def differentiate(ctx: Any, dk: Tensor) -> tuple[Tensor | None, ...]:
        refuse_transforms(BACKWARD, dk)
        dD = None if ctx.type_of_D is None else dk[:, 0].to(ctx.type_of_D)
        return *gradients(dk, *ctx.saved_tensors), dD, None

    torch.library.register_autograd(sums.name(), differentiate, setup_context=save)
    torch.library.register_autograd(gradients.name(), refuse_second_derivative)
    return sums


def like(x: Tensor, dtype: torch.dtype | None = None) -> Tensor:
    """Make an empty tensor of the shape and layout of ``x``: with channels innermost where they are so."""
    if x.stride(1) == 1 and x.shape[1] > 1:
        return x.new_empty(x.shape[0], x.shape[2], x.shape[1], dtype=dtype).transpose(1, 2)
    return x.new_empty(x.shape, dtype=dtype)


def empty_gradients(
    u: Tensor,
    delta: Tensor,
    A: Tensor,
    B: Tensor,
    C: Tensor,
    D: Tensor | None,
    delta_bias: Tensor | None,
    state: Tensor | None,
    *_: Any,
) -> tuple[Tensor, ...]:
    """Make empty tensors for the gradients, each of the type of its tensor; absent ones have no elements."""
    weights = [x.new_empty(*(x.shape[i] for i in (0, 3, 1, 2))).permute(0, 2, 3, 1) for x in (B, C)]
    rest = [A.new_empty(0) if x is None else x.new_empty(x.shape) for x in (D, delta_bias, state)]
    return like(u), like(delta), A.new_empty(A.shape), *weights, *rest
