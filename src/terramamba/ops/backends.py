"""Which implementation of an operator runs: chosen by the tensors' device, or asked for by name."""

import functools
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from terramamba.ops.derivatives import refuse_unsupported

logger = logging.getLogger(__name__)

Discretization = Literal["euler", "zoh"]
Run = Callable[..., Any]


@dataclass(frozen=True)
class Backend:
    """One implementation of an operator.

    Attributes:
        run: the function; all backends of an operator have the same signature.
        first_choice_on: types of devices on which "auto" takes it.
        reason: what is missing here for it to run, "" if nothing is.
        trial: runs it once, small, on a device, and returns why that failed, "" if it did not.
        widest: the type that it computes in; "auto" does not take it for tensors of a wider one.
        differentiable: PyTorch differentiates it, in any way that PyTorch knows, and any numbers will do.
    """

    run: Run
    first_choice_on: tuple[str, ...] = ()
    reason: str = ""
    widest: torch.dtype = torch.float64
    differentiable: bool = False
    trial: Callable[[torch.device], str] | None = None

    def failure(self, device: torch.device | None = None) -> str:
        """Say why it cannot run on ``device`` (None: the first of those it is for), "" if it can."""
        # A compiler could not go through the trial; for a GPU it needs a working Triton itself.
        if self.reason or self.trial is None or torch.compiler.is_compiling():
            return self.reason
        device = device or torch.device(self.first_choice_on[0])
        return self.trial(device) if device.type in self.first_choice_on else ""


BACKENDS: dict[str, dict[str, Backend]] = {}
"""Backends by operator and name; each operator's module enters its own. "pytorch" runs on every device."""

_preferred: ContextVar[str | None] = ContextVar("preferred", default=None)


@contextmanager
def prefer(backend: str) -> Iterator[None]:
    """Have "auto" be the backend of this name inside the block; for whole models, in tests and timing.

    Only this thread (or asynchronous task) is concerned. Code that ``torch.compile`` traces takes no notice;
    an export that is not strict does: "graph" is there for those.
    """
    token = _preferred.set(backend)
    try:
        yield
    finally:
        _preferred.reset(token)


def available_backends(op: str = "selective_scan") -> dict[str, str]:
    """List the backends of an operator by name, each with "" or the reason why it cannot run here.

    Raises:
        ValueError: no operator is called ``op``.
    """
    if op not in BACKENDS:
        raise ValueError(f"no operator {op!r}; there are: {', '.join(sorted(BACKENDS))}")
    return {name: backend.failure() for name, backend in BACKENDS[op].items()}


def choose(op: str, name: str, device: torch.device, dtype: torch.dtype = torch.float32) -> Backend:
    """Choose backend ``name`` of ``op``; for "auto" the first for ``dtype`` on ``device``, or "pytorch".

    Where the first choice cannot run, "auto" warns once and takes "pytorch". Inside a block of ``prefer`` it
    is what that names.

    Raises:
        ValueError: there is no such backend, or it cannot run here; the message says why.
    """
    table = BACKENDS[op]
    if name == "auto":
        # A compiler breaks its graph at context variables and log lines; an export runs the code as it is.
        compiling = torch.compiler.is_dynamo_compiling()
        name = (None if compiling else _preferred.get()) or _first_choice(op, device, dtype)
        if not compiling:
            logger.debug("%s on %s runs on backend %s", op, device, name)
    if name not in table:
        raise ValueError(f"{op} has no backend {name!r}; there are: auto, {', '.join(table)}")
    if reason := table[name].failure(device):
        raise ValueError(f"backend {name!r} of {op} cannot run here: {reason}")
    return table[name]


def settle(op: str, name: str, tensors: Mapping[str, Tensor | None]) -> Backend:
    """Choose the backend for these tensors, the first of which says the device; every operator's door.

    Raises:
        ValueError: as ``choose``; or integers or complex numbers, which the reference alone takes.
        NotImplementedError: derivatives are asked for that the reference alone has (``derivatives``).
    """
    first = next(x for x in tensors.values() if x is not None)
    chosen = choose(op, name, first.device, wide_type(*tensors.values()))
    if not chosen.differentiable:
        chosen_name = next(key for key, backend in BACKENDS[op].items() if backend is chosen)
        refuse_unsupported(f"{op} on backend {chosen_name!r}", tensors)
    return chosen


def wide_type(*tensors: Tensor | None) -> torch.dtype:
    """Find the widest of the tensors' types, and at least float32."""
    dtype = torch.float32
    for tensor in tensors:
        if tensor is not None:
            dtype = torch.promote_types(dtype, tensor.dtype)
    return dtype


def result(y: Tensor, given: Tensor) -> Tensor:
    """Return y in the type of ``given``, unless that is of integers, or real where y is complex."""
    holds = given.is_complex() if y.is_complex() else given.is_floating_point() or given.is_complex()
    return y.to(given.dtype) if holds else y


def _first_choice(op: str, device: torch.device, dtype: torch.dtype) -> str:
    for name, backend in BACKENDS[op].items():
        wide_enough = torch.promote_types(dtype, backend.widest) == backend.widest
        if device.type in backend.first_choice_on and wide_enough:
            reason = backend.failure(device)
            if not reason:
                return name
            if not torch.compiler.is_compiling():  # breaks its graph at warnings, too
                _warn_once(name, device.type, reason)
    return "pytorch"


@functools.cache
def _warn_once(name: str, device: str, reason: str) -> None:
    warnings.warn(
        f"scans on {device} run on the slower PyTorch backend, because the {name} one cannot: {reason}",
        RuntimeWarning,
        stacklevel=2,
    )


def check_tensors(
    expected: Mapping[str, tuple[Tensor | None, tuple[int, ...]]], name: str, first: Tensor
) -> None:
    """Raise ValueError unless every tensor that is there has its shape, and the device of ``first``."""
    for key, (tensor, shape) in expected.items():
        if tensor is None:
            continue
        if tuple(tensor.shape) != shape:
            raise ValueError(
                f"{key} must be {shape} beside {name} {tuple(first.shape)}, got {tuple(tensor.shape)}"
            )
        if tensor.device != first.device:
            raise ValueError(
                f"{key} is on {tensor.device}, {name} on {first.device}; move them to one device"
            )


def check_discretization(value: str) -> None:
    """Raise ValueError unless ``value`` names a discretization."""
    if value not in ("euler", "zoh"):
        raise ValueError(f"discretization is 'euler' or 'zoh', not {value!r}")


def full_precision(device: torch.device) -> AbstractContextManager[None]:
    """Make a context in which autocast leaves types as they are."""
    # PyTorch would say itself which devices have autocast, but PyTorch 2.7 cannot compile the question.
    return nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)
