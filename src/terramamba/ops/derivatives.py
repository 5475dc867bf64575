"""What the fast backends cannot do, refused at an operator's door: all but first derivatives in reverse.

The backward passes are written by hand. Forward-mode derivatives, second derivatives and the transforms of
``torch.func`` would go past them, and a missing derivative is a wrong number, not an error. The reference is
plain PyTorch, so that PyTorch does all of these with it.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad

REMEDY = 'ask for backend="reference" (of a whole model: with terramamba.ops.prefer("reference"))'
SECOND = f"the fast scans have no second derivatives; take gradients without create_graph=True, or {REMEDY}"
BACKWARD = "the backward pass of a fast scan"

Backward = Callable[..., tuple[Tensor | None, ...]]


def refuse_unsupported(what: str, tensors: Mapping[str, Tensor | None]) -> None:
    """Refuse tensors that a kernel with a backward pass written by hand would be wrong for.

    Args:
        what: who refuses, for the message.
        tensors: the arguments by name.

    Raises:
        ValueError: a tensor of integers or complex numbers, or a sparse one.
        NotImplementedError: a tensor has a forward-mode tangent, or a ``torch.func`` transform is under way.
    """
    for name, x in tensors.items():
        if x is None:
            continue
        if not x.is_floating_point():
            raise ValueError(
                f"{what} takes real floating-point tensors, and {name} is {x.dtype}; convert it, or {REMEDY}"
            )
        if x.layout != torch.strided:
            raise ValueError(f"{what} takes dense tensors, and {name} is sparse; give {name}.to_dense()")
    refuse_transforms(what, *tensors.values())


def refuse_transforms(what: str, *tensors: Tensor | None) -> None:
    """Raise NotImplementedError inside a transform of ``torch.func``, or if a tensor has a tangent."""
    # Inside a transform PyTorch's own autograd functions, and views of constants, belong to it as well.
    if torch._C._functorch.maybe_current_level() is not None:
        raise NotImplementedError(
            f"{what} works under no transform of torch.func (vmap, grad, jvp ...); "
            f"use torch.autograd, or {REMEDY}"
        )
    if any(x is not None and _has_tangent(x) for x in tensors):
        raise NotImplementedError(
            f"{what} has no forward-mode derivatives; take gradients in reverse mode, or {REMEDY}"
        )


def _has_tangent(x: Tensor) -> bool:
    if forward_ad._current_level < 0:
        return False
    # A compiler cannot ask a tensor: at a dual level it takes all for such.
    compiling = torch.compiler.is_compiling()
    return compiling or forward_ad.unpack_dual(x).tangent is not None  # type: ignore[no-untyped-call]


def refuse_batched(*incoming: Tensor | None) -> None:
    """Raise NotImplementedError where many gradients come in at once: ``out=`` and views cannot take them."""
    if any(x is not None and torch._C._functorch.is_legacy_batchedtensor(x) for x in incoming):
        raise NotImplementedError(
            "the backward pass of a scan on backend 'pytorch' takes one gradient at a time; leave "
            f"vectorize or is_grads_batched out, or {REMEDY}"
        )


def first_derivative(backward: Backward) -> Backward:
    """Make the ``backward`` of an ``autograd.Function``, whose gradients refuse to be differentiated.

    PyTorch's ``once_differentiable`` does so only where the gradient that comes in asks for derivatives:
    behind a plain sum it does not, and the terms of the saved tensors are missing without a word.

    Args:
        backward: from ctx, the saved tensors and the gradients of the outputs to those of the inputs.
    """

    @functools.wraps(backward)
    def run(ctx: Any, *incoming: Tensor | None) -> tuple[Tensor | None, ...]:
        refuse_transforms(BACKWARD, *incoming)
        saved = ctx.saved_tensors  # once: activation checkpointing gives them out a single time
        with torch.no_grad():
            found = backward(ctx, saved, *incoming)
        if not torch.is_grad_enabled():
            return found
        present = [x for x in found if x is not None]
        seal: Callable[..., tuple[Tensor, ...]] = _Sealed.apply
        sealed = iter(seal(len(present), *present, *saved, *incoming))
        return tuple(None if x is None else next(sealed) for x in found)

    return run


class _Sealed(torch.autograd.Function):
    """The first ``count`` tensors, as a function of all that would need derivatives, which it has not."""

    @staticmethod
    def forward(ctx: Any, count: int, *tensors: Tensor | None) -> tuple[Tensor | None, ...]:
        return tuple(None if x is None else x.view_as(x) for x in tensors[:count])

    @staticmethod
    def backward(ctx: Any, *_: Tensor | None) -> Any:
        refuse_second_derivative()


def refuse_second_derivative(*_: Any) -> Any:
    """Raise NotImplementedError: the backward pass of a backward pass."""
    raise NotImplementedError(SECOND)
